//! Which class is right, and how often a model gives which.

use std::path::Path;

use crate::dataset::{Array, Dataset};
use crate::error::{Error, Result};
use crate::ir::{Activation, Layer, Model};

/// Which class is right.
pub(super) enum Truth {
    /// One a recording.
    Recordings(Vec<usize>),
    /// One a step.
    Steps(Vec<usize>),
}

impl Truth {
    /// Reads one class a recording, `[N]`, or one a step, `[N, T]`; a class is an integer below the number of outputs.
    pub(super) fn read(path: &Path, model: &Model, data: &Dataset) -> Result<Self> {
        Self::new(&Array::read(path)?, Classifier::of(model).classes, data).map_err(|error| error.in_file(path))
    }

    fn new(array: &Array, classes: usize, data: &Dataset) -> Result<Self> {
        let (recordings, steps) = (data.sequences().len(), data.total_steps());
        let values = array.values();
        let found = values.len();
        if found != recordings && found != steps {
            let problem = format!(
                "expected {recordings} labels, one a recording, or {steps}, one a step, found shape {:?}",
                array.shape
            );
            return Err(Error::new(problem).help("give one integer for each recording of --test, in the same order"));
        }
        let fits = |&value: &f64| value.fract() == 0.0 && (0.0..classes as f64).contains(&value);
        if let Some(at) = values.iter().position(|value| !fits(value)) {
            let problem = format!("expected integers from 0 to {}, found {} as label {at}", classes - 1, values[at]);
            return Err(Error::new(problem).help("a label is the place of the right class among the model's outputs"));
        }
        let labels = values.iter().map(|&value| value as usize).collect();
        Ok(if found == steps && steps != recordings { Self::Steps(labels) } else { Self::Recordings(labels) })
    }

    /// Of a step of a recording; all recordings have `steps`.
    pub(super) fn at(&self, recording: usize, step: usize, steps: usize) -> usize {
        match self {
            Self::Recordings(labels) => labels[recording],
            Self::Steps(labels) => labels[recording * steps + step],
        }
    }
}

/// How outputs mean a class.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Classifier {
    /// At least two.
    pub(super) classes: usize,
    /// Of a single output: above it is class 1.
    threshold: f64,
}

impl Classifier {
    pub(super) fn of(model: &Model) -> Self {
        let probability = model.layers().last().is_some_and(|layer| match layer {
            Layer::Activation(layer) => {
                matches!(layer.activation, Activation::Sigmoid | Activation::HardSigmoid { .. })
            }
            _ => false,
        });
        Self { classes: model.output_size().max(2), threshold: if probability { 0.5 } else { 0.0 } }
    }

    pub(super) fn class(self, outputs: &[f64]) -> usize {
        match outputs {
            &[output] => usize::from(output > self.threshold),
            outputs => gru_core::argmax(outputs),
        }
    }
}

/// How often which class was given for which.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Confusion {
    classes: usize,
    /// `[right class][given class]`.
    counts: Vec<u64>,
}

impl Confusion {
    pub(super) fn new(classes: usize) -> Self {
        Self { classes, counts: vec![0; classes * classes] }
    }

    pub(super) fn add(&mut self, right: usize, given: usize) {
        self.counts[right * self.classes + given] += 1;
    }

    pub(super) fn classes(&self) -> usize {
        self.classes
    }

    pub(super) fn count(&self, right: usize, given: usize) -> u64 {
        self.counts[right * self.classes + given]
    }

    /// How often this class was right.
    pub(super) fn of_class(&self, right: usize) -> u64 {
        self.counts[right * self.classes..][..self.classes].iter().sum()
    }

    pub(super) fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    pub(super) fn correct(&self) -> u64 {
        (0..self.classes).map(|class| self.count(class, class)).sum()
    }

    /// Share of right answers.
    pub(super) fn accuracy(&self) -> f64 {
        self.correct() as f64 / self.total().max(1) as f64
    }
}
