use super::{SUM_BITS, UNITS, blocks};
use crate::quant;

/// How the accumulators of one block of rows become fixed-point values, for each of `G` gates. See [`quant::requantize`](crate::quant::requantize).
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Scales<const G: usize> {
    /// In units of the sums, which have [`SUM_BITS`] fraction bits; `2^(shift−8)` is added where the shift is 8 or more.
    pub bias: [[i32; UNITS]; G],
    /// In Q0.15, never negative.
    pub multiplier: [[i16; UNITS]; G],
    /// Right shift of the sums, less the bits that they gain before it: see [`quant::requantize_sum`](crate::quant::requantize_sum).
    pub shift: [[u8; UNITS]; G],
}

impl<const G: usize> Scales<G> {
    /// Of a block without rows.
    pub const ZERO: Self = Self { bias: [[0; UNITS]; G], multiplier: [[0; UNITS]; G], shift: [[0; UNITS]; G] };

    /// Lays the scales of `units` rows per gate (`[G, units]` each, row-major) out as `packed`.
    ///
    /// # Panics
    /// When a length does not match `units`, a multiplier is negative or a shift out of range; in a constant this is a compile error.
    pub const fn pack(units: usize, bias: &[i32], multiplier: &[i16], shift: &[u8], packed: &mut [Self]) {
        assert!(bias.len() == G * units, "one bias per gate and unit");
        assert!(multiplier.len() == G * units, "one multiplier per gate and unit");
        assert!(shift.len() == G * units, "one shift per gate and unit");
        assert!(packed.len() == blocks(units), "wrong number of blocks for this many units");
        let mut row = 0;
        while row < bias.len() {
            assert!(multiplier[row] >= 0, "a multiplier is never negative");
            assert!(shift[row] < 32, "a shift is below 32");
            let (gate, unit) = (row / units, row % units);
            let block = &mut packed[unit / UNITS];
            block.bias[gate][unit % UNITS] = bias[row] << SUM_BITS;
            block.multiplier[gate][unit % UNITS] = multiplier[row];
            block.shift[gate][unit % UNITS] = stored_shift(shift[row]);
            row += 1;
        }
    }
}

/// A shift as [`Scales`] stores it: where sums have fraction bits, those and not a shift to the left make room for it.
const fn stored_shift(shift: u8) -> u8 {
    let extra = SUM_BITS.saturating_sub(quant::HEADROOM_BITS) as u8;
    if shift + extra > 31 { 31 } else { shift + extra }
}
