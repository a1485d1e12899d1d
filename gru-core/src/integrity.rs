//! Whether the weights in flash are those that were compiled.

use core::{fmt, hint::black_box};

/// A model whose bytes in flash the compiler knows: the `Flash` of a module that `gru-export` has generated.
///
/// # What is covered
/// Matrices, biases, scales, tables, and what the input is quantised by, as packed for the target. Not what becomes part of the code: shapes, shifts,
/// [`Requantization`](crate::Requantization), ε of a normalization, the tables of [`math`](crate::math), and the code itself. Of a layer of few
/// weights the compiler may use copies in the code too. A boot loader's check of the whole image has these.
///
/// See [`Integrity`].
pub trait Image {
    /// The bytes, as each layer's `bytes` gives them.
    const PARTS: &'static [&'static [u8]];
    /// Their [`checksum`]: a constant, which the compiler computes where it is used.
    const CHECKSUM: u32;
}

/// A check of a model in flash, at once or a slice at a time.
///
/// By CRC-32C, which tells any three flipped bits in up to 256 MiB and any burst of up to 32 (Koopman, "32-bit cyclic redundancy codes for Internet
/// applications", 2002). Without a table, for eight shifts a byte in place of 1 KiB of flash.
///
/// ```
/// use gru_core::{Dense, DenseWeights, Image, Integrity, layout};
///
/// static HALF: DenseWeights<1, 1, { layout::dense_f32_lanes(1, 1) }, { layout::blocks(1) }> = DenseWeights::pack(&[[0.5]], &[0.0]);
/// static MODEL: Dense<1, 1> = Dense::new(&HALF);
///
/// struct Flash; // a generated module has it
///
/// impl Image for Flash {
///     const PARTS: &'static [&'static [u8]] = &[MODEL.bytes()[0], MODEL.bytes()[1]];
///     const CHECKSUM: u32 = gru_core::checksum(Self::PARTS);
/// }
///
/// let mut integrity = Integrity::of::<Flash>();
/// assert!(integrity.check(), "at boot");
/// assert_eq!(integrity.advance(64), None, "whenever there is time");
/// ```
#[derive(Clone)]
pub struct Integrity {
    parts: &'static [&'static [u8]],
    /// The remainder that an intact model leaves.
    expected: u32,
    /// Where the pass is: a part, and a byte of it.
    at: (usize, usize),
    remainder: u32,
}

/// Of CRC-32C, its highest power in the lowest bit.
const POLYNOMIAL: u32 = 0x82F6_3B78;

/// The remainder before the first byte; a checksum is the last one inverted.
const START: u32 = !0;

impl Integrity {
    /// Before the first pass over a model.
    #[must_use]
    pub const fn of<I: Image>() -> Self {
        Self::new(I::PARTS, !I::CHECKSUM)
    }

    const fn new(parts: &'static [&'static [u8]], expected: u32) -> Self {
        Self { parts, expected, at: (0, 0), remainder: START }
    }

    /// Reads at most so many bytes. At the end of a pass, whether the model is intact; the next call begins another.
    pub fn advance(&mut self, bytes: usize) -> Option<bool> {
        let (part, start) = self.at;
        let Some(rest) = self.parts.get(part).and_then(|part| part.get(start..)) else {
            let intact = self.remainder == self.expected;
            *self = Self::new(self.parts, self.expected);
            return Some(intact);
        };
        let now = rest.get(..bytes).unwrap_or(rest);
        // The compiler knows the constants; what is asked for is the flash.
        self.remainder = black_box(now).iter().fold(self.remainder, |remainder, &byte| extend(remainder, byte));
        self.at = if now.len() == rest.len() { (part + 1, 0) } else { (part, start + now.len()) };
        None
    }

    /// A whole pass from the start, at once.
    pub fn check(&mut self) -> bool {
        *self = Self::new(self.parts, self.expected);
        loop {
            if let Some(intact) = self.advance(usize::MAX) {
                return intact;
            }
        }
    }
}

impl fmt::Debug for Integrity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Integrity").field("expected", &self.expected).field("at", &self.at).finish_non_exhaustive()
    }
}

