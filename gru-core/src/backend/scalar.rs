//! The specification: portable Rust, one value at a time.

use super::{Backend, F32Lane, I8Lane, I16Lane, I32Lane, Int8Lane, Op, U8Lane};
use crate::{math::Activation, math::fixed, quant};
use core::array;

/// Portable Rust, on every target.
#[derive(Clone, Copy, Debug, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Scalar;

impl Backend for Scalar {
    const NAME: &'static str = "scalar";

    #[inline(always)]
    fn enter<O: Op>(self, op: O) -> O::Output {
        op.run(self)
    }

    #[inline(always)]
    fn accumulate_f32<const G: usize>(self, accumulators: &mut [F32Lane; G], weights: &[[F32Lane; G]], x: &[f32]) {
        for (column, &x) in weights.iter().zip(x) {
            for (accumulators, lane) in accumulators.iter_mut().zip(column) {
                for (accumulator, &w) in accumulators.iter_mut().zip(lane) {
                    *accumulator += w * x;
                }
            }
        }
    }

    #[inline(always)]
    fn reset_f32<A: Activation>(self, r: &F32Lane, v: &F32Lane) -> F32Lane {
        array::from_fn(|u| A::sigmoid(r[u]) * v[u])
    }

    #[inline(always)]
    fn update_f32<A: Activation>(self, z: &F32Lane, n: &F32Lane, h: &F32Lane) -> F32Lane {
        array::from_fn(|u| h[u] + A::sigmoid(-z[u]) * (A::tanh(n[u]) - h[u]))
    }

    #[inline(always)]
    fn accumulate_int8<const G: usize>(self, accumulators: &mut [I32Lane; G], weights: &[[Int8Lane; G]], x: &[i8]) {
        let (groups, tail) = x.as_chunks();
        for (x, column) in groups.iter().zip(weights) {
            accumulate_group(accumulators, column, *x);
        }
        if let Some(column) = weights.get(groups.len()) {
            let mut last = [0; 4];
            last.iter_mut().zip(tail).for_each(|(last, &x)| *last = x);
            accumulate_group(accumulators, column, last);
        }
    }

    #[inline(always)]
    fn requantize(self, accumulators: &I32Lane, multiplier: &I16Lane, shift: &U8Lane) -> I16Lane {
        array::from_fn(|u| quant::requantize(accumulators[u], multiplier[u], shift[u]))
    }

    #[inline(always)]
    fn reset_int8(self, r: &I16Lane, v: &I16Lane) -> I16Lane {
        array::from_fn(|u| quant::reset(r[u], v[u]))
    }

    #[inline(always)]
    fn update_int8(self, z: &I16Lane, n: &I16Lane, h: &I32Lane) -> I32Lane {
        array::from_fn(|u| quant::update(z[u], fixed::tanh_q15(n[u]), h[u]))
    }

    #[inline(always)]
    fn view(self, values: &I16Lane, multiplier: i16) -> I8Lane {
        array::from_fn(|u| quant::view(values[u], multiplier))
    }
}

#[inline(always)]
fn accumulate_group<const G: usize>(accumulators: &mut [I32Lane; G], column: &[Int8Lane; G], x: [i8; 4]) {
    for (accumulators, lane) in accumulators.iter_mut().zip(column) {
        for (accumulator, w) in accumulators.iter_mut().zip(lane) {
            for (&w, &x) in w.iter().zip(&x) {
                *accumulator += i32::from(w) * i32::from(x);
            }
        }
    }
}
