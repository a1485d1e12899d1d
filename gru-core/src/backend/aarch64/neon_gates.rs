//! The int8 gates of NEON: eight halves in a register.

#![allow(clippy::needless_range_loop, reason = "loops over registers keep closures out")]

use crate::{
    math::fixed::{FAR, TANH_CUBICS},
    quant::{HEADROOM_BITS, STATE_BITS},
};
use core::arch::aarch64::*;

/// A cubic of `|t|` in its segment.
#[derive(Clone, Copy)]
struct Cubic {
    value: int16x8_t,
    /// All ones where the segment is a far one.
    far: uint16x8_t,
    /// tanh.
    tanh: int16x8_t,
}

impl Cubic {
    #[target_feature(enable = "neon")]
    #[inline]
    fn new(t: int16x8_t) -> Self {
        /// The coefficients of one power, as bytes.
        const fn table(power: usize) -> [[u8; 2]; 16] {
            let mut table = [[0; 2]; 16];
            let mut segment = 0;
            while segment < 16 {
                table[segment] = TANH_CUBICS[segment][power].to_le_bytes();
                segment += 1;
            }
            table
        }
        static TABLES: [[[u8; 2]; 16]; 4] = [table(0), table(1), table(2), table(3)];
        let magnitude = vqabsq_s16(t);
        let segment = vshrq_n_u16::<11>(vreinterpretq_u16_s16(magnitude));
        let fraction = vshlq_n_s16::<4>(vandq_s16(magnitude, vdupq_n_s16(0x7ff)));
        // The bytes of a coefficient are 2·segment and the one after it.
        let bytes = vreinterpretq_u8_u16(vmlaq_n_u16(vdupq_n_u16(0x0100), segment, 0x0202));
        let mut coefficients = [t; 4];
        for power in 0..4 {
            let table = TABLES[power].as_flattened().as_ptr();
            // SAFETY: a table is as large as two registers.
            let table = unsafe { uint8x16x2_t(vld1q_u8(table), vld1q_u8(table.add(16))) };
            coefficients[power] = vreinterpretq_s16_u8(vqtbl2q_u8(table, bytes));
        }
        let [c0, c1, c2, c3] = coefficients;
        let value = vaddq_s16(c2, vqrdmulhq_s16(fraction, c3));
        let value = vaddq_s16(c1, vqrdmulhq_s16(fraction, value));
        let value = vaddq_s16(c0, vqrdmulhq_s16(fraction, value));
        let far = vcgeq_s16(magnitude, vdupq_n_s16((FAR << 11) as i16));
        let near_one = vsubq_s16(vdupq_n_s16(i16::MAX), vshrq_n_s16::<4>(value));
        let magnitude = vbslq_s16(far, near_one, value);
        let tanh = vbslq_s16(vcltzq_s16(t), vnegq_s16(magnitude), magnitude);
        Self { value, far, tanh }
    }
}

/// `½ + ½ x`.
#[target_feature(enable = "neon")]
#[inline]
fn half_up(x: int16x8_t) -> int16x8_t {
    vsraq_n_s16::<1>(vdupq_n_s16(1 << 14), x)
}

#[target_feature(enable = "neon")]
#[inline]
pub(super) fn reset(t: int16x8_t, v: int16x8_t) -> int16x8_t {
    vqrdmulhq_s16(v, half_up(Cubic::new(t).tanh))
}

#[target_feature(enable = "neon")]
#[inline]
pub(super) fn update(z: int16x8_t, n: int16x8_t, [low, high]: [int32x4_t; 2]) -> [int32x4_t; 2] {
    const Q15: i32 = STATE_BITS as i32 - 15;
    let cubic = Cubic::new(z);
    let nearly_closed = vandq_u16(cubic.far, vcgtzq_s16(z));
    let complement = vbslq_s16(nearly_closed, cubic.value, half_up(vnegq_s16(cubic.tanh)));
    // A shift to the left by a negative number is one to the right.
    let shift = vandq_s16(vreinterpretq_s16_u16(nearly_closed), vdupq_n_s16(-5));
    let n = Cubic::new(n).tanh;
    let h = vshrn_high_n_s32::<Q15>(vshrn_n_s32::<Q15>(low), high);
    let change_low = vmull_s16(vget_low_s16(n), vget_low_s16(complement));
    let change_low = vmlsl_s16(change_low, vget_low_s16(h), vget_low_s16(complement));
    let change_high = vmlsl_high_s16(vmull_high_s16(n, complement), h, complement);
    [
        vaddq_s32(low, vshlq_s32(change_low, vmovl_s16(vget_low_s16(shift)))),
        vaddq_s32(high, vshlq_s32(change_high, vmovl_high_s16(shift))),
    ]
}

#[target_feature(enable = "neon")]
#[inline]
pub(super) fn requantize([low, high]: [int32x4_t; 2], multiplier: int16x8_t, shift: int8x8_t) -> int16x8_t {
    // The gained bits and the shift to the right are one shift.
    let shift = vmovl_s8(vsub_s8(vdup_n_s8(HEADROOM_BITS as i8), shift));
    let low = vshlq_s32(low, vmovl_s16(vget_low_s16(shift)));
    let high = vshlq_s32(high, vmovl_high_s16(shift));
    vqrdmulhq_s16(vqmovn_high_s32(vqmovn_s32(low), high), multiplier)
}