/// The remainder after another byte.
///
/// A call for each: loops over bytes and bits, unrolled, would take as much flash as a table.
#[inline(never)]
fn extend(remainder: u32, byte: u8) -> u32 {
    (remainder >> 8) ^ divided((remainder ^ u32::from(byte)) & 0xFF)
}

/// The remainder of a byte and four of zeros.
const fn divided(byte: u32) -> u32 {
    let (mut remainder, mut bit) = (byte, 0);
    while bit < 8 {
        remainder = (remainder >> 1) ^ (POLYNOMIAL & (remainder & 1).wrapping_neg());
        bit += 1;
    }
    remainder
}

/// CRC-32C of all parts in order, for a constant: at run time it would be that of what has become of them.
///
/// By a table: the compiler takes a fifth of the time by it, a second for 200 KB.
#[must_use]
pub const fn checksum(parts: &[&[u8]]) -> u32 {
    const TABLE: [u32; 256] = {
        let (mut table, mut byte) = ([0; 256], 0);
        while byte < table.len() {
            table[byte] = divided(byte as u32);
            byte += 1;
        }
        table
    };
    let (mut remainder, mut part) = (START, 0);
    while part < parts.len() {
        let (bytes, mut at) = (parts[part], 0);
        while at < bytes.len() {
            remainder = (remainder >> 8) ^ TABLE[(remainder as u8 ^ bytes[at]) as usize];
            at += 1;
        }
        part += 1;
    }
    !remainder
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{QDense, QDenseWeights, layout};

    struct Digits;

    impl Image for Digits {
        const PARTS: &'static [&'static [u8]] = &[b"1234", b"", b"56789"];
        const CHECKSUM: u32 = checksum(Self::PARTS);
    }

    #[test]
    fn the_checksum_is_crc_32c() {
        // The check value of the catalogue of parametrised CRC algorithms.
        assert_eq!(Digits::CHECKSUM, 0xe306_9283);
        assert!(Integrity::of::<Digits>().check());
        assert!(!Integrity::new(Digits::PARTS, !0xe306_9282).check());
        assert!(!Integrity::new(&[b"123456788"], !Digits::CHECKSUM).check());
    }

    #[test]
    fn slices_of_any_length_come_to_the_same() {
        for bytes in 1..6 {
            let mut integrity = Integrity::of::<Digits>();
            for _ in 0..3 {
                let calls = (1..).find(|_| integrity.advance(bytes).is_some_and(|intact| intact));
                // Each part in slices, an empty one in one, and the end.
                assert_eq!(calls, Some(4usize.div_ceil(bytes) + 1 + 5usize.div_ceil(bytes) + 1));
            }
        }
        let mut begun = Integrity::of::<Digits>();
        assert_eq!(begun.advance(3), None);
        assert!(begun.check(), "a whole pass starts anew");
    }

    #[test]
    fn every_flipped_bit_of_a_model_is_found() {
        static WEIGHTS: QDenseWeights<5, 3, { layout::dense_int8_lanes(5, 3) }, { layout::blocks(3) }> =
            QDenseWeights::pack(&[[1, 2, 3, 4, 5]; 3], &[6; 3], &[7; 3], &[8; 3]);
        static MODEL: QDense<5, 3> = QDense::new(&WEIGHTS);
        struct Flash;

        impl Image for Flash {
            const PARTS: &'static [&'static [u8]] = &[MODEL.bytes()[0], MODEL.bytes()[1]];
            const CHECKSUM: u32 = checksum(Self::PARTS);
        }

        let flipped = |bit: usize| {
            let bytes = Flash::PARTS.iter().copied().flatten().enumerate();
            !bytes.fold(START, |remainder, (at, byte)| {
                extend(remainder, byte ^ if at == bit / 8 { 1 << (bit % 8) } else { 0 })
            })
        };
        let bits = 8 * Flash::PARTS.iter().map(|part| part.len()).sum::<usize>();
        assert_eq!(flipped(bits), Flash::CHECKSUM);
        assert!((0..bits).all(|bit| flipped(bit) != Flash::CHECKSUM));
    }
}
