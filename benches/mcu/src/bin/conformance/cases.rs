//! What is compared: shapes, gates and kinds of values, as far as they fit into the RAM of the board.

use core::fmt;

use gru_core::layout::Gates;

#[cfg(target_os = "none")]
include!(concat!(env!("OUT_DIR"), "/board.rs"));
/// Bytes of RAM: enough for every case.
#[cfg(not(target_os = "none"))]
const RAM: usize = LEAST;

/// Boards with less RAM hold no large layer.
const LEAST: usize = 0x2_0000;

/// Whether this is one of them.
const SMALL: bool = RAM < LEAST;

/// Every input size and every hidden size up to this.
const GRID: usize = 40;

/// Larger layers.
const LARGE: [(usize, usize); 2] = [(28, 128), (64, 64)];

/// Most inputs of a layer.
pub const MAX_INPUTS: usize = if SMALL { GRID } else { 64 };

/// Most units of a layer.
pub const MAX_UNITS: usize = if SMALL { GRID } else { 128 };

/// Most weights of a layer.
pub const MAX_WEIGHTS: usize = if SMALL { 3 * GRID * (GRID + GRID) } else { 3 * 128 * (28 + 128) };

/// Most weights of a matrix.
pub const MAX_MATRIX: usize = if SMALL { 3 * GRID * GRID } else { 3 * 128 * 128 };

/// Why a step over slices cannot fail here.
pub const LENGTHS: &str = "all slices are as long as the shape says";

/// A layer to compare.
#[derive(Clone, Copy)]
pub struct Case {
    pub input_size: usize,
    pub hidden_size: usize,
    pub gates: Gates,
    /// Weights and inputs at the ends of their range in long runs, scales and biases anywhere in theirs; else all as in a model.
    pub extreme: bool,
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { input_size, hidden_size, gates, extreme } = self;
        let values = if *extreme { "extreme" } else { "usual" };
        write!(f, "({input_size}, {hidden_size}) {gates:?}, {values} values")
    }
}

/// Every case of a board with so much RAM.
pub fn all(ram: usize) -> impl Iterator<Item = Case> {
    let grid = (1..=GRID).flat_map(|input_size| (1..=GRID).map(move |hidden_size| (input_size, hidden_size)));
    let large = LARGE.into_iter().filter(move |_| ram >= LEAST);
    grid.chain(large).flat_map(|(input_size, hidden_size)| {
        // Both GRUs of every shape, and along some diagonals what remains of them without a gate or two.
        let all = (input_size + hidden_size).is_multiple_of(16);
        Gates::ALL
            .into_iter()
            .take(if all { Gates::ALL.len() } else { 2 })
            .flat_map(move |gates| [false, true].map(|extreme| Case { input_size, hidden_size, gates, extreme }))
    })
}
