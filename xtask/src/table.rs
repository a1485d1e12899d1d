//! Tables of what was measured.

use std::path::Path;

use anyhow::Result;
use comfy_table::{Row, Table, presets};

use crate::golden::{Agreement, Golden};
use crate::matrix::{Core, Precision};
use crate::qemu;
use crate::report::Run;
use crate::size::Size;

const HEADER: [&str; 10] = [
    "on",
    "model",
    "accuracy",
    "same class\nas PyTorch",
    "largest\nerror",
    "instructions\nper step",
    "flash",
    "static\nRAM",
    "state",
    "digest of all outputs",
];

/// What one run of the example showed.
pub struct Figures {
    /// Host or core.
    pub place: String,
    /// Arithmetic of the model.
    pub precision: Precision,
    /// What it printed.
    pub run: Run,
    /// How near it comes to PyTorch.
    pub agreement: Agreement,
    /// Of a board.
    instructions_per_step: Option<f64>,
    /// Of a board.
    size: Option<Size>,
}

impl Figures {
    /// Of a run on the host.
    pub fn host(precision: Precision, run: Run, golden: &Golden) -> Result<Self> {
        let agreement = golden.compare(&run)?;
        Ok(Self { place: "host".to_owned(), precision, run, agreement, instructions_per_step: None, size: None })
    }

    /// Of a run on a board.
    pub fn board(core: &Core, precision: Precision, elf: &Path, run: Run, golden: &Golden) -> Result<Self> {
        let agreement = golden.compare(&run)?;
        let instructions_per_step = run.cost.map(|cost| qemu::instructions(core, cost.mean));
        let size = Some(Size::of(elf)?);
        Ok(Self { place: core.title.clone(), precision, run, agreement, instructions_per_step, size })
    }

    fn row(&self) -> [String; HEADER.len()] {
        let summary = &self.run.summary;
        let or_none = |value: Option<String>| value.unwrap_or_else(|| "–".to_owned());
        [
            self.place.clone(),
            self.precision.to_string(),
            format!("{:.2} %", 100.0 * f64::from(summary.correct) / f64::from(summary.samples)),
            format!("{:.2} %", 100.0 * self.agreement.share()),
            or_none((self.precision == Precision::F32).then(|| format!("{:.1e}", self.agreement.max_error))),
            or_none(self.instructions_per_step.map(|count| format!("{count:.0}"))),
            or_none(self.size.map(|size| kibibytes(size.flash))),
            or_none(self.size.map(|size| kibibytes(size.ram))),
            format!("{} B", summary.state_bytes),
            summary.digest.clone(),
        ]
    }
}

/// The figures of several runs, one a row.
pub fn figures(figures: &[Figures]) -> Table {
    render(HEADER, figures.iter().map(Figures::row))
}

/// The same as a Markdown table.
pub fn markdown(figures: &[Figures]) -> String {
    let line = |cells: [String; HEADER.len()]| format!("| {} |\n", cells.join(" | "));
    let header = line(HEADER.map(|cell| cell.replace('\n', " ")));
    let rule = line(HEADER.map(|_| "---".to_owned()));
    header + &rule + &figures.iter().map(|figures| line(figures.row())).collect::<String>()
}

/// A table with lines around and below its header.
pub fn render(header: impl Into<Row>, rows: impl Iterator<Item = impl Into<Row>>) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED).set_header(header).add_rows(rows);
    table
}

fn kibibytes(bytes: u64) -> String {
    format!("{:.1} KiB", bytes as f64 / 1024.0)
}
