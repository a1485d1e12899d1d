//! What is printed, where and in which colours.

use std::cell::RefCell;

use anstream::{eprintln, println};
use anstyle::{AnsiColor, Style};
use clap::builder::Styles;
use gru_export::Error;
use gru_export::progress::Progress;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

const ERROR: Style = AnsiColor::Red.on_default().bold();
const HOLDS: Style = AnsiColor::Green.on_default().bold();
const HELP: Style = AnsiColor::Cyan.on_default();

/// Of `--help` and of argument errors.
pub(super) const STYLES: Styles = Styles::styled()
    .header(Style::new().bold())
    .usage(Style::new().bold())
    .literal(HELP)
    .error(ERROR)
    .valid(HELP)
    .invalid(AnsiColor::Yellow.on_default());

/// The arguments that every command understands.
#[derive(clap::Args)]
pub(super) struct Terminal {
    /// Print results only
    #[arg(long, short, global = true)]
    quiet: bool,
    /// Print results and errors as JSON
    #[arg(long, global = true)]
    pub(super) json: bool,
    #[command(flatten)]
    color: colorchoice_clap::Color,
}

impl Terminal {
    /// From here on the choice of colours holds for every stream.
    pub(super) fn apply(&self) {
        self.color.write_global();
    }

    /// A result, on standard output.
    pub(super) fn print_json<T: Serialize>(&self, value: &T) {
        println!("{}", serde_json::to_string_pretty(value).expect("a report has string keys"));
    }

    /// Something good to know, on standard error.
    pub(super) fn note(&self, text: &str) {
        if !self.quiet {
            eprintln!("{text}");
        }
    }

    /// The outcome in its colour.
    pub(super) fn verdict(&self, holds: bool, yes: &str, no: &str) -> String {
        if holds { format!("{HOLDS}holds:{HOLDS:#} {yes}") } else { format!("{ERROR}fails:{ERROR:#} {no}") }
    }

    /// Bars on standard error, if that is a terminal and nobody asked for quiet.
    pub(super) fn progress(&self) -> Bars {
        Bars { shown: !self.quiet && !self.json, bar: RefCell::new(ProgressBar::hidden()) }
    }

    /// An error, on standard error.
    pub(super) fn report(&self, error: &Error) {
        if self.json {
            let path = error.path().map(|path| path.display().to_string());
            let json = serde_json::json!({ "file": path, "error": error.problem(), "help": error.advice() });
            eprintln!("{json:#}");
            return;
        }
        let path = error.path().map(|path| format!("{}: ", path.display())).unwrap_or_default();
        eprintln!("{ERROR}error:{ERROR:#} {path}{}", error.problem());
        if let Some(advice) = error.advice() {
            eprintln!("  {HELP}help:{HELP:#} {advice}");
        }
    }
}

/// One bar a stage.
pub(super) struct Bars {
    shown: bool,
    bar: RefCell<ProgressBar>,
}

impl Progress for Bars {
    fn begin(&self, stage: &'static str, steps: usize) {
        if self.shown {
            let style = ProgressStyle::with_template("{msg:10} {bar:40} {pos}/{len} steps, {eta} left")
                .expect("a valid template");
            let bar = ProgressBar::new(steps as u64).with_style(style).with_message(stage);
            self.bar.replace(bar).finish_and_clear();
        }
    }

    fn step(&self) {
        self.bar.borrow().inc(1);
    }
}

impl Drop for Bars {
    fn drop(&mut self) {
        self.bar.borrow().finish_and_clear();
    }
}
