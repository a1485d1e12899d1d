//! NEON, which every AArch64 of an operating system has.
//!
//! f32: a block is two registers; per column six `fmla` by an element of x, on four sets of accumulators, 24 of the 32 registers. int8: per
//! two groups of columns and 16 bytes of weights `smull`, `smlal`, which cannot overflow (2·127·127 < 2¹⁵), and `sadalp`: three
//! instructions per 16 products, and these three bound it.

#![allow(clippy::needless_range_loop, reason = "loops over registers keep closures out")]

use super::{both, neon_gates as gates};
use crate::{
    backend::{
        Arrays, Backend, Columns, F16Lane, I16Lane, Int8Lane, Lane, Lanes, Op, U8Lane, Weight, registers::real, vector,
    },
    layout::{INT8_DEPTH, UNITS},
    quant::WIDE_BITS,
};
use core::arch::{aarch64::*, asm};

/// NEON.
#[derive(Clone, Copy, Debug, Default)]
pub struct Neon;

/// The registers of NEON: a block is two registers of f32 or i32, and one of i16.
#[derive(Clone, Copy, Debug)]
pub struct Q;

real!(
    F32x4,
    float32x4_t,
    4,
    vdupq_n_f32,
    vld1q_f32,
    vst1q_f32,
    vaddq_f32,
    vsubq_f32,
    vmulq_f32,
    vdivq_f32,
    vminq_f32,
    vmaxq_f32,
    |x, a, b| vfmaq_f32(b, x, a)
);

/// Two registers of i32.
#[derive(Clone, Copy, Debug)]
pub struct I32x8(pub(super) [int32x4_t; 2]);

/// One register of i16.
#[derive(Clone, Copy, Debug)]
pub struct I16x8(int16x8_t);

impl Lanes for Q {
    type F32 = [F32x4; 2];
    type I32 = I32x8;
    type I16 = I16x8;

    #[inline(always)]
    fn load_f32(self, values: &[f32]) -> [F32x4; 2] {
        let block = if values.len() < UNITS { &Arrays.load_f32(values) } else { values };
        // SAFETY: every AArch64 here has NEON; the block holds 8 values.
        both!(i => F32x4(unsafe { vld1q_f32(block.as_ptr().add(4 * i)) }))
    }

    #[inline(always)]
    fn load_f16(self, weights: &F16Lane) -> [F32x4; 2] {
        // SAFETY: every AArch64 here has NEON; a lane is 16 bytes.
        unsafe {
            let lane = vreinterpretq_f16_u16(vld1q_u16(weights.as_ptr().cast()));
            [F32x4(vcvt_f32_f16(vget_low_f16(lane))), F32x4(vcvt_high_f32_f16(lane))]
        }
    }

    #[inline(always)]
    fn store_f32(self, values: [F32x4; 2], to: &mut [f32]) {
        let mut block = [0.0; UNITS];
        for (i, half) in values.into_iter().enumerate() {
            // SAFETY: every AArch64 here has NEON; the block has room for 8 values.
            unsafe { vst1q_f32(block.as_mut_ptr().add(4 * i), half.0) };
        }
        Arrays.store_f32(block, to);
    }

    #[inline(always)]
    fn load_i32(self, values: &[i32]) -> I32x8 {
        let block = if values.len() < UNITS { &Arrays.load_i32(values) } else { values };
        // SAFETY: every AArch64 here has NEON; the block holds 8 values.
        I32x8(both!(i => unsafe { vld1q_s32(block.as_ptr().add(4 * i)) }))
    }

    #[inline(always)]
    fn store_i32(self, values: I32x8, to: &mut [i32]) {
        let mut block = [0; UNITS];
        for (i, half) in values.0.into_iter().enumerate() {
            // SAFETY: every AArch64 here has NEON; the block has room for 8 values.
            unsafe { vst1q_s32(block.as_mut_ptr().add(4 * i), half) };
        }
        Arrays.store_i32(block, to);
    }

    #[inline(always)]
    fn load_i16(self, values: &[i16]) -> I16x8 {
        let block = if values.len() < UNITS { &Arrays.load_i16(values) } else { values };
        // SAFETY: every AArch64 here has NEON; the block holds 8 values.
        I16x8(unsafe { vld1q_s16(block.as_ptr()) })
    }

