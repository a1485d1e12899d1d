//! AVX-512 VNNI: as AVX-512, with `vpdpbusd` for the int8 product.
//!
//! Per four groups of four columns one load, one shuffle a group, and on as many sets of accumulators three `vpdpbusd zmm, zmm, [weights]` a
//! group: 64 products an instruction, bound by the loads of the weights. The instruction takes unsigned activations: they are offset by 128,
//! and the sums start from the offsets that packing has put before each panel.
//!
//! What bounds a step, in units of the floor, medians on Zen 4, which loads one `zmm` a cycle from L1 and some half a one from L2, and multiplies
//! one a cycle: the last columns of `cargo xtask bench`, where "products" is the step without its gates and their multipliers and shifts:
//!
//! | layer | weights alone | products | step | why |
//! |---|---|---|---|---|
//! | (64, 64) | 1.00 | 1.15 | 1.64 | L1: 384 registers of weights, 24 of offsets, 32 loads of inputs, one a cycle; the gates of all four blocks follow, 290 instructions, half of them shifts and shuffles, of which one starts a cycle: 145 cycles, 0.38 |
//! | (28, 128) | 0.74 | 0.89 | 1.12 | L2: beside 936 registers of weights, 48 of offsets and 32 of biases come from as far, with the gates 24 more of multipliers and shifts; gates 0.23 |
//! | (28, 256) | 0.94 | 1.04 | 1.17 | the same |
//!
//! Products from L1 leave the gates no room: `vpdpbusd` has both ports that multiply. A batch has a product a stream and group, one a cycle
//! too: with 16 streams of (28, 256) that alone, 3408 products at the 0.302 ns of the floor of (64, 64), is 0.48 of a single step, and the gates of 16
//! blocks, 36 cycles each as above, are 0.08: 0.56, measured 0.63.

use super::{
    avx512::{Avx512, I32x16, Zmm, load},
    avx512_f32,
    real::F32x16,
    token,
};
use crate::{
    backend::{Backend, Columns, Int8Lane, Lane, Lanes, Op, Weight, vector},
    layout::INT8_DEPTH,
};
use core::arch::x86_64::*;

token!(
    /// AVX-512 F, BW, DQ, VL and VNNI.
    Avx512Vnni, avx512_vnni: "avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512vnni", "avx2", "fma"
);

impl Avx512Vnni {
    #[inline(always)]
    const fn without_vnni(self) -> Avx512 {
        let Self(()) = self;
        // SAFETY: the token proves VNNI and what `Avx512` stands for.
        unsafe { Avx512::new_unchecked() }
    }

    #[inline(always)]
    const fn registers(self) -> Zmm {
        self.without_vnni().registers()
    }
}

impl Backend for Avx512Vnni {
    const NAME: &'static str = "avx512-vnni";
    const STREAMS: usize = 8;
    const F32_PAIRS: bool = true;

    type Lanes = Zmm;

    #[inline(always)]
    fn lanes(self) -> Zmm {
        self.registers()
    }

    #[inline(always)]
    fn enter<O: Op>(self, op: O) -> O::Output {
        self.region(op)
    }

    #[inline(always)]
    fn product_f32<W: Weight, const G: usize, const S: usize>(
        self,
        sums: [[F32x16; G]; S],
        panel: &[Lane<W>],
        x: [&[f32]; S],
    ) -> [[F32x16; G]; S] {
        avx512_f32::product(self, self.without_vnni().half(), sums, panel, x)
    }

    #[inline(always)]
    fn product_f32_pair<W: Weight, const G: usize>(
        self,
        sums: [[F32x16; G]; 2],
        panels: [&[Lane<W>]; 2],
        x: &[f32],
    ) -> [[F32x16; G]; 2] {
        avx512_f32::product_pair(self, self.without_vnni().half(), sums, panels, x)
    }

    #[inline(always)]
    fn product_int8<const G: usize, const S: usize>(
        self,
        sums: [[I32x16; G]; S],
        panel: &[Int8Lane],
        x: [Columns<'_>; S],
    ) -> [[I32x16; G]; S] {
        if S == 1 {
            vector::product_int8::<_, G, S, 4>(self, sums, panel, x)
        } else {
            vector::product_int8::<_, G, S, 1>(self, sums, panel, x)
        }
    }

    #[inline(always)]
    fn product_int8_pairs<const G: usize, const P: usize>(
        self,
        sums: &mut [[[I32x16; G]; 2]; P],
        panels: [[&[Int8Lane]; 2]; P],
        x: Columns<'_>,
    ) -> bool {
        vector::product_int8_pairs(self, sums, panels, x);
        true
    }
}

/// A group of columns, offset by 128.
#[derive(Clone, Copy, Debug)]
pub struct UnsignedGroup(__m512i);

impl vector::Dot for Avx512Vnni {
    type Group = UnsignedGroup;
    type Partial = I32x16;

    #[inline(always)]
    fn group(self, x: [i8; INT8_DEPTH]) -> UnsignedGroup {
        // SAFETY: the token proves AVX-512.
        UnsignedGroup(unsafe {
            let x = _mm512_set1_epi32(i32::from_le_bytes(x.map(i8::cast_unsigned)));
            _mm512_xor_si512(x, _mm512_set1_epi8(i8::MIN))
        })
    }

    /// Four groups take one load and a shuffle each in place of four loads, which the weights need.
    #[inline(always)]
    fn groups<const N: usize>(self, x: &[[i8; INT8_DEPTH]; N]) -> [UnsignedGroup; N] {
        let mut groups = [self.group([0; INT8_DEPTH]); N];
        if N == 4 {
            // SAFETY: the token proves AVX-512; four groups are 16 bytes.
            unsafe {
                let x = _mm512_broadcast_i32x4(_mm_loadu_si128(x.as_ptr().cast()));
                let x = _mm512_xor_si512(x, _mm512_set1_epi8(i8::MIN));
                groups[0].0 = _mm512_shuffle_epi32::<0b00_00_00_00>(x);
                groups[1].0 = _mm512_shuffle_epi32::<0b01_01_01_01>(x);
                groups[2].0 = _mm512_shuffle_epi32::<0b10_10_10_10>(x);
                groups[3].0 = _mm512_shuffle_epi32::<0b11_11_11_11>(x);
            }
        } else {
            for i in 0..N {
                groups[i] = self.group(x[i]);
            }
        }
        groups
    }

    #[inline(always)]
    fn start(self, offsets: Option<&Int8Lane>) -> I32x16 {
        match offsets {
            Some(offsets) => I32x16(load(self.registers(), offsets)),
            // SAFETY: the token proves AVX-512.
            None => I32x16(unsafe { _mm512_setzero_si512() }),
        }
    }

    #[inline(always)]
    fn dot(self, sums: I32x16, weights: &Int8Lane, x: UnsignedGroup) -> I32x16 {
        // SAFETY: the token proves VNNI.
        I32x16(unsafe { _mm512_dpbusd_epi32(sums.0, x.0, load(self.registers(), weights)) })
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
