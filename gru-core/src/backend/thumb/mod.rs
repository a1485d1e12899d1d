//! Arm M-profile cores without the DSP extension: Cortex-M3 and its like (Thumb-2), Cortex-M0, M0+, M1 and M23 (Thumb-1).
//!
//! | product | inner loop, for 4 rows × 4 columns | instructions per multiply-accumulate | bounded by |
//! |---|---|---|---|
//! | [`thumb2`] | 1 LDM of x, 16 × (LDRSB, MLA) | 33 / 16, and 2 / 32 for the loop | MLA: two cycles each on M3 |
//! | [`thumb1`] | 1 LDM of x, 8 × (LDRH, UXTB, 2 MULS, 2 ADD) | 49 / 16, and 3 / 32 for the loop | arithmetic: 40 of 49 |
//!
//! The eight fraction bits of the sums cost neither anything, and save the requantisation a shift. One call serves all gates of a panel, in
//! a function of its own in assembly: the loop needs every register.
#![allow(unsafe_code, reason = "assembly")]

#[cfg_attr(gru_family = "thumb1", path = "thumb1.rs")]
#[cfg_attr(gru_family = "thumb2", path = "thumb2.rs")]
mod int8;

use super::{Backend, Columns, F32Lane, I32Lane, Int8Lane, Lane, Op, Prepared, Units, Weight, scalar::Scalar};
use crate::layout::{INT8_DEPTH, SUM_BITS};

const _: () = assert!(INT8_DEPTH == 1 && SUM_BITS == 8);

/// Arm M-profile cores without the DSP extension.
#[derive(Clone, Copy, Debug, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Thumb;

impl Backend for Thumb {
    const NAME: &'static str = if cfg!(gru_family = "thumb1") { "thumb1" } else { "thumb2" };

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
    fn product_f32<W: Weight, const G: usize, const S: usize>(
        self,
        sums: [[F32Lane; G]; S],
        panel: &[Lane<W>],
        x: [&[f32]; S],
    ) -> [[F32Lane; G]; S] {
        Scalar.product_f32(sums, panel, x)
    }

    #[inline(always)]
    fn prepare(self, x: &[i8], prepared: &mut [Prepared]) {
        int8::prepare(x, prepared);
    }

    #[inline(always)]
    fn reads_prepared(self, lanes: &[Int8Lane], _: usize) -> bool {
        is_readable(lanes)
    }

    #[inline(always)]
    fn product_int8<const G: usize, const S: usize>(
        self,
        mut sums: [[I32Lane; G]; S],
        panel: &[Int8Lane],
        x: [Columns<'_>; S],
    ) -> [[I32Lane; G]; S] {
        self.accumulate_int8(&mut sums, panel, x);
        sums
    }

    #[inline(always)]
    fn accumulate_int8<const G: usize, const S: usize>(
        self,
        sums: &mut [[I32Lane; G]; S],
        panel: &[Int8Lane],
        x: [Columns<'_>; S],
    ) {
        let readable = |x: &Columns<'_>| panel.len() >= G * x.prepared.len();
        if G == 0 || !is_readable(panel) || !x.iter().all(readable) {
            return unreadable(sums, panel, x);
        }
        for (sums, x) in sums.iter_mut().zip(x) {
            // SAFETY: there is a gate, and `panel` is aligned and holds a lane for each gate and column.
            unsafe { int8::accumulate(panel, x.prepared, sums) };
        }
    }
}

/// Whether the assembly can load these weights: all that a layer packed.
#[inline(always)]
fn is_readable(lanes: &[Int8Lane]) -> bool {
    lanes.as_ptr().cast::<int8::Weights>().is_aligned()
}

/// The product of a panel that the assembly cannot read: none that a layer packed.
#[cold]
#[inline(never)]
fn unreadable<const G: usize, const S: usize>(sums: &mut [[I32Lane; G]; S], panel: &[Int8Lane], x: [Columns<'_>; S]) {
    *sums = Scalar.product_int8(*sums, panel, x);
}
