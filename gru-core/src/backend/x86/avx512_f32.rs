//! The f32 product of AVX-512.
//!
//! Single steps over f16 weights take `ymm` registers, whose sums are the same: measured on Zen 4, which widens 16 f16 into a `zmm` in two cycles
//! and 8 into a `ymm` in half of one, while multiply-adds cost the same in halves. In a batch one widening serves many multiply-adds.
//!
//! A single step through two blocks, or of narrow panels, takes blocks in pairs: of its loads more are weights and fewer broadcasts.
//!
//! What bounds a step, in units of the floor, medians on Zen 4, whose L1 of 32 KiB holds a third of the 96 KiB of (64, 64): the last columns of
//! `cargo xtask bench`, where "products" is the step without its gates:
//!
//! | layer | weights alone | products | step |
//! |---|---|---|---|
//! | (6, 32) | 1.00 | 1.06 | 1.32 |
//! | (64, 64) | 0.88 | 0.93 | 0.94 |
//! | (40, 96) | 0.92 | 0.97 | 0.98 |
//! | (28, 128) | 0.94 | 0.98 | 0.99 |
//!
//! The gates hide behind the loads where those come from L2; (4, 4) takes 12 ns without them and 34 with them, one chain of latencies.

use super::{
    avx2::Avx2,
    avx512::Zmm,
    real::{F32x8, F32x16},
};
use crate::backend::{Backend, Lane, Typed, Weight, vector};
use core::arch::x86_64::*;

/// [`Backend::product_f32`] of a backend with these registers, of which `half` is the one with half of them.
#[inline(always)]
pub(super) fn product<B: Backend<Lanes = Zmm>, W: Weight, const G: usize, const S: usize>(
    backend: B,
    half: Avx2,
    sums: [[F32x16; G]; S],
    panel: &[Lane<W>],
    x: [&[f32]; S],
) -> [[F32x16; G]; S] {
    match (S, W::typed(panel)) {
        (1, Typed::F16(panel)) => join(vector::product_f32::<_, _, G, S, 4>(half, split(sums), panel, x), sums),
        (1, Typed::F32(panel)) => vector::product_f32::<_, _, G, S, 4>(backend, sums, panel, x),
        _ => vector::product_f32::<_, _, G, S, 1>(backend, sums, panel, x),
    }
}

/// [`Backend::product_f32_pair`].
#[inline(always)]
pub(super) fn product_pair<B: Backend<Lanes = Zmm>, W: Weight, const G: usize>(
    backend: B,
    half: Avx2,
    sums: [[F32x16; G]; 2],
    panels: [&[Lane<W>]; 2],
    x: &[f32],
) -> [[F32x16; G]; 2] {
    match panels.map(W::typed) {
        [Typed::F16(first), Typed::F16(second)] => {
            join(vector::product_f32_pair(half, split(sums), [first, second], x), sums)
        }
        _ => vector::product_f32_pair(backend, sums, panels, x),
    }
}

#[inline(always)]
fn split<const G: usize, const S: usize>(sums: [[F32x16; G]; S]) -> [[[F32x8; 2]; G]; S] {
    // SAFETY: a value shows that AVX-512 is there.
    let zero = F32x8(unsafe { _mm256_setzero_ps() });
    let mut halves = [[[zero; 2]; G]; S];
    for s in 0..S {
        for g in 0..G {
            // SAFETY: a value shows that AVX-512 is there.
            unsafe {
                halves[s][g][0] = F32x8(_mm512_castps512_ps256(sums[s][g].0));
                halves[s][g][1] = F32x8(_mm512_extractf32x8_ps::<1>(sums[s][g].0));
            }
        }
    }
    halves
}

/// The registers of both halves, in the place of others.
#[inline(always)]
fn join<const G: usize, const S: usize>(
    halves: [[[F32x8; 2]; G]; S],
    mut joined: [[F32x16; G]; S],
) -> [[F32x16; G]; S] {
    for s in 0..S {
        for g in 0..G {
            let [low, high] = halves[s][g];
            // SAFETY: a value shows that AVX-512 is there.
            joined[s][g] = F32x16(unsafe { _mm512_insertf32x8::<1>(_mm512_castps256_ps512(low.0), high.0) });
        }
    }
    joined
}
