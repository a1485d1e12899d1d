//! Instructions of a GRU step on every core, counted by QEMU: the firmware of `benches/mcu`.

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, bail, ensure};
use comfy_table::Table;
use serde::Serialize;

use crate::install;
use crate::matrix::{Core, Precision, root};
use crate::pages::Section;
use crate::qemu;
use crate::shell;
use crate::steps::Steps;
use crate::table;

/// Input and hidden size of each layer.
const SHAPES: [(u64, u64); 8] = [(6, 32), (28, 128), (28, 256), (64, 64), (40, 96), (4, 4), (8, 16), (9, 48)];

/// Two that every flash holds together: a firmware of one shape has no layers of other kinds.
const SMALL: [(u64, u64); 2] = [(6, 32), (4, 4)];

/// What the estimates of `gru-export report` rest on.
const COUNTED: &str = "gru-export/src/report/instructions.csv";

/// Bytes of flash that a firmware needs besides weights, at most.
const CODE: u64 = 32 << 10;

/// Instructions that the firmware's loop of known length takes more for its second time than for its first.
const LOOP: u64 = 500;

/// A line of `mcu.json`.
#[derive(Debug, Serialize)]
struct Row {
    core: String,
    precision: Precision,
    input: u64,
    hidden: u64,
    /// Mean of the steps that the firmware makes.
    instructions: f64,
    macs: u64,
    /// Instructions per multiply-accumulate, to four places.
    per_mac: f64,
}

/// What one core showed at one precision.
struct Figures {
    title: String,
    precision: Precision,
    backend: String,
    /// In the order of [`SHAPES`]; `None` where the weights do not fit into the flash.
    rows: Vec<Option<Row>>,
}

