//! AVX-VNNI: as AVX2, with `vpdpbusd` for the int8 product.
//!
//! Per group of four columns one broadcast and six `vpdpbusd ymm, ymm, [weights]` on two sets of accumulators: 32 products an instruction,
//! bound by the loads of the weights. Activations are offset by 128, as in AVX-512 VNNI.

use super::{
    avx2::{Avx2, I32x16, Ymm, load},
    both,
    real::F32x8,
    token,
};
use crate::{
    backend::{Backend, Columns, Int8Lane, Lane, Lanes, Op, Weight, vector},
    layout::INT8_DEPTH,
};
use core::arch::x86_64::*;

token!(
    /// AVX2, FMA, F16C and AVX-VNNI.
    AvxVnni, avx_vnni: "avx2", "fma", "f16c", "avxvnni"
);

impl AvxVnni {
    #[inline(always)]
    const fn registers(self) -> Ymm {
        let Self(()) = self;
        // SAFETY: the token proves AVX-VNNI and what `Avx2` stands for.
        unsafe { Avx2::new_unchecked() }.registers()
    }
}

impl Backend for AvxVnni {
    const NAME: &'static str = "avx-vnni";
    const STREAMS: usize = 2;

    type Lanes = Ymm;

    #[inline(always)]
    fn lanes(self) -> Ymm {
        self.registers()
    }

    #[inline(always)]
    fn enter<O: Op>(self, op: O) -> O::Output {
        self.region(op)
    }

    #[inline(always)]
    fn product_f32<W: Weight, const G: usize, const S: usize>(
        self,
        sums: [[[F32x8; 2]; G]; S],
        panel: &[Lane<W>],
        x: [&[f32]; S],
    ) -> [[[F32x8; 2]; G]; S] {
        if S == 1 {
            vector::product_f32::<_, W, G, S, 2>(self, sums, panel, x)
        } else {
            vector::product_f32::<_, W, G, S, 1>(self, sums, panel, x)
        }
    }

    #[inline(always)]
    fn product_int8<const G: usize, const S: usize>(
        self,
        sums: [[I32x16; G]; S],
        panel: &[Int8Lane],
        x: [Columns<'_>; S],
    ) -> [[I32x16; G]; S] {
        if S == 1 {
            vector::product_int8::<_, G, S, 2>(self, sums, panel, x)
        } else {
            vector::product_int8::<_, G, S, 1>(self, sums, panel, x)
        }
    }
}

/// A group of columns, offset by 128.
#[derive(Clone, Copy, Debug)]
pub struct UnsignedGroup(__m256i);

impl vector::Dot for AvxVnni {
    type Group = UnsignedGroup;
    type Partial = I32x16;

    #[inline(always)]
    fn group(self, x: [i8; INT8_DEPTH]) -> UnsignedGroup {
        // SAFETY: the token proves AVX2.
        UnsignedGroup(unsafe {
            let x = _mm256_set1_epi32(i32::from_le_bytes(x.map(i8::cast_unsigned)));
            _mm256_xor_si256(x, _mm256_set1_epi8(i8::MIN))
        })
    }

    #[inline(always)]
    fn start(self, offsets: Option<&Int8Lane>) -> I32x16 {
        match offsets {
            Some(offsets) => I32x16(load(self.registers(), offsets)),
            // SAFETY: the token proves AVX.
            None => I32x16(unsafe { [_mm256_setzero_si256(); 2] }),
        }
    }

    #[inline(always)]
    fn dot(self, sums: I32x16, weights: &Int8Lane, x: UnsignedGroup) -> I32x16 {
        let weights = load(self.registers(), weights);
        // SAFETY: the token proves AVX-VNNI.
        I32x16(both!(i => unsafe { _mm256_dpbusd_avx_epi32(sums.0[i], x.0, weights[i]) }))
    }

    #[inline(always)]
    fn add(self, a: I32x16, b: I32x16) -> I32x16 {
        self.registers().add_i32(a, b)
    }

    #[inline(always)]
    fn finish(self, sums: I32x16) -> I32x16 {
        sums
    }
}
