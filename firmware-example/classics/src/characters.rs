//! Character models: 28 symbols in one-hot, a GRU of 256, a dense layer to the logits of the next symbol; without its reset gate, its update gate
//! and both, too.
//!
//! They were trained on the first 10,000 characters of H. G. Wells' *The Time Machine*, and know them by heart: [`Recollection`] has the text
//! from a model.

mod recollection;
mod sample;

use std::fmt;

use anyhow::{Context, Result};
use gru_core::{Layer, Stream, argmax};
use serde::Deserialize;

pub use recollection::Recollection;
pub use sample::{Sampling, Writer};

use crate::results::Row;

/// Different symbols: 0 is unknown, 1 the space, 2 to 27 are the letters.
pub const SYMBOLS: usize = 28;
/// Of the symbols.
const ALPHABET: &[u8; SYMBOLS] = b"? abcdefghijklmnopqrstuvwxyz";
/// Characters of a text that the models were trained on.
pub const LENGTH: usize = 10_000;

/// One per symbol.
pub type Logits = [f32; SYMBOLS];

/// A model in one precision.
#[derive(Debug)]
pub struct Model {
    /// As its files are called.
    pub name: &'static str,
    /// `f32` or `int8`.
    pub precision: &'static str,
    reader: fn() -> Box<dyn Reader>,
}

/// A model that reads a text.
pub trait Reader {
    /// Reads a symbol and gives the logits of the next.
    fn read(&mut self, symbol: u16) -> Logits;
}

impl<L: Layer<Input = u16, Output: ToLogits>> Reader for (Stream<'static, L>, f32) {
    fn read(&mut self, symbol: u16) -> Logits {
        self.0.step(&symbol).to_logits(self.1)
    }
}

/// What a model gives.
trait ToLogits {
    /// With the worth of an integer's 1.
    fn to_logits(&self, unit: f32) -> Logits;
}

impl ToLogits for [f32; SYMBOLS] {
    fn to_logits(&self, _: f32) -> Logits {
        *self
    }
}

impl ToLogits for [i16; SYMBOLS] {
    fn to_logits(&self, unit: f32) -> Logits {
        self.map(|logit| f32::from(logit) * unit)
    }
}

macro_rules! models {
    ($($name:ident)*) => {
        $(
            mod $name {
                exported!(concat!("characters_", stringify!($name)));
            }
        )*

        /// All, each in f32 and in int8.
        pub static MODELS: &[Model] = &[$(
            Model {
                name: stringify!($name),
                precision: "f32",
                reader: || Box::new((Stream::new(&$name::float::MODEL), 1.0)),
            },
            Model {
                name: stringify!($name),
                precision: "int8",
                reader: || Box::new((Stream::new(&$name::int8::MODEL), f32::powi(0.5, $name::int8::OUTPUT_FRAC_BITS.into()))),
            },
        )*];
    };
}

models! { library scratch no_update no_reset plain }

impl Model {
    /// The one of that name.
    ///
    /// # Errors
    /// There is none.
    pub fn named(name: &str, precision: &str) -> Result<&'static Self> {
        let found = MODELS.iter().find(|model| (model.name, model.precision) == (name, precision));
        found.with_context(|| format!("there is no character model {name} in {precision}"))
    }

    /// At the beginning of a text.
    #[must_use]
    pub fn reader(&self) -> Box<dyn Reader> {
        (self.reader)()
    }

    /// How well it foretells each symbol of a text but the first, from those before it.
    #[must_use]
    pub fn score(&self, text: &[u16]) -> Score {
        let mut reader = self.reader();
        let (mut bits, mut right) = (0.0, 0);
        for pair in text.windows(2) {
            let logits = reader.read(pair[0]).map(f64::from);
            let next = usize::from(pair[1]);
            let top = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let sum: f64 = logits.iter().map(|logit| (logit - top).exp()).sum();
            bits += sum.ln() - (logits[next] - top);
            right += usize::from(argmax(&logits) == next);
        }
        let steps = (text.len().max(2) - 1) as f64;
        Score { perplexity: (bits / steps).exp(), accuracy: right as f64 / steps }
    }
}

/// How well a model foretells a text: in one pass, the true symbols fed, the state carried from the first to the last.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
pub struct Score {
    /// e to the mean cross entropy: 1 for a model that is sure and right, 28 for one that knows nothing.
    pub perplexity: f64,
    /// Share of symbols whose logit is the largest.
    pub accuracy: f64,
}

impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "perplexity {:.4}", self.perplexity)
    }
}

/// What PyTorch says of a model.
///
/// # Errors
/// It says nothing.
pub fn framework(model: &str) -> Result<Score> {
    let results = serde_json::from_str::<serde_json::Value>(include_str!("../models/characters.json"));
    let score = results.and_then(|results| Score::deserialize(&results[model]));
    score.with_context(|| format!("models/characters.json, {model}"))
}

/// The symbols of a text in lower case, a space for each run of anything but letters, no more than [`LENGTH`].
#[must_use]
pub fn symbols(text: &str) -> Vec<u16> {
    let mut symbols: Vec<u16> = text.chars().map(|letter| symbol(letter.to_ascii_lowercase())).collect();
    symbols.dedup_by(|a, b| (*a, *b) == (1, 1));
    symbols.truncate(LENGTH);
    symbols
}

/// Of a letter, or else of the space.
fn symbol(letter: char) -> u16 {
    if letter.is_ascii_lowercase() { letter as u16 - u16::from(b'a') + 2 } else { 1 }
}

/// The text of symbols.
#[must_use]
pub fn letters(symbols: &[u16]) -> String {
    symbols.iter().map(|&symbol| char::from(*ALPHABET.get(usize::from(symbol)).unwrap_or(&ALPHABET[0]))).collect()
}

/// The rows of the table, one per model.
///
/// # Errors
/// The text cannot be recalled.
pub fn rows() -> Result<Vec<Row>> {
    let text = Recollection::bundled()?.recall()?;
    let titles = [
        ("library", "Characters, the library's layer: reset after the product"),
        ("scratch", "Characters, from scratch: reset before the product"),
        ("no_update", "… without the update gate"),
        ("no_reset", "… without the reset gate"),
        ("plain", "… without either: the plain RNN"),
    ];
    let rows = titles.into_iter().map(|(name, title)| {
        let score = |precision| Ok::<_, anyhow::Error>(Model::named(name, precision)?.score(&text).to_string());
        Ok(Row {
            classic: title.to_owned(),
            framework: framework(name)?.to_string(),
            float: score("f32")?,
            int8: score("int8")?,
            program: "characters",
        })
    });
    rows.collect()
}
