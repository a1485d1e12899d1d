//! The order of weights in memory: the one definition that packing and kernels share.
//!
//! Units are taken in blocks of [`UNITS`]; the weights of one block are one contiguous stream of *lanes*. A lane holds,
//! for one gate and one group of columns, `UNITS × depth` weights: `depth` is 1 for f32 and [`INT8_DEPTH`] for int8, where
//! neighbouring columns of a unit sit side by side. A step therefore reads the whole layer once, front to back.
//!
//! ```text
//! block of units ─┬─ reset after   [x panel: r z n][h panel: r z n]
//!                 └─ reset before  [x panel: r z][h panel: r z]  [x panel: n][h panel: n]
//! panel           ─── the lanes of its gates, those that the cell has, over its columns, in an Order
//! lane            ─── [unit 0: depth columns][unit 1: depth columns] … [unit UNITS−1]
//! ```
//!
//! The sizes and the order are constants of the target's family of instruction sets, so that a kernel meets its operands as it wants
//! them; weights are packed for the target at compile time.
//!
//! Units past the hidden size and columns past the last are zero.

mod encode;
mod row;
mod scales;

pub use encode::{decode_int8, encode_int8};
use row::{Row, part, scatter};
pub use scales::Scales;

/// Units of one block: the height of the tile that a kernel keeps in registers.
pub const UNITS: usize = match () {
    () if cfg!(gru_family = "x86_64") => 16,
    () if cfg!(any(gru_family = "aarch64", gru_family = "wasm")) => 8,
    () => 4,
};

/// Columns of one int8 lane.
pub const INT8_DEPTH: usize = match () {
    () if cfg!(gru_family = "helium") => 16,
    () if cfg!(any(gru_family = "thumb1", gru_family = "thumb2", gru_family = "portable")) => 1,
    () => 4,
};

/// Fraction bits of the sums of an int8 product: those of Arm's cores without vector registers give them multiplied by 256.
pub const SUM_BITS: u32 =
    if cfg!(any(gru_family = "dsp", gru_family = "thumb1", gru_family = "thumb2")) { 8 } else { 0 };

/// Whether a panel of int8 weights begins with one lane a gate of i32: −128 times the sum of each row, which is what a
/// product of unsigned activations (offset by 128) starts from.
pub const INT8_OFFSETS: bool = cfg!(gru_family = "x86_64");

/// The order of the lanes in a panel: the weights of one block, for some gates over some columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Order {
    /// Columns of one lane.
    pub depth: usize,
    /// Gates side by side, `[group][gate]`, for a kernel that has registers for all of them; else one after the other, `[gate][group]`.
    pub interleaved: bool,
    /// Lanes a gate before the weights.
    pub offsets: usize,
}

impl Order {
    /// Of f32 weights.
    pub const F32: Self = Self { depth: 1, interleaved: true, offsets: 0 };

    /// Of int8 weights.
    pub const INT8: Self = Self {
        depth: INT8_DEPTH,
        interleaved: cfg!(any(gru_family = "x86_64", gru_family = "aarch64", gru_family = "wasm")),
        offsets: INT8_OFFSETS as usize,
    };

    /// Groups of columns.
    #[inline(always)]
    #[must_use]
    #[expect(
        clippy::manual_div_ceil,
        reason = "not inlined at every level of optimisation, `div_ceil` could divide by 0"
    )]
    pub const fn groups(&self, columns: usize) -> usize {
        (columns + self.depth - 1) / self.depth
    }

    /// Lanes of a panel.
    #[inline(always)]
    #[must_use]
    pub const fn panel(&self, gates: usize, columns: usize) -> usize {
        gates * (self.offsets + self.groups(columns))
    }

    /// The lane of a gate and a group of columns in a panel.
    #[inline(always)]
    #[must_use]
    pub const fn lane(&self, gates: usize, columns: usize, gate: usize, group: usize) -> usize {
        let place = if self.interleaved { group * gates + gate } else { gate * self.groups(columns) + group };
        self.offsets * gates + place
    }
}

/// Where the reset gate acts on the recurrent half of the candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Placement {
    /// `n = tanh(W x + b + r ⊙ (U h + c))`: PyTorch, cuDNN, Keras by default.
    After,
    /// `n = tanh(W x + b + U (r ⊙ h))`: Cho et al. 2014, ONNX by default.
    Before,
}

