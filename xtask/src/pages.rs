//! The tables in the documentation: written by commands, and as far as they do not depend on the machine checked by the tests.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};

use crate::matrix::root;

const README: &str = "README.md";
const DATASHEET: &str = "gru-core/DATASHEET.md";

/// A part of a page that a command writes.
#[derive(Clone, Copy)]
pub struct Section {
    page: &'static str,
    name: &'static str,
    command: &'static str,
}

impl Section {
    /// What the firmware showed.
    pub const FIGURES: Self = Self { page: README, name: "figures", command: "cargo xtask qemu --readme" };
    /// Nanoseconds per step.
    pub const SPEED: Self = Self { page: README, name: "speed", command: "cargo xtask bench --readme" };
    /// Nanoseconds per step of other libraries.
    pub const PEERS: Self = Self { page: README, name: "peers", command: "cargo xtask bench-peers --readme" };
    /// Flash and RAM of models.
    pub const SIZE: Self = Self { page: DATASHEET, name: "sizes", command: "cargo xtask size --accept" };
    /// Instructions per multiply-accumulate.
    pub const INSTRUCTIONS: Self =
        Self { page: DATASHEET, name: "instructions", command: "cargo xtask bench-mcu --readme" };

    /// Replaces the section.
    pub fn write(self, text: &str) -> Result<()> {
        let page = Page::read(self)?;
        fs::write(&page.path, page.with(text)).with_context(|| format!("cannot write {}", page.path.display()))
    }

    /// Fails unless the section is what was measured.
    pub fn check(self, text: &str) -> Result<()> {
        let page = Page::read(self)?;
        ensure!(
            page.with(text) == page.text,
            "{}: expected the measured {}, found others; to take these, run: {}",
            page.path.display(),
            self.name,
            self.command
        );
        Ok(())
    }
}

struct Page {
    path: PathBuf,
    text: String,
    /// Where the section starts and ends.
    begin: usize,
    end: usize,
}

impl Page {
    fn read(section: Section) -> Result<Self> {
        let Section { page, name, command } = section;
        let path = root().join(page);
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let find = |mark: &str| text.find(mark).with_context(|| format!("{} has no line {mark}", path.display()));
        let begin = format!("<!-- {name}: written by `{command}` -->\n");
        let (begin, end) = (find(&begin)? + begin.len(), find(&format!("<!-- end of {name} -->"))?);
        ensure!(begin <= end, "{}: the {name} end before they begin", path.display());
        Ok(Self { path, text, begin, end })
    }

    fn with(&self, text: &str) -> String {
        format!("{}{text}{}", &self.text[..self.begin], &self.text[self.end..])
    }
}
