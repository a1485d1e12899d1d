//! The architecture in words: which tensor is what, in which order.
//!
//! A `state_dict` holds names and shapes, not the order of layers or the equations. Where those leave a choice,
//! a TOML file makes it:
//!
//! ```toml
//! input_mean = "norm.mean"        # both or neither: x' = (x − mean) / std before the first layer, [I] each
//! input_std = "norm.std"
//!
//! [[layer]]                       # the layers, first to last
//! type = "embedding"              # the input is an integer symbol
//! weight = "tokens.weight"        # [V, E]
//!
//! [[layer]]
//! type = "gru"
//! weight_ih = "encoder.w_x"       # [3·H, I]
//! weight_hh = "encoder.w_h"       # [3·H, H]
//! bias_ih = "encoder.b_x"         # [3·H], optional
//! bias_hh = "encoder.b_h"         # [3·H], optional
//! one_hot = false                 # true: the input is a symbol that stands for its one-hot vector
//! gate_order = "rzn"              # of the 3·H rows; the default is PyTorch's
//! reset = "after"                 # or "before": n = tanh(… + U_n (r ⊙ h))
//! update = "keep"                 # z keeps the state: h' = (1 − z) ⊙ n + z ⊙ h; or "replace": h' = (1 − z) ⊙ h + z ⊙ n
//! activation = "tanh"             # of n: or "sigmoid", "relu", "linear", { hard_sigmoid = { slope = 0.2, offset = 0.5 } }
//! recurrent_activation = "sigmoid" # of r and z: the same choice
//! clip = 3.0                      # optional: largest magnitude of what goes into the activations
//!
//! [[layer]]
//! type = "bidirectional"          # for whole windows
//! merge = "concat"                # or "sum", "mul", "ave"
//! forward = { weight_ih = "b.w_x", weight_hh = "b.w_h" }    # each with the keys of "gru"
//! backward = { weight_ih = "b.v_x", weight_hh = "b.v_h" }
//!
//! [[layer]]
//! type = "dense"                  # y = W x + b, no activation
//! weight = "head.weight"          # [O, I]
//! bias = "head.bias"              # [O], optional
//!
//! [[layer]]
//! type = "activation"             # of what the layer before gives
//! activation = "softmax"          # or as above
//!
//! [[layer]]
//! type = "layer_norm"
//! weight = "norm.weight"          # [N]
//! bias = "norm.bias"              # [N], optional
//! epsilon = 1e-5                  # the default
//!
//! [[layer]]
//! type = "batch_norm"             # (x − mean) / sqrt(variance + epsilon) · weight + bias
//! mean = "bn.running_mean"        # [N]
//! variance = "bn.running_var"     # [N]
//! weight = "bn.weight"            # [N], optional
//! bias = "bn.bias"                # [N], optional
//! epsilon = 1e-5                  # the default
//! ```

use serde::Deserialize;

use crate::error::{Error, Result};
use crate::ir::{Activation, Merge, Reset};
use crate::source::Source;

/// The layers of a model and the names of their tensors; see the [module's documentation](self) for the file format.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    /// Tensor of the input's mean.
    pub input_mean: Option<String>,
    /// Tensor of the input's standard deviation.
    pub input_std: Option<String>,
    /// First to last.
    #[serde(rename = "layer")]
    pub layers: Vec<LayerSpec>,
}

/// One layer: the names of its tensors, and what they do not say.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum LayerSpec {
    /// [`ir::Embedding`](crate::ir::Embedding).
    Embedding {
        /// `[V, E]`.
        weight: String,
    },
    /// [`ir::Gru`](crate::ir::Gru).
    Gru(GruSpec),
    /// [`ir::Bidirectional`](crate::ir::Bidirectional).
    Bidirectional {
        /// From the first step on.
        forward: Box<GruSpec>,
        /// From the last step on.
        backward: Box<GruSpec>,
        /// What becomes of the two.
        #[serde(default)]
        merge: Merge,
    },
    /// [`ir::Dense`](crate::ir::Dense).
    Dense {
        /// `[O, I]`.
        weight: String,
        /// `[O]`.
        bias: Option<String>,
    },
    /// [`ir::Activated`](crate::ir::Activated).
    Activation {
        /// Which.
        activation: Activation,
    },
    /// [`ir::LayerNorm`](crate::ir::LayerNorm).
    LayerNorm {
        /// `[N]`.
        weight: String,
        /// `[N]`.
        bias: Option<String>,
        /// Added to the variance.
        #[serde(default = "epsilon")]
        epsilon: f64,
    },
    /// [`ir::Affine`](crate::ir::Affine).
    BatchNorm {
        /// `[N]`.
        mean: String,
        /// `[N]`.
        variance: String,
        /// `[N]`.
        weight: Option<String>,
        /// `[N]`.
        bias: Option<String>,
        /// Added to the variance.
        #[serde(default = "epsilon")]
        epsilon: f64,
    },
}

