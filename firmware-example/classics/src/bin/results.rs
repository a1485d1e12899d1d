//! Runs every classic and prints the table of `README.md`.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use clap::Parser;
use classics::results;

/// The results of all classics beside those of the frameworks
#[derive(Parser)]
struct Arguments {
    /// Put them into README.md
    #[arg(long)]
    write: bool,
}

fn main() -> Result<()> {
    let table = results::markdown(&results::rows()?);
    print!("{table}");
    if Arguments::parse().write {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
        let page = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        fs::write(&path, results::page(&page, &table)?).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}
