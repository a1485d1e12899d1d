//! Precisions that hold a bound on the error: each layer in the least that does.
//!
//! From the least precision of all layers, one layer after the other is raised by a level, each time that whose raise leaves the smallest
//! root mean square error of the outputs, or, where some raises hold the bound, the smallest of these. In the end every raise that turned out
//! not to be needed is taken back. Errors are measured on the calibration data by [`Kernels::Scalar`]: the choice is the same on every machine.

use std::fmt;

use serde::Serialize;

use super::Precision;
use crate::calibrate::Calibration;
use crate::dataset::{Dataset, Sequence};
use crate::error::{Error, Result, quoted};
use crate::float::Kernels;
use crate::ir::{Layer, Model};
use crate::lowered::Lowered;
use crate::progress::Progress;
use crate::reference::{Steps, play};
use crate::verify::{Errors, Sums};

/// Which precisions were chosen, and why.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Choice {
    /// The largest error of an output that was asked for.
    pub bound: f64,
    /// With every layer in the least precision that it can have.
    pub before: f64,
    /// As chosen.
    pub after: f64,
    /// First to last.
    pub layers: Vec<LayerChoice>,
}

/// One layer of a [`Choice`].
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct LayerChoice {
    /// As the source names it.
    pub name: String,
    /// As chosen.
    pub precision: Precision,
    /// The largest error of an output if at first this layer alone were in f32: what the others make of it.
    pub alone_in_f32: f64,
    /// The raises that it kept, first to last.
    pub raises: Vec<Raise>,
    /// What is wrong with a lesser precision, where the layer cannot be in it.
    pub refused: Option<String>,
}

/// A layer was raised.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Raise {
    /// From this,
    pub from: Precision,
    /// to this.
    pub to: Precision,
    /// The largest error of an output without it.
    pub before: f64,
    /// The largest error of an output with it.
    pub after: f64,
}

/// A model and the data that its precisions are chosen on.
pub(crate) struct Search<'a> {
    pub(crate) model: &'a Model,
    pub(crate) data: &'a Dataset,
    pub(crate) calibration: &'a Calibration,
    pub(crate) lsb: Option<&'a [f64]>,
    pub(crate) wide_input: bool,
    /// Largest error of an output.
    pub(crate) bound: f64,
    /// Layers whose precision is given.
    pub(crate) given: Vec<bool>,
}

/// Precisions, and the error of the outputs with them.
#[derive(Clone)]
struct Trial {
    precisions: Vec<Precision>,
    errors: Errors,
}

