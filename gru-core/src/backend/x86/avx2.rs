//! AVX2, FMA and F16C, which every processor with AVX2 has.
//!
//! f32: a block is two registers; per column one broadcast and six `vfmadd231ps ymm, ymm, [weights]` on two sets of accumulators, twelve
//! of the sixteen registers: bound by the loads, one of 32 bytes per multiply-add. f16 weights: one `vcvtph2ps` per multiply-add, of 16 bytes.
//! int8: `vpsignb`, `vpmaddubsw`, `vpmaddwd`, `vpaddd` per 32 products: bound by these four.

use super::{avx2_gates as gates, both, real::F32x8, token};
use crate::{
    backend::{Backend, Columns, I16Lane, Int8Lane, Lane, Lanes, Op, U8Lane, Weight, vector},
    layout::{INT8_DEPTH, UNITS},
    quant::{HEADROOM_BITS, WIDE_BITS},
};
use core::arch::x86_64::*;

token!(
    /// AVX2, FMA and F16C.
    Avx2, avx2_fma: "avx2", "fma", "f16c"
);

/// The registers of AVX2: a block is two registers of f32 or i32, and one of i16.
#[derive(Clone, Copy, Debug)]
pub struct Ymm(());

impl Avx2 {
    /// The registers that come with these instructions.
    #[inline(always)]
    pub(super) const fn registers(self) -> Ymm {
        let Self(()) = self;
        Ymm(())
    }
}

/// Two registers of i32.
#[derive(Clone, Copy, Debug)]
pub struct I32x16(pub(super) [__m256i; 2]);

/// One register of i16.
#[derive(Clone, Copy, Debug)]
pub struct I16x16(__m256i);

/// Two registers of i32, saturated, in order.
#[target_feature(enable = "avx2")]
#[inline]
fn narrow([low, high]: [__m256i; 2]) -> __m256i {
    _mm256_permute4x64_epi64::<0xd8>(_mm256_packs_epi32(low, high))
}

/// A whole block of at most [`UNITS`] values, zeros behind the last.
#[inline(always)]
fn block<T: Copy + Default>(values: &[T]) -> [T; UNITS] {
    let mut block = [T::default(); UNITS];
    block.iter_mut().zip(values).for_each(|(to, &value)| *to = value);
    block
}

/// As many values of a block as `to` has room for.
#[inline(always)]
fn copy<T: Copy>(block: [T; UNITS], to: &mut [T]) {
    to.iter_mut().zip(block).for_each(|(to, value)| *to = value);
}

impl Lanes for Ymm {
    type F32 = [F32x8; 2];
    type I32 = I32x16;
    type I16 = I16x16;

    // Of two blocks' gates without a product in between, the one's chain of instructions hides the other's.
    const PAIRS: usize = 1;

    #[inline(always)]
    fn load_f32(self, values: &[f32]) -> [F32x8; 2] {
        // SAFETY: the token proves AVX; the reads stay within the slice or the block.
        let [low, high] = unsafe {
            match values.len() {
                4 => [_mm256_zextps128_ps256(_mm_loadu_ps(values.as_ptr())), _mm256_setzero_ps()],
                8 => [_mm256_loadu_ps(values.as_ptr()), _mm256_setzero_ps()],
                len => {
                    let block = if len < UNITS { &block(values) } else { values };
                    both!(i => _mm256_loadu_ps(block.as_ptr().add(8 * i)))
                }
            }
        };
        [F32x8(low), F32x8(high)]
    }

    /// Miri does not know the instruction.
    #[cfg(not(miri))]
    #[inline(always)]
    fn load_f16(self, weights: &crate::backend::F16Lane) -> [F32x8; 2] {
        // SAFETY: the token proves F16C; a lane is 32 bytes, and each load reads half of them.
        both!(i => F32x8(unsafe { _mm256_cvtph_ps(_mm_loadu_si128(weights.as_ptr().add(8 * i).cast())) }))
    }

