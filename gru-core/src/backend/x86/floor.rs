//! What a one-way pass cannot beat: a layer's weights streamed once, front to back, through the widest multiply-add of this processor; and
//! what a step cannot: the same block by block, back after each forth.
//!
//! Per register of weights one `vfmadd`, `vpdpbusd`, or `vpmaddubsw` with `vpmaddwd` and `vpaddd`, on twelve independent accumulators: bound by the
//! loads, from whichever cache holds the weights. A pass that turns round reads less from afar, and is as fast as products without gates can be.

use super::{Avx2, Avx512, Avx512Vnni, AvxVnni};
use crate::backend::{F32Lane, Int8Lane};
use core::{arch::x86_64::*, hint::black_box};

/// Accumulators: enough to hide the latency of any of the instructions.
const SUMS: usize = 12;

/// One pass over the weights of a layer, per precision.
#[derive(Clone, Copy, Debug)]
pub struct Floor {
    f32: unsafe fn(&[F32Lane], usize, bool),
    int8: unsafe fn(&[Int8Lane], usize, bool),
}

impl Floor {
    /// With the widest instructions that this processor and its operating system run.
    #[must_use]
    pub fn detect() -> Self {
        let [avx2, avx_vnni, avx512, avx512_vnni] = [
            Avx2::detect().is_some(),
            AvxVnni::detect().is_some(),
            Avx512::detect().is_some(),
            Avx512Vnni::detect().is_some(),
        ];
        Self {
            f32: match () {
                () if avx512 => f32_avx512,
                () if avx2 => f32_fma,
                () => f32_sse2,
            },
            int8: match () {
                () if avx512_vnni => int8_avx512_vnni,
                () if avx512 => int8_avx512,
                () if avx_vnni => int8_avx_vnni,
                () if avx2 => int8_avx2,
                () => int8_sse2,
            },
        }
    }

    /// Streams f32 weights in blocks of so many lanes, the last block first if `backwards`.
    #[inline(always)]
    pub fn f32(self, weights: &[F32Lane], block: usize, backwards: bool) {
        // SAFETY: `detect` chose a pass that this processor runs.
        unsafe { (self.f32)(weights, block, backwards) }
    }

    /// Streams int8 weights in blocks of so many lanes, the last block first if `backwards`.
    #[inline(always)]
    pub fn int8(self, weights: &[Int8Lane], block: usize, backwards: bool) {
        // SAFETY: `detect` chose a pass that this processor runs.
        unsafe { (self.int8)(weights, block, backwards) }
    }
}

/// The pass over registers of weights, and the sum of its accumulators.
#[inline(always)]
fn pass<R, V: Copy>(
    weights: &[R],
    block: usize,
    backwards: bool,
    zero: V,
    multiply_add: impl Fn(V, &R) -> V,
    add: impl Fn(V, V) -> V,
) {
    let block = block.max(1);
    let blocks = weights.len().div_ceil(block);
    let mut sums = [zero; SUMS];
    for b in 0..blocks {
        let rest = weights.get(if backwards { blocks - 1 - b } else { b } * block..).unwrap_or_default();
        let (rounds, rest) = rest.get(..block).unwrap_or(rest).as_chunks::<SUMS>();
        for round in rounds {
            for i in 0..SUMS {
                sums[i] = multiply_add(sums[i], &round[i]);
            }
        }
        let (threes, rest) = rest.as_chunks::<3>();
        for i in 0..SUMS / 3 {
            if let Some(three) = threes.get(i) {
                for j in 0..3 {
                    sums[3 * i + j] = multiply_add(sums[3 * i + j], &three[j]);
                }
            }
        }
        for register in rest {
            sums[0] = multiply_add(sums[0], register);
        }
    }
    for half in [SUMS / 2, SUMS / 4] {
        for i in 0..half {
            sums[i] = add(sums[i], sums[i + half]);
        }
    }
    black_box(add(add(sums[0], sums[1]), sums[2]));
}

/// A pass of a precision with some instructions: registers of `$width` weights, loaded, multiplied by `$x` and added.
macro_rules! instructions {
    ($($name:ident($lane:ty), $features:literal: [$weight:ty; $width:literal], $load:ident, $zero:ident, $add:ident;
       |$sum:ident, $weights:ident| $multiply_add:expr)*) => {$(
        #[target_feature(enable = $features)]
        fn $name(weights: &[$lane], block: usize, backwards: bool) {
            let multiply_add = |$sum, weights: &[$weight; $width]| {
                // SAFETY: the array is as large as what is loaded.
                let $weights = unsafe { $load(weights.as_ptr().cast()) };
                $multiply_add
            };
            let registers = weights.as_flattened().as_chunks().0;
            let block = block * size_of::<$lane>() / ($width * size_of::<$weight>());
            pass(registers, block, backwards, $zero(), multiply_add, |a, b| $add(a, b));
        }
    )*};
}

instructions! {
    f32_avx512(F32Lane), "avx512f": [f32; 16], _mm512_loadu_ps, _mm512_setzero_ps, _mm512_add_ps;
    |sum, weights| _mm512_fmadd_ps(weights, _mm512_set1_ps(1.1), sum)

    f32_fma(F32Lane), "avx2,fma": [f32; 8], _mm256_loadu_ps, _mm256_setzero_ps, _mm256_add_ps;
    |sum, weights| _mm256_fmadd_ps(weights, _mm256_set1_ps(1.1), sum)

    f32_sse2(F32Lane), "sse2": [f32; 4], _mm_loadu_ps, _mm_setzero_ps, _mm_add_ps;
    |sum, weights| _mm_add_ps(_mm_mul_ps(weights, _mm_set1_ps(1.1)), sum)

    int8_avx512_vnni(Int8Lane), "avx512f,avx512vnni": [[i8; 4]; 16], _mm512_loadu_si512, _mm512_setzero_si512, _mm512_add_epi32;
    |sum, weights| _mm512_dpbusd_epi32(sum, _mm512_set1_epi8(3), weights)

    int8_avx512(Int8Lane), "avx512f,avx512bw": [[i8; 4]; 16], _mm512_loadu_si512, _mm512_setzero_si512, _mm512_add_epi32;
    |sum, weights| {
        let pairs = _mm512_maddubs_epi16(_mm512_set1_epi8(3), weights);
        _mm512_add_epi32(sum, _mm512_madd_epi16(pairs, _mm512_set1_epi16(1)))
    }

    int8_avx_vnni(Int8Lane), "avx2,avxvnni": [[i8; 4]; 8], _mm256_loadu_si256, _mm256_setzero_si256, _mm256_add_epi32;
    |sum, weights| _mm256_dpbusd_avx_epi32(sum, _mm256_set1_epi8(3), weights)

    int8_avx2(Int8Lane), "avx2": [[i8; 4]; 8], _mm256_loadu_si256, _mm256_setzero_si256, _mm256_add_epi32;
    |sum, weights| {
        let pairs = _mm256_maddubs_epi16(_mm256_set1_epi8(3), weights);
        _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)))
    }

    int8_sse2(Int8Lane), "sse2": [[i8; 4]; 4], _mm_loadu_si128, _mm_setzero_si128, _mm_add_epi32;
    |sum, weights| _mm_add_epi32(sum, _mm_madd_epi16(weights, _mm_set1_epi16(3)))
}
