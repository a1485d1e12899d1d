//! Tables and JSON of what was measured.

use anyhow::Result;
use comfy_table::{CellAlignment, Table, presets};
use gru_peers_case::{Precision, Shape};
use gru_peers_models::ALL;
use serde::Serialize;

use crate::cost::{Cost, LAYER};
use crate::race::{Mode, Timing};

/// An entry of `peers.json`: a contender at a layer in a mode.
#[derive(Serialize)]
struct Entry<'a> {
    contender: &'a str,
    version: &'a str,
    precision: Precision,
    input: usize,
    hidden: usize,
    mode: Mode,
    /// The fastest round, per step.
    ns: f64,
    median_ns: f64,
    /// Median in units of this project's of the same precision.
    ratio: f64,
    max_error: f32,
}

/// An entry of `peers-start.json`.
#[derive(Serialize)]
struct StartEntry<'a> {
    contender: &'a str,
    version: &'a str,
    precision: Precision,
    bytes: u64,
    start_ms: f64,
    memory_kib: u64,
}

/// All timings.
pub fn json(timings: &[Timing]) -> Result<String> {
    let entries = timings.iter().map(|timing| {
        let Timing { entrant, shape, mode, min, median, error } = timing;
        Entry {
            contender: &entrant.name,
            version: &entrant.version,
            precision: entrant.precision,
            input: shape.input,
            hidden: shape.hidden,
            mode: *mode,
            ns: rounded(*min, 10.0),
            median_ns: rounded(*median, 10.0),
            ratio: rounded(median / ours(timings, *shape, *mode, entrant.precision).unwrap_or(f64::NAN), 1000.0),
            max_error: *error,
        }
    });
    Ok(serde_json::to_string_pretty(&entries.collect::<Vec<_>>())? + "\n")
}

/// All costs.
pub fn start_json(costs: &[Cost]) -> Result<String> {
    let entries = costs.iter().map(|cost| StartEntry {
        contender: &cost.entrant.name,
        version: &cost.entrant.version,
        precision: cost.entrant.precision,
        bytes: cost.bytes,
        start_ms: rounded(cost.start.as_secs_f64() * 1e3, 100.0),
        memory_kib: cost.memory_kib,
    });
    Ok(serde_json::to_string_pretty(&entries.collect::<Vec<_>>())? + "\n")
}

fn rounded(value: f64, unit: f64) -> f64 {
    (value * unit).round() / unit
}

/// The median of this project.
fn ours(timings: &[Timing], shape: Shape, mode: Mode, precision: Precision) -> Option<f64> {
    medians(timings, shape, mode, precision, true).next()
}

/// The best median of the others.
fn best(timings: &[Timing], shape: Shape, mode: Mode, precision: Precision) -> Option<f64> {
    medians(timings, shape, mode, precision, false).min_by(f64::total_cmp)
}

fn medians(
    timings: &[Timing],
    shape: Shape,
    mode: Mode,
    precision: Precision,
    ours: bool,
) -> impl Iterator<Item = f64> {
    timings
        .iter()
        .filter(move |timing| (timing.shape, timing.mode, timing.entrant.precision) == (shape, mode, precision))
        .filter(move |timing| timing.entrant.is_ours() == ours)
        .map(|timing| timing.median)
}

/// How many times as long the best of the others takes, for each goal.
const RATIOS: [(&str, Precision, Precision); 3] = [
    ("best other f32 ÷ gru-core f32", Precision::F32, Precision::F32),
    ("best other int8 ÷ gru-core int8", Precision::Int8, Precision::Int8),
    ("best other f32 ÷ gru-core int8", Precision::F32, Precision::Int8),
];

const NONE: &str = "–";

/// A step's and a window's cell as one.
fn pair(cell: impl Fn(Mode) -> Option<String>) -> String {
    Mode::ALL.map(|mode| cell(mode).unwrap_or_else(|| NONE.to_owned())).join(" / ")
}

