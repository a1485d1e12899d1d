//! Layers that fit together.

use std::collections::{HashMap, HashSet};

use crate::error::{Error, Result, quoted};

use super::fold::fold;
use super::layer::{Input, Layer};
use crate::weights::Weights;

/// The `x' = (x − mean) / std` that a model was trained behind; both of the input's size, `std > 0`.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Standardization {
    /// Mean per channel, raw units.
    pub mean: Vec<f64>,
    /// Standard deviation per channel, raw units.
    pub std: Vec<f64>,
}

/// Layers that fit together, with at least one GRU; the shapes hold by construction.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    standardization: Option<Standardization>,
    layers: Vec<Layer>,
    notes: Vec<String>,
    weights: Weights,
}

impl Model {
    /// Chains the layers, first to last; [`Layer::Affine`] is folded into its neighbours. Of layers that share a name the second becomes
    /// `NAME.2`, so that each can be given its own ranges and precision.
    ///
    /// # Errors
    /// Two neighbours' sizes differ, a symbol layer is not the first, no layer is a GRU, a batch normalization cannot be folded, or the
    /// standardization does not fit the input.
    pub fn new(mut layers: Vec<Layer>, standardization: Option<Standardization>) -> Result<Self> {
        if !layers.iter().any(|layer| matches!(layer, Layer::Gru(_) | Layer::Bidirectional(_))) {
            return Err(Error::new("expected at least one GRU layer, found none"));
        }
        name_apart(&mut layers);
        layers.iter().try_for_each(Layer::check)?;
        for pair in layers.windows(2) {
            let (from, to) = (&pair[0], &pair[1]);
            if to.input() != Input::Vector(from.output_size()) {
                return Err(Error::new(format!(
                    "layer {} gives {} values, but layer {} after it takes {}",
                    quoted(from.name()),
                    from.output_size(),
                    quoted(to.name()),
                    to.input(),
                )));
            }
        }
        let (layers, mut notes) = fold(layers)?;
        if let Some(layer) = layers.iter().find(|layer| matches!(layer, Layer::Bidirectional(_))) {
            let name = quoted(layer.name());
            notes.push(format!(
                "{name} reads its input from both ends: the model takes whole windows and cannot follow a stream"
            ));
        }
        Self { standardization: None, layers, notes, weights: Weights::F32 }.with_standardization(standardization)
    }

    /// What a user should know of how the file was read: a convention that its producer is known to get wrong, a layer that was folded.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Adds to [`notes`](Self::notes).
    #[must_use]
    pub fn with_note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// Whether the model reads its input from both ends: it then takes whole windows, not a stream.
    pub fn is_bidirectional(&self) -> bool {
        self.layers.iter().any(|layer| matches!(layer, Layer::Bidirectional(_)))
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

    /// What its layers in f32 store their weights as.
    pub fn weights(&self) -> Weights {
        self.weights
    }

    /// The same model with its weights stored otherwise where they are in f32. The model's own numbers stay as they are.
    #[must_use]
    pub fn with_weights(self, weights: Weights) -> Self {
        Self { weights, ..self }
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

/// Gives each layer a name that none before it has.
fn name_apart(layers: &mut [Layer]) {
    let mut taken: HashSet<String> = layers.iter().map(|layer| layer.name().to_owned()).collect();
    let mut met: HashMap<String, usize> = HashMap::new();
    for layer in layers {
        let name = layer.name_mut();
        let count = met.entry(name.clone()).or_insert(0);
        *count += 1;
        if *count == 1 {
            continue;
        }
        let mut numbered = format!("{name}.{count}");
        while !taken.insert(numbered.clone()) {
            *count += 1;
            numbered = format!("{name}.{count}");
        }
        *name = numbered;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::{Activated, Activation, Cell, Gru, Matrix};

    #[test]
    fn layers_of_one_name_are_told_apart() {
        let gru = |name: &str| {
            let (weight, bias) = (Matrix::new(1, 1, vec![0.5]), vec![0.0]);
            let name = name.to_owned();
            let weights = || [(); 3].map(|()| weight.clone());
            let bias = [(); 4].map(|()| bias.clone());
            Layer::Gru(Gru {
                name,
                one_hot: false,
                cell: Cell::default(),
                weight_ih: weights(),
                weight_hh: weights(),
                bias,
            })
        };
        let tanh =
            |name: &str| Layer::Activation(Activated { name: name.to_owned(), size: 1, activation: Activation::Tanh });
        let layers = vec![gru("a"), tanh("b"), gru("a"), tanh("b"), tanh("b"), tanh("a.2"), gru("a")];
        let model = Model::new(layers, None).unwrap();
        let names: Vec<_> = model.layers().iter().map(Layer::name).collect();
        assert_eq!(names, ["a", "b", "a.3", "b.2", "b.3", "a.2", "a.4"]);
    }
}
