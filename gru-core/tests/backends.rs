//! Every backend against the specification, on single blocks: int8 bit for bit, f32 within a bound. One line a backend, at the end.

use gru_core::backend::{Backend, I16Lane, I32Lane, Int8Lane, Op, scalar::Scalar};
use gru_core::layout::UNITS;
use gru_core::math::{Rational, fixed};
use gru_core::quant;
use std::array;

mod random;
use random::Random;

/// Largest difference of an f32 operation to f64: a tanh, and a sigmoid times a distance of up to 2.
const F32_BOUND: f64 = 8e-7;

/// The int8 operations of a backend equal `quant`.
struct Int8;

impl Op for Int8 {
    type Output = ();

    fn run<B: Backend>(self, backend: B) {
        let mut random = Random(1);
        for columns in 0..=70 {
            accumulates::<B, 1>(backend, &mut random, columns);
            accumulates::<B, 2>(backend, &mut random, columns);
            accumulates::<B, 3>(backend, &mut random, columns);
        }
        for shift in 0..32 {
            for _ in 0..200 {
                let sums: I32Lane = array::from_fn(|_| (random.unit() * quant::ACCUMULATOR_BOUND as f32) as i32);
                let multiplier: I16Lane = array::from_fn(|_| (random.next() >> 49) as i16);
                let shifts = array::from_fn(|u| (shift + u as u8) % 32);
                let expected: I16Lane = array::from_fn(|u| quant::requantize(sums[u], multiplier[u], shifts[u]));
                assert_eq!(backend.requantize(&sums, &multiplier, &shifts), expected);
            }
        }
        for first in (i16::MIN..=i16::MAX).step_by(UNITS) {
            let t: I16Lane = array::from_fn(|u| first.wrapping_add(u as i16));
            let v: I16Lane = array::from_fn(|_| ((random.next() >> 48) as i16).max(-i16::MAX));
            let h: I32Lane = array::from_fn(|_| (random.unit() * (1 << quant::STATE_BITS) as f32) as i32);
            assert_eq!(backend.reset_int8(&t, &v), array::from_fn(|u| quant::reset(t[u], v[u])));
            for (z, n) in [(&t, &v), (&v, &t)] {
                let expected: I32Lane = array::from_fn(|u| quant::update(z[u], fixed::tanh_q15(n[u]), h[u]));
                assert_eq!(backend.update_int8(z, n, &h), expected);
            }
            for multiplier in [1, 127, 128, 400, 4064] {
                assert_eq!(backend.view(&t, multiplier), t.map(|t| quant::view(t, multiplier)));
            }
        }
    }
}

/// Random and extreme weights over so many columns.
fn accumulates<B: Backend, const G: usize>(backend: B, random: &mut Random, columns: usize) {
    for extreme in [false, true] {
        let mut value = || {
            let value = (random.unit() * 127.9) as i8;
            if extreme { value.signum() * 127 } else { value }
        };
        let weights: Vec<[Int8Lane; G]> = (0..columns.div_ceil(4))
            .map(|_| array::from_fn(|_| array::from_fn(|_| array::from_fn(|_| value()))))
            .collect();
        let x: Vec<i8> = (0..columns).map(|_| value()).collect();
        let before: [I32Lane; G] = array::from_fn(|g| array::from_fn(|u| (g * 1000 + u) as i32));
        let product =
            |column: usize, g: usize, u: usize| i32::from(weights[column / 4][g][u][column % 4]) * i32::from(x[column]);
        let mut sums = before;
        backend.accumulate_int8(&mut sums, &weights, &x);
        let expected: [I32Lane; G] = array::from_fn(|g| {
            array::from_fn(|u| before[g][u] + (0..columns).map(|column| product(column, g, u)).sum::<i32>())
        });
        assert_eq!(sums, expected, "{columns} columns, {G} gates");
    }
}

/// The f32 operations of a backend are within [`F32_BOUND`] of f64.
struct Float;

impl Op for Float {
    type Output = ();

    fn run<B: Backend>(self, backend: B) {
        let mut random = Random(2);
        let sigmoid = |x: f32| 1.0 / (1.0 + (-f64::from(x)).exp());
        for columns in 0..=70 {
            let mut lane = |scale: f32| -> [f32; UNITS] { array::from_fn(|_| random.unit() * scale) };
            let weights: Vec<[[f32; UNITS]; 3]> = (0..columns).map(|_| array::from_fn(|_| lane(0.1))).collect();
            let x: Vec<f32> = (0..columns).map(|_| lane(1.0)[0]).collect();
            let before: [[f32; UNITS]; 3] = array::from_fn(|_| lane(1.0));
            let mut sums = before;
            backend.accumulate_f32(&mut sums, &weights, &x);
            let (z, n, h) = (lane(20.0), lane(20.0), lane(1.0));
            let reset = backend.reset_f32::<Rational>(&z, &h);
            let update = backend.update_f32::<Rational>(&z, &n, &h);
            for u in 0..UNITS {
                for g in 0..3 {
                    let product = |(w, x): (&[[f32; UNITS]; 3], &f32)| f64::from(w[g][u]) * f64::from(*x);
                    near(sums[g][u], f64::from(before[g][u]) + weights.iter().zip(&x).map(product).sum::<f64>());
                }
                let (z, exact_h, n) = (sigmoid(z[u]), f64::from(h[u]), f64::from(n[u]).tanh());
                near(reset[u], z * exact_h);
                near(update[u], (1.0 - z) * n + z * exact_h);
            }
        }
        assert!(backend.reset_f32::<Rational>(&[f32::NAN; UNITS], &[1.0; UNITS]).iter().all(|y| y.is_nan()));
        let full = backend.update_f32::<Rational>(&[-100.0; UNITS], &[f32::INFINITY; UNITS], &[0.0; UNITS]);
        full.iter().for_each(|&h| near(h, 1.0));
    }
}

fn near(found: f32, exact: f64) {
    assert!((f64::from(found) - exact).abs() < F32_BOUND, "{found} for {exact}");
}

macro_rules! backends {
    ($($name:ident: $token:expr;)+) => {$(
        mod $name {
            use super::*;

            #[test]
            fn int8_is_the_specification() {
                $token.enter(Int8);
            }

            #[test]
            fn f32_is_within_its_bound() {
                $token.enter(Float);
            }
        }
    )+};
}

backends! {
    scalar: Scalar;
}
