//! What every model may take: `benches/mcu/size.json`, which says what it took when it was last accepted.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};

use super::Row;
use crate::matrix::{Precision, root};

const PATH: &str = "benches/mcu/size.json";
const ACCEPT: &str = "cargo xtask size --accept";
/// Growth that passes, in per cent.
const GROWTH: u64 = 3;

/// What int8 models may take on a Cortex-M4F, whatever is accepted: bytes of code, and of RAM.
const LIMITS: (&str, Precision, u64, u64) = ("Cortex-M4F", Precision::Int8, 6 << 10, 5 << 9);

/// The rows that were accepted.
pub struct Budget(Vec<Row>);

impl Budget {
    /// Reads the file.
    pub fn read() -> Result<Self> {
        let text = fs::read_to_string(path()).with_context(|| format!("cannot read {PATH}; to write it: {ACCEPT}"))?;
        let rows =
            serde_json::from_str(&text).with_context(|| format!("{PATH} is no list of rows; to write it: {ACCEPT}"));
        rows.map(Self)
    }

    /// Replaces the file: one row a line. Fails on rows that must not be accepted.
    pub fn write(rows: &[Row]) -> Result<()> {
        keeps_limits(rows)?;
        let rows: Vec<_> = rows.iter().map(serde_json::to_string).collect::<Result<_, _>>()?;
        fs::write(path(), format!("[\n{}\n]\n", rows.join(",\n"))).with_context(|| format!("cannot write {PATH}"))
    }

    /// The rows that were accepted.
    pub fn rows(&self) -> &[Row] {
        &self.0
    }

    /// Fails where a row takes more than its budget and [`GROWTH`] allow, or has none.
    pub fn check(&self, rows: &[Row]) -> Result<()> {
        let mut over = Vec::new();
        for row in rows {
            match self.0.iter().find(|accepted| accepted.name() == row.name()) {
                Some(accepted) => over.extend(outgrown(accepted, row)),
                None => over.push(format!("{}: expected a budget, found none", row.name())),
            }
        }
        if !over.is_empty() {
            bail!("{}\nIf that is worth it: {ACCEPT}, which writes {PATH}", over.join("\n"));
        }
        keeps_limits(rows)
    }
}

/// Fails where a row breaks the [`LIMITS`].
fn keeps_limits(rows: &[Row]) -> Result<()> {
    let (core, precision, code, ram) = LIMITS;
    for row in rows.iter().filter(|row| (row.core.as_str(), row.precision) == (core, precision)) {
        for (what, found, limit) in [("code", row.code, code), ("RAM", row.ram(), ram)] {
            ensure!(found <= limit, "{}: expected at most {limit} bytes of {what}, found {found}", row.name());
        }
    }
    Ok(())
}

fn outgrown(accepted: &Row, found: &Row) -> Vec<String> {
    let name = found.name();
    let bytes =
        |row: &Row| [("code", row.code), ("constants", row.constants), ("state", row.state), ("stack", row.stack)];
    let pairs = bytes(accepted).into_iter().zip(bytes(found));
    let over = pairs.filter(|((_, accepted), (_, found))| found * 100 > accepted * (100 + GROWTH));
    let line = |((what, accepted), (_, found)): ((&str, u64), (&str, u64))| {
        format!("{name}: expected {accepted} bytes of {what} and at most {GROWTH} % more, found {found}")
    };
    over.map(line).collect()
}

fn path() -> PathBuf {
    root().join(PATH)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(code: u64, stack: u64) -> Row {
        let (core, model, precision) = ("Z80".to_owned(), "(1, 1)".to_owned(), Precision::Int8);
        let [firmware_code, constants, state, measured_stack] = [code, 50, 8, stack];
        Row { core, model, precision, code, firmware_code, constants, state, stack, measured_stack }
    }

    #[test]
    fn three_per_cent_pass_and_more_does_not() {
        let budget = Budget(vec![row(1000, 100)]);
        budget.check(&[row(1030, 103)]).unwrap();
        budget.check(&[row(10, 10)]).unwrap();
        let error = budget.check(&[row(1031, 104)]).unwrap_err().to_string();
        assert!(
            error.starts_with("Z80, (1, 1), int8: expected 1000 bytes of code and at most 3 % more, found 1031\n"),
            "{error}"
        );
        assert!(error.contains("100 bytes of stack") && error.contains(ACCEPT), "{error}");
    }

    #[test]
    fn limits_hold_whatever_is_accepted() {
        let on_m4 = |code, stack| Row { core: LIMITS.0.to_owned(), ..row(code, stack) };
        let fits = [on_m4(6144, 2552), row(9999, 9999)];
        Budget(fits.to_vec()).check(&fits).unwrap();
        for (large, found) in
            [(on_m4(6145, 0), "6144 bytes of code, found 6145"), (on_m4(0, 2553), "2560 bytes of RAM, found 2561")]
        {
            let error = Budget(vec![large.clone()]).check(&[large]).unwrap_err().to_string();
            assert!(error.contains(found), "{error}");
        }
    }

    #[test]
    fn a_row_without_a_budget_is_refused() {
        let error = Budget(Vec::new()).check(&[row(1, 1)]).unwrap_err().to_string();
        assert!(error.starts_with("Z80, (1, 1), int8: expected a budget, found none"), "{error}");
    }
}
