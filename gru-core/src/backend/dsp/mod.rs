//! Arm M-profile cores with the DSP extension: Cortex-M4, M7, M33, M35P and their successors without Helium.
//!
//! | product | inner loop | instructions per multiply-accumulate | bounded by |
//! |---|---|---|---|
//! | [`int8`] | 1 LDM, 1 LDRD, 4 × (SMLAD, SXTB16, SMLAD) for 4 rows × 4 columns | 14 / 16, and 2 / 128 for the loop | arithmetic: 12 of 14 |
//! | [`float`] | 1 VLDM, 12 VFMA for 12 rows × 1 column; 1 VLDM for 4 columns of x | 13.25 / 12, and 2 / 48 for the loop | arithmetic: 12 of 13 |
//!
//! Both loops are functions of their own, in assembly: stable Rust has no intrinsics for these instructions, and takes no float register
//! as an operand on these cores. A core issues one of these instructions a cycle (M7: up to two), weights from slow flash aside.
#![allow(unsafe_code, reason = "instructions without intrinsics")]

#[cfg(target_abi = "eabihf")]
mod float;
mod int8;

#[cfg(not(target_abi = "eabihf"))]
use super::scalar::Scalar;
use super::{Arrays, Backend, Columns, F32Lane, I32Lane, Int8Lane, Op, Prepared};

/// The DSP extension, and the FPU where the target passes floats in its registers.
#[derive(Clone, Copy, Debug, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Dsp;

impl Backend for Dsp {
    const NAME: &'static str = "dsp";

    type Lanes = Arrays;

    #[inline(always)]
    fn lanes(self) -> Arrays {
        Arrays
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
    fn product_int8<const G: usize, const S: usize>(
        self,
        sums: [[I32Lane; G]; S],
        panel: &[Int8Lane],
        x: [Columns<'_>; S],
    ) -> [[I32Lane; G]; S] {
        int8::product(sums, panel, x)
    }
}
