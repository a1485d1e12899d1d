//! The exported models: what they take and what they give.

use core::hash::Hasher;

use fnv::FnvHasher;
use gru_core::math::Rational;
use gru_core::{argmax, softmax, softmax_q15};

use crate::app::{Counts, Input, Logits};

pub use int8::{INPUT_LSB, INPUT_SIZE as CHANNELS, LABELS, OUTPUT_SIZE as CLASSES};

/// Integers alone: sensor counts in, fixed-point logits out.
pub mod int8 {
    include!(concat!(env!("OUT_DIR"), "/motion_int8.rs"));
}

/// Single precision: raw units in.
pub mod float {
    include!(concat!(env!("OUT_DIR"), "/motion_f32.rs"));
}

impl Input for Counts {
    fn from_counts(counts: &Counts) -> Self {
        *counts
    }
}

impl Input for [f32; float::INPUT_SIZE] {
    fn from_counts(counts: &Counts) -> Self {
        core::array::from_fn(|channel| f32::from(counts[channel]) * INPUT_LSB[channel])
    }
}

impl Logits for [i16; CLASSES] {
    fn percentages(&self) -> [u8; CLASSES] {
        softmax_q15(self, int8::OUTPUT_FRAC_BITS).map(|p| ((i32::from(p) * 100) >> 15) as u8)
    }

    fn class(&self) -> usize {
        argmax(self)
    }

    fn digest(&self, hasher: &mut FnvHasher) {
        for value in self {
            hasher.write(&value.to_le_bytes());
        }
    }
}

impl Logits for [f32; float::OUTPUT_SIZE] {
    fn percentages(&self) -> [u8; CLASSES] {
        let mut probabilities = *self;
        softmax::<Rational>(&mut probabilities);
        probabilities.map(|p| (p * 100.0) as u8)
    }

    fn class(&self) -> usize {
        argmax(self)
    }

    fn digest(&self, hasher: &mut FnvHasher) {
        for value in self {
            hasher.write(&value.to_le_bytes());
        }
    }
}