impl Search<'_> {
    /// From the precisions to start with.
    pub(crate) fn run(&self, start: &[Precision], progress: &dyn Progress) -> Result<Choice> {
        if !(self.bound.is_finite() && self.bound > 0.0) {
            let problem = format!("the largest error asked for is {}, not above zero", self.bound);
            return Err(Error::new(problem).help("give --max-error in units of the model's outputs"));
        }
        let layers = self.model.layers();
        progress.begin("precision", layers.len());
        let references = self.references();
        let (first, refused) = self.possible(start.to_vec(), &references)?;
        let mut choice = Choice {
            bound: self.bound,
            before: first.errors.max,
            after: first.errors.max,
            layers: Vec::with_capacity(layers.len()),
        };
        for (index, (layer, refused)) in layers.iter().zip(refused).enumerate() {
            let mut alone = first.precisions.clone();
            alone[index] = Precision::F32;
            let alone_in_f32 = self.possible(alone, &references)?.0.errors.max;
            let (name, precision) = (layer.name().to_owned(), first.precisions[index]);
            choice.layers.push(LayerChoice { name, precision, alone_in_f32, raises: Vec::new(), refused });
            progress.step();
        }
        let mut now = first.clone();
        while self.is_beyond(&now) {
            let (index, next) = self.best_raise(&now, &references)?;
            let raise = Raise {
                from: now.precisions[index],
                to: next.precisions[index],
                before: now.errors.max,
                after: next.errors.max,
            };
            choice.layers[index].raises.push(raise);
            now = next;
        }
        let now = self.without_needless(now, &first, &references)?;
        choice.after = now.errors.max;
        for (layer, precision) in choice.layers.iter_mut().zip(now.precisions) {
            layer.settle(precision, now.errors.max);
        }
        Ok(choice)
    }

    fn is_beyond(&self, trial: &Trial) -> bool {
        trial.errors.max.is_nan() || trial.errors.max > self.bound
    }

    /// What the model gives for every sequence in `f64`.
    fn references(&self) -> Vec<Steps> {
        let play = |sequence: Sequence<'_>| play(self.model, &sequence.samples(self.model.input())).outputs().clone();
        self.data.sequences().map(play).collect()
    }

    /// The precisions, raised where a layer cannot be in one, and what was wrong with it.
    fn possible(&self, mut precisions: Vec<Precision>, references: &[Steps]) -> Result<(Trial, Vec<Option<String>>)> {
        let mut refused = vec![None; precisions.len()];
        loop {
            let &Search { model, calibration, lsb, wide_input, .. } = self;
            match Lowered::new(model, &precisions, Some(calibration), lsb, wide_input) {
                Ok(lowered) => {
                    let errors = self.errors(&lowered, references);
                    return Ok((Trial { precisions, errors }, refused));
                }
                Err((index, error)) => match precisions[index].raised() {
                    Some(raised) if !self.given[index] => {
                        precisions[index] = raised;
                        refused[index] = Some(error.problem().to_owned());
                    }
                    _ => return Err(error),
                },
            }
        }
    }

    fn errors(&self, lowered: &Lowered, references: &[Steps]) -> Errors {
        let (runner, mut sums) = (lowered.runner_on(Kernels::Scalar), Sums::default());
        for (sequence, expected) in self.data.sequences().zip(references) {
            let found = runner.play(&sequence.samples(self.model.input())).pop().expect("a model has layers");
            expected.iter().zip(&found).for_each(|(expected, found)| sums.add(expected, found));
        }
        sums.errors()
    }

    /// The layer to raise next, and the error with it.
    fn best_raise(&self, now: &Trial, references: &[Steps]) -> Result<(usize, Trial)> {
        let mut trials = Vec::new();
        for index in (0..now.precisions.len()).filter(|&index| !self.given[index]) {
            let mut trial = now.clone();
            // A level that changes nothing, as the i16 of an activation that has them anyway, is none.
            while let Some(raised) = trial.precisions[index].raised() {
                trial.precisions[index] = raised;
                trial = self.possible(trial.precisions, references)?.0;
                if trial.errors.rms < now.errors.rms {
                    break;
                }
            }
            if trial.precisions[index] != now.precisions[index] {
                trials.push((index, trial));
            }
        }
        let parameters = |index: usize| self.model.layers()[index].parameters();
        let enough = trials.iter().filter(|(_, trial)| !self.is_beyond(trial));
        let cheapest = enough.min_by_key(|(index, trial)| (trial.precisions[*index], parameters(*index)));
        let best = trials.iter().min_by(|(_, a), (_, b)| a.errors.rms.total_cmp(&b.errors.rms));
        cheapest.or(best).cloned().ok_or_else(|| self.out_of_reach(now))
    }

    /// Takes raises back, the dearest first, for as long as the bound holds.
    fn without_needless(&self, mut now: Trial, first: &Trial, references: &[Steps]) -> Result<Trial> {
        let mut order: Vec<(usize, &Layer)> = self.model.layers().iter().enumerate().collect();
        order.sort_by_key(|(_, layer)| std::cmp::Reverse(layer.parameters()));
        for (index, _) in order {
            let lesser = Precision::ALL.into_iter().filter(|&lesser| lesser >= first.precisions[index]);
            for lesser in lesser.take_while(|&lesser| lesser < now.precisions[index]) {
                let mut precisions = now.precisions.clone();
                precisions[index] = lesser;
                let (trial, _) = self.possible(precisions.clone(), references)?;
                if trial.precisions == precisions && !self.is_beyond(&trial) {
                    now = trial;
                    break;
                }
            }
        }
        Ok(now)
    }

    fn out_of_reach(&self, now: &Trial) -> Error {
        let Trial { errors: Errors { max, .. }, .. } = now;
        let given = self.model.layers().iter().zip(&self.given).filter(|(_, given)| **given);
        let given: Vec<String> = given.map(|(layer, _)| quoted(layer.name())).collect();
        let (which, help) = if given.is_empty() {
            ("all layers in f32".to_owned(), "give a larger --max-error")
        } else {
            let which = format!("all layers but {} in f32", given.join(", "));
            (which, "give a larger --max-error, or leave these layers to it: without --layer")
        };
        let problem = format!("no precisions hold a largest error of {:.1e}: with {which} it is {max:.1e}", self.bound);
        Error::new(problem).help(help)
    }
}

impl Choice {
    /// A line for each layer that is above the least precision.
    pub(crate) fn reasons(&self) -> impl Iterator<Item = String> {
        let raised = self.layers.iter().filter(|layer| layer.refused.is_some() || !layer.raises.is_empty());
        raised.map(|layer| format!("{} {}: {}", layer.name.escape_debug(), layer.precision.name(), layer.why()))
    }

    /// As they are to be lowered.
    pub fn precisions(&self) -> Vec<Precision> {
        self.layers.iter().map(|layer| layer.precision).collect()
    }
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { bound, before, after, layers } = self;
        writeln!(
            f,
            "largest error of an output on the calibration data: {before:.1e} at first, {after:.1e} as chosen, {bound:.1e} allowed\n"
        )?;
        let width = layers.iter().map(|layer| layer.name.chars().count()).max().unwrap_or_default().max(5);
        writeln!(f, "{:width$}  precision  alone in f32  why", "layer")?;
        for layer in layers {
            let alone = format!("{:.1e}", layer.alone_in_f32);
            writeln!(f, "{:width$}  {:9}  {alone:>12}  {}", layer.name, layer.precision.name(), layer.why())?;
        }
        Ok(())
    }
}

impl LayerChoice {
    /// Keeps what of the raises remains where the layer ends in `precision`, with this error.
    fn settle(&mut self, precision: Precision, after: f64) {
        self.precision = precision;
        let taken_back = self.raises.iter().position(|raise| raise.to > precision);
        if let Some(raise) = taken_back.and_then(|at| self.raises.drain(at..).next())
            && raise.from < precision
        {
            self.raises.push(Raise { to: precision, after, ..raise });
        }
    }

    /// In words.
    fn why(&self) -> String {
        let raise = |Raise { from, to, before, after }: &Raise| {
            format!("{} → {}: {before:.1e} → {after:.1e}", from.name(), to.name())
        };
        let refused = self.refused.iter().cloned();
        let reasons: Vec<String> = refused.chain(self.raises.iter().map(raise)).collect();
        if reasons.is_empty() { "enough".to_owned() } else { reasons.join("; ") }
    }
}
