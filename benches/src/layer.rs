//! A layer of each precision.

use fastrand::Rng;
use gru_core::quant::{HEADROOM_BITS, PREACTIVATION_BITS};
use gru_core::{Gru, GruWeights, QGru, QGruWeights, Requantization, ResetAfter};

/// Standard deviation of the pre-activations: they spread over ±4.
const SPREAD: f64 = 1.3;

/// Inputs that take turns.
pub const INPUTS: usize = 16;

/// Weights of PyTorch's initial distribution, and inputs. The weights are never freed.
pub fn float<const I: usize, const H: usize, const LANES: usize, const BLOCKS: usize>()
-> (Gru<I, H>, [[f32; I]; INPUTS]) {
    let mut rng = Rng::with_seed(0);
    let mut uniform = |scale: f32| scale * (2.0 * rng.f32() - 1.0);
    let scale = 1.0 / (H as f32).sqrt();
    let weight_ih: Box<[[[f32; I]; H]; 3]> = matrix(|| uniform(scale));
    let weight_hh: Box<[[[f32; H]; H]; 3]> = matrix(|| uniform(scale));
    let bias = [[(); H]; 4].map(|row| row.map(|()| uniform(scale)));
    let inputs = [[(); I]; INPUTS].map(|input| input.map(|()| uniform(2.0)));

    let weights: &'static GruWeights<I, H, ResetAfter, LANES, BLOCKS> =
        Box::leak(Box::new(GruWeights::pack(&weight_ih, &weight_hh, &bias)));
    (Gru::new(weights), inputs)
}

/// Weights and inputs of the full range. The weights are never freed.
pub fn int8<const I: usize, const H: usize, const LANES: usize, const BLOCKS: usize>() -> (QGru<I, H>, [[i8; I]; INPUTS])
{
    let mut rng = Rng::with_seed(0);
    let mut uniform = || rng.i8(-127..=127);
    let weight_ih: Box<[[[i8; I]; H]; 3]> = matrix(&mut uniform);
    let weight_hh: Box<[[[i8; H]; H]; 3]> = matrix(&mut uniform);
    let inputs = [[(); I]; INPUTS].map(|input| input.map(|()| uniform()));
    // r and z are halved; of n, each half has its own row.
    let rows = [(I + H, 0.5), (I + H, 0.5), (I, 1.0), (H, 1.0)];
    let scales = rows.map(|(columns, factor)| requantization(columns, factor * SPREAD));
    let multiplier = scales.map(|(multiplier, _)| [multiplier; H]);
    let shift = scales.map(|(_, shift)| [shift; H]);
    let requantization = Requantization { input_shift: 0, view: 127 };

    let weights: &'static QGruWeights<I, H, ResetAfter, LANES, BLOCKS> = Box::leak(Box::new(QGruWeights::pack(
        &weight_ih,
        &weight_hh,
        &[[0; H]; 4],
        &multiplier,
        &shift,
        requantization,
    )));
    (QGru::new(weights), inputs)
}

/// The multiplier and the shift that bring the sum of so many products of uniform int8 values to a deviation of `spread`.
fn requantization(columns: usize, spread: f64) -> (i16, u8) {
    let deviation = 127.0 * 127.0 / 3.0 * (columns as f64).sqrt();
    let scale = spread * f64::from(1 << PREACTIVATION_BITS) / deviation;
    let halvings = (1.0 / scale).log2().floor();
    ((scale * halvings.exp2() * 32767.0) as i16, HEADROOM_BITS as u8 + halvings as u8)
}

/// A matrix on the heap.
fn matrix<T: Copy + Default, const COLUMNS: usize, const ROWS: usize>(
    mut value: impl FnMut() -> T,
) -> Box<[[[T; COLUMNS]; ROWS]; 3]> {
    let mut gates = vec![[[T::default(); COLUMNS]; ROWS]; 3];
    gates.as_flattened_mut().as_flattened_mut().fill_with(&mut value);
    let Ok(gates) = gates.into_boxed_slice().try_into() else { unreachable!("a matrix has three gates") };
    gates
}
