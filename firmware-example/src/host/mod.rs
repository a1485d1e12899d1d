//! The application in a terminal: a live view of the signal and of the decisions, or plain lines when nobody watches.

mod live;
mod table;
mod wear;

use std::io::{self, IsTerminal};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use clap::{Parser, ValueEnum};
use gru_core::Layer;

use crate::app::{App, Input, Logits};
use crate::model;
use crate::recordings::{LABELS, Recordings, SAMPLE_HZ};
use crate::report::{self, Print};
use crate::sensor::{Queue, Reading, Sensor, Status};
use live::View;
use wear::Wear;

/// Motion-sensor samples through a GRU, one decision a sample
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// CSV file with columns ax,ay,az (m/s²) and gx,gy,gz (rad/s), or - for standard input [default: the bundled recordings]
    #[arg(long, value_name = "FILE.csv")]
    input: Option<PathBuf>,
    /// Arithmetic of the model
    #[arg(long, value_enum, default_value_t = Precision::Int8)]
    precision: Precision,
    /// Times real time, which is 10 samples a second [default: 10 in a terminal, else as fast as it goes]
    #[arg(long, value_name = "FACTOR", value_parser = parse_speed)]
    speed: Option<f64>,
    /// Compares int8 with f32 over so many hours of simulated wear: the bundled recordings in random order with noise, as one stream
    #[arg(long, value_name = "HOURS", conflicts_with_all = ["input", "precision", "speed"], value_parser = clap::value_parser!(u32).range(1..))]
    wear: Option<u32>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Precision {
    Int8,
    F32,
}

fn parse_speed(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(speed) if f64::is_normal(speed) && speed > 0.0 => Ok(speed),
        _ => Err("expected a number above 0".to_owned()),
    }
}

/// Exit codes: 0, or 2 where the input is bad.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if let Some(hours) = arguments.wear {
        print!("{}", Wear::simulate(hours));
        return ExitCode::SUCCESS;
    }
    let result = match arguments.precision {
        Precision::Int8 => run(&model::int8::MODEL, &arguments),
        Precision::F32 => run(&model::float::MODEL, &arguments),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn run<L>(model: &'static L, arguments: &Arguments) -> Result<()>
where
    L: Layer<Input: Input, Output: Logits + Print>,
{
    let mut failure = None;
    let (readings, labels): (Box<dyn Iterator<Item = Reading> + '_>, &'static [u8]) = match &arguments.input {
        None => (Box::new(Recordings::default()), &LABELS),
        Some(path) => {
            let rows = table::samples(path)?;
            (Box::new(rows.map_while(|row| row.map_err(|error| failure = Some(error)).ok())), &[])
        }
    };

    let watched = io::stdout().is_terminal();
    let speed = arguments.speed.or(watched.then_some(10.0));
    let mut view = watched.then(|| View::new(labels));

    let (mut queue, status) = (Queue::new(), Status::new());
    let (producer, mut consumer) = queue.split();
    let mut sensor = Sensor::new(readings.map(Some), producer, &status);
    let mut pace = Pace::new(speed);
    let next = || {
        pace.wait();
        sensor.tick();
    };
    // Nobody is late in a terminal.
    let clock = || 0;
    let summary = App::new(model, labels).run(&mut consumer, &status, clock, next, |decision| {
        match &mut view {
            Some(view) => view.show(decision),
            None => report::decision(decision, status.overruns()),
        }
        ControlFlow::Continue(())
    });
    drop(sensor);
    if let Some(error) = failure {
        return Err(error);
    }
    ensure!(summary.samples > 0, "the table has a header and no samples");
    report::summary(&summary, &status);
    Ok(())
}

/// Waits between samples.
struct Pace {
    period: Option<Duration>,
    due: Instant,
}

impl Pace {
    fn new(speed: Option<f64>) -> Self {
        let period = speed.map(|speed| Duration::from_secs_f64(1.0 / (f64::from(SAMPLE_HZ) * speed)));
        Self { period, due: Instant::now() }
    }

    fn wait(&mut self) {
        if let Some(period) = self.period {
            self.due += period;
            std::thread::sleep(self.due.saturating_duration_since(Instant::now()));
        }
    }
}
