//! WebAssembly's simd128, and nothing of relaxed SIMD, whose results depend on the machine.
//!
//! f32: a block is two registers; per column one splat and six pairs of `f32x4.mul` and `f32x4.add`, on two sets of accumulators, twelve of
//! the sixteen registers of an x86 machine. int8: per eight bytes of weights one widening load, `i32x4.dot_i16x8_s` and `i32x4.add`.

#![allow(unsafe_code, reason = "loads and stores through pointers")]
#![allow(unused_unsafe, reason = "only on other targets are the instructions themselves unsafe")]

use super::registers::{both, real};
use crate::{
    backend::{Arrays, Backend, Columns, F16Lane, I16Lane, Int8Lane, Lane, Lanes, Op, U8Lane, Weight, vector},
    layout::{INT8_DEPTH, UNITS},
    math::fixed::{FAR, TANH_CUBICS},
    quant::{HEADROOM_BITS, WIDE_BITS},
};
use core::arch::wasm32::*;

/// simd128.
#[derive(Clone, Copy, Debug, Default)]
pub struct Simd128;

/// The registers of simd128: a block is two registers of f32 or i32, and one of i16.
#[derive(Clone, Copy, Debug)]
pub struct Registers;

/// The smaller of each pair; of a NaN and a number, the second.
#[inline(always)]
fn min(a: v128, b: v128) -> v128 {
    f32x4_pmin(b, a)
}

/// The larger of each pair; of a NaN and a number, the second.
#[inline(always)]
fn max(a: v128, b: v128) -> v128 {
    f32x4_pmax(b, a)
}

real!(
    F32x4,
    v128,
    4,
    f32x4_splat,
    v128_load,
    v128_store,
    f32x4_add,
    f32x4_sub,
    f32x4_mul,
    f32x4_div,
    min,
    max,
    |x, a, b| f32x4_add(f32x4_mul(x, a), b)
);

/// Two registers of i32.
#[derive(Clone, Copy, Debug)]
pub struct I32x8([v128; 2]);

/// One register of i16.
#[derive(Clone, Copy, Debug)]
pub struct I16x8(v128);

/// A cubic of `|t|` in its segment.
#[derive(Clone, Copy)]
struct Cubic {
    value: v128,
    /// All ones where the segment is a far one.
    far: v128,
    /// tanh.
    tanh: v128,
}

impl Cubic {
    #[inline(always)]
    fn new(t: v128) -> Self {
        /// One byte of the coefficients of one power.
        const fn table(power: usize, byte: usize) -> v128 {
            let mut table = [0; 16];
            let mut segment = 0;
            while segment < 16 {
                table[segment] = TANH_CUBICS[segment][power].to_le_bytes()[byte];
                segment += 1;
            }
            let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = table;
            u8x16(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p)
        }
        const LOW: [v128; 4] = [table(0, 0), table(1, 0), table(2, 0), table(3, 0)];
        const HIGH: [v128; 4] = [table(0, 1), table(1, 1), table(2, 1), table(3, 1)];
        let magnitude = u16x8_min(i16x8_abs(t), i16x8_splat(i16::MAX));
        let segment = u16x8_shr(magnitude, 11);
        let fraction = i16x8_shl(v128_and(magnitude, i16x8_splat(0x7ff)), 4);
        // An index beyond the table gives zero.
        let low = v128_or(segment, u16x8_splat(0x8000));
        let high = v128_or(i16x8_shl(segment, 8), u16x8_splat(0x0080));
        let coefficient = |power| v128_or(i8x16_swizzle(LOW[power], low), i8x16_swizzle(HIGH[power], high));
        let value = i16x8_add(coefficient(2), i16x8_q15mulr_sat(fraction, coefficient(3)));
        let value = i16x8_add(coefficient(1), i16x8_q15mulr_sat(fraction, value));
        let value = i16x8_add(coefficient(0), i16x8_q15mulr_sat(fraction, value));
        let far = i16x8_gt(magnitude, i16x8_splat((FAR << 11) as i16 - 1));
        let near_one = i16x8_sub(i16x8_splat(i16::MAX), i16x8_shr(value, 4));
        let magnitude = v128_bitselect(near_one, value, far);
        let negative = i16x8_shr(t, 15);
        Self { value, far, tanh: i16x8_sub(v128_xor(magnitude, negative), negative) }
    }
}

/// `½ + ½ x`.
#[inline(always)]
fn half_up(x: v128) -> v128 {
    i16x8_add(i16x8_shr(x, 1), i16x8_splat(1 << 14))
}

/// The lower halves of two registers of i16 as pairs, and the upper halves.
#[inline(always)]
fn interleave(a: v128, b: v128) -> [v128; 2] {
    [i16x8_shuffle::<0, 8, 1, 9, 2, 10, 3, 11>(a, b), i16x8_shuffle::<4, 12, 5, 13, 6, 14, 7, 15>(a, b)]
}

