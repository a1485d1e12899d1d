//! A model as numbers and shapes, whatever file it came from: `f64`, row-major, one convention.
//!
//! Gates stand in the order r, z, n and the update is `h' = (1 − z) ⊙ n + z ⊙ h`. Loaders convert to this.

use crate::error::{Error, Result};

/// A `rows × cols` matrix, row-major.
#[derive(Debug, Clone, PartialEq)]
pub struct Matrix {
    rows: usize,
    cols: usize,
    data: Vec<f64>,
}

impl Matrix {
    /// # Panics
    /// If `data.len() != rows * cols`, or either is zero.
    pub fn new(rows: usize, cols: usize, data: Vec<f64>) -> Self {
        assert!(rows > 0 && cols > 0, "empty matrix");
        assert_eq!(Some(data.len()), rows.checked_mul(cols), "matrix of {rows} × {cols}");
        Self { rows, cols, data }
    }

    /// Number of rows (outputs).
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of columns (inputs).
    pub fn cols(&self) -> usize {
        self.cols
    }

    /// All elements, row after row.
    pub fn as_slice(&self) -> &[f64] {
        &self.data
    }

    /// One row.
    pub fn row(&self, row: usize) -> &[f64] {
        &self.data[row * self.cols..][..self.cols]
    }

    /// The rows in order.
    pub fn iter_rows(&self) -> impl ExactSizeIterator<Item = &[f64]> {
        self.data.chunks_exact(self.cols)
    }

    /// The same shape with every element mapped; `f` is given the column and the element.
    #[must_use]
    pub fn map(&self, mut f: impl FnMut(usize, f64) -> f64) -> Self {
        let data = self.data.iter().enumerate().map(|(i, &w)| f(i % self.cols, w)).collect();
        Self { data, ..*self }
    }
}

/// Where the reset gate acts; the two are different models with different weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Reset {
    /// `n = tanh(W_n x + b_n + r ⊙ (U_n h + c_n))`: PyTorch, cuDNN, Keras' default.
    #[default]
    After,
    /// `n = tanh(W_n x + b_n + U_n (r ⊙ h))`: Cho et al. 2014.
    Before,
}

impl From<Reset> for gru_core::layout::Placement {
    fn from(reset: Reset) -> Self {
        match reset {
            Reset::After => Self::After,
            Reset::Before => Self::Before,
        }
    }
}

/// The `x' = (x − mean) / std` that a model was trained behind; both of the input's size, `std > 0`.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Standardization {
    /// Mean per channel, raw units.
    pub mean: Vec<f64>,
    /// Standard deviation per channel, raw units.
    pub std: Vec<f64>,
}

/// A GRU layer of input size I and hidden size H.
#[derive(Debug, Clone, PartialEq)]
pub struct Gru {
    /// As the source names it.
    pub name: String,
    /// Whether the input is a symbol below I that stands for its one-hot vector.
    pub one_hot: bool,
    /// Where the reset gate acts.
    pub reset: Reset,
    /// Gates r, z, n: `[H, I]` each.
    pub weight_ih: [Matrix; 3],
    /// Gates r, z, n: `[H, H]` each.
    pub weight_hh: [Matrix; 3],
    /// `b_r`, `b_z`, `b_n` and the recurrent `c_n`: `[H]` each. `c_n` is zero where the reset comes before.
    pub bias: [Vec<f64>; 4],
}

impl Gru {
    /// I.
    pub fn input_size(&self) -> usize {
        self.weight_ih[0].cols()
    }

    /// H.
    pub fn hidden_size(&self) -> usize {
        self.weight_hh[0].rows()
    }
}

/// A dense layer `y = W x + b`, no activation.
#[derive(Debug, Clone, PartialEq)]
pub struct Dense {
    /// As the source names it.
    pub name: String,
    /// `[O, I]`.
    pub weight: Matrix,
    /// `[O]`.
    pub bias: Vec<f64>,
}

/// A table with one row per symbol.
#[derive(Debug, Clone, PartialEq)]
pub struct Embedding {
    /// As the source names it.
    pub name: String,
    /// `[V, E]`: symbols × embedding size.
    pub weight: Matrix,
}

/// One step of a model.
#[expect(clippy::large_enum_variant, reason = "a model has a handful of layers")]
#[derive(Debug, Clone, PartialEq)]
pub enum Layer {
    /// Symbol in, row of the table out.
    Embedding(Embedding),
    /// Recurrent.
    Gru(Gru),
    /// Affine.
    Dense(Dense),
}

/// What a layer takes at each step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Input {
    /// A vector of this size.
    Vector(usize),
    /// An integer below this.
    Symbol(usize),
}

impl Layer {
    /// As the source names it.
    pub fn name(&self) -> &str {
        match self {
            Self::Embedding(layer) => &layer.name,
            Self::Gru(layer) => &layer.name,
            Self::Dense(layer) => &layer.name,
        }
    }

