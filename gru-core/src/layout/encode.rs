//! What the kernels of a family read in place of plain int8 weights.

use super::{DenseShape, GruShape, INT8_DEPTH, INT8_OFFSETS, Row, UNITS, columns};

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

/// Writes −128 times the sum of a row into its lane of offsets.
const fn offset(mut weights: &[i8], packed: &mut [Int8Lane], row: Row) {
    let mut sum = 0i32;
    while let [a, b, c, d, rest @ ..] = weights {
        sum += *a as i32 + *b as i32 + *c as i32 + *d as i32;
        weights = rest;
    }
    while let [weight, rest @ ..] = weights {
        sum += *weight as i32;
        weights = rest;
    }
    let bytes = (-128 * sum).to_le_bytes();
    let mut byte = 0;
    while byte < INT8_DEPTH {
        packed[row.offset][row.unit][byte] = bytes[byte] as i8;
        byte += 1;
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
        let (mut row, rows) = (0, if INT8_OFFSETS { self.gates.count() * self.hidden_size } else { 0 });
        while row < rows {
            let [in_ih, in_hh] = self.rows(row);
            offset(columns(weight_ih, row, self.input_size), packed, in_ih);
            offset(columns(weight_hh, row, self.hidden_size), packed, in_hh);
            row += 1;
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
        let (mut row, rows) = (0, if INT8_OFFSETS { self.output_size } else { 0 });
        while row < rows {
            offset(columns(weight, row, self.input_size), packed, self.row(row));
            row += 1;
        }
        encode(packed);
    }
}
