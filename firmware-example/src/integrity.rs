//! Whether the weights in flash are those that were compiled.

use core::hint::black_box;
use core::slice;

use crc::{CRC_32_ISCSI, Crc, NoTable};

/// CRC-32C, which tells any three flipped bits in up to 256 MiB (Koopman, "32-bit cyclic redundancy codes for Internet applications", 2002).
/// Without a table: eight shifts a byte in place of 1 KiB of flash.
const CRC: Crc<u32, NoTable> = Crc::<u32, NoTable>::new(&CRC_32_ISCSI);

/// The CRC of bytes that follow on others with this CRC; that of nothing is 0.
///
/// A call for each byte: loops over bytes and bits, unrolled, would take as much flash as the table.
#[inline(never)]
const fn extend(crc: u32, bytes: &[u8]) -> u32 {
    let mut digest = CRC.digest_with_initial((crc ^ CRC_32_ISCSI.xorout).reverse_bits());
    digest.update(bytes);
    digest.finalize()
}

/// The CRC of all parts in order, for a constant.
pub const fn checksum(parts: &[&[u8]]) -> u32 {
    let (mut crc, mut part) = (0, 0);
    while part < parts.len() {
        crc = extend(crc, parts[part]);
        part += 1;
    }
    crc
}

/// A check that goes over the weights again and again, as many bytes at a time as there is time for.
pub struct Integrity {
    parts: &'static [&'static [u8]],
    expected: u32,
    /// Where the pass is: a part, and a byte of it.
    at: (usize, usize),
    crc: u32,
}

impl Integrity {
    /// Before the first pass. `expected` is the [`checksum`] of the parts at compile time.
    pub const fn new(parts: &'static [&'static [u8]], expected: u32) -> Self {
        Self { parts, expected, at: (0, 0), crc: 0 }
    }

    /// Reads at most so many bytes. At the end of a pass, whether the weights are intact.
    pub fn advance(&mut self, bytes: usize) -> Option<bool> {
        let (part, start) = self.at;
        let Some(rest) = self.parts.get(part).and_then(|part| part.get(start..)) else {
            let intact = self.crc == self.expected;
            *self = Self::new(self.parts, self.expected);
            return Some(intact);
        };
        let now = rest.get(..bytes).unwrap_or(rest);
        // The compiler knows the constants; what is asked for is the flash.
        self.crc = black_box(now).iter().fold(self.crc, |crc, byte| extend(crc, slice::from_ref(byte)));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model;

    static PARTS: [&[u8]; 3] = [b"1234", b"", b"56789"];

    #[test]
    fn the_checksum_is_crc_32c() {
        // The check value of the catalogue of parametrised CRC algorithms.
        assert_eq!(checksum(&PARTS), 0xe306_9283);
        assert!(Integrity::new(&PARTS, 0xe306_9283).check());
        assert!(!Integrity::new(&PARTS, 0xe306_9282).check());
    }

    #[test]
    fn slices_of_any_length_come_to_the_same() {
        for bytes in 1..6 {
            let mut integrity = Integrity::new(&PARTS, checksum(&PARTS));
            for _ in 0..3 {
                let calls = (1..).find(|_| integrity.advance(bytes).is_some_and(|intact| intact));
                // Each part in slices, an empty one in one, and the end.
                assert_eq!(calls, Some(4usize.div_ceil(bytes) + 1 + 5usize.div_ceil(bytes) + 1));
            }
        }
        let mut begun = Integrity::new(&PARTS, checksum(&PARTS));
        assert_eq!(begun.advance(3), None);
        assert!(begun.check(), "a whole pass starts anew");
    }

    #[test]
    fn every_flipped_bit_of_the_model_is_found() {
        for (parts, expected) in [
            (model::int8::WEIGHTS.as_slice(), model::int8::CHECKSUM),
            (model::float::WEIGHTS.as_slice(), model::float::CHECKSUM),
        ] {
            assert!(Integrity::new(parts, expected).check());
            let mut bytes = parts.concat();
            for bit in (0..8 * bytes.len()).step_by(1001) {
                bytes[bit / 8] ^= 1 << (bit % 8);
                assert_ne!(checksum(&[&bytes]), expected);
                bytes[bit / 8] ^= 1 << (bit % 8);
            }
            assert_eq!(checksum(&[&bytes]), expected);
        }
    }
}
