//! Packed weights as the bytes that they are in memory.

#![allow(unsafe_code, reason = "the bytes of a value are there to be read")]

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
