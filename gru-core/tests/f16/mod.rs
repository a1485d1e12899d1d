//! f16 weights on one backend: each widens to the f32 that it is, and layers give bit for bit what they give over those f32.

use super::random::Random;
use super::steps;
use gru_core::F16;
use gru_core::backend::{Backend, Lane, Lanes, Op};
use gru_core::layout::{self, DenseShape, GruShape, Order, UNITS};
use gru_core::math::Rational;
use gru_core::slices::{DenseSlice, GruInput, GruSlice};
use std::array;

/// Steps of a layer: more would show nothing new.
const STEPS: usize = 4;

/// The number that the bits of a binary16 stand for, by its definition; NaN for NaN.
fn exact(bits: u16) -> f64 {
    let sign = if bits >> 15 == 0 { 1.0 } else { -1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 31), f64::from(bits & 0x3ff) / 1024.0);
    sign * match exponent {
        0 => fraction * 2f64.powi(-14),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1.0 + fraction) * 2f64.powi(exponent - 15),
    }
}

/// Every pattern, in every unit's place.
pub struct Widening;

impl Op for Widening {
    type Output = ();

    fn run<B: Backend>(self, backend: B) {
        let lanes = backend.lanes();
        for first in (0..=u16::MAX).step_by(if cfg!(miri) { 997 } else { 1 }) {
            let weights: Lane<F16> = array::from_fn(|u| F16(first.wrapping_add(u as u16 * 4099)));
            let mut found = [0.0; UNITS];
            lanes.store_f32(lanes.load_f16(&weights), &mut found);
            for (weight, found) in weights.into_iter().zip(found) {
                let expected = exact(weight.0) as f32;
                for found in [found, weight.to_f32()] {
                    let same = found.to_bits() == expected.to_bits() || found.is_nan() && expected.is_nan();
                    assert!(same, "{:#06x}: {found:e} for {expected:e}", weight.0);
                }
            }
        }
    }
}

/// GRU and dense layers of all shapes.
pub fn layers<B: Backend>(backend: B) {
    let mut random = Random(7);
    for (input_size, hidden_size) in steps::shapes() {
        for gates in steps::gates(input_size, hidden_size) {
            gru(backend, &mut random, GruShape { input_size, hidden_size, order: Order::F32, gates });
        }
        dense(backend, &mut random, DenseShape { input_size, output_size: hidden_size, order: Order::F32 });
    }
}

/// Finite weights of up to 1, one in eight subnormal.
fn weights(random: &mut Random, len: usize) -> Vec<F16> {
    let mut weight = || {
        let bits = random.next();
        F16((bits & 0x83ff) as u16 | if bits >> 61 == 0 { 0 } else { ((bits >> 32) as u16 % 15) << 10 })
    };
    (0..len).map(|_| weight()).collect()
}

fn wide(weights: &[F16]) -> Vec<f32> {
    weights.iter().map(|weight| weight.to_f32()).collect()
}

fn values(random: &mut Random, len: usize) -> Vec<f32> {
    (0..len).map(|_| random.unit()).collect()
}

fn gru<B: Backend>(backend: B, random: &mut Random, shape: GruShape) {
    let GruShape { input_size, hidden_size, gates, .. } = shape;
    let [ih, hh] = [input_size, hidden_size].map(|columns| weights(random, gates.count() * hidden_size * columns));
    let mut bias = vec![[[0.0; UNITS]; 4]; layout::blocks(hidden_size)];
    layout::pack_rows(&values(random, 4 * hidden_size), hidden_size, &mut bias);
    let mut halves = vec![[F16(0); UNITS]; shape.lanes()];
    shape.pack(&ih, &hh, halves.as_flattened_mut());
    let mut floats = vec![[0.0; UNITS]; shape.lanes()];
    shape.pack(&wide(&ih), &wide(&hh), floats.as_flattened_mut());
    let (half, float) =
        (GruSlice { shape, lanes: &halves, bias: &bias }, GruSlice { shape, lanes: &floats, bias: &bias });
    let [mut found, mut expected, mut first, mut second] = [(); 4].map(|()| vec![0.0; hidden_size]);
    for step in 0..STEPS {
        let x = values(random, input_size);
        let input = if step == 2 { GruInput::OneHot(step % (input_size + 1)) } else { GruInput::Dense(&x) };
        half.step_on::<B, Rational>(backend, input, &mut found, [&mut first, &mut second]).unwrap();
        float.step_on::<B, Rational>(backend, input, &mut expected, [&mut first, &mut second]).unwrap();
        same(&found, &expected, &shape);
    }
}

fn dense<B: Backend>(backend: B, random: &mut Random, shape: DenseShape) {
    let weight = weights(random, shape.input_size * shape.output_size);
    let mut bias = vec![[[0.0; UNITS]; 1]; layout::blocks(shape.output_size)];
    layout::pack_rows(&values(random, shape.output_size), shape.output_size, &mut bias);
    let mut halves = vec![[F16(0); UNITS]; shape.lanes()];
    shape.pack(&weight, halves.as_flattened_mut());
    let mut floats = vec![[0.0; UNITS]; shape.lanes()];
    shape.pack(&wide(&weight), floats.as_flattened_mut());
    let x = values(random, shape.input_size);
    let [mut found, mut expected] = [(); 2].map(|()| vec![0.0; shape.output_size]);
    DenseSlice { shape, lanes: &halves, bias: &bias }.step_on(backend, &x, &mut found).unwrap();
    DenseSlice { shape, lanes: &floats, bias: &bias }.step_on(backend, &x, &mut expected).unwrap();
    same(&found, &expected, &shape);
}

fn same(found: &[f32], expected: &[f32], shape: &dyn std::fmt::Debug) {
    assert!(found.iter().map(|y| y.to_bits()).eq(expected.iter().map(|y| y.to_bits())), "{shape:?}");
    assert!(found.iter().all(|y| y.is_finite()), "{shape:?}");
}
