//! Texts that a model writes by itself.

use fastrand::Rng;
use gru_core::argmax;

use super::{Logits, Model, Reader};

/// How the next symbol is chosen.
#[derive(Clone, Debug)]
pub enum Sampling {
    /// The likeliest.
    Greedy,
    /// Each as often as it is likely, at a temperature above 0: below 1 the likely are likelier still.
    Temperature(f32, Rng),
}

/// A text that goes on, a symbol at a time.
pub struct Writer {
    reader: Box<dyn Reader>,
    sampling: Sampling,
    next: u16,
}

impl Writer {
    /// After a text has been read.
    #[must_use]
    pub fn new(model: &Model, prefix: &[u16], sampling: Sampling) -> Self {
        let mut writer = Self { reader: model.reader(), sampling, next: 1 };
        for &symbol in prefix {
            writer.read(symbol);
        }
        writer
    }

    fn read(&mut self, symbol: u16) {
        let logits = self.reader.read(symbol);
        self.next = match &mut self.sampling {
            Sampling::Greedy => argmax(&logits) as u16,
            Sampling::Temperature(temperature, rng) => drawn(&logits, *temperature, rng),
        };
    }
}

impl Iterator for Writer {
    type Item = u16;

    /// Never ends.
    fn next(&mut self) -> Option<u16> {
        let symbol = self.next;
        self.read(symbol);
        Some(symbol)
    }
}

fn drawn(logits: &Logits, temperature: f32, rng: &mut Rng) -> u16 {
    let top = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let weights = logits.map(|logit| ((logit - top) / temperature).exp());
    let mut left = rng.f32() * weights.iter().sum::<f32>();
    let drawn = weights.iter().position(|weight| {
        left -= weight;
        left < 0.0
    });
    // Rounding may leave a little.
    drawn.unwrap_or_else(|| argmax(logits)) as u16
}
