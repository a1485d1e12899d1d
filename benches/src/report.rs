use anyhow::Result;
use comfy_table::{CellAlignment, Table, presets};
use serde::Serialize;

use crate::case::{Form, Precision, Shape};
use crate::measure::Timing;

/// An entry of the JSON file: a backend's steps of a layer.
#[derive(Serialize)]
struct Entry {
    isa: &'static str,
    precision: Precision,
    input: usize,
    hidden: usize,
    ns: f64,
    floor_ns: f64,
    ratio: f64,
    min_ns: f64,
    floor_min_ns: f64,
    turning_ns: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    products_ns: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    window_ns: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    batch_ns: Option<f64>,
}

/// All timings as JSON.
pub fn json(timings: &[Timing]) -> Result<String> {
    let rounded = |value: f64, unit: f64| (value * unit).round() / unit;
    let entries = single(timings).map(|timing| Entry {
        isa: timing.isa,
        precision: timing.precision,
        input: timing.shape.input,
        hidden: timing.shape.hidden,
        ns: rounded(timing.step.median, 10.0),
        floor_ns: rounded(timing.floor.median, 10.0),
        ratio: rounded(timing.ratio(), 1000.0),
        min_ns: rounded(timing.step.min, 10.0),
        floor_min_ns: rounded(timing.floor.min, 10.0),
        turning_ns: rounded(timing.turning.median, 10.0),
        products_ns: of_form(timings, timing, Form::Products).map(|products| rounded(products.step.median, 10.0)),
        window_ns: of_form(timings, timing, Form::Window).map(|window| rounded(window.step.median, 10.0)),
        batch_ns: of_form(timings, timing, Form::Batch).map(|batch| rounded(batch.step.median, 10.0)),
    });
    Ok(serde_json::to_string_pretty(&entries.collect::<Vec<_>>())? + "\n")
}

/// Medians in ns, and in brackets their ratio to the floor: one shape a row, one precision of a backend a column, and the floors, whose
/// brackets are of the same weights streamed back and forth.
pub fn markdown(timings: &[Timing], processor: &str) -> String {
    let kernels: Vec<_> = single(timings).fold(Vec::new(), |mut kernels, timing| {
        let kernel = (timing.precision, timing.isa);
        // The levels with dot products have the f32 kernels of those without.
        if !(kernels.contains(&kernel) || timing.precision == Precision::F32 && timing.isa.ends_with("-vnni")) {
            kernels.push(kernel);
        }
        kernels
    });
    let columns: String = kernels.iter().map(|(precision, isa)| format!(" {precision} `{isa}` |")).collect();
    let floors = [Precision::F32, Precision::Int8];
    let headers: String = floors.iter().map(|precision| format!(" {precision} floor |")).collect();
    let rules = "---|".repeat(kernels.len() + floors.len());
    let mut text = format!("{processor}:\n\n| (inputs, units) |{columns}{headers}\n|---|{rules}\n");
    for shape in Shape::ALL {
        let of = |&(precision, isa): &(Precision, &str)| {
            single(timings)
                .find(|timing| (timing.shape, timing.precision, timing.isa) == (shape, precision, isa))
                .map_or(" – |".to_owned(), |timing| format!(" {:.0} ({:.2}) |", timing.step.median, timing.ratio()))
        };
        let floor = |&precision: &Precision| {
            single(timings).find(|timing| (timing.shape, timing.precision) == (shape, precision)).map_or(
                " – |".to_owned(),
                |Timing { floor, turning, .. }| {
                    format!(" {:.0} ({:.2}) |", floor.median, turning.median / floor.median)
                },
            )
        };
        let cells: String = kernels.iter().map(of).chain(floors.iter().map(floor)).collect();
        text += &format!("| ({}, {}) |{cells}\n", shape.input, shape.hidden);
    }
    text
}

/// The timings of single steps.
pub fn single(timings: &[Timing]) -> impl Iterator<Item = &Timing> + Clone {
    timings.iter().filter(|timing| timing.form == Form::Step)
}

/// What was measured beside a single step.
fn of_form<'a>(timings: &'a [Timing], single: &Timing, form: Form) -> Option<&'a Timing> {
    let key = |timing: &Timing| (timing.shape, timing.precision, timing.isa);
    timings.iter().find(|timing| timing.form == form && key(timing) == key(single))
}

/// The timings of single steps, one a row.
pub fn steps(timings: &[Timing]) -> Table {
    let rows = single(timings).map(|timing| {
        [
            timing.shape.to_string(),
            timing.precision.to_string(),
            timing.isa.to_owned(),
            format!("{:.1}", timing.step.min),
            format!("{:.1}", timing.step.median),
            format!("{:.1}", timing.floor.median),
            format!("{:.2}", timing.ratio()),
            format!("{:.2}", timing.turning.median / timing.floor.median),
            of_form(timings, timing, Form::Products)
                .map_or(String::new(), |products| format!("{:.2}", products.ratio())),
        ]
    });
    table(
        [
            "I×H",
            "precision",
            "backend",
            "min ns",
            "median ns",
            "floor ns",
            "ratio",
            "weights alone,\nback and forth",
            "without\ngates",
        ],
        rows,
    )
}

/// Windows and batches, per step and in units of the single step.
pub fn forms(timings: &[Timing]) -> Table {
    let rows = single(timings).filter_map(|timing| {
        let relative = |other: &Timing| format!("{:.2}", other.step.median / timing.step.median);
        let (window, batch) = (of_form(timings, timing, Form::Window)?, of_form(timings, timing, Form::Batch)?);
        Some([
            timing.shape.to_string(),
            timing.precision.to_string(),
            timing.isa.to_owned(),
            format!("{:.1}", window.step.median),
            relative(window),
            format!("{:.1}", batch.step.median),
            relative(batch),
        ])
    });
    table(
        ["I×H", "precision", "backend", "window\nns per step", "to single", "16 streams\nns per step", "to single"],
        rows,
    )
}

fn table<const N: usize>(header: [&str; N], rows: impl Iterator<Item = [String; N]>) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED).set_header(header).add_rows(rows);
    for column in table.column_iter_mut().skip(3) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}
