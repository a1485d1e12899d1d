//! NEON with the dot product extension of Armv8.2: `sdot` for the int8 product.
//!
//! Per group of four columns one broadcast and six `sdot` on four sets of accumulators, 24 of the 32 registers: 16 products an instruction,
//! one load of 16 bytes for each. All else is NEON's.

use super::{
    both,
    neon::{F32x4, I32x8, Q, broadcast, load, product_f32},
};
use crate::{
    backend::{Backend, Columns, Int8Lane, Lane, Lanes, Op, Weight, vector},
    layout::INT8_DEPTH,
};
use core::arch::{aarch64::*, asm};

/// NEON and `sdot`.
#[derive(Clone, Copy, Debug)]
pub struct Dotprod(());

impl Dotprod {
    /// The token, where this processor has `sdot`. Without the feature `std` that is known only when it is compiled for such a one.
    #[must_use]
    pub fn detect() -> Option<Self> {
        #[cfg(all(feature = "std", not(target_feature = "dotprod")))]
        let detected = std::arch::is_aarch64_feature_detected!("dotprod");
        #[cfg(not(all(feature = "std", not(target_feature = "dotprod"))))]
        let detected = cfg!(target_feature = "dotprod");
        detected.then_some(Self(()))
    }

    /// Whether the program is compiled for these instructions, so that it runs nowhere else.
    pub(super) const COMPILED_FOR: bool = cfg!(target_feature = "dotprod");

    /// The token without detection.
    ///
    /// # Safety
    /// `detect` would return it.
    pub(super) const unsafe fn new_unchecked() -> Self {
        Self(())
    }
}

impl Backend for Dotprod {
    const NAME: &'static str = "dotprod";
    const STREAMS: usize = 4;

    type Lanes = Q;

    #[inline(always)]
    fn lanes(self) -> Q {
        Q
    }

    #[inline(always)]
    fn enter<O: Op>(self, op: O) -> O::Output {
        #[target_feature(enable = "dotprod")]
        #[inline]
        fn region<O: Op>(backend: Dotprod, op: O) -> O::Output {
            op.run(backend)
        }
        // SAFETY: the token exists only where the feature was detected.
        unsafe { region(self, op) }
    }

    #[inline(always)]
    fn product_f32<W: Weight, const G: usize, const S: usize>(
        self,
        sums: [[[F32x4; 2]; G]; S],
        panel: &[Lane<W>],
        x: [&[f32]; S],
    ) -> [[[F32x4; 2]; G]; S] {
        product_f32(self, sums, panel, x)
    }

    #[inline(always)]
    fn product_int8<const G: usize, const S: usize>(
        self,
        sums: [[I32x8; G]; S],
        panel: &[Int8Lane],
        x: [Columns<'_>; S],
    ) -> [[I32x8; G]; S] {
        match S {
            1 => vector::product_int8::<_, G, S, 4>(self, sums, panel, x),
            2 => vector::product_int8::<_, G, S, 2>(self, sums, panel, x),
            _ => vector::product_int8::<_, G, S, 1>(self, sums, panel, x),
        }
    }
}

/// `sums[u] + Σ weights[4u + c] · x[4u + c]`. Its intrinsic is not stable yet.
#[target_feature(enable = "dotprod")]
#[inline]
fn sdot(mut sums: int32x4_t, weights: int8x16_t, x: int8x16_t) -> int32x4_t {
    // SAFETY: the function enables the instruction, which changes nothing but its first operand.
    unsafe {
        asm!(
            "sdot {sums:v}.4s, {weights:v}.16b, {x:v}.16b",
            sums = inout(vreg) sums,
            weights = in(vreg) weights,
            x = in(vreg) x,
            options(pure, nomem, nostack, preserves_flags)
        );
    }
    sums
}

impl vector::Dot for Dotprod {
    /// Four columns, four times.
    type Group = int8x16_t;
    type Partial = I32x8;

    #[inline(always)]
    fn group(self, x: [i8; INT8_DEPTH]) -> int8x16_t {
        broadcast(x)
    }

    #[inline(always)]
    fn start(self, _: Option<&Int8Lane>) -> I32x8 {
        // SAFETY: every AArch64 here has NEON.
        I32x8([unsafe { vdupq_n_s32(0) }; 2])
    }

    #[inline(always)]
    fn dot(self, sums: I32x8, weights: &Int8Lane, x: int8x16_t) -> I32x8 {
        let weights = load(weights);
        // SAFETY: the token proves `sdot`.
        I32x8(both!(i => unsafe { sdot(sums.0[i], weights[i], x) }))
    }

    #[inline(always)]
    fn add(self, a: I32x8, b: I32x8) -> I32x8 {
        Q.add_i32(a, b)
    }

    #[inline(always)]
    fn finish(self, sums: I32x8) -> I32x8 {
        sums
    }
}
