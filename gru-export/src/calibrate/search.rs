//! Ranges chosen by what they do to the outputs.

use std::fmt;

use serde::Serialize;

use super::tensors::{Sharing, Tensor};
use super::trial::Trial;
use super::{Calibration, Method, Statistics};
use crate::error::Result;
use crate::float::Kernels;
use crate::int8::{Int8Model, Int8Runner};
use crate::progress::Progress;
use crate::verify::Errors;

/// How the range of one tensor was chosen.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Choice {
    /// Of what.
    pub tensor: Tensor,
    /// By what.
    pub origin: Origin,
    /// Share of the values seen that the range clips.
    pub clipped: f64,
    /// What [`Method::Auto`] measured before it chose, [`Method::MinMax`] first; empty where it did not choose.
    pub candidates: Vec<Candidate>,
}

/// Where a range comes from.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Origin {
    /// Recordings; never [`Method::Auto`].
    Measured(Method),
    /// The user.
    Given,
}

/// A range that was tried for a tensor, those before it chosen already.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Candidate {
    /// By what.
    pub method: Method,
    /// Share of the values seen that the range clips.
    pub clipped: f64,
    /// RMS error of the model's outputs.
    pub rms: f64,
    /// Largest error of an output.
    pub max: f64,
}

/// A clipping range must make the RMS error smaller by this factor: less may be chance, and on other input clipping is a risk.
/// The largest error must not become larger than without any clipping.
const GAIN: f64 = 0.98;

impl Candidate {
    fn new(method: Method, clipped: f64, Errors { rms, max, .. }: Errors) -> Self {
        Self { method, clipped, rms, max }
    }
}

impl Calibration {
    /// Gives the tensors the ranges of one method.
    pub(super) fn choose(
        &mut self,
        tensors: &[(Tensor, Sharing)],
        statistics: &Statistics,
        method: Method,
    ) -> Vec<Choice> {
        let mut choose = |&tensor: &(Tensor, Sharing)| {
            let clipped = statistics.apply(method, tensor, self);
            Choice { tensor: tensor.0, origin: Origin::Measured(method), clipped, candidates: Vec::new() }
        };
        tensors.iter().map(&mut choose).collect()
    }

    /// Gives each of the tensors in turn the range that makes the least error of the model's outputs, of all values or clipped.
    pub(super) fn choose_by_error(
        &mut self,
        tensors: &[(Tensor, Sharing)],
        statistics: &Statistics,
        trial: &Trial<'_>,
        quantise: &dyn Fn(&Self) -> Result<Int8Model>,
        progress: &dyn Progress,
    ) -> Result<Vec<Choice>> {
        let mut choices = Vec::new();
        progress.begin("choose ranges", trials(tensors.len()));
        let unclipped = trial.errors(&Int8Runner::on(Kernels::Scalar, &quantise(self)?));
        let mut best = unclipped;
        for &tensor in tensors {
            let before = self.clone();
            let mut candidates = vec![Candidate::new(Method::MinMax, 0.0, best)];
            let (mut chosen, mut chosen_clipped) = (Method::MinMax, 0.0);
            for method in Method::CLIPPING {
                progress.step();
                let mut clipping = before.clone();
                let clipped = statistics.apply(method, tensor, &mut clipping);
                // A narrower range may be one that the model cannot be quantised with.
                let Some(quantised) = (clipped > 0.0).then(|| quantise(&clipping).ok()).flatten() else { continue };
                let errors = trial.errors(&Int8Runner::on(Kernels::Scalar, &quantised));
                candidates.push(Candidate::new(method, clipped, errors));
                if errors.rms < GAIN * best.rms && errors.max <= unclipped.max {
                    (*self, best) = (clipping, errors);
                    (chosen, chosen_clipped) = (method, clipped);
                }
            }
            let origin = Origin::Measured(chosen);
            choices.push(Choice { tensor: tensor.0, origin, clipped: chosen_clipped, candidates });
        }
        Ok(choices)
    }
}

/// Models that are tried for so many tensors.
pub(super) fn trials(tensors: usize) -> usize {
    tensors * Method::CLIPPING.len()
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Measured(method) => method.fmt(f),
            Self::Given => f.write_str("given"),
        }
    }
}

impl Serialize for Origin {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
