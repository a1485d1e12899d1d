//! What the kernels of a family read in place of plain int8 weights.

use super::{DenseShape, GruShape, INT8_DEPTH, INT8_OFFSETS, UNITS};

/// One int8 lane.
type Int8Lane = [[i8; INT8_DEPTH]; UNITS];

/// Turns packed int8 weights into what the kernels of this family read: see [`INT8_OFFSETS`] and [`decode_int8`].
///
/// `panels` are the lengths of the panels of one block, in lanes and in order, each with its number of gates.
const fn encode_panels(packed: &mut [Int8Lane], panels: &[(usize, usize)]) {
    let mut lane = 0;
    while lane < packed.len() {
        let mut panel = 0;
        while panel < panels.len() {
            let (lanes, gates) = panels[panel];
            if INT8_OFFSETS {
                offsets(packed, lane, lanes, gates);
            }
            lane += lanes;
            panel += 1;
        }
    }
    if cfg!(any(gru_family = "dsp", gru_family = "thumb1")) {
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
}

/// Writes −128 times the sum of every row of a panel into its first lanes.
const fn offsets(packed: &mut [Int8Lane], first: usize, lanes: usize, gates: usize) {
    let mut sums = [[0i32; UNITS]; 3];
    let mut lane = gates;
    while lane < lanes {
        let mut unit = 0;
        while unit < UNITS {
            let mut column = 0;
            while column < INT8_DEPTH {
                sums[lane % gates][unit] -= 128 * packed[first + lane][unit][column] as i32;
                column += 1;
            }
            unit += 1;
        }
        lane += 1;
    }
    let mut gate = 0;
    while gate < gates {
        let mut unit = 0;
        while unit < UNITS {
            let bytes = sums[gate][unit].to_le_bytes();
            let mut byte = 0;
            while byte < INT8_DEPTH {
                packed[first + gate][unit][byte] = bytes[byte] as i8;
                byte += 1;
            }
            unit += 1;
        }
        gate += 1;
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
        let ahead = self.gates.ahead();
        let last = self.gates.count() - ahead;
        let ((input, hidden), (input_last, hidden_last)) = (self.panels(ahead), self.panels(last));
        encode_panels(packed, &[(input, ahead), (hidden, ahead), (input_last, last), (hidden_last, last)]);
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
        encode_panels(packed, &[(self.block_lanes(), 1)]);
    }
}