    /// What the layer takes.
    pub fn input(&self) -> Input {
        match self {
            Self::Embedding(layer) => Input::Symbol(layer.weight.rows()),
            Self::Gru(layer) if layer.one_hot => Input::Symbol(layer.input_size()),
            Self::Gru(layer) => Input::Vector(layer.input_size()),
            Self::Dense(layer) => Input::Vector(layer.weight.cols()),
        }
    }

    /// The size of the vector that the layer gives.
    pub fn output_size(&self) -> usize {
        match self {
            Self::Embedding(layer) => layer.weight.cols(),
            Self::Gru(layer) => layer.hidden_size(),
            Self::Dense(layer) => layer.weight.rows(),
        }
    }

    /// Numbers that training chose, after the mergeable biases are merged.
    pub fn parameters(&self) -> usize {
        match self {
            Self::Embedding(layer) => layer.weight.as_slice().len(),
            Self::Gru(layer) => {
                let (i, h) = (layer.input_size(), layer.hidden_size());
                let biases = match layer.reset {
                    Reset::After => 4,
                    Reset::Before => 3,
                };
                h * (3 * (i + h) + biases)
            }
            Self::Dense(layer) => layer.weight.as_slice().len() + layer.bias.len(),
        }
    }

    /// Fails unless the layer's own shapes agree.
    fn check(&self) -> Result<()> {
        let consistent = match self {
            Self::Embedding(_) => true,
            Self::Gru(layer) => {
                let (i, h) = (layer.input_size(), layer.hidden_size());
                layer.weight_ih.iter().all(|w| (w.rows(), w.cols()) == (h, i))
                    && layer.weight_hh.iter().all(|u| (u.rows(), u.cols()) == (h, h))
                    && layer.bias.iter().all(|b| b.len() == h)
                    && (layer.reset == Reset::After || layer.bias[3].iter().all(|&c| c == 0.0))
            }
            Self::Dense(layer) => layer.bias.len() == layer.weight.rows(),
        };
        consistent
            .then_some(())
            .ok_or_else(|| Error::new(format!("layer `{}`: its tensors' shapes disagree", self.name())))
    }
}

/// Layers that fit together, with at least one GRU; the shapes hold by construction.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    standardization: Option<Standardization>,
    layers: Vec<Layer>,
}

impl Model {
    /// Chains the layers, first to last.
    ///
    /// # Errors
    /// Two neighbours' sizes differ, a symbol layer is not the first, no layer is a GRU, or the standardization does not fit the input.
    pub fn new(layers: Vec<Layer>, standardization: Option<Standardization>) -> Result<Self> {
        if !layers.iter().any(|layer| matches!(layer, Layer::Gru(_))) {
            return Err(Error::new("expected at least one GRU layer, found none"));
        }
        layers.iter().try_for_each(Layer::check)?;
        for pair in layers.windows(2) {
            let (from, to) = (&pair[0], &pair[1]);
            if to.input() != Input::Vector(from.output_size()) {
                return Err(Error::new(format!(
                    "layer `{}` gives {} values, but layer `{}` after it takes {}",
                    from.name(),
                    from.output_size(),
                    to.name(),
                    to.input(),
                )));
            }
        }
        Self { standardization: None, layers }.with_standardization(standardization)
    }

    /// The same model behind another standardization.
    ///
    /// # Errors
    /// A length that is not the input's, a symbol input, a value that is not finite, or `std` not above zero.
    pub fn with_standardization(mut self, standardization: Option<Standardization>) -> Result<Self> {
        if let Some(Standardization { mean, std }) = &standardization {
            for (what, values) in [("mean", mean), ("std", std)] {
                if self.input() != Input::Vector(values.len()) {
                    return Err(Error::new(format!(
                        "the input {what} has {} values, but the model takes {}",
                        values.len(),
                        self.input()
                    )));
                }
            }
            let bad = mean.iter().position(|m| !m.is_finite());
            if let Some(channel) = bad {
                return Err(Error::new(format!("the input mean of channel {channel} is {}", mean[channel])));
            }
            let bad = std.iter().position(|s| !(s.is_finite() && *s > 0.0));
            if let Some(channel) = bad {
                return Err(Error::new(format!(
                    "the input std of channel {channel} is {}, not above zero",
                    std[channel]
                ))
                .help("leave a constant channel out of the model, or give it a std of 1"));
            }
        }
        self.standardization = standardization;
        Ok(self)
    }

    /// The layers, first to last.
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// What comes between the raw input and the first layer.
    pub fn standardization(&self) -> Option<&Standardization> {
        self.standardization.as_ref()
    }

    /// What the model takes.
    pub fn input(&self) -> Input {
        self.layers[0].input()
    }

    /// The size of what the model gives.
    pub fn output_size(&self) -> usize {
        self.layers[self.layers.len() - 1].output_size()
    }
}

impl std::fmt::Display for Input {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Vector(size) => write!(f, "{size} values"),
            Self::Symbol(count) => write!(f, "a symbol below {count}"),
        }
    }
}
