//! Arguments in, exit code out.

mod export;
mod terminal;

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use anstream::println;
use clap::{CommandFactory, Parser, Subcommand};
use clap_complete::Shell;
use gru_export::inspect::Report;
use gru_export::spec::Spec;
use gru_export::{Error, Result, Source, load};

use self::terminal::Terminal;

/// Turns trained GRU weights into static Rust arrays for gru-core, and verifies them.
///
/// Exit codes: 0 done or within tolerance, 1 beyond tolerance, 2 bad input or arguments.
#[derive(Parser)]
#[command(version, max_term_width = 100, styles = terminal::STYLES)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    #[command(flatten, next_help_heading = "Terminal")]
    terminal: Terminal,
}

#[derive(Subcommand)]
enum Command {
    /// Show a model's layers, conventions, parameters, flash and RAM
    Inspect {
        #[command(flatten)]
        model: ModelArguments,
    },
    /// Generate a Rust module with the model's weights
    Export(export::Arguments),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
}

/// Which model.
#[derive(clap::Args)]
struct ModelArguments {
    /// PyTorch state_dict as .safetensors
    model: PathBuf,
    /// Architecture, where the tensors' names do not say it
    #[arg(long, value_name = "FILE.toml")]
    spec: Option<PathBuf>,
}

/// Runs the program on the process's arguments.
pub fn run() -> ExitCode {
    let Arguments { command, terminal } = Arguments::parse();
    terminal.apply();
    let done = match command {
        Command::Inspect { model } => inspect(&model, &terminal),
        Command::Export(arguments) => export::run(&arguments, &terminal),
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Arguments::command(), env!("CARGO_BIN_NAME"), &mut io::stdout());
            Ok(ExitCode::SUCCESS)
        }
    };
    done.unwrap_or_else(|error: Error| {
        terminal.report(&error);
        ExitCode::from(2)
    })
}

fn inspect(arguments: &ModelArguments, terminal: &Terminal) -> Result<ExitCode> {
    let spec = arguments.spec.as_ref().map(|path| Spec::parse(&Source::read(path)?)).transpose()?;
    let source = Source::read(&arguments.model)?;
    let model = load(&source, spec.as_ref())?;
    let report = Report::new(&model, &source);
    if terminal.json {
        terminal.print_json(&report);
    } else {
        println!("{report}");
    }
    Ok(ExitCode::SUCCESS)
}
