//! Samples from a CSV table in raw units.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use anyhow::{Context, Result, anyhow, ensure};
use csv::{ReaderBuilder, StringRecord, Trim};

use crate::model::CHANNELS;
use crate::recordings::INPUT_LSB;
use crate::sensor::{Counts, Reading};

const COLUMNS: [&str; CHANNELS] = ["ax", "ay", "az", "gx", "gy", "gz"];

/// The samples of a file, or of standard input where the path is `-`, each as soon as its line is there.
pub fn samples(path: &Path) -> Result<impl Iterator<Item = Result<Reading>>> {
    let (name, input): (String, Box<dyn Read>) = if path == Path::new("-") {
        ("standard input".to_owned(), Box::new(io::stdin()))
    } else {
        let name = path.display().to_string();
        let file = File::open(path).with_context(|| format!("{name}: cannot be opened"))?;
        (name, Box::new(file))
    };
    let mut reader = ReaderBuilder::new().trim(Trim::All).flexible(true).from_reader(input);
    let header = reader.headers().with_context(|| format!("{name}: cannot be read"))?;
    ensure!(
        *header == COLUMNS[..],
        "{name}, line 1: expected the header {}, found `{}`",
        COLUMNS.join(","),
        header.iter().collect::<Vec<_>>().join(",")
    );
    Ok(reader.into_records().map(move |row| {
        let row = row.with_context(|| format!("{name}: cannot be read"))?;
        let line = row.position().map_or(0, csv::Position::line);
        let counts = counts(&row).map_err(|problem| anyhow!("{name}, line {line}{problem}"))?;
        Ok(Reading { recording: 0, counts })
    }))
}

/// What the sensor's registers would hold.
fn counts(row: &StringRecord) -> Result<Counts> {
    ensure!(row.len() == CHANNELS, ": expected {CHANNELS} columns, found {}", row.len());
    let mut counts = [0; CHANNELS];
    for (channel, field) in row.iter().enumerate() {
        let (column, lsb) = (COLUMNS[channel], INPUT_LSB[channel]);
        let value: f32 =
            field.parse().ok().with_context(|| format!(", column {column}: expected a number, found `{field}`"))?;
        let count = (value / lsb).round();
        let (low, high) = (f32::from(i16::MIN), f32::from(i16::MAX));
        ensure!(
            (low..=high).contains(&count),
            ", column {column}: expected a number from {} to {}, found {value}",
            low * lsb,
            high * lsb
        );
        counts[channel] = count as i16;
    }
    Ok(counts)
}
