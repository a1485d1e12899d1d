//! int8 layers.

use core::array;

use gru_bench_mcu::{Random, RowScale};
use gru_core::{QGruWeights, Requantization, ResetAfter};

pub use gru_core::QGru as Layer;
pub use gru_core::layout::gru_int8_lanes as lanes;

pub type Weights<const I: usize, const H: usize, const LANES: usize, const BLOCKS: usize> =
    QGruWeights<I, H, ResetAfter, LANES, BLOCKS>;

/// Weights in ±127, and scales that bring the pre-activations into the range where the gates move.
pub const fn random<const I: usize, const H: usize, const LANES: usize, const BLOCKS: usize>()
-> Weights<I, H, LANES, BLOCKS> {
    let mut random = Random::new(1);
    let mut weight_ih = [[[0; I]; H]; 3];
    let mut weight_hh = [[[0; H]; H]; 3];
    fill(&mut random, weight_ih.as_flattened_mut().as_flattened_mut());
    fill(&mut random, weight_hh.as_flattened_mut().as_flattened_mut());

    let (mut bias, mut multiplier, mut shift) = ([[0; H]; 4], [[0; H]; 4], [[0; H]; 4]);
    let scale = RowScale::of(I + H);
    let mut row = 0;
    while row < 4 * H {
        let (gate, unit) = (row / H, row % H);
        (bias[gate][unit], multiplier[gate][unit], shift[gate][unit]) = scale.random(&mut random);
        row += 1;
    }
    let requantization = Requantization { input_shift: 1, view: 127 };
    QGruWeights::pack(&weight_ih, &weight_hh, &bias, &multiplier, &shift, requantization)
}

const fn fill(random: &mut Random, weights: &mut [i8]) {
    let mut at = 0;
    while at < weights.len() {
        weights[at] = random.int8();
        at += 1;
    }
}

/// Values in ±127, or, a quarter of the time, all at one end of it or the other.
pub fn input<const I: usize>(random: &mut Random) -> [i8; I] {
    let extreme = random.int8() >= 64;
    array::from_fn(|_| {
        let value = random.int8();
        if extreme { 127 * value.signum() } else { value }
    })
}
