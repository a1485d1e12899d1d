//! AVX-512 (F, BW, DQ, VL).
//!
//! f32: per column one broadcast and three `vfmadd231ps zmm, zmm, [weights]` on four sets of accumulators: bound by the loads, one of 64 bytes
//! per multiply-add. int8: `vpmaddubsw` of |x| and the weights with x's sign, `vpmaddwd` with ones, `vpaddd`: bound by these and the
//! masked subtraction that moves the sign, four instructions per 64 products.

use super::{avx2::Avx2, avx512_f32, avx512_gates as gates, avx512_pair, real::F32x16, token};
use crate::{
    backend::{Backend, Columns, I16Lane, Int8Lane, Lane, Lanes, Op, U8Lane, Weight, vector},
    layout::{INT8_DEPTH, Scales, UNITS},
    quant::{HEADROOM_BITS, WIDE_BITS},
};
use core::arch::x86_64::*;

token!(
    /// AVX-512 F, BW, DQ and VL.
    Avx512, avx512: "avx512f", "avx512bw", "avx512dq", "avx512vl", "avx2", "fma"
);

/// The registers of AVX-512: a block is one register of f32 or i32, and half a register of i16.
#[derive(Clone, Copy, Debug)]
pub struct Zmm(());

impl Avx512 {
    /// The registers that come with these instructions.
    #[inline(always)]
    pub(super) const fn registers(self) -> Zmm {
        let Self(()) = self;
        Zmm(())
    }

    /// What these instructions include.
    #[inline(always)]
    pub(super) const fn half(self) -> Avx2 {
        let Self(()) = self;
        // SAFETY: the token proves AVX-512, which is not detected without what `Avx2` stands for.
        unsafe { Avx2::new_unchecked() }
    }
}

/// One register of i32.
#[derive(Clone, Copy, Debug)]
pub struct I32x16(pub(super) __m512i);

/// One register of i16.
#[derive(Clone, Copy, Debug)]
pub struct I16x16(__m256i);

/// A mask of the first lanes.
#[inline(always)]
fn first(len: usize) -> __mmask16 {
    debug_assert!(len < UNITS);
    (1u32 << (len & 15)).wrapping_sub(1) as __mmask16
}

impl Lanes for Zmm {
    type F32 = F32x16;
    type I32 = I32x16;
    type I16 = I16x16;

    const PAIRS: usize = if cfg!(miri) { 0 } else { 2 };

    #[inline(always)]
    fn load_f32(self, values: &[f32]) -> F32x16 {
        // SAFETY: the token proves AVX-512; each load reads as many values as the slice has.
        F32x16(unsafe {
            match values.len() {
                4 => _mm512_zextps128_ps512(_mm_loadu_ps(values.as_ptr())),
                8 => _mm512_zextps256_ps512(_mm256_loadu_ps(values.as_ptr())),
                len if len < UNITS => _mm512_maskz_loadu_ps(first(len), values.as_ptr()),
                _ => _mm512_loadu_ps(values.as_ptr()),
            }
        })
    }

    /// Miri does not know the instruction.
    #[cfg(not(miri))]
    #[inline(always)]
    fn load_f16(self, weights: &crate::backend::F16Lane) -> F32x16 {
        // SAFETY: the token proves AVX-512; a lane is 32 bytes.
        F32x16(unsafe { _mm512_cvtph_ps(_mm256_loadu_si256(weights.as_ptr().cast())) })
    }

    #[inline(always)]
    fn store_f32(self, values: F32x16, to: &mut [f32]) {
        // SAFETY: the token proves AVX-512; each store writes as many values as the slice has.
        unsafe {
            match to.len() {
                4 => _mm_storeu_ps(to.as_mut_ptr(), _mm512_castps512_ps128(values.0)),
                8 => _mm256_storeu_ps(to.as_mut_ptr(), _mm512_castps512_ps256(values.0)),
                len if len < UNITS => _mm512_mask_storeu_ps(to.as_mut_ptr(), first(len), values.0),
                _ => _mm512_storeu_ps(to.as_mut_ptr(), values.0),
            }
        }
    }

