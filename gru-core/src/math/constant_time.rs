//! Integer arithmetic in the same number of instructions for every value, also on cores whose only conditions are branches, and in software what
//! a core has no instruction for.
//!
//! A mask is 0 or all ones.

use crate::backend::opaque;

/// The mask of a number's sign.
#[inline(always)]
fn negative(number: i32) -> u32 {
    opaque((number >> 31).cast_unsigned())
}

/// The mask of `a < b`: the borrow of their difference.
#[inline(always)]
fn below(a: u64, b: u64) -> u64 {
    let borrow = (!a & b) | (!(a ^ b) & a.wrapping_sub(b));
    let mask = negative((borrow >> 32) as i32);
    u64::from(mask) << 32 | u64::from(mask)
}

/// The mask of `a < b`.
#[inline(always)]
fn below_u32(a: u32, b: u32) -> u32 {
    negative(((!a & b) | (!(a ^ b) & a.wrapping_sub(b))).cast_signed())
}

/// The larger of two numbers less than 2³¹ apart.
#[inline(always)]
pub(crate) fn max(a: i32, b: i32) -> i32 {
    let distance = a - b;
    a - (distance & negative(distance).cast_signed())
}

/// The smaller of two numbers.
#[inline(always)]
pub(crate) fn min(a: u64, b: u32) -> u32 {
    let mask = below(a, b.into()) as u32;
    (a as u32 & mask) | (b & !mask)
}

/// The magnitude of a number, and the mask of its sign, which [`signed`] takes.
#[inline(always)]
pub(crate) fn unsigned(number: i32) -> (u32, u32) {
    let sign = negative(number);
    ((number.cast_unsigned() ^ sign).wrapping_sub(sign), sign)
}

/// A number of that magnitude and sign.
#[inline(always)]
pub(crate) fn signed(magnitude: u32, sign: u32) -> i32 {
    (magnitude ^ sign).wrapping_sub(sign).cast_signed()
}

/// `a + b`, saturated.
#[inline(always)]
pub(crate) fn saturating_add(a: i32, b: i32) -> i32 {
    let sum = a.wrapping_add(b);
    let saturated = i32::MAX ^ negative(a).cast_signed();
    let overflow = negative((a ^ sum) & (b ^ sum)).cast_signed();
    sum ^ ((sum ^ saturated) & overflow)
}

/// `number >> amount`, with `amount` below 32.
#[inline(always)]
pub(crate) fn shift_right(number: u64, amount: u32) -> u64 {
    let (low, high) = (number as u32, (number >> 32) as u32);
    let carried = (high << 1).wrapping_shl(31 - amount);
    u64::from(high.wrapping_shr(amount)) << 32 | u64::from(low.wrapping_shr(amount) | carried)
}

/// `number · 4^bits` from 2⁶² on, and `bits`; of 0 as many as there are.
#[inline(always)]
pub(crate) fn scaled_up(number: u64) -> (u64, u32) {
    let (mut scaled, mut bits) = (number, 0);
    for step in [16, 8, 4, 2, 1] {
        let small = below(scaled, 1 << (64 - 2 * step));
        scaled = (scaled & !small) | ((scaled << (2 * step)) & small);
        bits += step & small as u32;
    }
    (scaled, bits)
}

/// The integer part of `√number`.
pub(crate) fn root(number: u64) -> u32 {
    let (mut rest, mut root, mut bit) = (number, 0, 1 << 62);
    while bit != 0 {
        let trial = root + bit;
        let fits = !below(rest, trial);
        rest -= trial & fits;
        root = (root >> 1) + (bit & fits);
        bit >>= 2;
    }
    root as u32
}

/// `2⁶² / number` for a number from 2³¹ on; anything for others.
pub(crate) fn inverse(number: u32) -> u32 {
    // The first digit is 1 for 2³¹ alone. Then twice the rest may have 33 bits: it fits where the rest is no less than the number less the rest.
    let (mut rest, mut quotient) = (1 << 31, 0);
    let equal = !below_u32(rest, number);
    rest -= number & equal;
    quotient |= equal & 1;
    for _ in 0..31 {
        let missing = number.wrapping_sub(rest);
        let fits = !below_u32(rest, missing);
        rest = rest.wrapping_sub((missing & fits) | (rest.wrapping_neg() & !fits));
        quotient = (quotient << 1) | (fits & 1);
    }
    quotient
}