/// PyTorch's.
pub(crate) fn epsilon() -> f64 {
    1e-5
}

/// A GRU: the names of its tensors, and what they do not say.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GruSpec {
    /// `[3·H, I]`.
    pub weight_ih: String,
    /// `[3·H, H]`.
    pub weight_hh: String,
    /// `[3·H]`.
    pub bias_ih: Option<String>,
    /// `[3·H]`.
    pub bias_hh: Option<String>,
    /// Whether the input is a symbol.
    #[serde(default)]
    pub one_hot: bool,
    /// Order of the gates in the rows.
    #[serde(default)]
    pub gate_order: GateOrder,
    /// Where the reset gate acts.
    #[serde(default)]
    pub reset: Reset,
    /// What z multiplies.
    #[serde(default)]
    pub update: Update,
    /// Of n.
    #[serde(default = "tanh")]
    pub activation: Activation,
    /// Of r and z.
    #[serde(default = "sigmoid")]
    pub recurrent_activation: Activation,
    /// Largest magnitude of what goes into them.
    pub clip: Option<f64>,
}

impl GruSpec {
    /// PyTorch's conventions.
    pub(crate) fn new(weight_ih: String, weight_hh: String, bias_ih: Option<String>, bias_hh: Option<String>) -> Self {
        Self {
            weight_ih,
            weight_hh,
            bias_ih,
            bias_hh,
            one_hot: false,
            gate_order: GateOrder::default(),
            reset: Reset::After,
            update: Update::Keep,
            activation: tanh(),
            recurrent_activation: sigmoid(),
            clip: None,
        }
    }
}

fn tanh() -> Activation {
    Activation::Tanh
}

fn sigmoid() -> Activation {
    Activation::Sigmoid
}

/// The order in which a tensor's `3·H` rows hold the gates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GateOrder {
    /// r, z, n: PyTorch.
    #[default]
    Rzn,
    /// z, r, n: Keras and ONNX.
    Zrn,
    /// r, n, z.
    Rnz,
    /// z, n, r.
    Znr,
    /// n, r, z.
    Nrz,
    /// n, z, r.
    Nzr,
}

impl GateOrder {
    /// Where r, z and n stand.
    pub(crate) fn positions(self) -> [usize; 3] {
        match self {
            Self::Rzn => [0, 1, 2],
            Self::Zrn => [1, 0, 2],
            Self::Rnz => [0, 2, 1],
            Self::Znr => [2, 0, 1],
            Self::Nrz => [1, 2, 0],
            Self::Nzr => [2, 1, 0],
        }
    }
}

/// What the update gate multiplies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Update {
    /// `h' = (1 − z) ⊙ n + z ⊙ h`: PyTorch, Keras, ONNX.
    #[default]
    Keep,
    /// `h' = (1 − z) ⊙ h + z ⊙ n`: the other sign of z's pre-activation.
    Replace,
}

impl Spec {
    /// Parses the TOML form.
    ///
    /// # Errors
    /// Not UTF-8, not TOML, an unknown or a missing key; with the line.
    pub fn parse(source: &Source) -> Result<Self> {
        let parse = || {
            let text = std::str::from_utf8(source.bytes())
                .map_err(|error| Error::new(format!("expected UTF-8 text: {error}")))?;
            toml::from_str(text).map_err(|error: toml::de::Error| {
                let line = error.span().map_or(0, |span| text[..span.start].matches('\n').count()) + 1;
                Error::new(format!("line {line}: {}", error.message()))
            })
        };
        parse().map_err(|error| error.in_file(source.path()))
    }
}
