//! The character models of `src/characters.rs`.

use anyhow::Result;
use gru_export::Precision;

/// Without reset gate, update gate or both, the last three.
const MODELS: [&str; 5] = ["library", "scratch", "no_update", "no_reset", "plain"];

pub fn generate(precisions: &[(&str, Precision)]) -> Result<()> {
    for model in MODELS {
        let name = format!("characters_{model}");
        super::export(&name, precisions, |_, export| export.spec(format!("models/{name}.toml")))?;
    }
    Ok(())
}
