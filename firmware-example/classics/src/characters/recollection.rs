//! A text from the model that has learnt it by heart.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use gru_core::argmax;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::{Model, letters, symbol};

const FILE: &str = "models/characters_text.json";

/// What a model does not tell of a text by itself.
#[derive(Clone, Debug, Deserialize)]
pub struct Recollection {
    /// Of the text, in hexadecimal.
    pub sha256: String,
    /// Symbols of the text.
    pub length: usize,
    /// The characters that the model gets wrong, or is not sure of, by their place in the text.
    pub corrections: BTreeMap<usize, char>,
}

impl Recollection {
    /// Of the text that the models were trained on, for the model `scratch` in f32.
    ///
    /// # Errors
    /// The file is damaged.
    pub fn bundled() -> Result<Self> {
        serde_json::from_str(include_str!("../../models/characters_text.json")).context(FILE)
    }

    /// The symbols of the text: each what the model holds for the likeliest after those before it, unless corrected.
    ///
    /// # Errors
    /// The text has another digest: the corrections were made for another model.
    pub fn recall(&self) -> Result<Vec<u16>> {
        let mut reader = Model::named("scratch", "f32")?.reader();
        let mut text = Vec::with_capacity(self.length);
        let mut likeliest = 0;
        for place in 0..self.length {
            let symbol = self.corrections.get(&place).map_or(likeliest, |&letter| symbol(letter));
            likeliest = argmax(&reader.read(symbol)) as u16;
            text.push(symbol);
        }
        let found: String = Sha256::digest(letters(&text)).iter().map(|byte| format!("{byte:02x}")).collect();
        ensure!(
            found == self.sha256,
            "{FILE}: expected a text with SHA-256 {}, found {found}; training/characters.py --measure writes what suits the model",
            self.sha256
        );
        Ok(text)
    }
}
