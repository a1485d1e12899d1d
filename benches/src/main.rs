//! Nanoseconds per step of gru-core's backends, against the time that streaming the weights alone takes.
//!
//! Backends and floors take turns in one process, which criterion's benchmarks, one after the other, do not: on a machine that does other work
//! too, only times from the same moment compare.

#[cfg(target_arch = "x86_64")]
mod case;
#[cfg(target_arch = "x86_64")]
mod measure;
#[cfg(target_arch = "x86_64")]
mod plot;
#[cfg(target_arch = "x86_64")]
mod processor;
#[cfg(target_arch = "x86_64")]
mod report;
#[cfg(target_arch = "x86_64")]
mod x86;

use std::process::ExitCode;

fn main() -> ExitCode {
    #[cfg(target_arch = "x86_64")]
    let result = x86::run(&clap::Parser::parse());
    #[cfg(not(target_arch = "x86_64"))]
    let result: anyhow::Result<()> = Err(anyhow::anyhow!("this benchmark needs an x86-64 host"));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
