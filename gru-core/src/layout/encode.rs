//! What the kernels of a family read in place of plain int8 weights.

use super::row::{Row, part};
use super::{DenseShape, GruShape, INT8_DEPTH, INT8_OFFSETS, UNITS};

/// One int8 lane.
type Int8Lane = [[i8; INT8_DEPTH]; UNITS];

/// Turns packed int8 weights into what the kernels of this family read: see [`encode_int8`].
const fn encode(packed: &mut [Int8Lane]) {
    if !cfg!(any(gru_family = "dsp", gru_family = "thumb1")) {
        return;
    }
    let mut lane = 0;
    while lane < packed.len() {
        let mut unit = 0;
        while unit < UNITS {
            packed[lane][unit] = encode_int8(packed[lane][unit]);
            unit += 1;
        }
        lane += 1;
    }
}

/// Writes −128 times the sum of each row of a matrix into its lane of offsets, the first into that of `row`.
const fn offsets(mut weights: &[i8], [mut rows, columns]: [usize; 2], packed: &mut [Int8Lane], mut row: Row) {
    while INT8_OFFSETS && rows > 0 {
        let (mut sum, mut left) = (0, columns);
        while left >= 4
            && let &[a, b, c, d, ref rest @ ..] = weights
        {
            sum += a as i32 + b as i32 + c as i32 + d as i32;
            left -= 4;
            weights = rest;
        }
        while left > 0
            && let &[weight, ref rest @ ..] = weights
        {
            sum += weight as i32;
            left -= 1;
            weights = rest;
        }
        let bytes = (-128 * sum).to_le_bytes();
        let mut byte = 0;
        while byte < INT8_DEPTH {
            packed[row.offset][row.unit][byte] = bytes[byte] as i8;
            byte += 1;
        }
        row = row.next();
        rows -= 1;
    }
}

/// The bytes that stand for a group of weights. DSP cores: every 16-bit half holds `256 · odd + even`. Thumb-1: offset by 128, as
/// its cheap loads do not extend the sign.
#[must_use]
pub const fn encode_int8(mut group: [i8; INT8_DEPTH]) -> [i8; INT8_DEPTH] {
    let mut at = 0;
    while at < INT8_DEPTH {
        if cfg!(gru_family = "thumb1") {
            group[at] ^= i8::MIN;
        } else if cfg!(gru_family = "dsp") && at % 2 == 1 {
            group[at] -= (group[at - 1] < 0) as i8;
        }
        at += 1;
    }
    group
}

/// The weights of a group: the inverse of [`encode_int8`].
#[inline(always)]
#[must_use]
pub const fn decode_int8(mut group: [i8; INT8_DEPTH]) -> [i8; INT8_DEPTH] {
    let mut at = 0;
    while at < INT8_DEPTH {
        if cfg!(gru_family = "thumb1") {
            group[at] ^= i8::MIN;
        } else if cfg!(gru_family = "dsp") && at % 2 == 1 {
            group[at] += (group[at - 1] < 0) as i8;
        }
        at += 1;
    }
    group
}

impl GruShape {
    /// [`pack`](Self::pack) for int8, encoded for this family.
    ///
    /// # Panics
    /// As `pack`; and when `order` is not [`Order::INT8`](super::Order::INT8).
    pub const fn pack_int8(&self, weight_ih: &[i8], weight_hh: &[i8], packed: &mut [Int8Lane]) {
        assert!(self.order.depth == INT8_DEPTH, "order must be Order::INT8");
        self.pack(weight_ih, weight_hh, packed.as_flattened_mut().as_flattened_mut());
        let (i, h, mut gate) = (self.input_size, self.hidden_size, 0);
        while gate < self.gates.count() {
            let [in_ih, in_hh] = self.rows(gate);
            offsets(part(weight_ih, gate, h * i), [h, i], packed, in_ih);
            offsets(part(weight_hh, gate, h * h), [h, h], packed, in_hh);
            gate += 1;
        }
        encode(packed);
    }
}

impl DenseShape {
    /// [`pack`](Self::pack) for int8, encoded for this family.
    ///
    /// # Panics
    /// As `pack`; and when `order` is not [`Order::INT8`](super::Order::INT8).
    pub const fn pack_int8(&self, weight: &[i8], packed: &mut [Int8Lane]) {
        assert!(self.order.depth == INT8_DEPTH, "order must be Order::INT8");
        self.pack(weight, packed.as_flattened_mut().as_flattened_mut());
        offsets(weight, [self.output_size, self.input_size], packed, self.row());
        encode(packed);
    }
}