/// The numbers of f16, each extended to 32 bits. Exponent and fraction are brought to their places in an f32 and multiplied by the
/// distance of the biases.
#[inline]
fn widen(extended: v128) -> v128 {
    let placed = v128_and(i32x4_shl(extended, 13), u32x4_splat(0x8fff_e000));
    let finite = f32x4_mul(placed, f32x4_splat(f32::from_bits((127 + 112) << 23)));
    let beyond = i32x4_gt(v128_and(placed, u32x4_splat(0x7fff_ffff)), i32x4_splat((31 << 23) - 1));
    v128_or(finite, v128_and(beyond, u32x4_splat(0x7f80_0000)))
}

impl Lanes for Registers {
    type F32 = [F32x4; 2];
    type I32 = I32x8;
    type I16 = I16x8;

    #[inline(always)]
    fn load_f32(self, values: &[f32]) -> [F32x4; 2] {
        let block = if values.len() < UNITS { &Arrays.load_f32(values) } else { values };
        // SAFETY: the block holds 8 values.
        both!(i => F32x4(unsafe { v128_load(block.as_ptr().add(4 * i).cast()) }))
    }

    #[inline(always)]
    fn load_f16(self, weights: &F16Lane) -> [F32x4; 2] {
        // SAFETY: simd128 is enabled; a lane is 16 bytes.
        let lane = unsafe { v128_load(weights.as_ptr().cast()) };
        [F32x4(widen(i32x4_extend_low_i16x8(lane))), F32x4(widen(i32x4_extend_high_i16x8(lane)))]
    }

    #[inline(always)]
    fn store_f32(self, values: [F32x4; 2], to: &mut [f32]) {
        let mut block = [0.0; UNITS];
        for (i, half) in values.into_iter().enumerate() {
            // SAFETY: the block has room for 8 values.
            unsafe { v128_store(block.as_mut_ptr().add(4 * i).cast(), half.0) };
        }
        Arrays.store_f32(block, to);
    }

    #[inline(always)]
    fn load_i32(self, values: &[i32]) -> I32x8 {
        let block = if values.len() < UNITS { &Arrays.load_i32(values) } else { values };
        // SAFETY: the block holds 8 values.
        I32x8(both!(i => unsafe { v128_load(block.as_ptr().add(4 * i).cast()) }))
    }

    #[inline(always)]
    fn store_i32(self, values: I32x8, to: &mut [i32]) {
        let mut block = [0; UNITS];
        for (i, half) in values.0.into_iter().enumerate() {
            // SAFETY: the block has room for 8 values.
            unsafe { v128_store(block.as_mut_ptr().add(4 * i).cast(), half) };
        }
        Arrays.store_i32(block, to);
    }

    #[inline(always)]
    fn load_i16(self, values: &[i16]) -> I16x8 {
        let block = if values.len() < UNITS { &Arrays.load_i16(values) } else { values };
        // SAFETY: the block holds 8 values.
        I16x8(unsafe { v128_load(block.as_ptr().cast()) })
    }

    #[inline(always)]
    fn store_i16(self, values: I16x8, to: &mut [i16]) {
        let mut block = [0; UNITS];
        // SAFETY: the block has room for 8 values.
        unsafe { v128_store(block.as_mut_ptr().cast(), values.0) };
        Arrays.store_i16(block, to);
    }

    #[inline(always)]
    fn add_i32(self, a: I32x8, b: I32x8) -> I32x8 {
        I32x8(both!(i => i32x4_add(a.0[i], b.0[i])))
    }

    #[inline(always)]
    fn shift_left(self, a: I32x8, shift: u8) -> I32x8 {
        I32x8(both!(i => i32x4_shl(a.0[i], u32::from(shift))))
    }

    #[inline(always)]
    fn carry(self, low: I32x8) -> I32x8 {
        let half = i32x4_splat(1 << (WIDE_BITS - 1));
        I32x8(both!(i => i32x4_shr(i32x4_add(low.0[i], half), WIDE_BITS)))
    }

    /// A shift of its own for each unit is not among the instructions. A sum is below 2²³, so f32 holds it and its product with
    /// a power of two, and the result is exact.
    #[inline(always)]
    fn requantize(self, sums: I32x8, multiplier: &I16Lane, shift: &U8Lane) -> I16x8 {
        const EXPONENT: i16 = 127 + HEADROOM_BITS as i16;
        // SAFETY: both arrays are as large as what is loaded.
        let (multiplier, shift) =
            unsafe { (v128_load(multiplier.as_ptr().cast()), i16x8_load_extend_u8x8(shift.as_ptr())) };
        let exponent = i16x8_sub(i16x8_splat(EXPONENT), shift);
        let exponents = [i32x4_extend_low_i16x8(exponent), i32x4_extend_high_i16x8(exponent)];
        let [low, high] = both!(i => {
            let factor = i32x4_shl(exponents[i], 23);
            i32x4_trunc_sat_f32x4(f32x4_floor(f32x4_mul(f32x4_convert_i32x4(sums.0[i]), factor)))
        });
        I16x8(i16x8_q15mulr_sat(i16x8_narrow_i32x4(low, high), multiplier))
    }