/// The gates of a cell besides its candidate n, and where the reset gate acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Gates {
    /// The reset gate r: `None` stands for r = 1.
    pub reset: Option<Placement>,
    /// Whether there is an update gate z: without it z = 0, and the next state is the candidate.
    pub update: bool,
}

impl Gates {
    /// Every choice: the two GRUs, then what remains of them without one gate or both.
    pub const ALL: [Self; 6] = [
        Self { reset: Some(Placement::After), update: true },
        Self { reset: Some(Placement::Before), update: true },
        Self { reset: None, update: true },
        Self { reset: Some(Placement::After), update: false },
        Self { reset: Some(Placement::Before), update: false },
        Self { reset: None, update: false },
    ];

    /// How many there are, the candidate included: from 1 to 3.
    #[inline(always)]
    #[must_use]
    pub const fn count(&self) -> usize {
        self.reset.is_some() as usize + self.update as usize + 1
    }

    /// Gates that come before the candidate's pass over the state: those of a [`Placement::Before`].
    #[inline(always)]
    #[must_use]
    pub const fn ahead(&self) -> usize {
        match self.reset {
            Some(Placement::Before) => self.count() - 1,
            _ => 0,
        }
    }

    /// Which gate the one at `place` is, in the numbers that biases and scales have: 0 is r, 1 is z, 2 is n.
    #[inline(always)]
    #[must_use]
    pub const fn gate(&self, place: usize) -> usize {
        match (self.reset.is_some(), self.update) {
            (true, true) => place,
            (true, false) => 2 * place,
            (false, true) => place + 1,
            (false, false) => 2,
        }
    }
}

/// Number of blocks that hold `units` units.
#[inline(always)]
#[must_use]
pub const fn blocks(units: usize) -> usize {
    units.div_ceil(UNITS)
}

/// Shape of a GRU layer and of its packed weights.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct GruShape {
    /// Columns of `weight_ih`.
    pub input_size: usize,
    /// Units, and columns of `weight_hh`.
    pub hidden_size: usize,
    /// [`Order::F32`] or [`Order::INT8`].
    pub order: Order,
    /// Gates of the cell.
    pub gates: Gates,
}

impl GruShape {
    /// Lanes of the panels over the input and over the hidden state, for so many gates.
    #[inline(always)]
    #[must_use]
    pub const fn panels(&self, gates: usize) -> (usize, usize) {
        (self.order.panel(gates, self.input_size), self.order.panel(gates, self.hidden_size))
    }

    /// Lanes of one block.
    #[inline(always)]
    #[must_use]
    pub const fn block_lanes(&self) -> usize {
        let (input, hidden) = self.panels(self.gates.count());
        input + hidden
    }

    /// Lanes of the layer.
    #[inline(always)]
    #[must_use]
    pub const fn lanes(&self) -> usize {
        blocks(self.hidden_size) * self.block_lanes()
    }

    /// Packs canonical row-major weights (`weight_ih` `[G, H, I]`, `weight_hh` `[G, H, H]`, for the `G` gates that there are, in the order
    /// r, z, n) into `packed`, which must be zero and `lanes() × UNITS × depth` long. int8 weights are then [encoded](encode_int8).
    ///
    /// # Panics
    /// When a length does not match the shape; in a constant this is a compile error.
    pub const fn pack<T: Copy>(&self, weight_ih: &[T], weight_hh: &[T], packed: &mut [T]) {
        let (i, h, gates) = (self.input_size, self.hidden_size, self.gates.count());
        assert!(weight_ih.len() == gates * h * i, "weight_ih must hold gates × hidden_size × input_size values");
        assert!(weight_hh.len() == gates * h * h, "weight_hh must hold gates × hidden_size × hidden_size values");
        assert!(packed.len() == self.lanes() * UNITS * self.order.depth, "wrong number of packed lanes for this shape");
        let mut gate = 0;
        while gate < gates {
            let [in_ih, in_hh] = self.rows(gate);
            scatter(part(weight_ih, gate, h * i), [h, i], packed, in_ih);
            scatter(part(weight_hh, gate, h * h), [h, h], packed, in_hh);
            gate += 1;
        }
    }

