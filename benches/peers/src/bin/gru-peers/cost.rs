//! What a contender costs besides its steps: bytes, the time to its first output, memory.

use std::cell::RefCell;
use std::env;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use gru_peers_case::{Shape, floats};
use gru_peers_models::{Files, s28x128};

use crate::python::Python;
use crate::race::{Entrant, Place, tolerance};

/// The layer that is loaded.
pub const LAYER: Files = s28x128::FILES;

/// Starts of a program, of which the fastest counts; an interpreter takes a hundred times as long.
const STARTS: usize = 30;
const STARTS_IN_PYTHON: usize = 4;

/// Of a contender.
pub struct Cost {
    /// Who.
    pub entrant: Entrant,
    /// Of the program without symbols, or of the Python package alone.
    pub bytes: u64,
    /// From the start of the process to its first output.
    pub start: Duration,
    /// The most that the process held up to then; 0 where the system does not tell.
    pub memory_kib: u64,
}

/// Starts each contender alone.
pub fn measure(models: &Path, entrants: &[Entrant], python: &Rc<RefCell<Option<Python>>>) -> Result<Vec<Cost>> {
    let cost = |entrant: &Entrant| of(models, entrant, python).with_context(|| entrant.name.clone());
    entrants.iter().map(cost).collect()
}

fn of(models: &Path, entrant: &Entrant, python: &RefCell<Option<Python>>) -> Result<Cost> {
    let (bytes, starts, mut command) = match &entrant.place {
        Place::Here(contender) => {
            let program = beside(contender.program)?;
            let length = fs::metadata(&program).with_context(|| format!("cannot read {}", program.display()))?.len();
            (length, STARTS, Command::new(program))
        }
        Place::Python(_, description) => {
            let python = python.borrow();
            let starter = python.as_ref().context("there is no Python process")?.starter(description);
            (description.bytes, STARTS_IN_PYTHON, starter)
        }
    };
    let mut best = (Duration::MAX, 0);
    command.arg(models).arg(Shape::of(&LAYER).to_string()).stdin(Stdio::null()).stdout(Stdio::piped());
    for _ in 0..starts {
        best = best.min(start(&mut command, entrant)?);
    }
    Ok(Cost { entrant: entrant.clone(), bytes, start: best.0, memory_kib: best.1 })
}

/// A program of this package.
fn beside(name: &str) -> Result<PathBuf> {
    let own = env::current_exe().context("cannot find where this program was built")?;
    Ok(own.with_file_name(name).with_extension(env::consts::EXE_EXTENSION))
}

/// The time to the first line, and the memory that it tells.
fn start(command: &mut Command, entrant: &Entrant) -> Result<(Duration, u64)> {
    let begin = Instant::now();
    let mut child = command.spawn().context("cannot start it")?;
    let mut output = BufReader::new(child.stdout.take().context("it has no standard output")?);
    let mut line = String::new();
    output.read_line(&mut line)?;
    let elapsed = begin.elapsed();
    output.read_to_end(&mut Vec::new())?;
    let status = child.wait()?;
    ensure!(status.success(), "it failed: {status}");

    let numbers =
        line.trim().split_once(' ').and_then(|(unit, memory)| Some((unit.parse().ok()?, memory.parse().ok()?)));
    let (unit, memory): (f32, u64) = numbers.with_context(|| format!("expected two numbers, found {}", line.trim()))?;
    let expected = floats(LAYER.reference)[0];
    ensure!((unit - expected).abs() <= tolerance(entrant.precision), "expected {expected} as first unit, found {unit}");
    Ok((elapsed, memory))
}
