//! f32 layers.

use core::array;

use gru_core::{DenseWeights, GruWeights, ResetAfter};

use crate::Random;

pub use gru_core::layout::{dense_f32_lanes as head_lanes, gru_f32_lanes as lanes};
pub use gru_core::{Dense as Head, Gru as Layer};

/// Weights of a [`Layer`].
pub type Weights<const I: usize, const H: usize, const LANES: usize, const BLOCKS: usize> =
    GruWeights<I, H, ResetAfter, LANES, BLOCKS>;
/// Weights of a [`Head`].
pub type HeadWeights<const I: usize, const O: usize, const LANES: usize, const BLOCKS: usize> =
    DenseWeights<I, O, LANES, BLOCKS>;
/// `Cells` from `I` inputs to `H` units, and a head with `O` outputs behind them.
pub type Model<const I: usize, const H: usize, const O: usize, Cells> = (Cells, Head<H, O>);

/// A model of its parts.
pub const fn model<const I: usize, const H: usize, const O: usize, Cells: Copy>(
    cells: Cells,
    head: Head<H, O>,
) -> Model<I, H, O, Cells> {
    (cells, head)
}

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

/// Weights whose outputs deviate by about 1 where the inputs fill ±1.
pub const fn head<const I: usize, const O: usize, const LANES: usize, const BLOCKS: usize>()
-> HeadWeights<I, O, LANES, BLOCKS> {
    let mut random = Random::new(4);
    let (mut weight, mut bias) = ([[0.0; I]; O], [0.0; O]);
    fill(&mut random, 3.0 / I.isqrt() as f32, weight.as_flattened_mut());
    fill(&mut random, 0.5, &mut bias);
    DenseWeights::pack(&weight, &bias)
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
