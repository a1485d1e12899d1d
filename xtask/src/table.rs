//! Tables of what was measured.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use comfy_table::{Row, Table, presets};
use serde::Serialize;

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
        let size = Some(Size::without_recordings(elf)?);
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
    markdown_of(HEADER, figures.iter().map(Figures::row))
}

/// A Markdown table.
pub fn markdown_of<const N: usize>(header: [&str; N], rows: impl Iterator<Item = [String; N]>) -> String {
    let line = |cells: [String; N]| format!("| {} |\n", cells.join(" | "));
    let header = line(header.map(|cell| cell.replace('\n', " ")));
    let rule = line([(); N].map(|()| "---".to_owned()));
    header + &rule + &rows.map(line).collect::<String>()
}

/// A table with lines around and below its header.
pub fn render(header: impl Into<Row>, rows: impl Iterator<Item = impl Into<Row>>) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED).set_header(header).add_rows(rows);
    table
}

/// Writes the rows of a table into `bench` below Cargo's target directory, and says where.
pub fn write_json(name: &str, rows: &impl Serialize) -> Result<PathBuf> {
    let directory = qemu::target_directory()?.join("bench");
    let (path, partial) = (directory.join(name), directory.join(format!("{name}.partial")));
    fs::create_dir_all(&directory).with_context(|| format!("cannot create {}", directory.display()))?;
    fs::write(&partial, serde_json::to_string_pretty(rows)? + "\n")
        .and_then(|()| fs::rename(&partial, &path))
        .with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path)
}

/// For people.
pub fn kibibytes(bytes: u64) -> String {
    format!("{:.1} KiB", bytes as f64 / 1024.0)
}
