//! Generates the model and, for the tests, the recorded signal.

#[path = "../generate.rs"]
mod generate;

use anyhow::Result;
use gru_export::Precision;

fn main() -> Result<()> {
    generate::model("../", Precision::Int8, "motion.rs")?;
    generate::recordings("../")
}
