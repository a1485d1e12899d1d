//! The kinds of layers, each with its numbers.

use gru_core::layout::{Gates, Placement};

use super::matrix::Matrix;

/// Where the reset gate acts; each is a different model with different weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Reset {
    /// `n = tanh(W_n x + b_n + r ⊙ (U_n h + c_n))`: PyTorch, cuDNN, Keras' default.
    #[default]
    After,
    /// `n = tanh(W_n x + b_n + U_n (r ⊙ h))`: Cho et al. 2014.
    Before,
    /// `n = tanh(W_n x + b_n + U_n h + c_n)`: no reset gate.
    None,
}

/// A function of one value, or of a whole vector.
#[derive(Debug, Clone, Copy, PartialEq, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Activation {
    /// tanh(x).
    Tanh,
    /// 1 / (1 + e⁻ˣ).
    Sigmoid,
    /// `slope · x + offset`, kept within 0 and 1.
    HardSigmoid {
        /// 1/6 in Keras 3 and PyTorch, 0.2 in Keras 2 and ONNX by default.
        slope: f64,
        /// Everywhere 0.5.
        offset: f64,
    },
    /// max(x, 0).
    Relu,
    /// x.
    Linear,
    /// eˣ over the sum of all: of a whole vector, never in a cell.
    Softmax,
}

/// The equations of a GRU.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cell {
    /// Where the reset gate acts.
    pub reset: Reset,
    /// Whether there is an update gate; without one `h' = n`.
    pub update: bool,
    /// Of the candidate n, tanh in most models.
    pub activation: Activation,
    /// Of the gates r and z, the sigmoid in most models.
    pub recurrent_activation: Activation,
    /// Largest magnitude of what goes into the activations (ONNX `clip`).
    pub clip: Option<f64>,
}

impl Default for Cell {
    /// PyTorch's.
    fn default() -> Self {
        Self {
            reset: Reset::After,
            update: true,
            activation: Activation::Tanh,
            recurrent_activation: Activation::Sigmoid,
            clip: None,
        }
    }
}

impl Cell {
    /// Which of r, z, n are there.
    pub fn gates(&self) -> [bool; 3] {
        [self.reset != Reset::None, self.update, true]
    }

    /// What belongs to the gates that are there, of what belongs to r, z, n.
    pub(crate) fn present<T>(&self, of: [T; 3]) -> Vec<T> {
        of.into_iter().zip(self.gates()).filter(|(_, there)| *there).map(|(part, _)| part).collect()
    }
}

/// A GRU layer of input size I and hidden size H.
#[derive(Debug, Clone, PartialEq)]
pub struct Gru {
    /// As the source names it.
    pub name: String,
    /// Whether the input is a symbol below I that stands for its one-hot vector.
    pub one_hot: bool,
    /// Its equations.
    pub cell: Cell,
    /// Gates r, z, n, zeros for one that is not there: `[H, I]` each.
    pub weight_ih: [Matrix; 3],
    /// Gates r, z, n, zeros for one that is not there: `[H, H]` each.
    pub weight_hh: [Matrix; 3],
    /// `b_r`, `b_z`, `b_n` and the recurrent `c_n`: `[H]` each. `c_n` is zero unless the reset comes after.
    pub bias: [Vec<f64>; 4],
}

impl Gru {
    /// What the layer takes.
    pub fn input(&self) -> Input {
        if self.one_hot { Input::Symbol(self.input_size()) } else { Input::Vector(self.input_size()) }
    }

    fn parameters(&self) -> usize {
        let (i, h) = (self.input_size(), self.hidden_size());
        let gates = self.cell.gates().into_iter().filter(|&gate| gate).count();
        h * (gates * (i + h + 1) + usize::from(self.cell.reset == Reset::After))
    }

    /// I.
    pub fn input_size(&self) -> usize {
        self.weight_ih[0].cols()
    }

    /// H.
    pub fn hidden_size(&self) -> usize {
        self.weight_hh[0].rows()
    }
}

/// Two GRU layers over a whole window, one of them from its end, whose outputs are merged.
#[derive(Debug, Clone, PartialEq)]
pub struct Bidirectional {
    /// As the source names it.
    pub name: String,
    /// From the first step to the last.
    pub forward: Gru,
    /// From the last step to the first.
    pub backward: Gru,
    /// What becomes of the two.
    pub merge: Merge,
    /// Whether every step has what each direction gives last, the backward one at the first step, and not what both give at that step.
    pub ends: bool,
}

impl Bidirectional {
    /// Whether its outputs are the states of both directions, step by step.
    pub(crate) fn gives_states(&self) -> bool {
        self.merge == Merge::Concat && !self.ends
    }
}

/// How a [`Bidirectional`] layer merges its directions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Merge {
    /// Forward, then backward: `2 H` values.
    #[default]
    Concat,
    /// Their sum.
    Sum,
    /// Their product, value by value.
    Mul,
    /// Their mean.
    Ave,
}