/// Counts, prints the table and, when asked to, writes `bench/mcu.json` below Cargo's target directory, and the table into the datasheet.
pub fn bench(cores: &[&Core], write: bool, readme: bool) -> Result<ExitCode> {
    install::firmware_tools(cores)?;
    let mut all = Vec::new();
    for core in cores {
        for &precision in &core.precisions {
            all.push(count(core, precision, &SHAPES).with_context(|| format!("{} {precision}", core.title))?);
        }
    }
    println!(
        "\nInstructions of a step, and below them instructions per MAC (–: the weights do not fit into the flash)"
    );
    println!("{}", render(&all));
    if write {
        let rows: Vec<_> = all.iter().flat_map(|figures| figures.rows.iter().flatten()).collect();
        println!("{}", table::write_json("mcu.json", &rows)?.display());
    }
    if readme {
        Section::INSTRUCTIONS.write(&markdown(&all))?;
        let path = root().join(COUNTED);
        fs::write(&path, csv(&all)).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Fails where the instructions of an int8 step depend on its data: in small GRUs, and in every other kind of layer.
pub fn check(steps: &mut Steps, cores: &[&Core]) {
    let mut checked: Vec<&Core> = Vec::new();
    for &core in cores {
        if !checked.iter().any(|other| core.runs_the_same(other)) {
            checked.push(core);
            steps.run(format!("int8 steps take the same instructions: {}", core.name), || {
                count(core, Precision::Int8, &SMALL)
            });
        }
    }
}

/// Builds and runs as many firmwares as the flash of the core asks for.
fn count(core: &Core, precision: Precision, shapes: &[(u64, u64)]) -> Result<Figures> {
    let (title, rows) = (core.title.clone(), SHAPES.iter().map(|_| None).collect());
    let mut figures = Figures { title, precision, backend: String::new(), rows };
    for shapes in firmwares(core, precision, shapes) {
        let shapes: Vec<_> = shapes.iter().map(|(input, hidden)| format!("{input} x {hidden}")).collect();
        let mut build = qemu::cargo_build(core, precision, "gru-bench-mcu")?;
        shell::run(build.args(["--bin", "steps"]).env("GRU_BENCH_SHAPES", shapes.join(", ")))?;
        let elf = qemu::keep(core, "steps", &format!("steps-{}-{precision}", core.name))?;
        figures.read(core, &elf)?;
    }
    Ok(figures)
}

/// The shapes, as many to a firmware as its flash holds.
fn firmwares(core: &Core, precision: Precision, shapes: &[(u64, u64)]) -> Vec<Vec<(u64, u64)>> {
    let mut firmwares: Vec<(u64, Vec<_>)> = Vec::new();
    for &(input, hidden) in shapes {
        let bytes = match precision {
            // Columns and units of a tile that is not full are stored.
            Precision::Int8 => {
                3 * hidden.next_multiple_of(4) * (input.next_multiple_of(16) + hidden.next_multiple_of(16))
            }
            Precision::F32 => 4 * 3 * hidden.next_multiple_of(4) * (input + hidden),
        } + 32 * hidden;
        let room = core.flash.length - CODE;
        if bytes > room {
            continue;
        }
        match firmwares.iter_mut().find(|(taken, _)| taken + bytes <= room) {
            Some((taken, shapes)) => {
                *taken += bytes;
                shapes.push((input, hidden));
            }
            None => firmwares.push((bytes, vec![(input, hidden)])),
        }
    }
    firmwares.into_iter().map(|(_, shapes)| shapes).collect()
}

impl Figures {
    /// Runs a firmware, and reads what it prints.
    fn read(&mut self, core: &Core, elf: &Path) -> Result<()> {
        let clock = Clock::new(core);
        let mut empty = 0;
        for line in qemu::read(core, elf, Some(clock.icount_shift))? {
            let (name, fields) = line.split_once(' ').unwrap_or((&line, ""));
            match (name, &*numbers(fields)) {
                ("backend", _) => self.backend = fields.to_owned(),
                ("empty", &[ticks]) => empty = clock.instructions(ticks),
                ("loop", &[first, second]) => {
                    let found = clock.instructions(second) - clock.instructions(first);
                    ensure!(found == LOOP, "expected {LOOP} instructions of a loop, counted {found}");
                }
                ("layer", _) => {
                    let ticks = numbers(fields.split_once(' ').map_or("", |(_, ticks)| ticks));
                    ensure!(!ticks.is_empty() && same(&ticks), "expected int8 steps to take the same time: {line}");
                }
                ("steps", [input, hidden, ticks @ ..]) if !ticks.is_empty() => {
                    let place = SHAPES.iter().position(|shape| *shape == (*input, *hidden));
                    ensure!(
                        self.precision == Precision::F32 || same(ticks),
                        "expected int8 steps to take the same time: {line}"
                    );
                    let row = place.and_then(|place| self.rows.get_mut(place)).context("an unknown shape")?;
                    let instructions: u64 = ticks.iter().map(|&ticks| clock.instructions(ticks) - empty).sum();
                    let instructions = instructions as f64 / ticks.len() as f64;
                    let macs = 3 * hidden * (input + hidden);
                    *row = Some(Row {
                        core: core.name.clone(),
                        precision: self.precision,
                        input: *input,
                        hidden: *hidden,
                        instructions,
                        macs,
                        per_mac: (instructions / macs as f64 * 1e4).round() / 1e4,
                    });
                }
                _ => bail!("expected what the firmware of benches/mcu prints, found: {line}"),
            }
        }
        Ok(())
    }
}

/// The timer of a board as a counter of instructions.
struct Clock {
    icount_shift: u32,
    ticks_per_instruction: f64,
}

impl Clock {
    /// Slows the core until every instruction takes two ticks: then a difference of two readings, each off by less than a tick, tells
    /// the number of instructions exactly.
    fn new(core: &Core) -> Self {
        let at = |&shift: &u32| qemu::ticks_per_instruction(core, shift);
        let icount_shift = (0..31).find(|shift| at(shift) >= 2.0).unwrap_or(31);
        Self { icount_shift, ticks_per_instruction: at(&icount_shift) }
    }

    fn instructions(&self, ticks: u64) -> u64 {
        (ticks as f64 / self.ticks_per_instruction).round() as u64
    }
}

/// Whether steps took the same time: a difference of two readings of the timer is off by less than a tick.
fn same(ticks: &[u64]) -> bool {
    ticks.iter().max().zip(ticks.iter().min()).is_none_or(|(most, least)| most - least <= 1)
}

/// The numbers at the start of a line's fields.
fn numbers(fields: &str) -> Vec<u64> {
    fields.split_whitespace().map_while(|field| field.parse().ok()).collect()
}

/// Instructions per multiply-accumulate, one core and precision a row.
fn markdown(all: &[Figures]) -> String {
    let shapes = SHAPES.map(|(input, hidden)| format!(" ({input}, {hidden}) |")).concat();
    let header = format!("| core | precision |{shapes}\n|---|---|{}\n", "---|".repeat(SHAPES.len()));
    let rows = all.iter().map(|figures| {
        let cell = |row: &Option<Row>| row.as_ref().map_or(" – |".to_owned(), |row| format!(" {:.2} |", row.per_mac));
        format!("| {} | {} |{}\n", figures.title, figures.precision, figures.rows.iter().map(cell).collect::<String>())
    });
    header + &rows.collect::<String>()
}

/// Instructions of a step, one core, precision and shape a row.
fn csv(all: &[Figures]) -> String {
    let mut text =
        "# Instructions of a GRU step (reset after), counted by QEMU: written by `cargo xtask bench-mcu --readme`.\n\
                    core,precision,input,hidden,instructions\n"
            .to_owned();
    for Figures { title, precision, rows, .. } in all {
        for Row { input, hidden, instructions, .. } in rows.iter().flatten() {
            text += &format!("{title},{precision},{input},{hidden},{instructions:.1}\n");
        }
    }
    text
}

fn render(all: &[Figures]) -> Table {
    const FIRST: [&str; 3] = ["core", "precision", "backend"];
    let shapes = SHAPES.map(|(input, hidden)| format!("({input}, {hidden})"));
    let header: Vec<_> = FIRST.into_iter().chain(shapes.iter().map(String::as_str)).collect();
    let cell = |row: &Option<Row>| match row {
        Some(row) => format!("{:.0}\n{:.2}", row.instructions, row.per_mac),
        None => "–".to_owned(),
    };
    let rows = all.iter().map(|figures| {
        let first = [figures.title.clone(), figures.precision.to_string(), figures.backend.clone()];
        first.into_iter().chain(figures.rows.iter().map(cell)).collect::<Vec<_>>()
    });
    table::render(header, rows)
}
