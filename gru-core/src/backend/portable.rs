//! Portable Rust for cores without vector registers and without a file of their own.
//!
//! A turn multiplies four columns with the weights of four rows. RV32: 4 × (LB of x, 4 × (LB, MUL, ADD)), and 3 for the loop: 55
//! instructions for 16 products.

use super::{Backend, Columns, F32Lane, I32Lane, Int8Lane, Lane, Op, Units, Weight, scalar::Scalar};
use crate::layout::{INT8_DEPTH, Order};

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

    #[inline]
    fn enter<O: Op>(self, op: O) -> O::Output {
        op.run(self)
    }

    #[inline(always)]
    fn product_f32<W: Weight, const G: usize, const S: usize>(
        self,
        sums: [[F32Lane; G]; S],
        panel: &[Lane<W>],
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
        for (sums, Columns { values: x, .. }) in sums.iter_mut().zip(x) {
            let mut gates = panel;
            for sums in sums {
                let (lanes, others) = gates.split_at_checked(x.len()).unwrap_or_default();
                accumulate(sums, lanes, x);
                gates = others;
            }
        }
        sums
    }
}

/// Adds the products of a gate. A function of its own, as the compiler would take loops of known length apart and run out of registers.
#[inline(never)]
fn accumulate(sums: &mut I32Lane, lanes: &[Int8Lane], x: &[i8]) {
    let ((lanes, last_lanes), (x, last_x)) = (lanes.as_chunks::<4>(), x.as_chunks::<4>());
    for (lanes, x) in lanes.iter().zip(x) {
        for (lane, &x) in lanes.iter().zip(x) {
            add(sums, lane, x);
        }
    }
    for (lane, &x) in last_lanes.iter().zip(last_x) {
        add(sums, lane, x);
    }
}

/// Adds the products of a column.
#[inline(always)]
fn add(sums: &mut I32Lane, lane: &Int8Lane, x: i8) {
    for (sum, weights) in sums.iter_mut().zip(lane) {
        *sum += i32::from(weights[0]) * i32::from(x);
    }
}