/// The shapes that were measured.
fn shapes(timings: &[Timing]) -> Vec<Shape> {
    let measured = |shape: &Shape| timings.iter().any(|timing| timing.shape == *shape);
    ALL.iter().map(Shape::of).filter(measured).collect()
}

/// Medians per step: contenders down, layers across, each cell step by step and in windows.
pub fn steps(timings: &[Timing]) -> Vec<Vec<String>> {
    let shapes = shapes(timings);
    let header = ["contender", "precision", "largest error"].map(str::to_owned).into_iter();
    let mut rows =
        vec![header.chain(shapes.iter().map(|s| format!("({}, {})", s.input, s.hidden))).collect::<Vec<_>>()];
    let Some(first) = shapes.first() else { return rows };
    for Timing { entrant, .. } in timings.iter().filter(|timing| timing.shape == *first && timing.mode == Mode::Step) {
        let of =
            |timing: &&Timing| (&timing.entrant.name, timing.entrant.precision) == (&entrant.name, entrant.precision);
        let own = || timings.iter().filter(of);
        let error = own().map(|timing| timing.error).fold(0.0, f32::max);
        let mut row = vec![
            format!("{} {}", entrant.name, entrant.version),
            entrant.precision.to_string(),
            format!("{error:.1e}"),
        ];
        row.extend(shapes.iter().map(|&shape| {
            let median =
                |mode| own().find(|timing| (timing.shape, timing.mode) == (shape, mode)).map(|timing| timing.median);
            pair(|mode| median(mode).map(|median| format!("{median:.0}")))
        }));
        rows.push(row);
    }
    for (title, other, own) in RATIOS {
        let mut row = vec![title.to_owned(), String::new(), String::new()];
        row.extend(shapes.iter().map(|&shape| {
            pair(|mode| Some(format!("{:.2}", best(timings, shape, mode, other)? / ours(timings, shape, mode, own)?)))
        }));
        rows.push(row);
    }
    rows
}

/// What each contender costs besides its steps.
pub fn costs(costs: &[Cost]) -> Vec<Vec<String>> {
    let header = ["contender", "precision", "program or package", "start to first output", "memory"];
    let row = |Cost { entrant, bytes, start, memory_kib }: &Cost| {
        vec![
            format!("{} {}", entrant.name, entrant.version),
            entrant.precision.to_string(),
            size(*bytes as f64 / 1024.0),
            format!("{:.1} ms", start.as_secs_f64() * 1e3),
            size(*memory_kib as f64),
        ]
    };
    std::iter::once(header.map(str::to_owned).into()).chain(costs.iter().map(row)).collect()
}

fn size(kibibytes: f64) -> String {
    if kibibytes < 1024.0 { format!("{kibibytes:.0} KiB") } else { format!("{:.1} MiB", kibibytes / 1024.0) }
}

/// For the terminal; the first row is the header.
pub fn table(rows: &[Vec<String>]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED);
    if let Some((header, rows)) = rows.split_first() {
        table.set_header(header).add_rows(rows);
    }
    for column in table.column_iter_mut().skip(2) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

/// The section of the README.
pub fn markdown(timings: &[Timing], measured: &[Cost], processor: &str) -> String {
    format!(
        "{processor}, one thread. Medians in ns per step, one step a call / a window of 100 steps a call; none is left out for being faster.\n\n\
         {}\nA program that loads a layer of {} inputs and {} units and runs one step, without symbols; of Python the package alone, without what it needs. Memory is the \
         most that the process held up to its first output.\n\n{}",
        markdown_table(&steps(timings)),
        LAYER.input,
        LAYER.hidden,
        markdown_table(&costs(measured)),
    )
}

fn markdown_table(rows: &[Vec<String>]) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    match rows.split_first() {
        Some((header, rows)) => {
            line(header)
                + &format!("|{}\n", "---|".repeat(header.len()))
                + &rows.iter().map(|row| line(row)).collect::<String>()
        }
        None => String::new(),
    }
}
