//! Weights as bytes: packed ones as they lie in memory, and those of a model as its generated module writes them.

#![allow(unsafe_code, reason = "the bytes of a value are there to be read, and numbers to be made of bytes")]

use super::F16;
use crate::layout::{Scales, UNITS};
use core::slice;

/// Values that packed weights consist of.
///
/// # Safety
/// Every byte of a value is initialised: there is no padding.
pub unsafe trait Packed: Copy + 'static {}

// SAFETY: a number of one byte.
unsafe impl Packed for i8 {}
// SAFETY: a number of one byte.
unsafe impl Packed for u8 {}
// SAFETY: a number of two bytes.
unsafe impl Packed for i16 {}
// SAFETY: a number of four bytes.
unsafe impl Packed for i32 {}
// SAFETY: a number of four bytes.
unsafe impl Packed for f32 {}
// SAFETY: a transparent u16.
unsafe impl Packed for F16 {}
// SAFETY: arrays put nothing between their elements.
unsafe impl<T: Packed, const N: usize> Packed for [T; N] {}
// SAFETY: in C's layout, fields of 4, 2 and 1 byte a row fill the struct, whose alignment is 4, where the rows are a multiple of four.
unsafe impl<const G: usize> Packed for Scales<G> {}

const _: () = assert!(UNITS.is_multiple_of(4), "Scales would have padding");

/// The bytes of packed values, in the order and the byte order that they have in memory. Layers give theirs by methods of this name, of which
/// an [`Image`](crate::Image) consists.
///
/// ```
/// assert_eq!(gru_core::backend::bytes(&[-1i8, 2]), [0xFF, 2]);
/// ```
#[must_use]
pub const fn bytes<T: Packed>(values: &[T]) -> &[u8] {
    // SAFETY: `Packed` proves that all `size_of_val(values)` bytes are initialised, and u8 may lie anywhere.
    unsafe { slice::from_raw_parts(values.as_ptr().cast(), size_of_val(values)) }
}

/// Numbers of one type, and arrays of them: what [`from_le_bytes`] gives.
///
/// # Safety
/// All bytes are a value, and it consists of numbers of `SIZE` bytes.
pub unsafe trait Numbers: Packed {
    /// Bytes of a number.
    const SIZE: usize;
}

// SAFETY: any byte is one.
unsafe impl Numbers for i8 {
    const SIZE: usize = 1;
}
// SAFETY: any two bytes are one.
unsafe impl Numbers for i16 {
    const SIZE: usize = 2;
}
// SAFETY: any four bytes are one, NaN with any payload among them.
unsafe impl Numbers for f32 {
    const SIZE: usize = 4;
}
// SAFETY: a transparent u16.
unsafe impl Numbers for F16 {
    const SIZE: usize = 2;
}
// SAFETY: arrays put nothing between their elements.
unsafe impl<T: Numbers, const N: usize> Numbers for [T; N] {
    const SIZE: usize = T::SIZE;
}

/// Numbers from their bytes, each the least significant first, on every target: bit for bit, row-major where they are an array of arrays.
///
/// The large matrices of a generated module are written so. The compiler reads such a string at once, and a literal of as many numbers one by
/// one: of a million weights that is ten seconds.
///
/// ```
/// use gru_core::{DenseWeights, F16, from_le_bytes, layout};
///
/// static DENSE: DenseWeights<2, 1, { layout::dense_f32_lanes(2, 1) }, { layout::blocks(1) }> =
///     DenseWeights::pack(&from_le_bytes::<[[f32; 2]; 1]>(b"\x00\x00\x00\x3f\x00\x00\x00\xc0"), &[0.25]); // 0.5 and −2
/// static TABLE: [[i8; 2]; 3] = from_le_bytes(
///     b"\
///     \x01\xff\
///     \x7f\x81\
///     \x00\x02\
///     ",
/// );
///
/// assert_eq!(TABLE, [[1, -1], [127, -127], [0, 2]]);
/// assert_eq!(from_le_bytes::<[F16; 1]>(&[0x00, 0x38]), [F16(0x3800)]);
/// ```
///
/// # Panics
/// Unless there are as many bytes as the numbers have; in a constant this is a compile error:
///
/// ```compile_fail
/// static SHORT: [[i8; 2]; 3] = gru_core::from_le_bytes(b"\x01\xff\x7f");
/// ```
#[must_use]
pub const fn from_le_bytes<T: Numbers>(bytes: &[u8]) -> T {
    assert!(bytes.len() == size_of::<T>(), "there must be as many bytes as the numbers of the type have");
    // SAFETY: `bytes` has all that the read takes, which may lie anywhere, and `Numbers` proves that they are a value.
    let mut numbers: T = unsafe { bytes.as_ptr().cast::<T>().read_unaligned() };
    if cfg!(target_endian = "big") {
        // SAFETY: the bytes of a local, all of which `Numbers` lets be whatever they come to.
        reverse(unsafe { slice::from_raw_parts_mut((&raw mut numbers).cast(), bytes.len()) }, T::SIZE);
    }
    numbers
}

/// Reverses the bytes of every number.
const fn reverse(mut bytes: &mut [u8], size: usize) {
    while let Some((number, rest)) = bytes.split_at_mut_checked(size) {
        number.reverse();
        bytes = rest;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_of_one_or_two_bytes_is_itself() {
        for bits in 0..=u16::MAX {
            assert_eq!(from_le_bytes::<i16>(&bits.to_le_bytes()), bits.cast_signed());
            assert_eq!(from_le_bytes::<F16>(&bits.to_le_bytes()), F16(bits));
            let [low, high] = bits.to_le_bytes();
            assert_eq!(from_le_bytes::<[i8; 2]>(&[low, high]), [low.cast_signed(), high.cast_signed()]);
        }
    }

    #[test]
    fn floats_keep_their_bits() {
        let special = [f32::NAN, f32::INFINITY, -0.0, f32::MIN_POSITIVE, 1e-45].map(f32::to_bits);
        let payloads = [0x7f80_0001, 0x7fc0_1234, 0xffff_ffff, 0xff80_0001];
        for bits in (0..u32::MAX).step_by(65_521).chain(special).chain(payloads) {
            // Behind a byte: no address that is aligned to a float is odd.
            let [a, b, c, d] = bits.to_le_bytes();
            assert_eq!(from_le_bytes::<f32>(&[0, a, b, c, d][1..]).to_bits(), bits);
        }
    }

    #[test]
    fn arrays_are_row_major() {
        let bytes: [u8; 12] = core::array::from_fn(|at| at as u8);
        let expected = [[[0x0100, 0x0302], [0x0504, 0x0706], [0x0908, 0x0b0a]]];
        assert_eq!(from_le_bytes::<[[[i16; 2]; 3]; 1]>(&bytes), expected);
    }

    #[test]
    fn the_bytes_of_each_number_are_reversed() {
        let mut bytes = [1, 2, 3, 4, 5, 6];
        reverse(&mut bytes, 2);
        assert_eq!(bytes, [2, 1, 4, 3, 6, 5]);
        reverse(&mut bytes, 3);
        assert_eq!(bytes, [4, 1, 2, 5, 6, 3]);
    }

    #[test]
    #[should_panic(expected = "as many bytes as the numbers of the type have")]
    fn another_length_is_refused() {
        let _: [f32; 2] = from_le_bytes(&[0; 7]);
    }
}
