//! The race: outputs compared with f64 first, then timings that alternate between all contenders.

use std::cell::RefCell;
use std::path::Path;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use gru_peers_case::{Case, Peer, Precision, Shape, floats};
use gru_peers_models::{Files, REFERENCE_WINDOWS, WINDOW};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use crate::peers::{Contender, OURS};
use crate::python::{Description, Python};

/// What one timing is to take: long beside the clock's call and what the process before left in the caches, short beside what else the
/// machine does.
const SAMPLE: Duration = Duration::from_micros(500);

/// Timings of the contenders of a layer in a row, before the next layer has its turn.
const ROUNDS: u32 = 10;

/// The largest difference from f64 that is taken for the same function: of f32 what sums in another order make, of int8 a step of an 8-bit
/// state on either side and the rounding of the weights.
pub const fn tolerance(precision: Precision) -> f32 {
    match precision {
        Precision::F32 => 1e-5,
        Precision::Int8 => 0.05,
    }
}

/// How steps are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// One a call, the next once the last is done.
    Step,
    /// [`WINDOW`] a call.
    Window,
}

impl Mode {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Step, Self::Window];
}

/// Who takes part, here or in Python.
#[derive(Clone)]
pub struct Entrant {
    /// For people.
    pub name: String,
    /// Of its package.
    pub version: String,
    /// Its arithmetic.
    pub precision: Precision,
    /// Whether it takes windows.
    windows: bool,
    /// Where it runs.
    pub place: Place,
}

/// Where a contender runs.
#[derive(Clone)]
pub enum Place {
    /// In this process.
    Here(Contender),
    /// In the Python process, under this number.
    Python(usize, Description),
}

impl Entrant {
    /// Of this process.
    pub fn here(contender: Contender) -> Result<Self> {
        let Contender { name, package, precision, windows, .. } = contender;
        let version = locked_version(package).with_context(|| format!("Cargo.lock has no {package}"))?;
        Ok(Self { name: name.to_owned(), version, precision, windows, place: Place::Here(contender) })
    }

    /// Of the Python process.
    pub fn python(number: usize, description: Description) -> Self {
        let Description { name, version, precision, .. } = description.clone();
        Self { name, version, precision, windows: true, place: Place::Python(number, description) }
    }

    /// Whether it is this project.
    pub fn is_ours(&self) -> bool {
        self.name == OURS
    }
}

/// The version of a package in the lock file of this workspace.
fn locked_version(package: &str) -> Option<String> {
    let (_, after) = include_str!("../../../Cargo.lock").split_once(&format!("name = \"{package}\"\nversion = \""))?;
    after.split_once('"').map(|(version, _)| version.to_owned())
}

/// The time of one contender's steps.
pub struct Timing {
    /// Who.
    pub entrant: Entrant,
    /// The layer.
    pub shape: Shape,
    /// How it was asked.
    pub mode: Mode,
    /// Nanoseconds of one step in the fastest round.
    pub min: f64,
    /// Half of the rounds were faster.
    pub median: f64,
    /// The largest difference of a hidden state from f64.
    pub error: f32,
}

/// Compares the outputs of all entrants, and times them.
pub fn run(
    models: &Path,
    layers: &[Files],
    entrants: &[Entrant],
    python: &Rc<RefCell<Option<Python>>>,
    rounds: u32,
) -> Result<Vec<Timing>> {
    let mut heats = Vec::new();
    for files in layers {
        let case = Case::read(models, Shape::of(files))?;
        let lanes = entrants.iter().map(|entrant| {
            Lane::new(entrant, &case, files, python).with_context(|| format!("{} at {}", entrant.name, case.shape))
        });
        heats.push(lanes.collect::<Result<Vec<_>>>()?);
    }
    println!("The outputs of all contenders are those of f64.");

    let style = ProgressStyle::with_template("measuring {wide_bar} {percent} %")?;
    let sweeps = rounds.div_ceil(ROUNDS);
    let bar = ProgressBar::new(u64::from(sweeps) * heats.len() as u64).with_style(style);
    for _ in 0..sweeps {
        for heat in &mut heats {
            for _ in 0..ROUNDS {
                heat.iter_mut().try_for_each(Lane::round)?;
            }
            bar.inc(1);
        }
    }
    bar.finish_and_clear();
    Ok(heats.into_iter().flatten().flat_map(Lane::finish).collect())
}