/// `y = weight ⊙ (x − mean(x)) / sqrt(var(x) + epsilon) + bias` over one vector; the variance is the mean of squares.
#[derive(Debug, Clone, PartialEq)]
pub struct LayerNorm {
    /// As the source names it.
    pub name: String,
    /// `[N]`.
    pub weight: Vec<f64>,
    /// `[N]`.
    pub bias: Vec<f64>,
    /// Above zero.
    pub epsilon: f64,
}

/// `y = scale ⊙ x + shift`: what batch normalization is at inference. [`Model::new`](super::Model::new) folds it into a neighbour.
#[derive(Debug, Clone, PartialEq)]
pub struct Affine {
    /// As the source names it.
    pub name: String,
    /// `[N]`.
    pub scale: Vec<f64>,
    /// `[N]`.
    pub shift: Vec<f64>,
}

/// An [`Activation`] of the vector that the layer before gives.
#[derive(Debug, Clone, PartialEq)]
pub struct Activated {
    /// As the source names it.
    pub name: String,
    /// N.
    pub size: usize,
    /// Which.
    pub activation: Activation,
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
#[non_exhaustive]
pub enum Layer {
    /// Symbol in, row of the table out.
    Embedding(Embedding),
    /// Recurrent.
    Gru(Gru),
    /// Recurrent in both directions: for whole windows only.
    Bidirectional(Box<Bidirectional>),
    /// Matrix and bias.
    Dense(Dense),
    /// Value by value, or softmax.
    Activation(Activated),
    /// Layer normalization.
    LayerNorm(LayerNorm),
    /// Batch normalization; not in a [`Model`](super::Model), which folds it.
    Affine(Affine),
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
            Self::Bidirectional(layer) => &layer.name,
            Self::Dense(layer) => &layer.name,
            Self::Activation(layer) => &layer.name,
            Self::LayerNorm(layer) => &layer.name,
            Self::Affine(layer) => &layer.name,
        }
    }

    pub(super) fn name_mut(&mut self) -> &mut String {
        match self {
            Self::Embedding(layer) => &mut layer.name,
            Self::Gru(layer) => &mut layer.name,
            Self::Bidirectional(layer) => &mut layer.name,
            Self::Dense(layer) => &mut layer.name,
            Self::Activation(layer) => &mut layer.name,
            Self::LayerNorm(layer) => &mut layer.name,
            Self::Affine(layer) => &mut layer.name,
        }
    }

    /// What the layer takes.
    pub fn input(&self) -> Input {
        match self {
            Self::Embedding(layer) => Input::Symbol(layer.weight.rows()),
            Self::Gru(layer) => layer.input(),
            Self::Bidirectional(layer) => layer.forward.input(),
            Self::Dense(layer) => Input::Vector(layer.weight.cols()),
            Self::Activation(_) | Self::LayerNorm(_) | Self::Affine(_) => Input::Vector(self.output_size()),
        }
    }

    /// The size of the vector that the layer gives.
    pub fn output_size(&self) -> usize {
        match self {
            Self::Embedding(layer) => layer.weight.cols(),
            Self::Gru(layer) => layer.hidden_size(),
            Self::Bidirectional(layer) => match layer.merge {
                Merge::Concat => 2 * layer.forward.hidden_size(),
                Merge::Sum | Merge::Mul | Merge::Ave => layer.forward.hidden_size(),
            },
            Self::Dense(layer) => layer.weight.rows(),
            Self::Activation(layer) => layer.size,
            Self::LayerNorm(layer) => layer.weight.len(),
            Self::Affine(layer) => layer.scale.len(),
        }
    }

    /// Numbers that training chose, after the mergeable biases are merged.
    pub fn parameters(&self) -> usize {
        match self {
            Self::Embedding(layer) => layer.weight.as_slice().len(),
            Self::Gru(layer) => layer.parameters(),
            Self::Bidirectional(layer) => layer.forward.parameters() + layer.backward.parameters(),
            Self::Dense(layer) => layer.weight.as_slice().len() + layer.bias.len(),
            Self::Activation(_) => 0,
            Self::LayerNorm(layer) => layer.weight.len() + layer.bias.len(),
            Self::Affine(layer) => layer.scale.len() + layer.shift.len(),
        }
    }
}

impl std::fmt::Display for Activation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Tanh => f.write_str("tanh"),
            Self::Sigmoid => f.write_str("sigmoid"),
            Self::HardSigmoid { .. } => f.write_str("hard_sigmoid"),
            Self::Relu => f.write_str("relu"),
            Self::Linear => f.write_str("linear"),
            Self::Softmax => f.write_str("softmax"),
        }
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

impl From<Cell> for Gates {
    fn from(cell: Cell) -> Self {
        let reset = match cell.reset {
            Reset::After => Some(Placement::After),
            Reset::Before => Some(Placement::Before),
            Reset::None => None,
        };
        Self { reset, update: cell.update }
    }
}
