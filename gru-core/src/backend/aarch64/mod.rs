//! AArch64: NEON everywhere, and the dot product extension where the compiler is told of it or, with the feature `std`, the operating system
//! tells of it. One packing serves both.

#![allow(unsafe_code, reason = "every AArch64 here has NEON; a token stands for more")]

mod dotprod;
mod neon;
mod neon_gates;

use super::{Backend, choice::levels, registers::both, scalar::Scalar};

pub use dotprod::Dotprod;
pub use neon::Neon;

levels! {
    always Scalar, Neon;
    detected Dotprod;
    without int8 Dotprod: Neon;
}
