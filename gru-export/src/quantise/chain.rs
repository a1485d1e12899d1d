//! Layer after layer, and what must stand between them for each to be given what it takes.

use gru_core::quant::WIDE_BITS;

use super::vector::{activation, dense, halved, layer_norm, lookup, narrow, prepared, quantised, softmax};
use super::{embedding, gru, in_f32, reach};
use crate::calibrate::Calibration;
use crate::error::{Error, Result, quoted};
use crate::float::FloatLayer;
use crate::int8::{InputQuantization, Int8Layer, Int8Model, Step};
use crate::ir::{Activated, Activation, Bidirectional, Layer, Merge, Model};
use crate::precision::Precision;

/// The layers so far.
pub(super) struct Chain<'a> {
    model: &'a Model,
    calibration: &'a Calibration,
    layers: Vec<Int8Layer>,
    /// The last of them for each of the model's layers.
    ends: Vec<usize>,
    value: Value,
}

/// What the last of them gives.
pub(super) enum Value {
    /// int8 of these steps, or where it is wide i16 with 2⁷ for each of them.
    Stepped { steps: Vec<Step>, wide: bool },
    /// i16 with this many fraction bits.
    Words(u8),
    /// f32.
    Real,
}

impl<'a> Chain<'a> {
    /// From what the first layer is given.
    pub(super) fn new(model: &'a Model, calibration: &'a Calibration, value: Value) -> Self {
        Self { model, calibration, layers: Vec::new(), ends: Vec::new(), value }
    }

    pub(super) fn into_model(self, input: Option<InputQuantization>, precisions: Vec<Precision>) -> Int8Model {
        Int8Model { input, layers: self.layers, ends: self.ends, precisions }
    }

    pub(super) fn push(
        &mut self,
        index: usize,
        layer: &Layer,
        precision: Precision,
        next: Option<&Layer>,
    ) -> Result<()> {
        match precision {
            Precision::F32 => self.push_real(layer)?,
            Precision::Int8 | Precision::W8a16 => {
                self.push_integer(index, layer, precision == Precision::W8a16, next)?;
            }
        }
        self.ends.push(self.layers.len() - 1);
        Ok(())
    }

    fn push_real(&mut self, layer: &Layer) -> Result<()> {
        let layer = if self.layers.is_empty() {
            FloatLayer::first(layer, self.model.standardization(), self.model.weights())?
        } else {
            self.dequantise();
            FloatLayer::new(layer, self.model.weights())?
        };
        self.layers.push(Int8Layer::Real(layer));
        self.value = Value::Real;
        Ok(())
    }

    /// Brings integers to f32.
    fn dequantise(&mut self) {
        let (wide, steps) = match &self.value {
            Value::Real => return,
            Value::Stepped { steps, wide: false } => (false, steps.clone()),
            Value::Stepped { steps, wide: true } => (true, steps.iter().map(|step| step.finer()).collect()),
            &Value::Words(frac_bits) => {
                let size = self.calibration.outputs[self.ends.len() - 1].len();
                (true, vec![Step::of_fraction(frac_bits); size])
            }
        };
        self.layers.push(Int8Layer::Dequantize { wide, steps });
        self.value = Value::Real;
    }

    /// `wide` for w8a16.
    fn push_integer(&mut self, index: usize, layer: &Layer, wide: bool, next: Option<&Layer>) -> Result<()> {
        let calibration = self.calibration;
        let (outputs, sums) = (&calibration.outputs[index], &calibration.preactivations[index]);
        match layer {
            Layer::Embedding(layer) => {
                let (quantised, worth) = embedding(layer, wide);
                self.give_steps(quantised, vec![Step { worth, zero: 0.0 }; layer.weight.cols()], wide);
            }
            Layer::Gru(layer) => {
                let (steps, wide_input) = self.steps(wide || index == 0, false)?;
                let (quantised, worth) = gru(layer, &steps, [wide_input, wide], reach(outputs), sums)?;
                self.give_steps(Int8Layer::Gru(quantised), vec![Step { worth, zero: 0.0 }; layer.hidden_size()], wide);
            }
            Layer::Bidirectional(both) => {
                let (steps, wide_input) = self.steps(wide || index == 0, false)?;
                let (ahead, back) = sums.split_at(sums.len() / 2);
                let Bidirectional { forward, backward, merge, ends, .. } = &**both;
                // Of other outputs the states' range is not known, but bounded.
                let reach = if both.gives_states() { reach(outputs) } else { 1.0 };
                let (forward, worth) = gru(forward, &steps, [wide_input, wide], reach, ahead)?;
                let (backward, _) = gru(backward, &steps, [wide_input, wide], reach, back)?;
                let (merge, ends, merged) = (*merge, *ends, Step { worth: merged_worth(*merge, worth), zero: 0.0 });
                let step = if wide { merged.finer() } else { merged };
                let quantised = Int8Layer::Bidirectional { forward, backward, merge, ends, step };
                self.give_steps(quantised, vec![merged; layer.output_size()], wide);
            }
            Layer::Dense(layer) => {
                let (steps, wide_input) = self.steps(wide || index == 0, false)?;
                let then = if let Some(Layer::Activation(next)) = next { Some(next.activation) } else { None };
                self.give_words(dense(layer, &steps, wide_input, outputs, then)?);
            }
            Layer::Activation(layer) => self.push_activation(layer, wide, index)?,
            Layer::LayerNorm(layer) => {
                let (step, wide_input) = match &self.value {
                    &Value::Words(frac_bits) if wide => (Step::of_fraction(frac_bits), true),
                    _ => {
                        let (steps, wide_input) = self.steps(wide, true)?;
                        let step = uniform(&layer.name, &steps)?;
                        (if wide_input { step.finer() } else { step }, wide_input)
                    }
                };
                self.give_words(layer_norm(layer, step, wide_input, outputs)?);
            }
            Layer::Affine(_) => unreachable!("Model::new folds it"),
        }
        Ok(())
    }

