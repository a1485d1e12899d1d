//! CSV: one row a step, one column a channel, an optional header, `#` comments.

use csv::{ReaderBuilder, StringRecord, Trim};

use crate::error::{Error, Result, quoted};

use super::{Array, Values};

/// A row in memory takes many times its text.
const MAX_COLUMNS: usize = 1 << 17;

pub(super) fn parse(bytes: &[u8]) -> Result<Array> {
    let mut reader =
        ReaderBuilder::new().has_headers(false).trim(Trim::All).comment(Some(b'#')).flexible(true).from_reader(bytes);
    let ends = |line: &[u8]| line.iter().filter(|byte| b",\r\n".contains(byte)).count();
    if let Some(line) = bytes.split(|&byte| byte == b'\n').position(|line| ends(line) >= MAX_COLUMNS) {
        return Err(Error::new(format!("line {}: expected at most {MAX_COLUMNS} columns, found more", line + 1))
            .help("one row a step, one column a channel; save large arrays with numpy.save"));
    }
    // Each number has a digit, and what ends it.
    let most = (bytes.len() / 2).min(ends(bytes)) + 1;
    let (mut rows, mut width, mut values) = (0, 0, Vec::with_capacity(most));
    for (index, record) in reader.records().enumerate() {
        let record = record.map_err(|error| {
            let line = error.position().map_or(0, csv::Position::line);
            Error::new(format!("expected a CSV table, found something other than UTF-8 text at line {line}"))
        })?;
        if index == 0 && record.iter().all(|field| field.parse::<f64>().is_err()) {
            continue;
        }
        values.extend(row(&record)?);
        if rows > 0 && record.len() != width {
            let line = line(&record);
            return Err(Error::new(format!(
                "line {line}: expected {width} columns like the rows before, found {}",
                record.len()
            )));
        }
        width = record.len();
        rows += 1;
    }
    Ok(Array { shape: vec![rows, width], values: Values::Wide(values) })
}

fn row(record: &StringRecord) -> Result<Vec<f64>> {
    let line = line(record);
    let number = |(column, field): (usize, &str)| match field.parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(value),
        _ => Err(Error::new(format!("line {line}, column {}: expected a number, found {}", column + 1, quoted(field)))),
    };
    record.iter().enumerate().map(number).collect()
}

fn line(record: &StringRecord) -> u64 {
    record.position().map_or(0, csv::Position::line)
}
