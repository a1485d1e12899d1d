//! Portable Rust for cores without vector registers, such as RV32IM.
//!
//! A turn multiplies one column with the weights of all gates of a panel. RV32: LB of x, then 12 × (LB, MUL, ADD) for 12 rows.

use super::{Backend, Columns, F32Lane, I32Lane, Int8Lane, Op, Units, scalar::Scalar};
use crate::layout::{INT8_DEPTH, Order};
use core::array;

/// Portable Rust with the gates of [`Units`].
#[derive(Clone, Copy, Debug, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Portable;

impl Backend for Portable {
    const NAME: &'static str = "portable";

    type Lanes = Units;

    #[inline(always)]
    fn lanes(self) -> Units {
        Units
    }

    #[inline(always)]
    fn enter<O: Op>(self, op: O) -> O::Output {
        op.run(self)
    }

    #[inline(always)]
    fn product_f32<const G: usize, const S: usize>(
        self,
        sums: [[F32Lane; G]; S],
        panel: &[F32Lane],
        x: [&[f32]; S],
    ) -> [[F32Lane; G]; S] {
        Scalar.product_f32(sums, panel, x)
    }

    #[inline(always)]
    fn product_int8<const G: usize, const S: usize>(
        self,
        mut sums: [[I32Lane; G]; S],
        panel: &[Int8Lane],
        x: [Columns<'_>; S],
    ) -> [[I32Lane; G]; S] {
        const PLAIN: bool = INT8_DEPTH == 1 && !Order::INT8.interleaved && Order::INT8.offsets == 0;
        if !PLAIN {
            return Scalar.product_int8(sums, panel, x);
        }
        for (sums, x) in sums.iter_mut().zip(x) {
            accumulate(sums, panel, x.values);
        }
        sums
    }
}

#[inline(always)]
fn accumulate<const G: usize>(sums: &mut [I32Lane; G], panel: &[Int8Lane], x: &[i8]) {
    let gates: [&[Int8Lane]; G] =
        array::from_fn(|gate| panel.get(gate * x.len()..).and_then(|gate| gate.get(..x.len())).unwrap_or_default());
    let gates = gates.map(|gate| gate.as_chunks::<4>());
    let (chunks, tail) = x.as_chunks::<4>();
    for (c, x) in chunks.iter().enumerate() {
        for (sums, gate) in sums.iter_mut().zip(gates) {
            let Some(lanes) = gate.0.get(c) else { return };
            for (lane, &x) in lanes.iter().zip(x) {
                add(sums, lane, x);
            }
        }
    }
    for (sums, gate) in sums.iter_mut().zip(gates) {
        for (lane, &x) in gate.1.iter().zip(tail) {
            add(sums, lane, x);
        }
    }
}

#[inline(always)]
fn add(sums: &mut I32Lane, lane: &Int8Lane, x: i8) {
    for (sum, weights) in sums.iter_mut().zip(lane) {
        *sum += i32::from(weights[0]) * i32::from(x);
    }
}