    #[inline(always)]
    fn store_i16(self, values: I16x8, to: &mut [i16]) {
        let mut block = [0; UNITS];
        // SAFETY: every AArch64 here has NEON; the block has room for 8 values.
        unsafe { vst1q_s16(block.as_mut_ptr(), values.0) };
        Arrays.store_i16(block, to);
    }

    #[inline(always)]
    fn add_i32(self, a: I32x8, b: I32x8) -> I32x8 {
        // SAFETY: every AArch64 here has NEON.
        I32x8(both!(i => unsafe { vaddq_s32(a.0[i], b.0[i]) }))
    }

    #[inline(always)]
    fn shift_left(self, a: I32x8, shift: u8) -> I32x8 {
        // SAFETY: every AArch64 here has NEON.
        I32x8(both!(i => unsafe { vshlq_s32(a.0[i], vdupq_n_s32(i32::from(shift))) }))
    }

    #[inline(always)]
    fn carry(self, low: I32x8) -> I32x8 {
        // SAFETY: every AArch64 here has NEON.
        I32x8(both!(i => unsafe { vrshrq_n_s32::<{ WIDE_BITS as i32 }>(low.0[i]) }))
    }

    #[inline(always)]
    fn requantize(self, sums: I32x8, multiplier: &I16Lane, shift: &U8Lane) -> I16x8 {
        // SAFETY: every AArch64 here has NEON; both arrays are as large as what is loaded.
        I16x8(unsafe { gates::requantize(sums.0, vld1q_s16(multiplier.as_ptr()), vld1_s8(shift.as_ptr().cast())) })
    }

    #[inline(always)]
    fn add_i16(self, a: I16x8, b: I16x8) -> I16x8 {
        // SAFETY: every AArch64 here has NEON.
        I16x8(unsafe { vqaddq_s16(a.0, b.0) })
    }

    #[inline(always)]
    fn reset_int8(self, r: I16x8, v: I16x8) -> I16x8 {
        // SAFETY: every AArch64 here has NEON.
        I16x8(unsafe { gates::reset(r.0, v.0) })
    }

    #[inline(always)]
    fn update_int8(self, z: I16x8, n: I16x8, h: I32x8) -> I32x8 {
        // SAFETY: every AArch64 here has NEON.
        I32x8(unsafe { gates::update(z.0, n.0, h.0) })
    }

    #[inline(always)]
    fn state_q15(self, h: I32x8) -> I16x8 {
        // SAFETY: every AArch64 here has NEON.
        I16x8(unsafe { vshrn_high_n_s32::<15>(vshrn_n_s32::<15>(h.0[0]), h.0[1]) })
    }

    #[inline(always)]
    fn store_view(self, values: I16x8, multiplier: i16, to: &mut [i8]) {
        let mut block = [0; UNITS];
        // SAFETY: every AArch64 here has NEON; the block has room for 8 values.
        unsafe {
            let view = vqmovn_s16(vqrdmulhq_n_s16(values.0, multiplier));
            vst1_s8(block.as_mut_ptr(), vmax_s8(view, vdup_n_s8(-127)));
        }
        to.iter_mut().zip(block).for_each(|(to, value)| *to = value);
    }
}

/// [`Backend::product_f32`] in 24 accumulators.
#[inline(always)]
pub(super) fn product_f32<B: Backend<Lanes = Q>, W: Weight, const G: usize, const S: usize>(
    backend: B,
    sums: [[[F32x4; 2]; G]; S],
    panel: &[Lane<W>],
    x: [&[f32]; S],
) -> [[[F32x4; 2]; G]; S] {
    match S {
        1 => vector::product_f32::<_, W, G, S, 4>(backend, sums, panel, x),
        2 => vector::product_f32::<_, W, G, S, 2>(backend, sums, panel, x),
        _ => vector::product_f32::<_, W, G, S, 1>(backend, sums, panel, x),
    }
}

impl Backend for Neon {
    const NAME: &'static str = "neon";
    const STREAMS: usize = 4;

    type Lanes = Q;

    #[inline(always)]
    fn lanes(self) -> Q {
        Q
    }

