//! SSE2, which every x86-64 has.
//!
//! f32: a block is four registers; per column one broadcast and twelve `mulps` and `addps`. int8: weights are widened by `punpck` and `psraw`, then
//! `pmaddwd` and `paddd`: six instructions per 16 products. The int8 gates are the specification's, as the compiler vectorises them.

use super::{both, real::F32x4};
use crate::{
    backend::{Arrays, Backend, Columns, F16Lane, I16Lane, I32Lane, Int8Lane, Lane, Lanes, Op, U8Lane, Weight, vector},
    layout::{INT8_DEPTH, UNITS},
};
use core::arch::x86_64::*;
use core::array;

/// SSE2.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sse2;

/// The registers of SSE2: a block is four of f32.
#[derive(Clone, Copy, Debug)]
pub struct Xmm;

/// The numbers whose f16 are the upper halves. Exponent and fraction are brought to their places in an f32 and multiplied by the
/// distance of the biases.
#[inline]
fn widen(upper: __m128i) -> __m128 {
    const BIASES: f32 = f32::from_bits((127 + 112) << 23);
    // SAFETY: every x86-64 has SSE2.
    unsafe {
        let placed = _mm_and_si128(_mm_srai_epi32::<3>(upper), _mm_set1_epi32(0x8fff_e000_u32.cast_signed()));
        let finite = _mm_mul_ps(_mm_castsi128_ps(placed), _mm_set1_ps(BIASES));
        let magnitude = _mm_and_si128(placed, _mm_set1_epi32(i32::MAX));
        let beyond = _mm_cmpgt_epi32(magnitude, _mm_set1_epi32((31 << 23) - 1));
        _mm_or_ps(finite, _mm_castsi128_ps(_mm_and_si128(beyond, _mm_set1_epi32(0x7f80_0000))))
    }
}

impl Lanes for Xmm {
    type F32 = [F32x4; 4];
    type I32 = I32Lane;
    type I16 = I16Lane;

    #[inline(always)]
    fn load_f32(self, values: &[f32]) -> [F32x4; 4] {
        let block = if values.len() < UNITS { &Arrays.load_f32(values) } else { values };
        // SAFETY: the block holds 16 values.
        array::from_fn(|i| F32x4(unsafe { _mm_loadu_ps(block.as_ptr().add(4 * i)) }))
    }

    #[inline(always)]
    fn load_f16(self, weights: &F16Lane) -> [F32x4; 4] {
        // SAFETY: every x86-64 has SSE2; a lane is 32 bytes, and each load reads half of them.
        let halves = both!(i => unsafe { _mm_loadu_si128(weights.as_ptr().add(8 * i).cast()) });
        // SAFETY: every x86-64 has SSE2.
        unsafe {
            let [a, b, c, d] = [
                _mm_unpacklo_epi16(_mm_setzero_si128(), halves[0]),
                _mm_unpackhi_epi16(_mm_setzero_si128(), halves[0]),
                _mm_unpacklo_epi16(_mm_setzero_si128(), halves[1]),
                _mm_unpackhi_epi16(_mm_setzero_si128(), halves[1]),
            ];
            [F32x4(widen(a)), F32x4(widen(b)), F32x4(widen(c)), F32x4(widen(d))]
        }
    }

    #[inline(always)]
    fn store_f32(self, values: [F32x4; 4], to: &mut [f32]) {
        let mut block = [0.0; UNITS];
        for (i, part) in values.into_iter().enumerate() {
            // SAFETY: the block has room for 16 values.
            unsafe { _mm_storeu_ps(block.as_mut_ptr().add(4 * i), part.0) };
        }
        Arrays.store_f32(block, to);
    }

