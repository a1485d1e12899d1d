//! The architecture in words: which tensor is what, in which order.
//!
//! A file of tensors holds names and shapes, not the order of layers or the equations. Where those leave a choice,
//! a TOML file makes it. `gru-export inspect --spec-template MODEL` prints one to start from.
//!
//! ```toml
//! input_mean = "norm.mean"        # both or neither: x' = (x − mean) / std before the first layer, [I] each
//! input_std = "norm.std"
//!
//! [[layer]]                       # the layers, first to last
//! type = "gru"
//! weight_ih = "encoder.w_x"       # [3·H, I]: gates stacked
//! weight_hh = "encoder.w_h"       # [3·H, H]
//! bias_ih = "encoder.b_x"         # [3·H], optional
//!
//! [[layer]]
//! type = "gru"                    # a matrix and a bias per gate, as [I, H]; z keeps the old state
//! weight_ih = { r = "W_xr", z = "W_xz", n = "W_xh" }
//! weight_hh = { r = "W_hr", z = "W_hz", n = "W_hh" }
//! bias_ih = { r = "b_r", z = "b_z", n = "b_h" }
//! layout = "input-major"
//! reset = "before"
//!
//! [[layer]]
//! type = "dense"
//! weight = "head.weight"
//! bias = "head.bias"
//! ```
//!
//! Keys of each `type`; a tensor is named, and those of a GRU are one name for all gates stacked or `{ r = …, z = …, n = … }`:
//!
//! | type | tensors | choices, default first |
//! |---|---|---|
//! | `gru` | `weight_ih` `[gates·H, I]` and `weight_hh` `[gates·H, H]`, or `weight` `[gates·H, I + H]`; `bias_ih`, `bias_hh` `[gates·H]`, optional, or `bias_ih` `[2, gates·H]` for both | those below |
//! | `bidirectional` | `forward` and `backward`, tables with the keys of a `gru` | `merge = "concat"`, `"sum"`, `"mul"`, `"ave"` |
//! | `dense` | `weight` `[O, I]`, `bias` `[O]`, optional | `layout` |
//! | `embedding` | `weight` `[V, E]`: the input is an integer symbol | |
//! | `activation` | | `activation`, of a vector also `"softmax"` |
//! | `layer_norm` | `weight` `[N]`; `bias` `[N]`, optional | `epsilon = 1e-5` |
//! | `batch_norm` | `mean`, `variance` `[N]`; `weight`, `bias` `[N]`, optional | `epsilon = 1e-5` |
//!
//! | choice | values, default first | meaning |
//! |---|---|---|
//! | `layout` | `"output-major"` | matrices as above: `y = W x` |
//! | | `"input-major"` | their transposes: `y = x W` |
//! | `concatenated` | `"x,h"`, `"h,x"` | what the inputs of `weight` are; no default |
//! | `gate_order` | `"rzn"`, `"zrn"`, … | of stacked gates; without a gate also without its letter |
//! | `reset` | `"after"` | `n = tanh(W_n x + b_n + r ⊙ (U_n h + c_n))` |
//! | | `"before"` | `n = tanh(W_n x + b_n + U_n (r ⊙ h))` |
//! | | `"none"` | no reset gate |
//! | `update` | `"keep"` | z keeps the state: `h' = (1 − z) ⊙ n + z ⊙ h` |
//! | | `"replace"` | z replaces it: `h' = (1 − z) ⊙ h + z ⊙ n` |
//! | | `"none"` | no update gate: `h' = n` |
//! | `activation` | `"tanh"`, `"relu"`, `"sigmoid"`, `"linear"`, `{ hard_sigmoid = { slope = 0.2, offset = 0.5 } }` | of the candidate n |
//! | `recurrent_activation` | `"sigmoid"`, … | of the gates r and z |
//! | `clip` | none, a number | largest magnitude of what goes into the activations |
//! | `one_hot` | `false`, `true` | whether the input is a symbol that stands for its one-hot vector |

mod gates;
mod gru;
mod print;

use serde::Deserialize;
use toml::{Spanned, Table};

use crate::error::{Error, Result};
use crate::ir::{Activation, Merge};
use crate::source::Source;

pub use gates::{GateOrder, Gates, PerGate};
pub use gru::{Concatenation, GruSpec, Layout, Update, Weights};
pub(crate) use print::{Open, string};

/// The layers of a model and the names of their tensors; see the [module's documentation](self) for the file format.
#[derive(Debug, Clone, PartialEq)]
pub struct Spec {
    /// Tensor of the input's mean.
    pub input_mean: Option<String>,
    /// Tensor of the input's standard deviation.
    pub input_std: Option<String>,
    /// First to last.
    pub layers: Vec<LayerSpec>,
}

/// The keys as they are written; each layer is read by itself, so that an error can tell where it is.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SpecTable {
    input_mean: Option<String>,
    input_std: Option<String>,
    layer: Vec<Spanned<Table>>,
}

/// One layer: the names of its tensors, and what they do not say.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[expect(clippy::large_enum_variant, reason = "a model has a handful of layers")]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
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
        /// From the first step to the last.
        forward: Box<GruSpec>,
        /// From the last step to the first.
        backward: Box<GruSpec>,
        /// What becomes of the two.
        #[serde(default)]
        merge: Merge,
        /// Whether what each direction gives last is merged, as `h_n` of PyTorch has it, and not the outputs of each step.
        #[serde(default)]
        ends: bool,
    },
    /// [`ir::Dense`](crate::ir::Dense).
    Dense {
        /// `[O, I]`.
        weight: String,
        /// `[O]`.
        bias: Option<String>,
        /// Or `[I, O]`.
        #[serde(default)]
        layout: Layout,
    },
    /// [`ir::Activated`](crate::ir::Activated).
    Activation {
        /// Of each value, or of the vector.
        activation: Activation,
    },
    /// [`ir::LayerNorm`](crate::ir::LayerNorm).
    LayerNorm {
        /// `[N]`.
        weight: String,
        /// `[N]`; zeros unless given.
        bias: Option<String>,
        /// Added to the variance.
        #[serde(default = "epsilon")]
        epsilon: f64,
    },
    /// Batch normalization as an [`ir::Affine`](crate::ir::Affine).
    BatchNorm {
        /// `[N]`, running.
        mean: String,
        /// `[N]`, running.
        variance: String,
        /// `[N]`; ones unless given.
        weight: Option<String>,
        /// `[N]`; zeros unless given.
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

impl Spec {
    /// Parses the TOML form.
    ///
    /// # Errors
    /// Not UTF-8, not TOML, an unknown or a missing key; with the line.
    pub fn parse(source: &Source) -> Result<Self> {
        let parse = || {
            let text = std::str::from_utf8(source.bytes())
                .map_err(|error| Error::new(format!("expected UTF-8 text: {error}")))?;
            let line = |at: usize| text[..at].matches('\n').count() + 1;
            let SpecTable { input_mean, input_std, layer: layers } =
                toml::from_str(text).map_err(|error: toml::de::Error| {
                    Error::new(format!("line {}: {}", line(error.span().map_or(0, |span| span.start)), error.message()))
                })?;
            let layer = |table: Spanned<Table>| {
                let at = line(table.span().start);
                let layer: Result<LayerSpec, toml::de::Error> = table.into_inner().try_into();
                layer.map_err(|error| Error::new(format!("layer at line {at}: {}", error.message())))
            };
            Ok(Self { input_mean, input_std, layers: layers.into_iter().map(layer).collect::<Result<_>>()? })
        };
        parse().map_err(|error: Error| error.in_file(source.path()))
    }
}