    #[inline(always)]
    fn store_f32(self, [low, high]: [F32x8; 2], to: &mut [f32]) {
        // SAFETY: the token proves AVX; the writes stay within the slice or the block.
        unsafe {
            match to.len() {
                4 => _mm_storeu_ps(to.as_mut_ptr(), _mm256_castps256_ps128(low.0)),
                8 => _mm256_storeu_ps(to.as_mut_ptr(), low.0),
                len => {
                    let mut block = [0.0; UNITS];
                    let place = if len < UNITS { block.as_mut_ptr() } else { to.as_mut_ptr() };
                    _mm256_storeu_ps(place, low.0);
                    _mm256_storeu_ps(place.add(8), high.0);
                    if len < UNITS {
                        copy(block, to);
                    }
                }
            }
        }
    }

    #[inline(always)]
    fn load_i32(self, values: &[i32]) -> I32x16 {
        let block = if values.len() < UNITS { &block(values) } else { values };
        // SAFETY: the token proves AVX; the block holds 16 values.
        I32x16(both!(i => unsafe { _mm256_loadu_si256(block.as_ptr().add(8 * i).cast()) }))
    }

    #[inline(always)]
    fn store_i32(self, values: I32x16, to: &mut [i32]) {
        let mut block = [0; UNITS];
        let whole = to.len() >= UNITS;
        let place = if whole { to.as_mut_ptr() } else { block.as_mut_ptr() };
        for (i, &half) in values.0.iter().enumerate() {
            // SAFETY: the token proves AVX; there is room for 16 values at `place`.
            unsafe { _mm256_storeu_si256(place.add(8 * i).cast(), half) };
        }
        if !whole {
            copy(block, to);
        }
    }

    #[inline(always)]
    fn load_i16(self, values: &[i16]) -> I16x16 {
        let block = if values.len() < UNITS { &block(values) } else { values };
        // SAFETY: the token proves AVX; the block holds 16 values.
        I16x16(unsafe { _mm256_loadu_si256(block.as_ptr().cast()) })
    }

    #[inline(always)]
    fn store_i16(self, values: I16x16, to: &mut [i16]) {
        let mut block = [0; UNITS];
        let whole = to.len() >= UNITS;
        let place = if whole { to.as_mut_ptr() } else { block.as_mut_ptr() };
        // SAFETY: the token proves AVX; there is room for 16 values at `place`.
        unsafe { _mm256_storeu_si256(place.cast(), values.0) };
        if !whole {
            copy(block, to);
        }
    }

    #[inline(always)]
    fn add_i32(self, a: I32x16, b: I32x16) -> I32x16 {
        // SAFETY: the token proves AVX2.
        I32x16(both!(i => unsafe { _mm256_add_epi32(a.0[i], b.0[i]) }))
    }

    #[inline(always)]
    fn shift_left(self, a: I32x16, shift: u8) -> I32x16 {
        // SAFETY: the token proves AVX2.
        I32x16(both!(i => unsafe { _mm256_sll_epi32(a.0[i], _mm_cvtsi32_si128(i32::from(shift))) }))
    }

    #[inline(always)]
    fn carry(self, low: I32x16) -> I32x16 {
        // SAFETY: the token proves AVX2.
        I32x16(both!(i => unsafe {
            let half = _mm256_set1_epi32(1 << (WIDE_BITS - 1));
            _mm256_srai_epi32::<{ WIDE_BITS as i32 }>(_mm256_add_epi32(low.0[i], half))
        }))
    }

    #[inline(always)]
    fn requantize(self, sums: I32x16, multiplier: &I16Lane, shift: &U8Lane) -> I16x16 {
        // SAFETY: the token proves AVX2; both arrays are as large as what is loaded.
        I16x16(unsafe {
            let shifted = both!(i => {
                let shift = _mm256_cvtepu8_epi32(_mm_loadl_epi64(shift.as_ptr().add(8 * i).cast()));
                _mm256_srav_epi32(_mm256_slli_epi32::<{ HEADROOM_BITS as i32 }>(sums.0[i]), shift)
            });
            _mm256_mulhrs_epi16(narrow(shifted), _mm256_loadu_si256(multiplier.as_ptr().cast()))
        })
    }

