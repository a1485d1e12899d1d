//! Runs the program in a directory of its own, where all paths are short and the same everywhere.

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::files::{self, Tensor};

/// A directory with input files, and the program in it.
pub struct Bench {
    directory: TempDir,
}

/// What one run gave.
pub struct Run {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Bench {
    pub fn new() -> Self {
        Self { directory: TempDir::new().unwrap() }
    }

    /// With a sound model of 2 inputs, 3 hidden units and 4 outputs as `model.safetensors`.
    pub fn with_model() -> Self {
        let bench = Self::new();
        bench.put("model.safetensors", &files::model(&Tensor::gru_and_head(2, 3, 4)));
        bench
    }

    pub fn path(&self, name: &str) -> std::path::PathBuf {
        self.directory.path().join(name)
    }

    pub fn put(&self, name: &str, bytes: &[u8]) {
        fs::write(self.path(name), bytes).unwrap();
    }

    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(self.directory.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    /// Arguments are separated by spaces.
    pub fn run(&self, arguments: &str) -> Run {
        let output = Command::new(env!("CARGO_BIN_EXE_gru-export"))
            .args(arguments.split_whitespace())
            .current_dir(self.directory.path())
            .env("COLUMNS", "100")
            .output()
            .unwrap();
        Run {
            code: output.status.code().expect("ended by itself"),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Runs arguments that must be refused: exit code 2, one message, and the directory as it was.
    pub fn refusal(&self, arguments: &str) -> String {
        let before = self.names();
        let run = self.run(arguments);
        assert_eq!(run.code, 2, "{arguments}\n{}{}", run.stdout, run.stderr);
        assert_eq!(run.stdout, "", "{arguments}");
        assert_eq!(run.stderr.matches("error:").count(), 1, "{arguments}\n{}", run.stderr);
        assert_eq!(self.names(), before, "{arguments}");
        run.stderr
    }
}

/// The messages of many cases, for one snapshot.
#[derive(Default)]
pub struct Transcript(String);

impl Transcript {
    pub fn add(&mut self, case: &str, message: &str) {
        writeln!(self.0, "── {case}\n{}\n", message.trim_end()).unwrap();
    }

    pub fn text(&self) -> &str {
        &self.0
    }
}

/// Whether `name` exists, to skip what an operating system lacks.
pub fn exists(name: &str) -> bool {
    Path::new(name).exists()
}
