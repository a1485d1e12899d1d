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
//!
//! [[layer]]
//! type = "dense"                  # y = W x + b, no activation
//! weight = "head.weight"          # [O, I]
//! bias = "head.bias"              # [O], optional
//! ```

use serde::Deserialize;

use crate::error::{Error, Result};
use crate::ir::Reset;
use crate::source::Source;

/// The layers of a model and the names of their tensors; see the [module's documentation](self) for the file format.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
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
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum LayerSpec {
    /// [`ir::Embedding`](crate::ir::Embedding).
    Embedding {
        /// `[V, E]`.
        weight: String,
    },
    /// [`ir::Gru`](crate::ir::Gru).
    Gru {
        /// `[3·H, I]`.
        weight_ih: String,
        /// `[3·H, H]`.
        weight_hh: String,
        /// `[3·H]`.
        bias_ih: Option<String>,
        /// `[3·H]`.
        bias_hh: Option<String>,
        /// Whether the input is a symbol.
        #[serde(default)]
        one_hot: bool,
        /// Order of the gates in the rows.
        #[serde(default)]
        gate_order: GateOrder,
        /// Where the reset gate acts.
        #[serde(default)]
        reset: Reset,
        /// What z multiplies.
        #[serde(default)]
        update: Update,
    },
    /// [`ir::Dense`](crate::ir::Dense).
    Dense {
        /// `[O, I]`.
        weight: String,
        /// `[O]`.
        bias: Option<String>,
    },
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
