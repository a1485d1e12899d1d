//! Programs that do nothing but load a layer and run a step of it: their size, the time to their first output and the memory they took tell
//! what a library costs besides its steps.

use std::env;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Error, Result};

use crate::{Case, Peer, Shape};

/// Runs a step of the layer whose directory and shape are the arguments; prints the first unit, and the most memory that the process held
/// so far in KiB, where the system tells it.
pub fn main(load: fn(&Case) -> Result<Box<dyn Peer>>) -> ExitCode {
    match run(load) {
        Ok(line) => {
            println!("{line}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(load: fn(&Case) -> Result<Box<dyn Peer>>) -> Result<String> {
    let mut arguments = env::args().skip(1);
    let mut next =
        || arguments.next().context("expected two arguments: the directory of the layers, and a shape as 28x128");
    let (directory, shape) = (next()?, next()?);
    let shape: Shape = shape.parse().map_err(Error::msg)?;
    let mut peer = load(&Case::read(Path::new(&directory), shape)?)?;
    peer.step(0)?;
    Ok(format!("{} {}", peer.state()?[0], peak_kib().unwrap_or(0)))
}

/// Linux alone tells it.
fn peak_kib() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok())
}
