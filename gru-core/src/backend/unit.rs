//! The int8 gates of one unit in few instructions, for cores without vector registers: equal to
//! [`quant`](crate::quant) and [`fixed`](crate::math::fixed) for every argument.
//!
//! With `g = |t| mod 2¹¹`, a stage of the [cubic](TANH_CUBICS) is `(g·c + 2¹⁰) >> 11`. What follows the last product, a sign, the
//! distance to 1, a further shift, moves through the floors into the coefficients, as −⌊y⌋ = ⌊−y + 1 − ulp⌋. There remains, for both
//! signs of `t`,
//!
//! ```text
//! 2¹⁵ + tanh(t) = 2·σ(2t) = (g·((g·((g·c₃ + c₂) >> 11) + c₁) >> 11) + c₀) >> shift
//! ```
//!
//! | | instructions of a unit, four requantisations, three activations and the loop among them |
//! |---|---|
//! | RV32IM | 165 |
//! | Thumb-2 | 138 |
//! | Thumb-1 | 264, a third of them for want of registers |
//!
//! RV32IM and Thumb-1 have no instruction that saturates: some 40 of theirs, which are the same for every value, take the place of branches.
#![allow(unsafe_code, reason = "a shift without a mask, a table without bounds to check")]

use super::{Arrays, F32Lane, I16Lane, I32Lane, Lanes, U8Lane, arrays::units, clamp};
use crate::{
    layout::{SUM_BITS, Scales, UNITS},
    math::{
        Activation,
        fixed::{FAR, TANH_CUBICS},
    },
    quant::{self, HEADROOM_BITS},
};

/// Lanes as arrays, for cores without vector registers: [`Arrays`] with other gates.
#[derive(Clone, Copy, Debug, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Units;

impl Lanes for Units {
    type F32 = F32Lane;
    type I32 = I32Lane;
    type I16 = [Q; UNITS];

    on_arrays! {
        fn load_f32(values: &[f32]) -> F32Lane;
        fn store_f32(values: F32Lane, to: &mut [f32]);
        fn load_i32(values: &[i32]) -> I32Lane;
        fn store_i32(values: I32Lane, to: &mut [i32]);
        fn add_i32(a: I32Lane, b: I32Lane) -> I32Lane;
        fn shift_left(a: I32Lane, shift: u8) -> I32Lane;
        fn carry(low: I32Lane) -> I32Lane;
    }

    #[inline(always)]
    fn load_i16(self, values: &[i16]) -> [Q; UNITS] {
        Arrays.load_i16(values).map(|value| Q(i32::from(value)))
    }

    #[inline(always)]
    fn store_i16(self, values: [Q; UNITS], to: &mut [i16]) {
        Arrays.store_i16(values.map(|Q(value)| value as i16), to);
    }

    #[inline(always)]
    fn reset_f32<A: Activation>(self, r: F32Lane, v: F32Lane) -> F32Lane {
        Arrays.reset_f32::<A>(r, v)
    }

    #[inline(always)]
    fn update_f32<A: Activation>(self, z: F32Lane, n: F32Lane, h: F32Lane) -> F32Lane {
        Arrays.update_f32::<A>(z, n, h)
    }

    #[inline(always)]
    fn requantize(self, sums: I32Lane, multiplier: &I16Lane, shift: &U8Lane) -> [Q; UNITS] {
        units!(u => Q::requantize(sums[u], multiplier[u], shift[u]))
    }

    #[inline(always)]
    fn add_i16(self, a: [Q; UNITS], b: [Q; UNITS]) -> [Q; UNITS] {
        units!(u => a[u].saturating_add(b[u]))
    }

    #[inline(always)]
    fn reset_int8(self, r: [Q; UNITS], v: [Q; UNITS]) -> [Q; UNITS] {
        units!(u => r[u].reset(v[u]))
    }

    #[inline(always)]
    fn update_int8(self, z: [Q; UNITS], n: [Q; UNITS], h: I32Lane) -> I32Lane {
        units!(u => z[u].update(n[u], h[u]))
    }

    #[inline(always)]
    fn tanh_int8(self, n: [Q; UNITS]) -> [Q; UNITS] {
        n.map(Q::tanh)
    }

    #[inline(always)]
    fn state_q15(self, h: I32Lane) -> [Q; UNITS] {
        h.map(Q::state)
    }