    on_arrays! {
        fn load_i32(values: &[i32]) -> I32Lane;
        fn store_i32(values: I32Lane, to: &mut [i32]);
        fn load_i16(values: &[i16]) -> I16Lane;
        fn store_i16(values: I16Lane, to: &mut [i16]);
        fn add_i32(a: I32Lane, b: I32Lane) -> I32Lane;
        fn shift_left(a: I32Lane, shift: u8) -> I32Lane;
        fn carry(low: I32Lane) -> I32Lane;
        fn requantize(sums: I32Lane, multiplier: &I16Lane, shift: &U8Lane) -> I16Lane;
        fn add_i16(a: I16Lane, b: I16Lane) -> I16Lane;
        fn reset_int8(r: I16Lane, v: I16Lane) -> I16Lane;
        fn update_int8(z: I16Lane, n: I16Lane, h: I32Lane) -> I32Lane;
        fn state_q15(h: I32Lane) -> I16Lane;
        fn store_view(values: I16Lane, multiplier: i16, to: &mut [i8]);
    }
}

impl Backend for Sse2 {
    const NAME: &'static str = "sse2";

    type Lanes = Xmm;

    #[inline(always)]
    fn lanes(self) -> Xmm {
        Xmm
    }

    #[inline]
    fn enter<O: Op>(self, op: O) -> O::Output {
        op.run(self)
    }

    #[inline(always)]
    fn product_f32<W: Weight, const G: usize, const S: usize>(
        self,
        sums: [[[F32x4; 4]; G]; S],
        panel: &[Lane<W>],
        x: [&[f32]; S],
    ) -> [[[F32x4; 4]; G]; S] {
        vector::product_f32::<_, W, G, S, 1>(self, sums, panel, x)
    }

    #[inline(always)]
    fn product_int8<const G: usize, const S: usize>(
        self,
        sums: [[I32Lane; G]; S],
        panel: &[Int8Lane],
        x: [Columns<'_>; S],
    ) -> [[I32Lane; G]; S] {
        vector::product_int8::<_, G, S, 1>(self, sums, panel, x)
    }
}

/// Sums of pairs of columns: each register holds those of two units.
#[derive(Clone, Copy, Debug)]
pub struct Pairs([__m128i; UNITS / 2]);

impl vector::Dot for Sse2 {
    /// Four columns as i16, twice.
    type Group = __m128i;
    type Partial = Pairs;

    #[inline(always)]
    fn group(self, x: [i8; INT8_DEPTH]) -> __m128i {
        let [a, b, c, d] = x.map(i16::from);
        // SAFETY: every x86-64 has SSE2.
        unsafe { _mm_set_epi16(d, c, b, a, d, c, b, a) }
    }

    #[inline(always)]
    fn start(self, _: Option<&Int8Lane>) -> Pairs {
        // SAFETY: every x86-64 has SSE2.
        Pairs([unsafe { _mm_setzero_si128() }; UNITS / 2])
    }

    #[inline(always)]
    fn dot(self, mut sums: Pairs, weights: &Int8Lane, x: __m128i) -> Pairs {
        for (i, sum) in sums.0.iter_mut().enumerate() {
            // SAFETY: every x86-64 has SSE2; a lane is 64 bytes, and each load reads eight of them from one of its eight eighths.
            *sum = unsafe {
                let weights = _mm_loadl_epi64(weights.as_ptr().add(2 * i).cast());
                let wide = _mm_srai_epi16::<8>(_mm_unpacklo_epi8(weights, weights));
                _mm_add_epi32(*sum, _mm_madd_epi16(wide, x))
            };
        }
        sums
    }

    #[inline(always)]
    fn add(self, mut a: Pairs, b: Pairs) -> Pairs {
        for (a, b) in a.0.iter_mut().zip(b.0) {
            // SAFETY: every x86-64 has SSE2.
            *a = unsafe { _mm_add_epi32(*a, b) };
        }
        a
    }

    #[inline(always)]
    fn finish(self, sums: Pairs) -> I32Lane {
        let mut lane = [0; UNITS];
        for i in 0..UNITS / 4 {
            // SAFETY: every x86-64 has SSE2; the lane has room for 16 values.
            unsafe {
                let (low, high) = (_mm_castsi128_ps(sums.0[2 * i]), _mm_castsi128_ps(sums.0[2 * i + 1]));
                let even = _mm_castps_si128(_mm_shuffle_ps::<0x88>(low, high));
                let odd = _mm_castps_si128(_mm_shuffle_ps::<0xdd>(low, high));
                _mm_storeu_si128(lane.as_mut_ptr().add(4 * i).cast(), _mm_add_epi32(even, odd));
            }
        }
        lane
    }
}
