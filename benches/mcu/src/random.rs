/// Numbers that are the same in every run: xorshift64 with a multiplication, also at compile time.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// A sequence of its own for every seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// 32 bits.
    pub const fn bits(&mut self) -> u32 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 32) as u32
    }

    /// Uniform in ±127.
    pub const fn int8(&mut self) -> i8 {
        ((((self.bits() >> 16) * 255) >> 16) as i32 - 127) as i8
    }

    /// Each value uniform in ±127.
    pub const fn int8s(&mut self, values: &mut [i8]) {
        let mut at = 0;
        while at < values.len() {
            values[at] = self.int8();
            at += 1;
        }
    }

    /// Uniform in [−1, 1).
    pub const fn unit(&mut self) -> f32 {
        (self.bits() as i32 >> 8) as f32 / (1 << 23) as f32
    }
}