    fn push_activation(&mut self, layer: &Activated, wide: bool, index: usize) -> Result<()> {
        let behind_dense = matches!(self.layers.last(), Some(Int8Layer::Dense { .. }));
        match (layer.activation, &self.value) {
            (Activation::Linear, _) if !self.layers.is_empty() => {}
            (Activation::Softmax, &Value::Words(frac_bits)) => self.give_words(softmax(layer.size, frac_bits)),
            (Activation::Softmax, _) => {
                let problem = format!("layer {}: in int8 softmax stands behind a dense layer", quoted(&layer.name));
                let help = format!("leave it out: the largest value stays the largest; or {}", in_f32(&layer.name));
                return Err(Error::new(problem).help(help));
            }
            (kind, &Value::Words(frac_bits)) if behind_dense || kind == Activation::Relu => {
                self.give_words(activation(layer.size, kind, frac_bits));
            }
            (kind, value) => {
                let fine = match value {
                    &Value::Words(frac_bits) if wide => Some(Step::of_fraction(frac_bits)),
                    _ => {
                        let (steps, wide_input) = self.steps(wide, true)?;
                        let step = uniform(&layer.name, &steps)?;
                        wide_input.then(|| step.finer())
                    }
                };
                if let Some((format, frac_bits)) = fine.and_then(|step| prepared(layer.size, kind, step)) {
                    self.layers.push(format);
                    self.give_words(activation(layer.size, kind, frac_bits));
                } else {
                    let (steps, _) = self.steps(false, true)?;
                    let step = uniform(&layer.name, &steps)?;
                    let (table, step) = lookup(layer.size, kind, step, &self.calibration.outputs[index]);
                    self.give_steps(table, vec![step; layer.size], false);
                }
            }
        }
        Ok(())
    }

    fn give_steps(&mut self, layer: Int8Layer, steps: Vec<Step>, wide: bool) {
        self.layers.push(layer);
        self.value = Value::Stepped { steps, wide };
    }

    fn give_words(&mut self, layer: Int8Layer) {
        self.value = Value::Words(layer.frac_bits().unwrap_or_default());
        self.layers.push(layer);
    }

    /// Brings what is given so far to int8, or where it is more and `wide` allows it to i16, all values with the same step if they are to be
    /// `alike`. The steps of int8, and whether it is i16.
    fn steps(&mut self, wide: bool, alike: bool) -> Result<(Vec<Step>, bool)> {
        let last = || self.ends.len() - 1;
        let ranges = || &self.calibration.outputs[last()];
        let (layer, steps) = match &self.value {
            Value::Stepped { steps, wide: finer } if wide || !finer => return Ok((steps.clone(), *finer)),
            Value::Stepped { steps, .. } => (halved(steps), steps.clone()),
            &Value::Words(frac_bits) => narrow(ranges(), frac_bits, wide, alike),
            Value::Real => quantised(self.model.layers()[last()].name(), ranges(), wide, alike)?,
        };
        self.give_steps(layer, steps.clone(), wide);
        Ok((steps, wide))
    }
}

/// Of an int8 step of two directions, whose states have steps that are worth so much. See [`gru_core::Sum`], [`gru_core::Product`] and
/// [`gru_core::Mean`].
fn merged_worth(merge: Merge, worth: f64) -> f64 {
    match merge {
        Merge::Concat | Merge::Ave => worth,
        Merge::Sum => 2.0 * worth,
        Merge::Mul => worth * worth * f64::from(1 << WIDE_BITS),
    }
}

/// The one step of all values.
fn uniform(layer: &str, steps: &[Step]) -> Result<Step> {
    let (first, rest) = steps.split_first().expect("a layer takes values");
    if rest.iter().any(|step| step != first) {
        let problem = format!("layer {}: in int8 it cannot take the model's input", quoted(layer));
        return Err(Error::new(problem).help(format!("its channels have scales of their own; {}", in_f32(layer))));
    }
    Ok(*first)
}
