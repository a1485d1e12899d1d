use crate::Random;
use gru_core::quant::HEADROOM_BITS;

/// How the sums of the rows of a random int8 layer are scaled.
#[derive(Clone, Copy, Debug)]
pub struct RowScale {
    /// Biases are below this magnitude.
    pub bias: u32,
    /// Multipliers are no less.
    pub multiplier: u16,
    /// Right shift.
    pub shift: u8,
}

impl RowScale {
    /// Brings rows with so many columns, weights and inputs uniform in ±127, into the range where the gates move.
    ///
    /// A product of two such values deviates by 127²/3. Four deviations of a sum come to at most `i16::MAX`; one, multiplied, to between
    /// 0.5 and 2 in Q3.12.
    #[must_use]
    pub const fn of(columns: usize) -> Self {
        let deviation = 127 * 127 / 3 * columns.isqrt() as u32;
        let shift = ((4 * deviation) << HEADROOM_BITS).ilog2() as u8 - 14;
        Self { bias: deviation, multiplier: 1 << 14, shift }
    }

    /// Bias, multiplier and shift of a row.
    pub const fn random(self, random: &mut Random) -> (i32, i16, u8) {
        let bias = (random.bits() % (2 * self.bias)) as i32 - self.bias as i32;
        let rounding = 1 << self.shift >> 8;
        let multiplier = self.multiplier as u32 + random.bits() % ((1 << 15) - self.multiplier as u32);
        (bias + rounding, multiplier as i16, self.shift)
    }
}
