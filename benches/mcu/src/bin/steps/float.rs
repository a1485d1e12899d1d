//! f32 layers.

use core::array;

use gru_bench_mcu::Random;
use gru_core::{GruWeights, ResetAfter};

pub use gru_core::Gru as Layer;
pub use gru_core::layout::gru_f32_lanes as lanes;

pub type Weights<const I: usize, const H: usize, const LANES: usize, const BLOCKS: usize> =
    GruWeights<I, H, ResetAfter, LANES, BLOCKS>;

/// Weights whose pre-activations deviate by about 1: a product of two values in ±1 deviates by 1/3.
pub const fn random<const I: usize, const H: usize, const LANES: usize, const BLOCKS: usize>()
-> Weights<I, H, LANES, BLOCKS> {
    let mut random = Random::new(1);
    let scale = 3.0 / (I + H).isqrt() as f32;
    let (mut weight_ih, mut weight_hh, mut bias) = ([[[0.0; I]; H]; 3], [[[0.0; H]; H]; 3], [[0.0; H]; 4]);
    fill(&mut random, scale, weight_ih.as_flattened_mut().as_flattened_mut());
    fill(&mut random, scale, weight_hh.as_flattened_mut().as_flattened_mut());
    fill(&mut random, 0.5, bias.as_flattened_mut());
    GruWeights::pack(&weight_ih, &weight_hh, &bias)
}

const fn fill(random: &mut Random, scale: f32, weights: &mut [f32]) {
    let mut at = 0;
    while at < weights.len() {
        weights[at] = scale * random.unit();
        at += 1;
    }
}

/// Values in ±1.
pub fn input<const I: usize>(random: &mut Random) -> [f32; I] {
    array::from_fn(|_| random.unit())
}
