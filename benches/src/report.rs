use anyhow::Result;
use comfy_table::{CellAlignment, Table, presets};
use serde::Serialize;

use crate::case::Precision;
use crate::measure::Timing;

/// An entry of the JSON file.
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
}

/// All timings as JSON.
pub fn json(timings: &[Timing]) -> Result<String> {
    let tenths = |value: f64| (value * 10.0).round() / 10.0;
    let entries = timings.iter().map(|timing| Entry {
        isa: timing.isa,
        precision: timing.precision,
        input: timing.shape.input,
        hidden: timing.shape.hidden,
        ns: tenths(timing.step.median),
        floor_ns: tenths(timing.floor.median),
        ratio: (timing.ratio() * 1000.0).round() / 1000.0,
        min_ns: tenths(timing.step.min),
        floor_min_ns: tenths(timing.floor.min),
    });
    Ok(serde_json::to_string_pretty(&entries.collect::<Vec<_>>())? + "\n")
}

/// All timings, one a row.
pub fn table(timings: &[Timing]) -> Table {
    let rows = timings.iter().map(|timing| {
        [
            timing.shape.to_string(),
            timing.precision.to_string(),
            timing.isa.to_owned(),
            format!("{:.1}", timing.step.min),
            format!("{:.1}", timing.step.median),
            format!("{:.1}", timing.floor.median),
            format!("{:.2}", timing.ratio()),
        ]
    });
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED);
    table.set_header(["I×H", "precision", "backend", "min ns", "median ns", "floor ns", "ratio"]).add_rows(rows);
    for column in table.column_iter_mut().skip(3) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}