/// A stream through a layer.
enum Stream {
    Here(Box<dyn Peer>),
    Python { process: Rc<RefCell<Option<Python>>>, number: usize, shape: Shape },
}

impl Stream {
    fn outputs(&mut self, mode: Mode) -> Result<Vec<f32>> {
        let peer = match self {
            Self::Here(peer) => peer,
            Self::Python { process, number, shape } => {
                let mut process = process.borrow_mut();
                let process = process.as_mut().context("there is no Python process")?;
                return process.outputs(*number, *shape, mode, REFERENCE_WINDOWS);
            }
        };
        peer.reset()?;
        let mut states = Vec::new();
        for _ in 0..REFERENCE_WINDOWS {
            match mode {
                Mode::Step => {
                    for at in 0..WINDOW {
                        peer.step(at)?;
                        states.extend(peer.state()?);
                    }
                }
                Mode::Window => {
                    peer.window()?;
                    states.extend(peer.outputs()?);
                }
            }
        }
        Ok(states)
    }

    /// Nanoseconds that so many windows take.
    fn time(&mut self, mode: Mode, windows: usize) -> Result<f64> {
        let peer = match self {
            Self::Here(peer) => peer,
            Self::Python { process, number, shape } => {
                let mut process = process.borrow_mut();
                let process = process.as_mut().context("there is no Python process")?;
                return process.time(*number, *shape, mode, windows);
            }
        };
        let mut run = |windows| match mode {
            Mode::Step => peer.steps(windows),
            Mode::Window => peer.windows(windows),
        };
        // Brings code and weights into the caches.
        run(windows.div_ceil(8))?;
        let start = Instant::now();
        run(windows)?;
        Ok(start.elapsed().as_secs_f64() * 1e9)
    }
}

/// A contender at a layer.
struct Lane {
    entrant: Entrant,
    shape: Shape,
    stream: Stream,
    modes: Vec<Samples>,
}

struct Samples {
    mode: Mode,
    error: f32,
    /// Of one timing.
    windows: usize,
    /// Nanoseconds of a step.
    steps: Vec<f64>,
}

impl Lane {
    /// Loads the layer, compares outputs, and finds out how much to do at a time.
    fn new(entrant: &Entrant, case: &Case, files: &Files, python: &Rc<RefCell<Option<Python>>>) -> Result<Self> {
        let shape = case.shape;
        let mut stream = match &entrant.place {
            Place::Here(contender) => Stream::Here((contender.load)(case)?),
            Place::Python(number, _) => Stream::Python { process: python.clone(), number: *number, shape },
        };
        let mut modes = Vec::new();
        for mode in Mode::ALL.into_iter().filter(|&mode| mode == Mode::Step || entrant.windows) {
            let error = compare(&stream.outputs(mode)?, &floats(files.reference), entrant.precision)
                .with_context(|| format!("{mode:?}"))?;
            let mut windows = 1;
            while stream.time(mode, windows)? < SAMPLE.as_secs_f64() * 1e9 {
                windows *= 2;
            }
            modes.push(Samples { mode, error, windows, steps: Vec::new() });
        }
        Ok(Self { entrant: entrant.clone(), shape, stream, modes })
    }

    /// One timing of each mode.
    fn round(&mut self) -> Result<()> {
        for Samples { mode, windows, steps, .. } in &mut self.modes {
            steps.push(self.stream.time(*mode, *windows)? / (*windows * WINDOW) as f64);
        }
        Ok(())
    }

    fn finish(self) -> impl Iterator<Item = Timing> {
        let Self { entrant, shape, modes, .. } = self;
        modes.into_iter().map(move |Samples { mode, error, mut steps, .. }| {
            steps.sort_unstable_by(f64::total_cmp);
            Timing { entrant: entrant.clone(), shape, mode, min: steps[0], median: steps[steps.len() / 2], error }
        })
    }
}

/// The largest difference, if that is tolerable.
fn compare(found: &[f32], expected: &[f32], precision: Precision) -> Result<f32> {
    ensure!(found.len() == expected.len(), "expected {} hidden states, found {}", expected.len(), found.len());
    let (mut largest, tolerance) = (0.0, tolerance(precision));
    for (at, (found, expected)) in found.iter().zip(expected).enumerate() {
        let error = (found - expected).abs();
        ensure!(error <= tolerance, "value {at}: expected {expected} in f64, within {tolerance}, found {found}");
        largest = f32::max(largest, error);
    }
    Ok(largest)
}
