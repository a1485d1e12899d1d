//! Named steps that may fail one by one, and their summary.

use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use anstyle::{AnsiColor, Style};
use anyhow::{Error, Result};

use crate::table;

const TITLE: Style = AnsiColor::Blue.on_default().bold();
const PASSED: Style = AnsiColor::Green.on_default().bold();
const FAILED: Style = AnsiColor::Red.on_default().bold();

/// The steps so far.
#[derive(Default)]
pub struct Steps(Vec<Step>);

struct Step {
    name: String,
    duration: Duration,
    failure: Option<Error>,
}

impl Steps {
    /// Runs a step; `None` where it failed.
    pub fn run<T>(&mut self, name: impl Into<String>, step: impl FnOnce() -> Result<T>) -> Option<T> {
        let name = name.into();
        anstream::eprintln!("\n{TITLE}── {name}{TITLE:#}");
        let start = Instant::now();
        let result = step();
        let duration = start.elapsed();
        let (value, failure) = match result {
            Ok(value) => (Some(value), None),
            Err(error) => {
                anstream::eprintln!("{FAILED}failed{FAILED:#}: {error:#}");
                (None, Some(error))
            }
        };
        self.0.push(Step { name, duration, failure });
        value
    }

    /// Runs two rows of steps side by side, each in its order: what one leaves of the machine the other takes.
    pub fn side_by_side<T: Send>(
        &mut self,
        here: impl FnOnce(&mut Self),
        there: impl FnOnce(&mut Self) -> T + Send,
    ) -> T {
        let (mut others, value) = thread::scope(|scope| {
            let there = scope.spawn(|| {
                let mut steps = Self::default();
                let value = there(&mut steps);
                (steps, value)
            });
            here(self);
            there.join().expect("a step that fails does not panic")
        });
        self.0.append(&mut others.0);
        value
    }

    /// Prints every step with its duration, the failures, and the closing line.
    pub fn finish(self) -> ExitCode {
        let rows = self.0.iter().map(|step| {
            let result = if step.failure.is_none() { "passed" } else { "failed" };
            [step.name.clone(), format!("{:.1} s", step.duration.as_secs_f64()), result.to_owned()]
        });
        anstream::println!("\n{}", table::render(["step", "time", "result"], rows));
        for step in &self.0 {
            if let Some(failure) = &step.failure {
                anstream::println!("{FAILED}{}{FAILED:#}: {failure:#}", step.name);
            }
        }
        let failed = self.0.iter().filter(|step| step.failure.is_some()).count();
        let style = if failed == 0 { PASSED } else { FAILED };
        anstream::println!("{style}{} passed, {failed} failed{style:#}", self.0.len() - failed);
        if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}
