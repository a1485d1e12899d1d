//! How f32 layers store their weights.

use super::{F16Lane, F32Lane, Lane, Lanes, Packed};
use core::fmt;

/// IEEE 754 binary16, as its bits: 11 significant bits between 2⁻¹⁴ and 65504, steps of 2⁻²⁴ below.
///
/// A layer over `F16` weights needs half the flash and half the bandwidth; its biases, its state and all arithmetic stay f32. Every `F16` is
/// an f32, so that a step gives bit for bit what it gives over the [widened](Self::to_f32) weights.
///
/// The subnormals of binary16 are normal numbers of f32, and no instruction that widens them flushes them to zero. SSE2 and WebAssembly, which
/// have none, multiply a subnormal f32: on SSE2 alone, in a thread that has set `MXCSR.DAZ`, those weights are zero.
///
/// ```
/// use gru_core::{Dense, DenseWeights, F16, Layer, layout};
///
/// static WEIGHTS: DenseWeights<2, 1, { layout::dense_f32_lanes(2, 1) }, { layout::blocks(1) }, F16> =
///     DenseWeights::pack(&[[F16(0x3800), F16(0xc000)]], &[0.25]); // 0.5 and −2
/// static HALF: Dense<2, 1, F16> = Dense::new(&WEIGHTS);
///
/// assert_eq!(HALF.step(&[3.0, 1.0], &mut Default::default()), &[-0.25]);
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[repr(transparent)]
pub struct F16(pub u16);

impl F16 {
    /// The same number, exactly: a subnormal is a normal f32, so that a processor which flushes subnormals widens it too. ±∞ stays ±∞, and NaN
    /// NaN.
    #[inline(always)]
    #[must_use]
    pub const fn to_f32(self) -> f32 {
        let sign = (self.0 as u32 & 0x8000) << 16;
        let magnitude = self.0 as u32 & 0x7fff;
        let bits = match magnitude >> 10 {
            0 if magnitude == 0 => 0,
            0 => {
                let zeros = magnitude.leading_zeros();
                ((133 - zeros) << 23) + (magnitude << (zeros - 8))
            }
            31 => (magnitude << 13) | 0x7f80_0000,
            _ => (magnitude << 13) + (112 << 23),
        };
        f32::from_bits(sign | bits)
    }
}

impl fmt::Debug for F16 {
    /// As Rust writes it, the bits in hexadecimal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "F16({:#06x})", self.0)
    }
}

mod sealed {
    /// Kernels that read memory by address trust what a weight says of its lanes: no other crate implements it.
    pub trait Sealed {}

    impl Sealed for f32 {}
    impl Sealed for super::F16 {}
}

/// What a layer of f32 arithmetic stores its weights as: `f32`, or [`F16`]. Sealed.
pub trait Weight: sealed::Sealed + Packed {
    /// 0.
    const ZERO: Self;

    /// The same number.
    fn widen(self) -> f32;

    /// One weight per unit of a block, in registers.
    fn load<L: Lanes>(registers: L, weights: &Lane<Self>) -> L::F32;

    /// The lanes by their type, for a backend whose products are a function for each.
    fn typed(panel: &[Lane<Self>]) -> Typed<'_>;
}

/// Lanes of either type.
#[derive(Clone, Copy, Debug)]
pub enum Typed<'a> {
    /// Of `f32`.
    F32(&'a [F32Lane]),
    /// Of [`F16`].
    F16(&'a [F16Lane]),
}

impl Weight for f32 {
    const ZERO: Self = 0.0;

    #[inline(always)]
    fn widen(self) -> f32 {
        self
    }

    #[inline(always)]
    fn load<L: Lanes>(registers: L, weights: &F32Lane) -> L::F32 {
        registers.load_f32(weights)
    }

    #[inline(always)]
    fn typed(panel: &[F32Lane]) -> Typed<'_> {
        Typed::F32(panel)
    }
}

impl Weight for F16 {
    const ZERO: Self = Self(0);

    #[inline(always)]
    fn widen(self) -> f32 {
        self.to_f32()
    }

    #[inline(always)]
    fn load<L: Lanes>(registers: L, weights: &F16Lane) -> L::F32 {
        registers.load_f16(weights)
    }

    #[inline(always)]
    fn typed(panel: &[F16Lane]) -> Typed<'_> {
        Typed::F16(panel)
    }
}
