//! The one error type: which file, what is wrong, and how to mend it.

use std::fmt;
use std::path::{Path, PathBuf};

/// What an operation of this crate returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Bad input, told to the person who can mend it.
///
/// Displays as `FILE: PROBLEM`, followed by an indented `help: …` line where there is advice.
#[derive(Clone, PartialEq, Eq)]
pub struct Error {
    path: Option<PathBuf>,
    problem: String,
    help: Option<String>,
}

impl Error {
    pub(crate) fn new(problem: impl Into<String>) -> Self {
        Self { path: None, problem: problem.into(), help: None }
    }

    /// A failed file operation, without the operating system's error number.
    pub(crate) fn io(action: &str, error: &std::io::Error) -> Self {
        let reason = error.to_string();
        let reason = reason.split(" (os error").next().unwrap_or_default();
        Self::new(format!("cannot {action}: {reason}"))
    }

    pub(crate) fn tensor(name: &str, problem: impl fmt::Display) -> Self {
        Self::new(format!("tensor {}: {problem}", quoted(name)))
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Names the file, unless a file closer to the cause is named already.
    pub(crate) fn in_file(mut self, path: &Path) -> Self {
        self.path.get_or_insert_with(|| path.to_owned());
        self
    }

    /// The file at fault.
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// What is wrong: expected and found.
    pub fn problem(&self) -> &str {
        &self.problem
    }

    /// How to mend it.
    pub fn advice(&self) -> Option<&str> {
        self.help.as_deref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(path) = &self.path {
            write!(f, "{}: ", path.display())?;
        }
        f.write_str(&self.problem)?;
        match &self.help {
            Some(help) => write!(f, "\n  help: {help}"),
            None => Ok(()),
        }
    }
}

/// As `Display`: this is what a build script's `main` prints when it returns an error.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Error {}

/// A name out of a file, safe to print on a terminal.
pub(crate) fn quoted(name: &str) -> String {
    format!("`{}`", name.escape_debug())
}

/// At most eight items, comma-separated, and how many more there are; "nothing" if there are none.
pub(crate) fn listed<T: fmt::Display>(items: impl IntoIterator<Item = T>) -> String {
    const SHOWN: usize = 8;
    let items: Vec<String> = items.into_iter().map(|item| item.to_string()).collect();
    if items.is_empty() {
        return "nothing".to_owned();
    }
    let shown = items[..items.len().min(SHOWN)].join(", ");
    match items.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