    #[inline(always)]
    fn add_i16(self, a: I16x16, b: I16x16) -> I16x16 {
        // SAFETY: the token proves AVX2.
        I16x16(unsafe { _mm256_adds_epi16(a.0, b.0) })
    }

    #[inline(always)]
    fn reset_int8(self, r: I16x16, v: I16x16) -> I16x16 {
        // SAFETY: the token proves AVX2.
        I16x16(unsafe { gates::reset(r.0, v.0) })
    }

    #[inline(always)]
    fn update_int8(self, z: I16x16, n: I16x16, h: I32x16) -> I32x16 {
        // SAFETY: the token proves AVX2.
        I32x16(unsafe { gates::update(z.0, n.0, h.0) })
    }

    #[inline(always)]
    fn tanh_int8(self, n: I16x16) -> I16x16 {
        // SAFETY: the token proves AVX2.
        I16x16(unsafe { gates::tanh(n.0) })
    }

    #[inline(always)]
    fn state_q15(self, h: I32x16) -> I16x16 {
        // SAFETY: the token proves AVX2.
        I16x16(unsafe { narrow(both!(i => _mm256_srai_epi32::<16>(_mm256_slli_epi32::<1>(h.0[i])))) })
    }

    #[inline(always)]
    fn store_view(self, values: I16x16, multiplier: i16, to: &mut [i8]) {
        let mut block = [0; UNITS];
        let whole = to.len() >= UNITS;
        let place = if whole { to.as_mut_ptr() } else { block.as_mut_ptr() };
        // SAFETY: the token proves AVX2; there is room for 16 values at `place`.
        unsafe {
            let view = _mm256_mulhrs_epi16(values.0, _mm256_set1_epi16(multiplier));
            let view = _mm256_max_epi16(view, _mm256_set1_epi16(-127));
            let view = _mm_packs_epi16(_mm256_castsi256_si128(view), _mm256_extracti128_si256::<1>(view));
            _mm_storeu_si128(place.cast(), view);
        }
        if !whole {
            copy(block, to);
        }
    }
}

/// A lane of weights.
#[inline(always)]
pub(super) fn load(_: Ymm, weights: &Int8Lane) -> [__m256i; 2] {
    // SAFETY: the token proves AVX; a lane is 64 bytes.
    both!(i => unsafe { _mm256_loadu_si256(weights.as_ptr().cast::<__m256i>().add(i)) })
}

impl Backend for Avx2 {
    const NAME: &'static str = "avx2";
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
        vector::product_int8::<_, G, S, 1>(self, sums, panel, x)
    }
}

/// A group of columns and its magnitudes.
#[derive(Clone, Copy, Debug)]
pub struct SignedGroup {
    x: __m256i,
    magnitude: __m256i,
}

impl vector::Dot for Avx2 {
    type Group = SignedGroup;
    type Partial = I32x16;

    #[inline(always)]
    fn group(self, x: [i8; INT8_DEPTH]) -> SignedGroup {
        // SAFETY: the token proves AVX2.
        unsafe {
            let x = _mm256_set1_epi32(i32::from_le_bytes(x.map(i8::cast_unsigned)));
            SignedGroup { x, magnitude: _mm256_abs_epi8(x) }
        }
    }

    #[inline(always)]
    fn start(self, _: Option<&Int8Lane>) -> I32x16 {
        // SAFETY: the token proves AVX.
        I32x16(unsafe { [_mm256_setzero_si256(); 2] })
    }

    #[inline(always)]
    fn dot(self, sums: I32x16, weights: &Int8Lane, x: SignedGroup) -> I32x16 {
        let weights = load(self.registers(), weights);
        // Two products of ±127 each stay below 2¹⁵: `maddubs` never saturates.
        // SAFETY: the token proves AVX2.
        I32x16(both!(i => unsafe {
            let pairs = _mm256_maddubs_epi16(x.magnitude, _mm256_sign_epi8(weights[i], x.x));
            _mm256_add_epi32(sums.0[i], _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)))
        }))
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
