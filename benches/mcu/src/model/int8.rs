//! int8 layers.

use core::array;

use gru_core::{QDenseWeights, QGruWeights, Quantize, Requantization, ResetAfter};

use crate::{Random, RowScale};

pub use gru_core::layout::{dense_int8_lanes as head_lanes, gru_int8_lanes as lanes};
pub use gru_core::{QDense as Head, QGru as Layer};

/// Weights of a [`Layer`].
pub type Weights<const I: usize, const H: usize, const LANES: usize, const BLOCKS: usize> =
    QGruWeights<I, H, ResetAfter, LANES, BLOCKS>;
/// Weights of a [`Head`].
pub type HeadWeights<const I: usize, const O: usize, const LANES: usize, const BLOCKS: usize> =
    QDenseWeights<I, O, LANES, BLOCKS>;
/// `Cells` from `I` inputs to `H` units, a head with `O` outputs behind them, and before them what makes int8 of a sensor's counts.
pub type Model<const I: usize, const H: usize, const O: usize, Cells> = (Quantize<I>, Cells, Head<H, O>);

/// A model of its parts.
pub const fn model<const I: usize, const H: usize, const O: usize, Cells: Copy>(
    cells: Cells,
    head: Head<H, O>,
) -> Model<I, H, O, Cells> {
    let mut random = Random::new(5);
    let (mut zero, mut multiplier, mut shift) = ([0; I], [0; I], [0; I]);
    let mut at = 0;
    while at < I {
        zero[at] = random.int8() as i16;
        multiplier[at] = (1 << 14) + (random.bits() >> 18) as i16;
        shift[at] = 20 + (random.bits() >> 31) as u8;
        at += 1;
    }
    (Quantize::new(zero, multiplier, shift), cells, head)
}

/// Weights in ±127, and scales that bring the pre-activations into the range where the gates move.
pub const fn random<const I: usize, const H: usize, const LANES: usize, const BLOCKS: usize>()
-> Weights<I, H, LANES, BLOCKS> {
    let mut random = Random::new(1);
    let mut weight_ih = [[[0; I]; H]; 3];
    let mut weight_hh = [[[0; H]; H]; 3];
    random.int8s(weight_ih.as_flattened_mut().as_flattened_mut());
    random.int8s(weight_hh.as_flattened_mut().as_flattened_mut());

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

/// Weights in ±127, and scales that bring the outputs into the range of i16.
pub const fn head<const I: usize, const O: usize, const LANES: usize, const BLOCKS: usize>()
-> HeadWeights<I, O, LANES, BLOCKS> {
    let mut random = Random::new(4);
    let mut weight = [[0; I]; O];
    random.int8s(weight.as_flattened_mut());

    let (mut bias, mut multiplier, mut shift) = ([0; O], [0; O], [0; O]);
    let scale = RowScale::of(I);
    let mut row = 0;
    while row < O {
        (bias[row], multiplier[row], shift[row]) = scale.random(&mut random);
        row += 1;
    }
    QDenseWeights::pack(&weight, &bias, &multiplier, &shift)
}

/// Values in ±127, or, a quarter of the time, all at one end of it or the other.
pub fn input<const I: usize>(random: &mut Random) -> [i8; I] {
    let extreme = random.int8() >= 64;
    array::from_fn(|_| {
        let value = random.int8();
        if extreme { 127 * value.signum() } else { value }
    })
}

/// Counts of a sensor, over their whole range.
pub fn reading<const I: usize>(random: &mut Random) -> [i16; I] {
    array::from_fn(|_| (random.bits() >> 16) as i16)
}
