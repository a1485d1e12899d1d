//! What a layer must be by itself, before its neighbours are looked at.

use crate::error::{Error, Result, quoted};

use super::layer::{Activation, Bidirectional, Cell, Gru, Layer, Reset};

/// What is wrong.
type Problem = Result<(), String>;

impl Layer {
    /// Fails unless the layer's own shapes and numbers agree.
    pub(super) fn check(&self) -> Result<()> {
        let problem = match self {
            Self::Embedding(_) => Ok(()),
            Self::Gru(layer) => layer.check(),
            Self::Bidirectional(layer) => layer.check(),
            Self::Dense(layer) => same_len("weight", layer.weight.rows(), "bias", layer.bias.len()),
            Self::Activation(layer) => above_zero("size", layer.size as f64),
            Self::LayerNorm(layer) => same_len("weight", layer.weight.len(), "bias", layer.bias.len())
                .and_then(|()| above_zero("epsilon", layer.epsilon)),
            Self::Affine(layer) => same_len("scale", layer.scale.len(), "shift", layer.shift.len()),
        };
        problem.map_err(|problem| Error::new(format!("layer {}: {problem}", quoted(self.name()))))
    }
}

impl Gru {
    fn check(&self) -> Problem {
        self.cell.check()?;
        let (i, h) = (self.input_size(), self.hidden_size());
        for (name, gates, cols) in [("weight_ih", &self.weight_ih, i), ("weight_hh", &self.weight_hh, h)] {
            if let Some(other) = gates.iter().find(|gate| (gate.rows(), gate.cols()) != (h, cols)) {
                return Err(format!(
                    "expected a {name} of shape [{h}, {cols}] for each gate, found [{}, {}]",
                    other.rows(),
                    other.cols()
                ));
            }
        }
        if let Some(other) = self.bias.iter().find(|bias| bias.len() != h) {
            return Err(format!("expected biases of {h} values, found one of {}", other.len()));
        }
        let absent = (0..3).filter(|&gate| !self.cell.gates()[gate]).flat_map(|gate| {
            let weights = self.weight_ih[gate].as_slice().iter().chain(self.weight_hh[gate].as_slice());
            weights.chain(&self.bias[gate])
        });
        let recurrent_bias = if self.cell.reset == Reset::After { &[][..] } else { &self.bias[3] };
        match absent.chain(recurrent_bias).find(|&&number| number != 0.0) {
            None => Ok(()),
            Some(number) => Err(format!("expected zeros for what its cell does not have, found {number}")),
        }
    }
}

impl Bidirectional {
    fn check(&self) -> Problem {
        let Self { forward, backward, .. } = self;
        forward.check()?;
        backward.check()?;
        let sizes = [forward, backward].map(|gru| format!("{} to {} units", gru.input(), gru.hidden_size()));
        let [ahead, back] = &sizes;
        if ahead == back { Ok(()) } else { Err(format!("one direction takes {ahead}, the other {back}")) }
    }
}

impl Cell {
    fn check(&self) -> Problem {
        if [self.activation, self.recurrent_activation].contains(&Activation::Softmax) {
            return Err("softmax is of a whole vector and cannot be in a cell".to_owned());
        }
        self.clip.map_or(Ok(()), |clip| above_zero("clip", clip))
    }
}

fn above_zero(what: &str, value: f64) -> Problem {
    if value > 0.0 { Ok(()) } else { Err(format!("its {what} is {value}, not above zero")) }
}

fn same_len(one: &str, len: usize, other: &str, found: usize) -> Problem {
    if len == found && len > 0 {
        return Ok(());
    }
    Err(format!("expected its {one} and {other} to be of one length above zero, found {len} and {found}"))
}
