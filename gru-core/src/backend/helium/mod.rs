//! Helium (MVE with floats): Cortex-M52, M55, M85.
//!
//! | product | inner loop | instructions per multiply-accumulate | bounded by |
//! |---|---|---|---|
//! | [`int8`] | 1 VLDRB of x, 4 × (VLDRB, VMLADAVA) for 4 rows × 16 columns | 9 / 64, and 1 / 64 for the loop | loads: 5 of 9 |
//! | [`float`] | 3 × (VLDRW, VFMA) for 12 rows × 1 column; 1 LDM for 4 columns of x | 6.25 / 12, and 1 / 48 for the loop | loads and VFMA, which alternate |
//! | the same of f16 weights | 3 × (VLDRH, VCVTB, VFMA) | 9.25 / 12, and 1 / 48 for the loop | VCVTB and VFMA |
//!
//! A vector instruction takes a Cortex-M55 two cycles, and a load overlaps the arithmetic beside it; a low-overhead loop costs nothing from
//! its second round on. The gates are vectors of four units too; only division has no vector form.
//!
//! The start-up code must have enabled the coprocessors 10 and 11, as cortex-m-rt does on this target. It should set `CCR.LOB` (bit 19 at
//! 0xE000_ED14), which is clear after reset: the loops are right without it, but every round then costs a branch.
//!
//! Everything is a function of its own, in assembly: stable Rust has no intrinsics for these instructions, and takes no vector register as an
//! operand. Each names the processor, as a naked function is not told of the target's.
#![allow(unsafe_code, reason = "instructions without intrinsics")]

mod float;
mod int8;

use super::{Arrays, Backend, Columns, F32Lane, I16Lane, I32Lane, Int8Lane, Lane, Lanes, Op, U8Lane, Weight};
use crate::{
    layout::{Scales, UNITS},
    math::{Activation, Rational},
};
use core::any::TypeId;

/// MVE with floats.
#[derive(Clone, Copy, Debug, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Helium;

impl Backend for Helium {
    const NAME: &'static str = "helium";

    type Lanes = Memory;

    #[inline(always)]
    fn lanes(self) -> Memory {
        Memory
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
        float::product(sums, panel, x)
    }

    #[inline(always)]
    fn product_int8<const G: usize, const S: usize>(
        self,
        sums: [[I32Lane; G]; S],
        panel: &[Int8Lane],
        x: [Columns<'_>; S],
    ) -> [[I32Lane; G]; S] {
        int8::product(sums, panel, x)
    }
}

/// Lanes in memory, which the functions of the gates take from there.
#[derive(Clone, Copy, Debug, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Memory;

impl Lanes for Memory {
    type F32 = F32Lane;
    type I32 = I32Lane;
    type I16 = I16Lane;

    on_arrays! {
        fn load_f32(values: &[f32]) -> F32Lane;
        fn store_f32(values: F32Lane, to: &mut [f32]);
        fn load_i32(values: &[i32]) -> I32Lane;
        fn store_i32(values: I32Lane, to: &mut [i32]);
        fn load_i16(values: &[i16]) -> I16Lane;
        fn store_i16(values: I16Lane, to: &mut [i16]);
        fn add_i32(a: I32Lane, b: I32Lane) -> I32Lane;
        fn shift_left(a: I32Lane, shift: u8) -> I32Lane;
        fn carry(low: I32Lane) -> I32Lane;
        fn add_i16(a: I16Lane, b: I16Lane) -> I16Lane;
        fn state_q15(h: I32Lane) -> I16Lane;
        fn store_view(values: I16Lane, multiplier: i16, to: &mut [i8]);
    }

    #[inline(always)]
    fn reset_f32<A: Activation>(self, r: F32Lane, v: F32Lane) -> F32Lane {
        if is_rational::<A>() { float::reset(&r, v) } else { Arrays.reset_f32::<A>(r, v) }
    }

    #[inline(always)]
    fn update_f32<A: Activation>(self, z: F32Lane, n: F32Lane, h: F32Lane) -> F32Lane {
        if is_rational::<A>() { float::update(&z, &n, h) } else { Arrays.update_f32::<A>(z, n, h) }
    }

    #[inline(always)]
    fn requantize(self, sums: I32Lane, multiplier: &I16Lane, shift: &U8Lane) -> I16Lane {
        int8::requantize(&sums, multiplier, shift)
    }

    #[inline(always)]
    fn reset_int8(self, r: I16Lane, v: I16Lane) -> I16Lane {
        int8::reset(&r, v)
    }

    #[inline(always)]
    fn update_int8(self, z: I16Lane, n: I16Lane, mut h: I32Lane) -> I32Lane {
        int8::advance(&z, &n, 0, &mut h, &mut [0; UNITS]);
        h
    }

    #[inline(always)]
    fn advance_int8(self, z: I16Lane, n: I16Lane, multiplier: i16, h: &mut [i32], view: &mut [i8]) {
        int8::advance(&z, &n, multiplier, h, view);
    }

    #[inline(always)]
    fn gates_int8(
        self,
        &[r, z, n_hidden]: &[I32Lane; 3],
        &n_input: &I32Lane,
        scales: &Scales<4>,
        multiplier: i16,
        h: &mut [i32],
        view: &mut [i8],
    ) {
        int8::gates(&[r, z, n_input, n_hidden], scales, multiplier, h, view);
    }
}

/// Whether an activation is the one that [`float`] is written for.
#[inline(always)]
fn is_rational<A: Activation>() -> bool {
    TypeId::of::<A>() == TypeId::of::<Rational>()
}
