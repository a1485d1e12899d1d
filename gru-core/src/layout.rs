//! The order of weights in memory: the one definition that packing and kernels share.
//!
//! Units are taken in blocks of [`UNITS`]; the weights of one block are one contiguous stream of *lanes*. A lane holds,
//! for one gate and one group of columns, `UNITS × depth` weights: `depth` is 1 for f32 and 4 for int8, where four
//! neighbouring columns of a unit sit side by side. A step therefore reads the whole layer once, front to back.
//!
//! ```text
//! block of units ─┬─ reset after   [x columns](r z n)          [h columns](r z n)
//!                 └─ reset before  [x columns](r z) [h columns](r z)  [x columns](n) [h columns](n)
//! lane            ─── [unit 0: depth columns][unit 1: depth columns] … [unit UNITS−1]
//! ```
//!
//! Units past the hidden size and columns past the last are zero.

/// Units of one block: the height of the tile that a kernel keeps in registers.
pub const UNITS: usize = if cfg!(target_arch = "x86_64") { 16 } else { 4 };

/// Columns of one int8 lane.
pub const INT8_DEPTH: usize = 4;

/// Where the reset gate acts on the recurrent half of the candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Placement {
    /// `n = tanh(W x + b + r ⊙ (U h + c))`: PyTorch, cuDNN, Keras by default.
    After,
    /// `n = tanh(W x + b + U (r ⊙ h))`: Cho et al. 2014, ONNX by default.
    Before,
}

/// The gates in PyTorch's order, which is the order of canonical weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Gate {
    /// Reset gate `r`.
    Reset = 0,
    /// Update gate `z`.
    Update = 1,
    /// Candidate `n`.
    Candidate = 2,
}

/// Number of blocks that hold `units` units.
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
    /// Columns of one lane: 1 for f32, [`INT8_DEPTH`] for int8.
    pub depth: usize,
    /// Placement of the reset gate.
    pub placement: Placement,
}

impl GruShape {
    /// Groups of columns in the input half.
    #[must_use]
    pub const fn input_groups(&self) -> usize {
        self.input_size.div_ceil(self.depth)
    }

    /// Groups of columns in the recurrent half.
    #[must_use]
    pub const fn hidden_groups(&self) -> usize {
        self.hidden_size.div_ceil(self.depth)
    }

    /// Lanes of one block.
    #[must_use]
    pub const fn block_lanes(&self) -> usize {
        3 * (self.input_groups() + self.hidden_groups())
    }

    /// Lanes of the layer.
    #[must_use]
    pub const fn lanes(&self) -> usize {
        blocks(self.hidden_size) * self.block_lanes()
    }

    /// Place of `weight_ih[gate][unit][column]` in the packed stream.
    #[must_use]
    pub const fn input_index(&self, gate: Gate, unit: usize, column: usize) -> usize {
        let group = column / self.depth;
        let lane = match (self.placement, gate) {
            (Placement::After, _) => 3 * group + gate as usize,
            (Placement::Before, Gate::Candidate) => self.gate_lanes() + group,
            (Placement::Before, _) => 2 * group + gate as usize,
        };
        self.flat(lane, unit, column)
    }

    /// Place of `weight_hh[gate][unit][column]` in the packed stream.
    #[must_use]
    pub const fn hidden_index(&self, gate: Gate, unit: usize, column: usize) -> usize {
        let (group, inputs) = (column / self.depth, self.input_groups());
        let lane = match (self.placement, gate) {
            (Placement::After, _) => 3 * (inputs + group) + gate as usize,
            (Placement::Before, Gate::Candidate) => self.gate_lanes() + inputs + group,
            (Placement::Before, _) => 2 * (inputs + group) + gate as usize,
        };
        self.flat(lane, unit, column)
    }

