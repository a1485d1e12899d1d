//! The contenders of a Python process, which answers one line of JSON with another.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use gru_peers_case::{Precision, Shape};
use serde::{Deserialize, Serialize};

use crate::race::Mode;

/// What the process says of a contender.
#[derive(Debug, Clone, Deserialize)]
pub struct Description {
    /// For people.
    pub name: String,
    /// Of the package.
    pub version: String,
    /// Its arithmetic.
    pub precision: Precision,
    /// Of the package's files alone, without the packages that it needs.
    pub bytes: u64,
    /// Where it is defined.
    module: String,
    class: String,
}

/// Which contenders could be imported.
#[derive(Deserialize)]
struct Listing {
    contenders: Vec<Description>,
    /// Why others could not.
    missing: Vec<String>,
}

/// A request.
#[derive(Serialize)]
struct Request<'a> {
    task: &'a str,
    contender: usize,
    shape: String,
    mode: Mode,
    windows: usize,
}

/// The process.
pub struct Python {
    interpreter: PathBuf,
    script: PathBuf,
    child: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Python {
    /// Starts it, and says which contenders it has, in the order of their numbers, and why it lacks others.
    pub fn start(interpreter: &Path, script: &Path, models: &Path) -> Result<(Self, Vec<Description>, Vec<String>)> {
        let mut command = Command::new(interpreter);
        command.arg(script).arg(models).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().with_context(|| format!("cannot start {}", interpreter.display()))?;
        let (requests, answers) = (child.stdin.take(), child.stdout.take());
        let requests = requests.context("the process has no standard input")?;
        let answers = BufReader::new(answers.context("the process has no standard output")?);
        let mut python =
            Self { interpreter: interpreter.to_owned(), script: script.to_owned(), child, requests, answers };
        let Listing { contenders, missing } = python.read()?;
        Ok((python, contenders, missing))
    }

    /// What runs one step of a contender, as [`gru_peers_case::start`] does.
    pub fn starter(&self, Description { module, class, .. }: &Description) -> Command {
        let mut command = Command::new(&self.interpreter);
        command.arg(&self.script).args(["--start", module, class]);
        command
    }

    /// The hidden states after each step of so many windows from the zero state.
    pub fn outputs(&mut self, contender: usize, shape: Shape, mode: Mode, windows: usize) -> Result<Vec<f32>> {
        self.ask(&Request { task: "outputs", contender, shape: shape.to_string(), mode, windows })
    }

    /// Nanoseconds that so many windows take.
    pub fn time(&mut self, contender: usize, shape: Shape, mode: Mode, windows: usize) -> Result<f64> {
        self.ask(&Request { task: "time", contender, shape: shape.to_string(), mode, windows })
    }

    fn ask<T: for<'a> Deserialize<'a>>(&mut self, request: &Request<'_>) -> Result<T> {
        let line = serde_json::to_string(request)? + "\n";
        self.requests.write_all(line.as_bytes()).context("the Python process takes no more requests")?;
        self.read()
    }

    fn read<T: for<'a> Deserialize<'a>>(&mut self) -> Result<T> {
        let mut line = String::new();
        if self.answers.read_line(&mut line)? == 0 {
            bail!("the Python process ended: {}", self.child.wait()?);
        }
        ensure!(!line.starts_with("error"), "Python: {}", line.trim());
        serde_json::from_str(&line)
            .with_context(|| format!("cannot read what the Python process says: {}", line.trim()))
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
