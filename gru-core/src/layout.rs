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
        let mut row = 0;
        while row < 3 * h {
            let input = self.row(row / h, row % h);
            scatter(weight_ih, row * i, i, packed, input);
            scatter(weight_hh, row * h, h, packed, input.after(self.input_groups()));
            row += 1;
        }
    }

    /// Where the row of a unit starts, gates in the order r, z, n.
    const fn row(&self, gate: usize, unit: usize) -> Row {
        const CANDIDATE: usize = 2;
        let (lane, gates) = match (self.placement, gate) {
            (Placement::After, _) => (gate, 3),
            (Placement::Before, CANDIDATE) => (2 * (self.input_groups() + self.hidden_groups()), 1),
            (Placement::Before, _) => (gate, 2),
        };
        Row::new(unit, self.block_lanes(), lane, gates, self.depth)
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

    /// Packs a row-major `[output_size, input_size]` matrix into `packed`, which must be zero and `lanes() × UNITS × depth` long.
    ///
    /// # Panics
    /// When a length does not match the shape; in a constant this is a compile error.
    pub const fn pack<T: Copy>(&self, weight: &[T], packed: &mut [T]) {
        assert!(weight.len() == self.output_size * self.input_size, "weight must hold output_size × input_size values");
        assert!(packed.len() == self.lanes() * UNITS * self.depth, "wrong number of packed lanes for this shape");
        let mut row = 0;
        while row < self.output_size {
            let place = Row::new(row, self.block_lanes(), 0, 1, self.depth);
            scatter(weight, row * self.input_size, self.input_size, packed, place);
            row += 1;
        }
    }
}

/// The places of one row: groups of `depth` neighbours, `step` apart.
#[derive(Clone, Copy)]
struct Row {
    start: usize,
    step: usize,
    depth: usize,
}

impl Row {
    /// The row of `unit` whose columns are every `gates`-th lane of its block, from `lane` on.
    const fn new(unit: usize, block_lanes: usize, lane: usize, gates: usize, depth: usize) -> Self {
        let lane = unit / UNITS * block_lanes + lane;
        Self { start: (lane * UNITS + unit % UNITS) * depth, step: gates * UNITS * depth, depth }
    }

    /// The places behind so many groups.
    const fn after(self, groups: usize) -> Self {
        Self { start: self.start + groups * self.step, ..self }
    }
}

/// Puts `len` weights, from `first` on, at the places of a row.
const fn scatter<T: Copy>(weights: &[T], first: usize, len: usize, packed: &mut [T], row: Row) {
    let (mut place, mut column) = (row.start, 0);
    let mut at = first;
    while at < first + len {
        packed[place + column] = weights[at];
        column += 1;
        if column == row.depth {
            column = 0;
            place += row.step;
        }
        at += 1;
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

/// How the accumulators of one block of rows become fixed-point values, for each of `G` gates. See [`quant::requantize`](crate::quant::requantize).
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Scales<const G: usize> {
    /// In accumulator units, with `2^(shift−8)` added where the shift is 8 or more.
    pub bias: [[i32; UNITS]; G],
    /// In Q0.15, never negative.
    pub multiplier: [[i16; UNITS]; G],
    /// Below 32.
    pub shift: [[u8; UNITS]; G],
}

impl<const G: usize> Scales<G> {
    /// Of a block without rows.
    pub const ZERO: Self = Self { bias: [[0; UNITS]; G], multiplier: [[0; UNITS]; G], shift: [[0; UNITS]; G] };

    /// Lays the scales of `units` rows per gate (`[G, units]` each, row-major) out as `blocks`.
    ///
    /// # Panics
    /// When a length does not match `units`, a multiplier is negative or a shift out of range; in a constant this is a compile error.
    pub const fn pack(units: usize, bias: &[i32], multiplier: &[i16], shift: &[u8], blocks: &mut [Self]) {
        assert!(bias.len() == G * units, "one bias per gate and unit");
        assert!(multiplier.len() == G * units, "one multiplier per gate and unit");
        assert!(shift.len() == G * units, "one shift per gate and unit");
        assert!(blocks.len() == self::blocks(units), "wrong number of blocks for this many units");
        let mut row = 0;
        while row < bias.len() {
            assert!(multiplier[row] >= 0, "a multiplier is never negative");
            assert!(shift[row] < 32, "a shift is below 32");
            let (gate, unit) = (row / units, row % units);
            let block = &mut blocks[unit / UNITS];
            block.bias[gate][unit % UNITS] = bias[row];
            block.multiplier[gate][unit % UNITS] = multiplier[row];
            block.shift[gate][unit % UNITS] = shift[row];
            row += 1;
        }
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
