//! Models and recordings from a seed.
#![allow(dead_code, reason = "every test uses another part")]

use std::fmt::Write;

use gru_export::dataset::Dataset;
use gru_export::ir::{Cell, Dense, Gru, Input, Layer, Matrix, Model, Reset};

/// splitmix64.
pub struct Random(pub u64);

impl Random {
    /// Uniform in [−1, 1).
    pub fn draw(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    }

    pub fn matrix(&mut self, rows: usize, cols: usize, scale: f64) -> Matrix {
        Matrix::new(rows, cols, (0..rows * cols).map(|_| self.draw() * scale).collect())
    }

    /// Weights and biases uniform in ±1/√H, as PyTorch initialises them.
    pub fn gru(&mut self, input_size: usize, hidden_size: usize, cell: Cell) -> Gru {
        let scale = libm::pow(hidden_size as f64, -0.5);
        let there = |gate: usize| if cell.gates()[gate] { scale } else { 0.0 };
        let mut bias: [Vec<f64>; 4] =
            std::array::from_fn(|gate| (0..hidden_size).map(|_| self.draw() * there(gate.min(2))).collect());
        if cell.reset != Reset::After {
            bias[3].fill(0.0);
        }
        Gru {
            name: "gru".to_owned(),
            one_hot: false,
            cell,
            weight_ih: std::array::from_fn(|gate| self.matrix(hidden_size, input_size, there(gate))),
            weight_hh: std::array::from_fn(|gate| self.matrix(hidden_size, hidden_size, there(gate))),
            bias,
        }
    }

    pub fn dense(&mut self, input_size: usize, output_size: usize) -> Dense {
        let weight = self.matrix(output_size, input_size, libm::pow(input_size as f64, -0.5));
        Dense { name: "head".to_owned(), weight, bias: (0..output_size).map(|_| self.draw()).collect() }
    }

    /// A GRU and a dense layer.
    pub fn classifier(&mut self, [inputs, hidden, classes]: [usize; 3], cell: Cell) -> Model {
        let layers = vec![Layer::Gru(self.gru(inputs, hidden, cell)), Layer::Dense(self.dense(hidden, classes))];
        Model::new(layers, None).unwrap()
    }
}

/// With and without each gate, the reset gate on either side of the product.
pub fn cells() -> impl Iterator<Item = Cell> {
    [Reset::After, Reset::Before, Reset::None]
        .into_iter()
        .flat_map(|reset| [true, false].map(|update| Cell { reset, update, ..Cell::default() }))
}

/// Rows of `channels` values from `value(step, channel)`.
pub fn data(steps: usize, channels: usize, mut value: impl FnMut(usize, usize) -> f64) -> Dataset {
    let mut text = String::new();
    for step in 0..steps {
        for channel in 0..channels {
            write!(text, "{}{}", if channel == 0 { "" } else { "," }, value(step, channel)).unwrap();
        }
        text.push('\n');
    }
    let file = tempfile::Builder::new().suffix(".csv").tempfile().unwrap();
    std::fs::write(file.path(), text).unwrap();
    Dataset::read(file.path(), Input::Vector(channels)).unwrap()
}
