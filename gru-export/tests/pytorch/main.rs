//! Against what PyTorch computed: `tests/golden/make.py` made the files.

mod bundled;
mod random;
mod state_dicts;

use std::path::{Path, PathBuf};

/// Largest absolute error of f32 against PyTorch, at every step.
const F32_BOUND: f64 = 2e-6;

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}