    #[inline(always)]
    fn store_view(self, values: [Q; UNITS], multiplier: i16, to: &mut [i8]) {
        to.iter_mut().zip(values).for_each(|(to, value)| *to = value.view(multiplier));
    }

    /// One unit after the other: no core has registers for the values of four.
    #[inline(always)]
    fn gates_int8(
        self,
        recurrent: &[I32Lane; 3],
        n_input: &I32Lane,
        scales: &Scales<4>,
        multiplier: i16,
        h: &mut [i32],
        view: &mut [i8],
    ) {
        let [r, z, n_hidden] = recurrent;
        for (u, (h, view)) in h.iter_mut().zip(view).enumerate().take(UNITS) {
            let requantize = |sum, row: usize| Q::requantize(sum, scales.multiplier[row][u], scales.shift[row][u]);
            let gated = requantize(r[u], 0).reset(requantize(n_hidden[u], 3));
            let n = requantize(n_input[u], 2).saturating_add(gated);
            *h = requantize(z[u], 1).update(n, *h);
            *view = Q::state(*h).view(multiplier);
        }
    }
}

/// A fixed-point value of 16 bits in a register: in ±2¹⁵.
#[derive(Clone, Copy, Debug, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Q(i32);

impl Q {
    /// [`quant::requantize_sum`](crate::quant::requantize_sum), with `shift` below 32.
    #[inline(always)]
    fn requantize(sum: i32, multiplier: i16, shift: u8) -> Self {
        let sum = if SUM_BITS == 0 { sum << HEADROOM_BITS } else { sum };
        Self::saturate(shift_right(sum, i32::from(shift))).mul_q15(i32::from(multiplier))
    }

    /// [`quant::saturate_i16`](crate::quant::saturate_i16).
    #[inline(always)]
    fn saturate(value: i32) -> Self {
        Self(clamp(value, i32::from(i16::MIN), i32::from(i16::MAX)))
    }

    /// [`quant::mul_q15`](crate::quant::mul_q15).
    #[inline(always)]
    fn mul_q15(self, b: i32) -> Self {
        Self((self.0 * b + (1 << 14)) >> 15)
    }

    /// `a + b`, saturated.
    #[inline(always)]
    fn saturating_add(self, b: Self) -> Self {
        Self::saturate(self.0 + b.0)
    }

    /// [`quant::reset`](crate::quant::reset).
    #[inline(always)]
    fn reset(self, v: Self) -> Self {
        let (value, Segment { c3, .. }) = Segment::of(self, 0);
        v.mul_q15(shift_right(value, *c3) >> 1)
    }

    /// [`tanh_q15`](crate::math::fixed::tanh_q15).
    #[inline(always)]
    fn tanh(self) -> Self {
        let (value, Segment { c3, .. }) = Segment::of(self, 0);
        Self(shift_right(value, *c3) - (1 << 15))
    }

    /// [`quant::update`](crate::quant::update), where `n` is the candidate's pre-activation.
    #[inline(always)]
    fn update(self, n: Self, h: i32) -> i32 {
        let distance = n.tanh().0 - Self::state(h).0;
        let (value, Segment { c3, .. }) = Segment::of(self, -1);
        let closed = c3 >> 16 & 1;
        let complement = shift_right(value, c3 >> 8) - (closed << 4);
        h.wrapping_add((complement * distance) >> (closed * CLOSED_BITS))
    }

    /// [`quant::state_q15`](crate::quant::state_q15).
    #[inline(always)]
    fn state(h: i32) -> Self {
        Self(i32::from(quant::state_q15(h)))
    }

    /// [`quant::view`](crate::quant::view).
    #[inline(always)]
    fn view(self, multiplier: i16) -> i8 {
        clamp(self.mul_q15(i32::from(multiplier)).0, -127, 127) as i8
    }
}

/// [`tanh_q15`](crate::math::fixed::tanh_q15), in the same number of instructions for every value.
#[cfg(any(gru_family = "thumb1", target_arch = "riscv32"))]
pub fn tanh(t: i16) -> i16 {
    Q(i32::from(t)).tanh().0 as i16
}

/// [`tanh_q15`](crate::math::fixed::tanh_q15), whose conditions are instructions here, not branches.
#[cfg(not(any(gru_family = "thumb1", target_arch = "riscv32")))]
#[inline(always)]
pub fn tanh(t: i16) -> i16 {
    crate::math::fixed::tanh_q15(t)
}

