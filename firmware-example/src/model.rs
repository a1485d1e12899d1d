//! The exported models: what they take and what they give.

use core::hash::Hasher;

use fnv::FnvHasher;
use gru_core::math::Rational;
use gru_core::{argmax, softmax};

use crate::app::{Input, Logits};
use crate::recordings::INPUT_LSB;
use crate::sensor::Counts;

#[cfg(not(int8))]
pub use float::{INPUT_SIZE as CHANNELS, LABELS, OUTPUT_SIZE as CLASSES};
#[cfg(int8)]
pub use int8::{INPUT_SIZE as CHANNELS, LABELS, OUTPUT_SIZE as CLASSES};

/// Integers alone: sensor counts in, fixed-point logits out.
#[cfg(int8)]
#[allow(dead_code, reason = "it says more of itself than is asked here")]
pub mod int8 {
    include!(concat!(env!("OUT_DIR"), "/motion_int8.rs"));
}

/// Single precision: raw units in.
#[cfg(float)]
#[allow(dead_code, reason = "it says more of itself than is asked here")]
pub mod float {
    include!(concat!(env!("OUT_DIR"), "/motion_float.rs"));
}

impl Input for Counts {
    fn from_counts(counts: &Counts) -> Self {
        *counts
    }
}

impl Input for [f32; CHANNELS] {
    fn from_counts(counts: &Counts) -> Self {
        core::array::from_fn(|channel| f32::from(counts[channel]) * INPUT_LSB[channel])
    }
}

#[cfg(int8)]
impl Logits for [i16; CLASSES] {
    fn percentages(&self) -> [u8; CLASSES] {
        gru_core::softmax_q15(self, int8::OUTPUT_FRAC_BITS).map(|p| ((i32::from(p) * 100) >> 15) as u8)
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

impl Logits for [f32; CLASSES] {
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
