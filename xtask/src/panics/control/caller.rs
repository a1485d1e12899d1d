//! Calls the library.

#![no_std]

/// The sum of two bytes.
pub fn sum(bytes: &[u8], at: usize) -> u8 {
    library::read(bytes, at).wrapping_add(library::read(bytes, at + 1))
}