/// More fraction bits of `1 − σ` where the gate is closed: see [`fixed::sigmoid_complement`](crate::math::fixed::sigmoid_complement).
const CLOSED_BITS: i32 = 5;

/// Coefficients for `t` of one sign on one segment of width ½.
#[derive(Clone, Copy)]
#[repr(C)]
struct Segment {
    c0: i32,
    c1: i32,
    c2: i32,
    /// In the top 12 bits. From the lowest on: 8 bits shift, 8 bits shift of `1 − σ(−2t)`, a bit for where that has more fraction bits.
    c3: i32,
}

/// Segments of one sign. The last is that of −2¹⁵ alone.
const SIGN: usize = TANH_CUBICS.len() + 1;

/// The segments of negative `t`, towards 0, then those of the others.
static SEGMENTS: [Segment; 2 * SIGN] = {
    let mut segments = [Segment { c0: 0, c1: 0, c2: 0, c3: 0 }; 2 * SIGN];
    let mut segment = 0;
    while segment < SIGN {
        segments[SIGN + segment] = Segment::new(segment, false);
        segments[SIGN - 1 - segment] = Segment::new(segment, true);
        segment += 1;
    }
    segments
};

impl Segment {
    const fn new(segment: usize, negative: bool) -> Self {
        let [c0, c1, c2, c3] = TANH_CUBICS[if segment < TANH_CUBICS.len() { segment } else { TANH_CUBICS.len() - 1 }];
        let far = segment >= FAR;
        // The cubic is tanh, or 16 · (1 − tanh).
        let (falls, base, shift) = match (far, negative) {
            (false, _) => (negative, 1 << 15, 11),
            (true, false) => (true, (1 << 16) - 1, 15),
            (true, true) => (false, 1, 15),
        };
        // There 1 − σ is the cubic itself, which base has raised by 2¹⁵: by 16 after a shift of 11.
        let closed = far && negative;
        let complement_shift = if closed { 11 } else { shift + 1 };
        let c3 = if falls { -c3 } else { c3 } as i32;
        Self {
            c0: Self::stage(c0, falls, base, shift),
            c1: Self::stage(c1, falls, 0, 11),
            c2: Self::stage(c2, falls, 0, 11),
            c3: c3 << 20 | (closed as i32) << 16 | complement_shift << 8 | shift,
        }
    }

    /// What makes `base ± y / 2^shift` of the product, for `y = c·2¹¹ + 2¹⁰`.
    const fn stage(c: i16, falls: bool, base: i32, shift: i32) -> i32 {
        let y = ((c as i32) << 11) + (1 << 10);
        (base << shift) + if falls { (1 << shift) - 1 - y } else { y }
    }

    /// The segment of `t`, or of `−t` where `mirror` is −1, and `2¹⁵ + tanh` before its shift.
    #[inline(always)]
    fn of(Q(t): Q, mirror: i32) -> (i32, &'static Self) {
        let sign = t >> 31;
        let magnitude = (t ^ sign) - sign;
        let place = SIGN as i32 + ((magnitude >> 11) ^ sign ^ mirror);
        // SAFETY: a magnitude is at most 2¹⁵, which is in the last segment of its sign.
        let segment = unsafe { SEGMENTS.get_unchecked(place as usize) };
        let g = magnitude & 0x7ff;
        let y = (g * (segment.c3 >> 20) + segment.c2) >> 11;
        let y = (g * y + segment.c1) >> 11;
        (g * y + segment.c0, segment)
    }
}

/// `value >> amount`, by the lowest byte of `amount`, which must be below 32.
#[inline(always)]
fn shift_right(value: i32, amount: i32) -> i32 {
    #[cfg(target_arch = "arm")]
    {
        let shifted;
        // SAFETY: arithmetic on registers. Arm shifts by the lowest byte, for which Rust has no operator.
        unsafe {
            core::arch::asm!(
                "asrs {shifted}, {amount}",
                amount = in(reg) amount, shifted = inlateout(reg) value => shifted,
                options(pure, nomem, nostack),
            );
        }
        shifted
    }
    #[cfg(not(target_arch = "arm"))]
    value.wrapping_shr(amount as u32)
}