/// `part / whole` in Q0.15, rounded, for `part` ≤ `whole` < 2³⁰.
#[inline(always)]
pub(crate) fn fraction_q15(part: u32, whole: u32) -> u32 {
    // Cortex-M0 is the one core here that divides in software, and there in a time that depends on the numbers.
    if cfg!(gru_family = "thumb1") { long_fraction_q15(part, whole) } else { ((part << 15) + whole / 2) / whole.max(1) }
}

/// [`fraction_q15`] where no instruction divides.
fn long_fraction_q15(part: u32, whole: u32) -> u32 {
    let (mut rest, mut quotient) = (part, 0);
    let mut digit = |rest: u32| {
        let fits = !negative(rest.wrapping_sub(whole).cast_signed());
        quotient = (quotient << 1) | (fits & 1);
        rest - (whole & fits)
    };
    for _ in 0..15 {
        rest = digit(rest) << 1;
    }
    rest = digit(rest);
    quotient + (!negative((rest + whole / 2).wrapping_sub(whole).cast_signed()) & 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers of all lengths, and all ends.
    fn numbers() -> impl Iterator<Item = (u64, u64)> {
        let mut x = 0x9e37_79b9_7f4a_7c15_u64;
        (0..64).cycle().take(20_000).map(move |shift| {
            x = x.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
            match x >> 60 {
                0 => ((x & 1).wrapping_neg(), u64::MAX >> shift),
                _ => (x >> shift, x.rotate_left(32) >> (63 - shift)),
            }
        })
    }

    #[test]
    fn roots_and_inverses_are_exact() {
        for (a, b) in numbers() {
            assert_eq!(u64::from(root(a)), a.isqrt());
            let b = b as u32 | 1 << 31;
            assert_eq!(inverse(b), ((1 << 62) / u64::from(b)) as u32);
        }
        assert_eq!((root(u64::MAX), inverse(1 << 31), inverse(u32::MAX)), (u32::MAX, 1 << 31, 1 << 30));
    }

    #[test]
    fn choices_are_those_of_branches() {
        for (a, b) in numbers() {
            assert_eq!(below(a, b), if a < b { u64::MAX } else { 0 });
            let (narrow_a, narrow_b) = (a as i32, b as i32);
            assert_eq!(max(narrow_a >> 1, narrow_b >> 1), (narrow_a >> 1).max(narrow_b >> 1));
            assert_eq!(u64::from(min(a, b as u32)), a.min(u64::from(b as u32)));
            assert_eq!(saturating_add(narrow_a, narrow_b), narrow_a.saturating_add(narrow_b));
            let (magnitude, sign) = unsigned(narrow_a);
            assert_eq!((magnitude, signed(magnitude, sign)), (narrow_a.unsigned_abs(), narrow_a));
            assert_eq!(shift_right(a, b as u32 & 31), a >> (b & 31));
            let zeros = if a == 0 { 31 } else { a.leading_zeros() / 2 };
            assert_eq!(scaled_up(a), (a << (2 * zeros), zeros));
        }
    }

    #[test]
    fn fractions_are_rounded() {
        for (a, b) in numbers() {
            let whole = (b as u32 >> 2).max(1);
            let part = (a % u64::from(whole + 1)) as u32;
            let exact = ((u64::from(part) << 15) + u64::from(whole / 2)) / u64::from(whole);
            assert_eq!(u64::from(long_fraction_q15(part, whole)), exact);
            if part <= 1 << 15 && whole < 1 << 16 {
                assert_eq!(u64::from(fraction_q15(part, whole)), exact);
            }
        }
        assert_eq!(long_fraction_q15(0, 1), 0);
    }
}
