//! The language of a name, of a country, say: an embedding of its letters, a GRU of 64 units, a dense layer with softmax, trained in Keras.

use gru_core::{Layer, Stream, argmax};

use crate::results::Row;

include!(concat!(env!("OUT_DIR"), "/languages_test.rs"));

exported!("languages");

pub use float::LABELS;

/// Languages that are told apart.
pub const LANGUAGES: usize = float::OUTPUT_SIZE;

/// Of each language, in the order of [`LABELS`].
pub type Probabilities = [f32; LANGUAGES];

/// Codes of the languages in the test data.
const CODES: [&str; LANGUAGES] = ["de", "en", "es", "fi", "fr", "it", "nl", "pl", "sv", "tr"];
/// The letter of each symbol, from 1.
const ALPHABET: &str = include_str!("../models/languages.txt");
/// A code and a name in each line.
const NAMES: &str = include_str!("../models/languages_test.tsv");

/// In f32; nothing if the text has no letter that the model knows.
#[must_use]
pub fn float(text: &str) -> Option<Probabilities> {
    read(&float::MODEL, text)
}

/// In int8; nothing if the text has no letter that the model knows.
#[must_use]
pub fn int8(text: &str) -> Option<Probabilities> {
    read(&int8::MODEL, text).map(|q15| q15.map(|p| f32::from(p) / 32768.0))
}

/// Letter by letter; letters that the model does not know are left out.
fn read<L: Layer<Input = u16, Output: Clone>>(model: &L, text: &str) -> Option<L::Output> {
    let mut stream = Stream::new(model);
    let mut last = None;
    for letter in text.to_lowercase().chars() {
        if let Some(place) = ALPHABET.chars().position(|known| known == letter) {
            last = Some(stream.step(&(place as u16 + 1)).clone());
        }
    }
    last
}

/// A name that was held out of training.
struct Name {
    /// In small letters.
    text: &'static str,
    /// The place of its language.
    language: usize,
    keras: Probabilities,
}

/// All that were held out.
fn names() -> impl Iterator<Item = Name> {
    NAMES.lines().zip(KERAS).map(|(line, keras)| {
        let (code, text) = line.split_once('\t').expect("a line is a code, a tab and a name");
        let language = CODES.iter().position(|&known| known == code).expect("the code is one of a known language");
        Name { text, language, keras }
    })
}

/// What a model makes of all names that were held out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outcome {
    /// Names whose language it finds.
    pub right: usize,
    /// Names of which it says the same language as Keras.
    pub agreeing: usize,
    /// All names.
    pub of: usize,
    /// Largest difference of a probability from Keras.
    pub difference: f32,
}

impl Outcome {
    /// What Keras makes of them.
    #[must_use]
    pub fn keras() -> Self {
        Self::of(|name| Some(name.keras))
    }

    /// What the f32 model makes of them.
    #[must_use]
    pub fn float() -> Self {
        Self::of(|name| float(name.text))
    }

    /// What the int8 model makes of them.
    #[must_use]
    pub fn int8() -> Self {
        Self::of(|name| int8(name.text))
    }

    fn of(model: impl Fn(&Name) -> Option<Probabilities>) -> Self {
        let mut outcome = Self { right: 0, agreeing: 0, of: 0, difference: 0.0 };
        for name in names() {
            let found = model(&name).expect("the alphabet has letters of every name");
            outcome.of += 1;
            outcome.right += usize::from(argmax(&found) == name.language);
            outcome.agreeing += usize::from(argmax(&found) == argmax(&name.keras));
            let differences = found.iter().zip(name.keras).map(|(p, keras)| (p - keras).abs());
            outcome.difference = differences.fold(outcome.difference, f32::max);
        }
        outcome
    }
}

/// Of the table of all classics.
#[must_use]
pub fn row() -> Row {
    let right = |Outcome { right, of, .. }| format!("{right} of {of} right");
    Row {
        classic: "The language of a name, of ten: embedding, GRU with norm constraints, softmax, in Keras".to_owned(),
        framework: right(Outcome::keras()),
        float: right(Outcome::float()),
        int8: right(Outcome::int8()),
        program: "languages",
    }
}
