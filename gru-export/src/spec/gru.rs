//! The spec of a GRU layer.

use serde::Deserialize;

use crate::ir::{Activation, Cell, Reset};

use super::gates::{GateOrder, Gates, LETTERS};

/// [`ir::Gru`](crate::ir::Gru): its tensors, and their conventions.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(try_from = "GruTable")]
pub struct GruSpec {
    /// The matrices, of exactly the gates of `gate_order`.
    pub weights: Weights,
    /// `[gates·H]`, or `[2, gates·H]` for both biases.
    pub bias_ih: Option<Gates>,
    /// `[gates·H]`.
    pub bias_hh: Option<Gates>,
    /// Which side of a matrix is which.
    pub layout: Layout,
    /// The gates that there are; their order matters where they are stacked.
    pub gate_order: GateOrder,
    /// Where the reset gate acts.
    pub reset: Reset,
    /// What z multiplies.
    pub update: Update,
    /// Of the candidate.
    pub activation: Activation,
    /// Of the gates r and z.
    pub recurrent_activation: Activation,
    /// Largest magnitude of what goes into them.
    pub clip: Option<f64>,
    /// Whether the input is a symbol.
    pub one_hot: bool,
}

/// The matrices of a GRU layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Weights {
    /// Two.
    Separate {
        /// `[gates·H, I]`.
        ih: Gates,
        /// `[gates·H, H]`.
        hh: Gates,
    },
    /// One, of both inputs.
    Concatenated {
        /// `[gates·H, I + H]`.
        weight: Gates,
        /// Which come first.
        order: Concatenation,
    },
}

impl Weights {
    /// The tensors' names by gates.
    pub(crate) fn gates(&self) -> Vec<&Gates> {
        match self {
            Self::Separate { ih, hh } => vec![ih, hh],
            Self::Concatenated { weight, .. } => vec![weight],
        }
    }
}

/// The order of inputs in a matrix of both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum Concatenation {
    /// The layer's input first.
    #[serde(rename = "x,h")]
    InputFirst,
    /// The state first.
    #[serde(rename = "h,x")]
    StateFirst,
}

/// Which side of a matrix is which.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Layout {
    /// `[outputs, inputs]`, `y = W x`: PyTorch, ONNX.
    #[default]
    OutputMajor,
    /// `[inputs, outputs]`, `y = x W`: Keras, Flax.
    InputMajor,
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
    /// `h' = n`: no update gate.
    None,
}

impl GruSpec {
    /// PyTorch's conventions, without biases.
    pub(crate) fn new(weights: Weights) -> Self {
        let Cell { reset, activation, recurrent_activation, .. } = Cell::default();
        Self {
            weights,
            bias_ih: None,
            bias_hh: None,
            layout: Layout::default(),
            gate_order: GateOrder::RZN,
            reset,
            update: Update::default(),
            activation,
            recurrent_activation,
            clip: None,
            one_hot: false,
        }
    }

    /// A plain tanh RNN, without biases.
    pub(crate) fn plain(weights: Weights) -> Self {
        let gate_order = GateOrder::of([false, false, true]);
        Self { reset: Reset::None, update: Update::None, gate_order, ..Self::new(weights) }
    }

    pub(crate) fn cell(&self) -> Cell {
        Cell {
            reset: self.reset,
            update: self.update != Update::None,
            activation: self.activation,
            recurrent_activation: self.recurrent_activation,
            clip: self.clip,
        }
    }
}

/// The keys as they are written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GruTable {
    weight_ih: Option<Gates>,
    weight_hh: Option<Gates>,
    weight: Option<Gates>,
    concatenated: Option<Concatenation>,
    bias_ih: Option<Gates>,
    bias_hh: Option<Gates>,
    #[serde(default)]
    layout: Layout,
    gate_order: Option<GateOrder>,
    #[serde(default)]
    reset: Reset,
    #[serde(default)]
    update: Update,
    activation: Option<Activation>,
    recurrent_activation: Option<Activation>,
    clip: Option<f64>,
    #[serde(default)]
    one_hot: bool,
}

impl TryFrom<GruTable> for GruSpec {
    type Error = String;

    fn try_from(table: GruTable) -> Result<Self, String> {
        let GruTable { weight_ih, weight_hh, weight, concatenated, bias_ih, bias_hh, layout, .. } = table;
        let weights = match (weight_ih, weight_hh, weight, concatenated) {
            (Some(ih), Some(hh), None, None) => Weights::Separate { ih, hh },
            (None, None, Some(weight), Some(order)) => Weights::Concatenated { weight, order },
            (None, None, Some(_), None) => return Err("`weight` needs concatenated = \"x,h\" or \"h,x\"".to_owned()),
            _ => return Err("expected weight_ih and weight_hh, or weight and concatenated".to_owned()),
        };
        let spec = Self {
            bias_ih,
            bias_hh,
            layout,
            gate_order: GateOrder::RZN,
            reset: table.reset,
            update: table.update,
            activation: table.activation.unwrap_or(Activation::Tanh),
            recurrent_activation: table.recurrent_activation.unwrap_or(Activation::Sigmoid),
            clip: table.clip,
            one_hot: table.one_hot,
            weights,
        };
        let gate_order = table.gate_order.unwrap_or(GateOrder::of(spec.cell().gates()));
        let spec = Self { gate_order, ..spec };
        spec.check()?;
        Ok(spec)
    }
}

impl GruSpec {
    /// Fails unless the gates that are named are those that the equations have.
    fn check(&self) -> Result<(), String> {
        let present = self.cell().gates();
        if self.gate_order.present() != present {
            let expected = GateOrder::of(present);
            return Err(format!(
                "expected an order of the gates {expected} that `reset` and `update` leave, found {}",
                self.gate_order
            ));
        }
        let named = |gates: &Gates| match gates {
            Gates::Stacked(_) => present,
            Gates::PerGate(gates) => gates.each().map(|name| name.is_some()),
        };
        let list = |of: [bool; 3]| -> String {
            LETTERS.into_iter().zip(of).filter(|(_, there)| *there).map(|(letter, _)| letter).collect()
        };
        for gates in self.weights.gates() {
            if named(gates) != present {
                return Err(format!(
                    "expected matrices of the gates {} that `reset` and `update` leave, found {}",
                    list(present),
                    list(named(gates))
                ));
            }
        }
        for gates in [&self.bias_ih, &self.bias_hh].into_iter().flatten() {
            if let Some((letter, _)) = LETTERS
                .into_iter()
                .zip(named(gates))
                .zip(present)
                .find_map(|(named, there)| (named.1 && !there).then_some(named))
            {
                return Err(format!("a bias of the gate {letter}, which `reset` or `update` says is not there"));
            }
        }
        if [self.activation, self.recurrent_activation].contains(&Activation::Softmax) {
            return Err("softmax is not an activation of one value".to_owned());
        }
        let symmetric = match self.recurrent_activation {
            Activation::Sigmoid => true,
            Activation::HardSigmoid { offset, .. } => offset == 0.5,
            _ => false,
        };
        if self.update == Update::Replace && !symmetric {
            return Err("with update = \"replace\" the gates must be sigmoids".to_owned());
        }
        Ok(())
    }
}
