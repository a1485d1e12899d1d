//! From a model and recordings to integers.

use super::search::trials;
use super::tensors::{Sharing, Tensor, int8_tensors};
use super::trial::Trial;
use super::{Calibration, Choice, GivenRanges, Method, Origin, Statistics};
use crate::dataset::Dataset;
use crate::error::{Result, listed, quoted};
use crate::float::Kernels;
use crate::int8::{Int8Model, Int8Runner};
use crate::ir::Model;
use crate::progress::Progress;
use crate::quantise::{Correction, correct};
use crate::verify::verify;

/// Steps that are played to choose ranges, in all, and in one trial at least and at most.
const STEPS: usize = 1 << 20;
const LEAST: usize = 1 << 9;
const MOST: usize = 1 << 14;

/// How the integers of an int8 model were chosen.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Fit {
    /// What was seen on the recordings, if there are any.
    pub statistics: Option<Statistics>,
    /// The ranges.
    pub calibration: Calibration,
    /// Why those of what becomes int8 are what they are.
    pub choices: Vec<Choice>,
    /// What was tried with the biases, layer by layer.
    pub corrections: Vec<Correction>,
}

/// Which error of the outputs on the recordings is to be small.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Aim {
    /// The root mean square, by the ranges of this method; with [`Method::Auto`] it is never larger than with the ranges of all values.
    Rms(Method),
    /// The largest, which is no larger than this with the ranges of all values and must not become so.
    Max(f64),
}

impl Aim {
    /// The largest error that is allowed.
    fn bound(self) -> f64 {
        match self {
            Self::Rms(_) => f64::INFINITY,
            Self::Max(bound) => bound,
        }
    }
}

impl Statistics {
    /// The ranges of all values, those given in their place; of what any are given.
    pub(crate) fn whole(&self, model: &Model, given: Option<&GivenRanges>) -> Result<(Calibration, Vec<Tensor>)> {
        let mut whole = self.min_max();
        let by_hand = given.map_or_else(|| Ok(Vec::new()), |given| given.apply(model, &mut whole))?;
        Ok((whole, by_hand))
    }
}

impl Fit {
    /// With `quantise` for the integers that ranges make of the model.
    ///
    /// # Errors
    /// A given range does not fit the model, the model cannot be quantised with the ranges of all values.
    pub fn new(
        (model, data): (&Model, &Dataset),
        statistics: Statistics,
        given: Option<&GivenRanges>,
        aim: Aim,
        quantise: &dyn Fn(&Calibration) -> Result<Int8Model>,
        progress: &dyn Progress,
    ) -> Result<(Self, Int8Model)> {
        let (whole, by_hand) = statistics.whole(model, given)?;
        let unclipped = quantise(&whole)?;
        let (fixed, tensors): (Vec<_>, Vec<_>) =
            int8_tensors(&unclipped).into_iter().partition(|(tensor, _)| by_hand.contains(tensor));
        let given = |tensor: &(Tensor, Sharing)| {
            let clipped = statistics.clipped(*tensor, &whole);
            Choice { tensor: tensor.0, origin: Origin::Given, clipped, candidates: Vec::new() }
        };
        let given: Vec<_> = fixed.iter().map(given).collect();
        let steps = STEPS / trials(tensors.len()).max(1);
        let trial = Trial::new(model, data, steps.clamp(LEAST, MOST));
        let mut calibration = whole.clone();
        let chosen = match aim {
            Aim::Rms(Method::Auto) => calibration.choose_by_error(&tensors, &statistics, &trial, quantise, progress)?,
            Aim::Rms(method) => calibration.choose(&tensors, &statistics, method),
            Aim::Max(_) => calibration.choose(&tensors, &statistics, Method::MinMax),
        };
        let mut quantised = quantise(&calibration)?;
        let corrections = correct(model, &mut quantised, &trial, aim.bound(), progress);
        let errors = |quantised: &Int8Model| {
            let verification = verify(model, &Int8Runner::on(Kernels::Scalar, quantised), data, None, progress)?;
            Ok(verification.reference.errors)
        };
        let holds = match aim {
            _ if !trial.is_part() => true,
            Aim::Rms(Method::Auto) => errors(&quantised)?.rms <= errors(&unclipped)?.rms,
            Aim::Rms(_) => true,
            Aim::Max(bound) => errors(&quantised)?.max <= bound,
        };
        if holds {
            let choices = [given, chosen].concat();
            return Ok((Self { statistics: Some(statistics), calibration, choices, corrections }, quantised));
        }
        let (mut calibration, corrections) = (whole, Vec::new());
        let choices = [given, calibration.choose(&tensors, &statistics, Method::MinMax)].concat();
        Ok((Self { statistics: Some(statistics), calibration, choices, corrections }, unclipped))
    }

    /// By ranges that the user gave and those that follow from the equations.
    ///
    /// # Errors
    /// A range is missing or does not fit the model, or the model cannot be quantised.
    pub fn given(
        model: &Model,
        given: &GivenRanges,
        quantise: &dyn Fn(&Calibration) -> Result<Int8Model>,
    ) -> Result<(Self, Int8Model)> {
        let (calibration, choices) = given.complete(model)?;
        let quantised = quantise(&calibration)?;
        Ok((Self { statistics: None, calibration, choices, corrections: Vec::new() }, quantised))
    }

    /// What was decided, in a sentence each.
    pub fn notes(&self, model: &Model) -> Vec<String> {
        let mut notes = Vec::new();
        for Choice { tensor, origin, clipped, .. } in &self.choices {
            if *clipped > 0.0 {
                let name = tensor.name(model);
                notes.push(format!(
                    "{name}: the range clips {:.2} % of the calibration data ({origin})",
                    100.0 * clipped
                ));
            }
        }
        let kept: Vec<_> = self.corrections.iter().filter(|correction| correction.rounds > 0).collect();
        if let (Some(first), Some(last)) = (kept.first(), kept.last()) {
            notes.push(format!(
                "biases of {} take the mean error out: RMS error of the outputs {:.1e} instead of {:.1e} on the calibration data",
                listed(kept.iter().map(|correction| quoted(model.layers()[correction.layer].name()))),
                last.after,
                first.before,
            ));
        }
        notes
    }
}

impl Tensor {
    /// As a user knows it.
    pub fn name(self, model: &Model) -> String {
        match self {
            Self::Input(channel) => format!("input channel {channel}"),
            Self::Output(layer) => format!("layer {}", quoted(model.layers()[layer].name())),
        }
    }
}