    /// The places of a gate's first row of `weight_ih`, and of `weight_hh`.
    const fn rows(&self, gate: usize) -> [Row; 2] {
        let (gate, gates, panel) = self.pass(gate);
        let after = panel + self.order.panel(gates, self.input_size);
        let block = self.block_lanes();
        [
            Row::first(self.order, block, panel, gate, gates, self.input_size),
            Row::first(self.order, block, after, gate, gates, self.hidden_size),
        ]
    }

    /// A gate's number in the pass that computes it, the gates of that pass, and the lanes before its panels.
    const fn pass(&self, gate: usize) -> (usize, usize, usize) {
        let ahead = self.gates.ahead();
        if gate < ahead {
            return (gate, ahead, 0);
        }
        let (input, hidden) = self.panels(ahead);
        (gate - ahead, self.gates.count() - ahead, input + hidden)
    }
}

/// Shape of a dense layer and of its packed weights.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct DenseShape {
    /// Columns of the weight matrix.
    pub input_size: usize,
    /// Rows of the weight matrix.
    pub output_size: usize,
    /// [`Order::F32`] or [`Order::INT8`].
    pub order: Order,
}

impl DenseShape {
    /// Lanes of one block.
    #[inline(always)]
    #[must_use]
    pub const fn block_lanes(&self) -> usize {
        self.order.panel(1, self.input_size)
    }

    /// Lanes of the layer.
    #[inline(always)]
    #[must_use]
    pub const fn lanes(&self) -> usize {
        blocks(self.output_size) * self.block_lanes()
    }

    /// Packs a row-major `[output_size, input_size]` matrix into `packed`, which must be zero and `lanes() × UNITS × depth` long.
    /// int8 weights are then [encoded](encode_int8).
    ///
    /// # Panics
    /// When a length does not match the shape; in a constant this is a compile error.
    pub const fn pack<T: Copy>(&self, weight: &[T], packed: &mut [T]) {
        assert!(weight.len() == self.output_size * self.input_size, "weight must hold output_size × input_size values");
        assert!(packed.len() == self.lanes() * UNITS * self.order.depth, "wrong number of packed lanes for this shape");
        scatter(weight, [self.output_size, self.input_size], packed, self.row());
    }

    /// The places of the first row.
    const fn row(&self) -> Row {
        Row::first(self.order, self.block_lanes(), 0, 0, 1, self.input_size)
    }
}

/// Lays one value per unit and gate (`[G, units]`, row-major) out as lanes, `blocks[block][gate][unit]`; `blocks` must be zero.
///
/// # Panics
/// When a length does not match `units`; in a constant this is a compile error.
pub const fn pack_rows<T: Copy, const G: usize>(rows: &[T], units: usize, blocks: &mut [[[T; UNITS]; G]]) {
    assert!(rows.len() == G * units, "one value per gate and unit");
    assert!(blocks.len() == self::blocks(units), "wrong number of blocks for this many units");
    let mut at = 0;
    while at < rows.len() {
        let (gate, unit) = (at / units, at % units);
        blocks[unit / UNITS][gate][unit % UNITS] = rows[at];
        at += 1;
    }
}

/// Lanes of an f32 GRU layer, for the const parameters of [`GruWeights`](crate::GruWeights). A cell of fewer gates has a third of it for each.
#[must_use]
pub const fn gru_f32_lanes(input_size: usize, hidden_size: usize) -> usize {
    GruShape { input_size, hidden_size, order: Order::F32, gates: Gates::ALL[0] }.lanes()
}

/// Lanes of an int8 GRU layer, for the const parameters of [`QGruWeights`](crate::QGruWeights). A cell of fewer gates has a third of it for each.
#[must_use]
pub const fn gru_int8_lanes(input_size: usize, hidden_size: usize) -> usize {
    GruShape { input_size, hidden_size, order: Order::INT8, gates: Gates::ALL[0] }.lanes()
}

/// Lanes of an f32 dense layer, for the const parameters of [`DenseWeights`](crate::DenseWeights).
#[must_use]
pub const fn dense_f32_lanes(input_size: usize, output_size: usize) -> usize {
    DenseShape { input_size, output_size, order: Order::F32 }.lanes()
}

/// Lanes of an int8 dense layer, for the const parameters of [`QDenseWeights`](crate::QDenseWeights).
#[must_use]
pub const fn dense_int8_lanes(input_size: usize, output_size: usize) -> usize {
    DenseShape { input_size, output_size, order: Order::INT8 }.lanes()
}