    /// Packs canonical row-major weights (`weight_ih` `[3, H, I]`, `weight_hh` `[3, H, H]`) into `packed`, which must be
    /// zero and `lanes() × UNITS × depth` long.
    ///
    /// # Panics
    /// When a length does not match the shape; in a constant this is a compile error.
    pub const fn pack<T: Copy>(&self, weight_ih: &[T], weight_hh: &[T], packed: &mut [T]) {
        let (i, h) = (self.input_size, self.hidden_size);
        assert!(weight_ih.len() == 3 * h * i, "weight_ih must hold 3 × hidden_size × input_size values");
        assert!(weight_hh.len() == 3 * h * h, "weight_hh must hold 3 × hidden_size × hidden_size values");
        assert!(packed.len() == self.lanes() * UNITS * self.depth, "wrong number of packed lanes for this shape");
        let gates = [Gate::Reset, Gate::Update, Gate::Candidate];
        let mut row = 0;
        while row < 3 * h {
            let (gate, unit) = (gates[row / h], row % h);
            let mut column = 0;
            while column < i {
                packed[self.input_index(gate, unit, column)] = weight_ih[row * i + column];
                column += 1;
            }
            let mut column = 0;
            while column < h {
                packed[self.hidden_index(gate, unit, column)] = weight_hh[row * h + column];
                column += 1;
            }
            row += 1;
        }
    }

    /// Lanes of r and z, which come first in a reset-before block.
    const fn gate_lanes(&self) -> usize {
        2 * (self.input_groups() + self.hidden_groups())
    }

    const fn flat(&self, lane: usize, unit: usize, column: usize) -> usize {
        let lane = unit / UNITS * self.block_lanes() + lane;
        (lane * UNITS + unit % UNITS) * self.depth + column % self.depth
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
    /// Columns of one lane: 1 for f32, [`INT8_DEPTH`] for int8.
    pub depth: usize,
}

impl DenseShape {
    /// Lanes of one block.
    #[must_use]
    pub const fn block_lanes(&self) -> usize {
        self.input_size.div_ceil(self.depth)
    }

    /// Lanes of the layer.
    #[must_use]
    pub const fn lanes(&self) -> usize {
        blocks(self.output_size) * self.block_lanes()
    }

    /// Place of `weight[row][column]` in the packed stream.
    #[must_use]
    pub const fn index(&self, row: usize, column: usize) -> usize {
        let lane = row / UNITS * self.block_lanes() + column / self.depth;
        (lane * UNITS + row % UNITS) * self.depth + column % self.depth
    }

    /// Packs a row-major `[output_size, input_size]` matrix into `packed`, which must be zero and `lanes() × UNITS × depth` long.
    ///
    /// # Panics
    /// When a length does not match the shape; in a constant this is a compile error.
    pub const fn pack<T: Copy>(&self, weight: &[T], packed: &mut [T]) {
        assert!(weight.len() == self.output_size * self.input_size, "weight must hold output_size × input_size values");
        assert!(packed.len() == self.lanes() * UNITS * self.depth, "wrong number of packed lanes for this shape");
        let mut at = 0;
        while at < weight.len() {
            packed[self.index(at / self.input_size, at % self.input_size)] = weight[at];
            at += 1;
        }
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

/// Lanes of an f32 GRU layer, for the const parameters of [`GruWeights`](crate::GruWeights).
#[must_use]
pub const fn gru_f32_lanes(input_size: usize, hidden_size: usize) -> usize {
    GruShape { input_size, hidden_size, depth: 1, placement: Placement::After }.lanes()
}

/// Lanes of an int8 GRU layer, for the const parameters of [`QGruWeights`](crate::QGruWeights).
#[must_use]
pub const fn gru_int8_lanes(input_size: usize, hidden_size: usize) -> usize {
    GruShape { input_size, hidden_size, depth: INT8_DEPTH, placement: Placement::After }.lanes()
}

/// Lanes of an f32 dense layer, for the const parameters of [`DenseWeights`](crate::DenseWeights).
#[must_use]
pub const fn dense_f32_lanes(input_size: usize, output_size: usize) -> usize {
    DenseShape { input_size, output_size, depth: 1 }.lanes()
}

/// Lanes of an int8 dense layer, for the const parameters of [`QDenseWeights`](crate::QDenseWeights).
#[must_use]
pub const fn dense_int8_lanes(input_size: usize, output_size: usize) -> usize {
    DenseShape { input_size, output_size, depth: INT8_DEPTH }.lanes()
}
