//! The table of all classics.

use std::fmt::Write as _;

use anyhow::{Context, Result};

use crate::{characters, digits, languages, numpy_cell, sunspots};

const BEGIN: &str = "<!-- results: written by `cargo run -p classics --bin results -- --write` -->\n";
const END: &str = "<!-- end of results -->";

/// A line of the table.
#[derive(Clone, Debug)]
pub struct Row {
    /// What is run.
    pub classic: String,
    /// What the framework says of the model that it trained.
    pub framework: String,
    /// In f32.
    pub float: String,
    /// In int8.
    pub int8: String,
    /// The program of this crate that shows it.
    pub program: &'static str,
}

/// Runs everything.
///
/// # Errors
/// What is bundled does not fit together.
pub fn rows() -> Result<Vec<Row>> {
    let small = vec![numpy_cell::row(), sunspots::row(), languages::row()];
    Ok([digits::rows()?, characters::rows()?, small].concat())
}

/// As in `README.md`.
#[must_use]
pub fn markdown(rows: &[Row]) -> String {
    let mut table = String::from("| classic | framework | f32 | int8 | program |\n|---|---|---|---|---|\n");
    for Row { classic, framework, float, int8, program } in rows {
        let _ = writeln!(table, "| {classic} | {framework} | {float} | {int8} | `{program}` |");
    }
    table
}

/// A page with the table in place of the one that it has.
///
/// # Errors
/// It has no place for it.
pub fn page(page: &str, table: &str) -> Result<String> {
    let find = |mark: &str| page.find(mark).with_context(|| format!("README.md has no line {mark}"));
    let (begin, end) = (find(BEGIN)? + BEGIN.len(), find(END)?);
    Ok(format!("{}{table}{}", &page[..begin], &page[end..]))
}
