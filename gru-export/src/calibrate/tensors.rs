//! Which of a model's values become int8 by a range, and how they share their steps.

use super::{Calibration, Distribution, Method, Range, Statistics};
use crate::int8::{Int8Layer, Int8Model};
use crate::ir::Merge;

/// A vector that becomes int8, by its place in the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Tensor {
    /// A channel of the input.
    Input(usize),
    /// What a layer gives, by its index in the model.
    Output(usize),
}

/// How the values of a tensor share steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sharing {
    /// Every unit has a range of its own.
    Apart,
    /// One range for all units.
    Together,
    /// One for all units, around zero: the int8 view of a state.
    Symmetric,
}

/// What becomes int8 by a range in this model, first to last; not what has 15 bits.
pub fn int8_tensors(model: &Int8Model) -> Vec<(Tensor, Sharing)> {
    let channels = model.input.iter().filter(|input| !input.wide).flat_map(|input| 0..input.lsb.len());
    let mut tensors: Vec<_> = channels.map(|channel| (Tensor::Input(channel), Sharing::Apart)).collect();
    for (place, layer) in model.layers.iter().enumerate() {
        let owner = model.ends.partition_point(|&end| end < place);
        tensors.extend(match layer {
            Int8Layer::Gru(gru) | Int8Layer::Bidirectional { forward: gru, merge: Merge::Concat, ends: false, .. }
                if !gru.wide_view =>
            {
                Some((Tensor::Output(owner), Sharing::Symmetric))
            }
            Int8Layer::Lookup { .. } => Some((Tensor::Output(owner), Sharing::Together)),
            // Made for the layer that reads it, of what the one before gives.
            Int8Layer::Narrow { wide: false, steps, .. } | Int8Layer::Quantize { wide: false, steps } => {
                let alike = steps.iter().all(|step| *step == steps[0]);
                let sharing = if alike { Sharing::Together } else { Sharing::Apart };
                owner.checked_sub(1).map(|before| (Tensor::Output(before), sharing))
            }
            _ => None,
        });
    }
    tensors
}

impl Statistics {
    /// The values of a tensor, each unit's apart or those of all units.
    fn seen(&self, tensor: Tensor, sharing: Sharing) -> Vec<Distribution> {
        match (tensor, sharing) {
            (Tensor::Input(channel), _) => vec![self.input[channel].clone()],
            (Tensor::Output(layer), Sharing::Apart) => self.outputs[layer].clone(),
            (Tensor::Output(layer), _) => vec![Distribution::merged(&self.outputs[layer])],
        }
    }

    /// Gives a tensor the ranges of a method; returns the share of the values seen that they clip.
    pub(super) fn apply(&self, method: Method, tensor: (Tensor, Sharing), calibration: &mut Calibration) -> f64 {
        let (place, sharing) = tensor;
        let seen = self.seen(place, sharing);
        let ranges: Vec<_> = seen.iter().map(|seen| method.range(seen, sharing == Sharing::Symmetric)).collect();
        match (place, sharing) {
            (Tensor::Input(channel), _) => calibration.input[channel] = ranges[0],
            (Tensor::Output(layer), Sharing::Apart) => calibration.outputs[layer] = ranges,
            (Tensor::Output(layer), _) => {
                let units = self.outputs[layer].iter().map(|seen| seen.range().within(ranges[0]));
                calibration.outputs[layer] = units.collect();
            }
        }
        self.clipped(tensor, calibration)
    }

    /// The share of a tensor's values seen that its ranges clip.
    pub(super) fn clipped(&self, (place, sharing): (Tensor, Sharing), calibration: &Calibration) -> f64 {
        let seen = self.seen(place, sharing);
        let ranges = match place {
            Tensor::Input(channel) => &calibration.input[channel..=channel],
            Tensor::Output(layer) => &calibration.outputs[layer][..],
        };
        let clipped: f64 = match sharing {
            Sharing::Apart => seen.iter().zip(ranges).map(|(seen, &range)| seen.clipped(range)).sum(),
            Sharing::Together => seen[0].clipped(ranges.iter().fold(Range::EMPTY, |all, &range| all.and(range))),
            Sharing::Symmetric => {
                seen[0].clipped(Range::symmetric(ranges.iter().map(|range| range.max_abs()).fold(0.0, f64::max)))
            }
        };
        clipped / seen.len() as f64
    }
}
