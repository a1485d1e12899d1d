//! Arm M-profile cores with the DSP extension: Cortex-M4, M7, M33, M35P and their successors without Helium.
//!
//! | product | inner loop | instructions per multiply-accumulate | bounded by |
//! |---|---|---|---|
//! | [`int8`] | 1 LDM, 1 LDRD, 4 × (SMLAD, SXTB16, SMLAD) for 4 rows × 4 columns | 14 / 16, and 2 / 128 for the loop | arithmetic: 12 of 14 |
//! | [`float`] | 1 VLDM, 12 VFMA for 12 rows × 1 column; 1 VLDM for 4 columns of x | 13.25 / 12, and 2 / 48 for the loop | arithmetic: 12 of 13 |
//! | the same of f16 weights | 12 VCVTB or VCVTT besides | 25.25 / 12, and 2 / 48 for the loop | arithmetic: 24 of 25 |
//!
//! Both loops are functions of their own, in assembly: stable Rust has no intrinsics for these instructions, and takes no float register
//! as an operand on these cores. A core issues one of these instructions a cycle (M7: up to two), weights from slow flash aside.
#![allow(unsafe_code, reason = "instructions without intrinsics")]

#[cfg(target_abi = "eabihf")]
mod float;
mod gates;
mod int8;

#[cfg(not(target_abi = "eabihf"))]
use super::scalar::Scalar;
use super::{
    Arrays, Backend, Columns, F32Lane, I16Lane, I32Lane, Int8Lane, Lane, Lanes, Op, Prepared, U8Lane, Units, Weight,
};
use crate::{layout::Scales, math::Activation};

/// The DSP extension, and the FPU where the target passes floats in its registers.
#[derive(Clone, Copy, Debug, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Dsp;

impl Backend for Dsp {
    const NAME: &'static str = "dsp";

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
        #[cfg(target_abi = "eabihf")]
        return float::product(sums, panel, x);
        #[cfg(not(target_abi = "eabihf"))]
        Scalar.product_f32(sums, panel, x)
    }

    #[inline(always)]
    fn prepare(self, x: &[i8], prepared: &mut [Prepared]) {
        int8::prepare(x, prepared);
    }

    #[inline(always)]
    fn reads_prepared(self, lanes: &[Int8Lane], columns: usize) -> bool {
        columns > 1 && int8::is_readable(lanes)
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
        int8::accumulate(sums, panel, x);
    }
}

/// Lanes in memory, where the function of the gates takes them from.
#[derive(Clone, Copy, Debug, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Memory;

impl Lanes for Memory {
    type F32 = F32Lane;
    type I32 = I32Lane;
    type I16 = <Units as Lanes>::I16;

    on_arrays! {
        fn load_f32(values: &[f32]) -> F32Lane;
        fn store_f32(values: F32Lane, to: &mut [f32]);
        fn load_i32(values: &[i32]) -> I32Lane;
        fn store_i32(values: I32Lane, to: &mut [i32]);
        fn add_i32(a: I32Lane, b: I32Lane) -> I32Lane;
        fn shift_left(a: I32Lane, shift: u8) -> I32Lane;
        fn carry(low: I32Lane) -> I32Lane;
    }

    // Of cells that `gates` does not serve: in the same number of instructions for all values.
    delegate! {
        to Units:
        fn load_i16(values: &[i16]) -> Self::I16;
        fn store_i16(values: Self::I16, to: &mut [i16]);
        fn requantize(sums: I32Lane, multiplier: &I16Lane, shift: &U8Lane) -> Self::I16;
        fn add_i16(a: Self::I16, b: Self::I16) -> Self::I16;
        fn reset_int8(r: Self::I16, v: Self::I16) -> Self::I16;
        fn update_int8(z: Self::I16, n: Self::I16, h: I32Lane) -> I32Lane;
        fn state_q15(h: I32Lane) -> Self::I16;
        fn store_view(values: Self::I16, multiplier: i16, to: &mut [i8]);
        fn tanh_int8(n: Self::I16) -> Self::I16;
    }

    #[inline(always)]
    fn reset_f32<A: Activation>(self, r: F32Lane, mut v: F32Lane) -> F32Lane {
        v.iter_mut().zip(r).for_each(|(v, r)| *v *= A::sigmoid(r));
        v
    }

    #[inline(always)]
    fn update_f32<A: Activation>(self, z: F32Lane, n: F32Lane, mut h: F32Lane) -> F32Lane {
        for ((h, z), n) in h.iter_mut().zip(z).zip(n) {
            *h += A::complement(z) * (A::tanh(n) - *h);
        }
        h
    }

    #[inline(always)]
    fn gates_int8(
        self,
        recurrent: &[I32Lane; 3],
        n_input: &I32Lane,
        scales: &Scales<4>,
        multiplier: i16,
        h: &mut [i32],
        view: &mut [i8],
    ) {
        gates::advance(recurrent, n_input, scales, multiplier, h, view);
    }
}
