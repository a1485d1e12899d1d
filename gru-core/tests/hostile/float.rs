//! Hostile f32, on the host and, in the firmware that compares backends, on cores with floats.

use gru_core::layout::{self, Gates, GruShape, Order, UNITS};
use gru_core::math::{Function, HardSigmoid, Rational, Relu, Tanh};
use gru_core::slices::GruSlice;
use gru_core::{Dense, DenseWeights, Layer, QuantizeReal, activate, softmax};

pub const I: usize = 7;
/// No whole number of blocks.
pub const H: usize = 37;

/// Steps after which a layer whose state contracts by ¾ has forgotten what it was: 2 · (3/4)³² is 2e-4.
pub const FORGOTTEN: usize = 32;

static ROW: DenseWeights<H, 1, { layout::dense_f32_lanes(H, 1) }, { layout::blocks(1) }> =
    DenseWeights::pack(&[[1.0; H]], &[0.0]);
static ROW_LAYER: Dense<H, 1> = Dense::new(&ROW);

/// NaN stays until the reset, ±∞ and what overflows saturate and are forgotten, and what is too small to be a normal number counts for nothing. `step`
/// is one of a layer by its input, and `unit` gives numbers uniform in ±1.
pub fn check(step: impl Fn(GruSlice<'_>, &[f32; I], &mut [f32; H]), mut unit: impl FnMut() -> f32) {
    for gates in Gates::ALL {
        let shape = GruShape { input_size: I, hidden_size: H, order: Order::F32, gates };
        // None is zero, of which the product with ∞ is NaN.
        let weights: [f32; 3 * H * (I + H)] = core::array::from_fn(|_| {
            let weight = unit() * 0.01;
            if weight < 0.0 { weight - 1e-4 } else { weight + 1e-4 }
        });
        let (weight_ih, rest) = weights.split_at(gates.count() * H * I);
        let weight_hh = &rest[..gates.count() * H * H];
        let mut lanes = [[0.0; UNITS]; layout::gru_f32_lanes(I, H)];
        let lanes = &mut lanes[..shape.lanes()];
        shape.pack(weight_ih, weight_hh, lanes.as_flattened_mut());
        let mut bias = [[[0.0; UNITS]; 4]; layout::blocks(H)];
        layout::pack_rows([[0.0; H], [-0.5; H], [0.1; H], [0.0; H]].as_flattened(), H, &mut bias);
        let layer = GruSlice { shape, lanes, bias: &bias };
        let step = |x: &[f32; I], h: &mut [f32; H]| step(layer, x, h);

        let hostile = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX, f32::MIN];
        for (channel, hostile) in hostile.into_iter().enumerate() {
            let mut x = [0.5; I];
            let (mut found, mut clean) = ([0.25; H], [0.25; H]);
            step(&x, &mut clean);
            x[channel] = hostile;
            step(&x, &mut found);
            x[channel] = 0.5;
            for _ in 0..FORGOTTEN {
                if hostile.is_nan() {
                    // Not by `is_nan`: a vectorised one is always false on Helium, where LLVM 22 takes NaN for less than 0.
                    assert!(found.iter().all(|h| !h.is_finite()), "{gates:?}: {found:?}");
                } else {
                    assert!(found.iter().all(|h| h.abs() <= 1.0), "{gates:?}, {hostile}: {found:?}");
                }
                step(&x, &mut found);
                step(&x, &mut clean);
            }
            if hostile.is_nan() {
                (found, clean) = ([0.0; H], [0.0; H]);
                step(&x, &mut found);
                step(&x, &mut clean);
            }
            for (found, clean) in found.iter().zip(&clean) {
                assert!((found - clean).abs() < 1e-6, "{gates:?}, {hostile}: {found} for {clean}");
            }
        }

        // Whether they are flushed to zero or not.
        let (mut tiny, mut zero) = ([1e-40; H], [0.0; H]);
        for _ in 0..3 {
            step(&[-1e-42; I], &mut tiny);
            step(&[0.0; I], &mut zero);
            assert_eq!(tiny, zero, "{gates:?}");
        }
    }
    reaches_every_output();

    // Counted before they are taken.
    let mut x = [0.5; H];
    (x[3], x[11], x[12], x[36]) = (f32::NAN, f32::INFINITY, -f32::NAN, f32::NEG_INFINITY);
    let (x, quantize) = (core::hint::black_box(x), QuantizeReal::<H>::new([0.0; H], [100.0; H]));
    assert_eq!([ROW_LAYER.outside(&x), quantize.outside(&x)], [4, 4]);
}

/// NaN in gives NaN out, as many values as there are at once.
fn reaches_every_output() {
    fn of<F: Function>() {
        let mut y = core::hint::black_box([f32::NAN; H]);
        activate::<F>(&mut y);
        assert!(y.iter().all(|y| !y.is_finite()), "{y:?}");
    }
    of::<Tanh>();
    of::<Relu>();
    of::<HardSigmoid<{ 0.2f32.to_bits() }, { 0.5f32.to_bits() }>>();
    let mut y = core::hint::black_box([0.5, f32::NAN, 0.5, 0.5]);
    softmax::<Rational>(&mut y);
    assert!(y.iter().all(|y| !y.is_finite()), "{y:?}");
}