    #[inline(always)]
    fn enter<O: Op>(self, op: O) -> O::Output {
        op.run(self)
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

    /// Two inputs at a time: they take 24 accumulators.
    #[inline(always)]
    fn product_int8<const G: usize, const S: usize>(
        self,
        mut sums: [[I32x8; G]; S],
        panel: &[Int8Lane],
        x: [Columns<'_>; S],
    ) -> [[I32x8; G]; S] {
        let (twos, last) = sums.as_chunks_mut::<2>();
        let (x_twos, x_last) = x.as_chunks::<2>();
        for (sums, &x) in twos.iter_mut().zip(x_twos) {
            *sums = vector::product_int8::<_, G, 2, 2>(self, *sums, panel, x);
        }
        for (sums, &x) in last.iter_mut().zip(x_last) {
            [*sums] = vector::product_int8::<_, G, 1, 2>(self, [*sums], panel, [x]);
        }
        sums
    }
}

/// Sums of pairs of columns: each register holds those of two units.
#[derive(Clone, Copy, Debug)]
pub struct Pairs([int32x4_t; UNITS / 2]);

/// A lane of weights.
#[inline(always)]
pub(super) fn load(weights: &Int8Lane) -> [int8x16_t; 2] {
    let weights = weights.as_flattened().as_ptr();
    // SAFETY: every AArch64 here has NEON; a lane is 32 bytes.
    both!(i => unsafe { vld1q_s8(weights.add(16 * i)) })
}

/// A group of columns, four times.
#[inline(always)]
pub(super) fn broadcast(x: [i8; INT8_DEPTH]) -> int8x16_t {
    let x = i32::from_le_bytes(x.map(i8::cast_unsigned));
    // SAFETY: every AArch64 here has NEON.
    unsafe { vreinterpretq_s8_s32(vdupq_n_s32(x)) }
}

impl vector::Dot for Neon {
    /// Four columns, four times.
    type Group = int8x16_t;
    type Partial = Pairs;

    const PAIRS: bool = true;

    #[inline(always)]
    fn group(self, x: [i8; INT8_DEPTH]) -> int8x16_t {
        let mut group = broadcast(x);
        // A compiler that sees both halves to be the same moves the upper half of the weights down instead of using `smull2`.
        // SAFETY: no instruction at all.
        unsafe { asm!("/* {0:v} */", inout(vreg) group, options(pure, nomem, nostack, preserves_flags)) };
        group
    }

    #[inline(always)]
    fn start(self, _: Option<&Int8Lane>) -> Pairs {
        // SAFETY: every AArch64 here has NEON.
        Pairs([unsafe { vdupq_n_s32(0) }; UNITS / 2])
    }

    #[inline(always)]
    fn dot(self, mut sums: Pairs, weights: &Int8Lane, x: int8x16_t) -> Pairs {
        let weights = load(weights);
        for i in 0..2 {
            // SAFETY: every AArch64 here has NEON.
            unsafe {
                let low = vmull_s8(vget_low_s8(weights[i]), vget_low_s8(x));
                sums.0[2 * i] = vpadalq_s16(sums.0[2 * i], low);
                sums.0[2 * i + 1] = vpadalq_s16(sums.0[2 * i + 1], vmull_high_s8(weights[i], x));
            }
        }
        sums
    }

    #[inline(always)]
    fn dot_pair(self, mut sums: Pairs, [a, b]: [&Int8Lane; 2], [x, y]: [int8x16_t; 2]) -> Pairs {
        let (a, b) = (load(a), load(b));
        for i in 0..2 {
            // SAFETY: every AArch64 here has NEON.
            unsafe {
                let low = vmull_s8(vget_low_s8(a[i]), vget_low_s8(x));
                let low = vmlal_s8(low, vget_low_s8(b[i]), vget_low_s8(y));
                sums.0[2 * i] = vpadalq_s16(sums.0[2 * i], low);
                let high = vmlal_high_s8(vmull_high_s8(a[i], x), b[i], y);
                sums.0[2 * i + 1] = vpadalq_s16(sums.0[2 * i + 1], high);
            }
        }
        sums
    }

    #[inline(always)]
    fn add(self, a: Pairs, b: Pairs) -> Pairs {
        let mut sums = a;
        for i in 0..UNITS / 2 {
            // SAFETY: every AArch64 here has NEON.
            sums.0[i] = unsafe { vaddq_s32(a.0[i], b.0[i]) };
        }
        sums
    }

    #[inline(always)]
    fn finish(self, sums: Pairs) -> I32x8 {
        // SAFETY: every AArch64 here has NEON.
        I32x8(both!(i => unsafe { vpaddq_s32(sums.0[2 * i], sums.0[2 * i + 1]) }))
    }
}