    #[inline(always)]
    fn load_i32(self, values: &[i32]) -> I32x16 {
        // SAFETY: the token proves AVX-512; each load reads as many values as the slice has.
        I32x16(unsafe {
            match values.len() {
                len if len < UNITS => _mm512_maskz_loadu_epi32(first(len), values.as_ptr()),
                _ => _mm512_loadu_epi32(values.as_ptr()),
            }
        })
    }

    #[inline(always)]
    fn store_i32(self, values: I32x16, to: &mut [i32]) {
        // SAFETY: the token proves AVX-512; each store writes as many values as the slice has.
        unsafe {
            match to.len() {
                len if len < UNITS => _mm512_mask_storeu_epi32(to.as_mut_ptr(), first(len), values.0),
                _ => _mm512_storeu_epi32(to.as_mut_ptr(), values.0),
            }
        }
    }

    #[inline(always)]
    fn load_i16(self, values: &[i16]) -> I16x16 {
        // SAFETY: the token proves AVX-512; each load reads as many values as the slice has.
        I16x16(unsafe {
            match values.len() {
                len if len < UNITS => _mm256_maskz_loadu_epi16(first(len), values.as_ptr()),
                _ => _mm256_loadu_epi16(values.as_ptr()),
            }
        })
    }

    #[inline(always)]
    fn store_i16(self, values: I16x16, to: &mut [i16]) {
        // SAFETY: the token proves AVX-512; each store writes as many values as the slice has.
        unsafe {
            match to.len() {
                len if len < UNITS => _mm256_mask_storeu_epi16(to.as_mut_ptr(), first(len), values.0),
                _ => _mm256_storeu_epi16(to.as_mut_ptr(), values.0),
            }
        }
    }

    #[inline(always)]
    fn add_i32(self, a: I32x16, b: I32x16) -> I32x16 {
        // SAFETY: the token proves AVX-512.
        I32x16(unsafe { _mm512_add_epi32(a.0, b.0) })
    }

    #[inline(always)]
    fn shift_left(self, a: I32x16, shift: u8) -> I32x16 {
        // SAFETY: the token proves AVX-512.
        I32x16(unsafe { _mm512_sll_epi32(a.0, _mm_cvtsi32_si128(i32::from(shift))) })
    }

    #[inline(always)]
    fn carry(self, low: I32x16) -> I32x16 {
        // SAFETY: the token proves AVX-512.
        I32x16(unsafe {
            let half = _mm512_set1_epi32(1 << (WIDE_BITS - 1));
            _mm512_srai_epi32::<WIDE_BITS>(_mm512_add_epi32(low.0, half))
        })
    }

    #[inline(always)]
    fn requantize(self, sums: I32x16, multiplier: &I16Lane, shift: &U8Lane) -> I16x16 {
        // SAFETY: the token proves AVX-512; both arrays are as large as what is loaded.
        I16x16(unsafe {
            let shift = _mm512_cvtepu8_epi32(_mm_loadu_si128(shift.as_ptr().cast()));
            let shifted = _mm512_srav_epi32(_mm512_slli_epi32::<HEADROOM_BITS>(sums.0), shift);
            let multiplier = _mm256_loadu_si256(multiplier.as_ptr().cast());
            _mm256_mulhrs_epi16(_mm512_cvtsepi32_epi16(shifted), multiplier)
        })
    }

    #[inline(always)]
    fn add_i16(self, a: I16x16, b: I16x16) -> I16x16 {
        // SAFETY: the token proves AVX-512.
        I16x16(unsafe { _mm256_adds_epi16(a.0, b.0) })
    }

    #[inline(always)]
    fn reset_int8(self, r: I16x16, v: I16x16) -> I16x16 {
        // SAFETY: the token proves AVX-512.
        I16x16(unsafe { gates::reset(r.0, v.0) })
    }

    #[inline(always)]
    fn update_int8(self, z: I16x16, n: I16x16, h: I32x16) -> I32x16 {
        // SAFETY: the token proves AVX-512.
        I32x16(unsafe { gates::update(z.0, n.0, h.0) })
    }

