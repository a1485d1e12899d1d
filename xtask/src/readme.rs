//! The figures in README.md: written by a command, and checked by the tests.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};

use crate::matrix::root;
use crate::table::{self, Figures};

const BEGIN: &str = "<!-- figures: written by `cargo xtask qemu --readme` -->\n";
const END: &str = "<!-- end of figures -->";

/// Replaces the figures.
pub fn write(figures: &[Figures]) -> Result<()> {
    let readme = Readme::read()?;
    let text = readme.with(figures);
    fs::write(&readme.path, text).with_context(|| format!("cannot write {}", readme.path.display()))
}

/// Fails unless the figures are those measured.
pub fn check(figures: &[Figures]) -> Result<()> {
    let readme = Readme::read()?;
    ensure!(
        readme.with(figures) == readme.text,
        "{}: expected the measured figures, found others; to take these, run: cargo xtask qemu --readme",
        readme.path.display()
    );
    Ok(())
}

struct Readme {
    path: PathBuf,
    text: String,
    /// Where the figures start and end.
    begin: usize,
    end: usize,
}

impl Readme {
    fn read() -> Result<Self> {
        let path = root().join("README.md");
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let find = |mark: &str| text.find(mark).with_context(|| format!("{} has no line {mark}", path.display()));
        let (begin, end) = (find(BEGIN)? + BEGIN.len(), find(END)?);
        ensure!(begin <= end, "{}: the figures end before they begin", path.display());
        Ok(Self { path, text, begin, end })
    }

    fn with(&self, figures: &[Figures]) -> String {
        format!("{}{}{}", &self.text[..self.begin], table::markdown(figures), &self.text[self.end..])
    }
}