    #[inline(always)]
    fn add_i16(self, a: I16x8, b: I16x8) -> I16x8 {
        I16x8(i16x8_add_sat(a.0, b.0))
    }

    #[inline(always)]
    fn reset_int8(self, r: I16x8, v: I16x8) -> I16x8 {
        I16x8(i16x8_q15mulr_sat(v.0, half_up(Cubic::new(r.0).tanh)))
    }

    #[inline(always)]
    fn update_int8(self, z: I16x8, n: I16x8, h: I32x8) -> I32x8 {
        let cubic = Cubic::new(z.0);
        let nearly_closed = v128_and(cubic.far, i16x8_gt(z.0, i16x8_splat(0)));
        let complement = v128_bitselect(cubic.value, half_up(i16x8_neg(cubic.tanh)), nearly_closed);
        // (n, h >> 15) · (complement, −complement) by one instruction.
        let pairs = interleave(Cubic::new(n.0).tanh, self.state_q15(h).0);
        let factors = interleave(complement, i16x8_neg(complement));
        let masks = interleave(nearly_closed, nearly_closed);
        I32x8(both!(i => {
            let change = i32x4_dot_i16x8(pairs[i], factors[i]);
            i32x4_add(h.0[i], v128_bitselect(i32x4_shr(change, 5), change, masks[i]))
        }))
    }

    #[inline(always)]
    fn state_q15(self, h: I32x8) -> I16x8 {
        // Of eight halves the upper ones of 2·h.
        I16x8(i16x8_shuffle::<1, 3, 5, 7, 9, 11, 13, 15>(i32x4_shl(h.0[0], 1), i32x4_shl(h.0[1], 1)))
    }

    #[inline(always)]
    fn store_view(self, values: I16x8, multiplier: i16, to: &mut [i8]) {
        let view = i16x8_max(i16x8_q15mulr_sat(values.0, i16x8_splat(multiplier)), i16x8_splat(-127));
        let view = i64x2_extract_lane::<0>(i8x16_narrow_i16x8(view, view)).to_le_bytes();
        to.iter_mut().zip(view).for_each(|(to, value)| *to = value.cast_signed());
    }
}

impl Backend for Simd128 {
    const NAME: &'static str = "simd128";
    const STREAMS: usize = 2;

    type Lanes = Registers;

    #[inline(always)]
    fn lanes(self) -> Registers {
        Registers
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
        match S {
            1 => vector::product_f32::<_, W, G, S, 2>(self, sums, panel, x),
            _ => vector::product_f32::<_, W, G, S, 1>(self, sums, panel, x),
        }
    }

    /// One input after the other: one takes twelve accumulators.
    #[inline(always)]
    fn product_int8<const G: usize, const S: usize>(
        self,
        mut sums: [[I32x8; G]; S],
        panel: &[Int8Lane],
        x: [Columns<'_>; S],
    ) -> [[I32x8; G]; S] {
        for s in 0..S {
            [sums[s]] = vector::product_int8::<_, G, 1, 1>(self, [sums[s]], panel, [x[s]]);
        }
        sums
    }
}

/// Sums of pairs of columns: each register holds those of two units.
#[derive(Clone, Copy, Debug)]
pub struct Pairs([v128; UNITS / 2]);

impl vector::Dot for Simd128 {
    /// Four columns as i16, twice.
    type Group = v128;
    type Partial = Pairs;

    #[inline(always)]
    fn group(self, x: [i8; INT8_DEPTH]) -> v128 {
        i16x8_extend_low_i8x16(i32x4_splat(i32::from_le_bytes(x.map(i8::cast_unsigned))))
    }

    #[inline(always)]
    fn start(self, _: Option<&Int8Lane>) -> Pairs {
        Pairs([i32x4_splat(0); UNITS / 2])
    }

    #[inline(always)]
    fn dot(self, mut sums: Pairs, weights: &Int8Lane, x: v128) -> Pairs {
        for i in 0..UNITS / 2 {
            // SAFETY: a lane is 32 bytes.
            let weights = unsafe { i16x8_load_extend_i8x8(weights.as_flattened().as_ptr().add(8 * i)) };
            sums.0[i] = i32x4_add(sums.0[i], i32x4_dot_i16x8(weights, x));
        }
        sums
    }

    #[inline(always)]
    fn add(self, mut a: Pairs, b: Pairs) -> Pairs {
        for i in 0..UNITS / 2 {
            a.0[i] = i32x4_add(a.0[i], b.0[i]);
        }
        a
    }

    #[inline(always)]
    fn finish(self, sums: Pairs) -> I32x8 {
        I32x8(both!(i => {
            let (low, high) = (sums.0[2 * i], sums.0[2 * i + 1]);
            let (even, odd) = (i32x4_shuffle::<0, 2, 4, 6>(low, high), i32x4_shuffle::<1, 3, 5, 7>(low, high));
            i32x4_add(even, odd)
        }))
    }
}