    #[inline(always)]
    fn tanh_int8(self, n: I16x16) -> I16x16 {
        // SAFETY: the token proves AVX-512.
        I16x16(unsafe { gates::tanh(n.0) })
    }

    #[inline(always)]
    fn state_q15(self, h: I32x16) -> I16x16 {
        // SAFETY: the token proves AVX-512.
        I16x16(unsafe { _mm512_cvtepi32_epi16(_mm512_srai_epi32::<15>(h.0)) })
    }

    #[inline(always)]
    fn gates_int8_pairs<const P: usize>(
        self,
        sums: &[[[I32x16; 3]; 2]; P],
        n_input: &[[I32x16; 2]; P],
        scales: [[&Scales<4>; 2]; P],
        multiplier: i16,
        h: &mut [i32],
        view: &mut [i8],
    ) {
        // SAFETY: the token proves AVX-512.
        unsafe { avx512_pair::gates(sums, n_input, scales, multiplier, h, view) }
    }

    #[inline(always)]
    fn store_view(self, values: I16x16, multiplier: i16, to: &mut [i8]) {
        // SAFETY: the token proves AVX-512; each store writes as many values as the slice has.
        unsafe {
            let view = _mm256_mulhrs_epi16(values.0, _mm256_set1_epi16(multiplier));
            let view = _mm256_cvtsepi16_epi8(_mm256_max_epi16(view, _mm256_set1_epi16(-127)));
            match to.len() {
                4 => _mm_storeu_si32(to.as_mut_ptr().cast(), view),
                8 => _mm_storeu_si64(to.as_mut_ptr().cast(), view),
                len if len < UNITS => _mm_mask_storeu_epi8(to.as_mut_ptr(), first(len), view),
                _ => _mm_storeu_si128(to.as_mut_ptr().cast(), view),
            }
        }
    }
}

/// A lane of weights.
#[inline(always)]
pub(super) fn load(_: Zmm, weights: &Int8Lane) -> __m512i {
    // SAFETY: the token proves AVX-512; a lane is 64 bytes.
    unsafe { _mm512_loadu_si512(weights.as_ptr().cast()) }
}

impl Backend for Avx512 {
    const NAME: &'static str = "avx512";
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
        avx512_f32::product(self, self.half(), sums, panel, x)
    }

    #[inline(always)]
    fn product_f32_pair<W: Weight, const G: usize>(
        self,
        sums: [[F32x16; G]; 2],
        panels: [&[Lane<W>]; 2],
        x: &[f32],
    ) -> [[F32x16; G]; 2] {
        avx512_f32::product_pair(self, self.half(), sums, panels, x)
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

/// A group of columns: magnitudes, and which are negative.
#[derive(Clone, Copy, Debug)]
pub struct SignedGroup {
    magnitude: __m512i,
    negative: __mmask64,
}

impl vector::Dot for Avx512 {
    type Group = SignedGroup;
    type Partial = I32x16;

    #[inline(always)]
    fn group(self, x: [i8; INT8_DEPTH]) -> SignedGroup {
        // SAFETY: the token proves AVX-512.
        unsafe {
            let x = _mm512_set1_epi32(i32::from_le_bytes(x.map(i8::cast_unsigned)));
            SignedGroup { magnitude: _mm512_abs_epi8(x), negative: _mm512_movepi8_mask(x) }
        }
    }

    #[inline(always)]
    fn start(self, _: Option<&Int8Lane>) -> I32x16 {
        // SAFETY: the token proves AVX-512.
        I32x16(unsafe { _mm512_setzero_si512() })
    }

    #[inline(always)]
    fn dot(self, sums: I32x16, weights: &Int8Lane, x: SignedGroup) -> I32x16 {
        let weights = load(self.registers(), weights);
        // Two products of ±127 each stay below 2¹⁵: the first instruction never saturates.
        // SAFETY: the token proves AVX-512.
        I32x16(unsafe {
            let weights = _mm512_mask_sub_epi8(weights, x.negative, _mm512_setzero_si512(), weights);
            let pairs = _mm512_maddubs_epi16(x.magnitude, weights);
            _mm512_add_epi32(sums.0, _mm512_madd_epi16(pairs, _mm512_set1_epi16(1)))
        })
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
