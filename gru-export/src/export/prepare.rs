//! From a model file and what is asked of it to a model in its arithmetic.

use crate::calibrate::{Aim, Calibration, Fit, GivenRanges, Method, Statistics};
use crate::dataset::Dataset;
use crate::error::{Error, Result};
use crate::float::FloatModel;
use crate::ir::{Input, Model, Standardization};
use crate::load::load;
use crate::lowered::Lowered;
use crate::precision::{self, Choice, Precision, Search};
use crate::progress::Progress;
use crate::quantise;
use crate::source::Source;
use crate::spec::Spec;

use super::Export;

/// A model in its precision, and what led there.
pub(crate) struct Prepared {
    pub(crate) source: Source,
    pub(crate) model: Model,
    pub(crate) calibration: Option<Dataset>,
    /// Of each layer.
    pub(crate) precisions: Vec<Precision>,
    /// How they were chosen, if they were.
    pub(crate) choice: Option<Choice>,
    /// How its integers were chosen, if it has any.
    pub(crate) fit: Option<Fit>,
    pub(crate) lowered: Lowered,
    /// Notes on what was given and has no effect.
    pub(crate) idle: Vec<String>,
}

/// A model in its precision, and how it came to be.
struct Parts {
    precisions: Vec<Precision>,
    choice: Option<Choice>,
    fit: Option<Fit>,
    lowered: Lowered,
    /// Notes on what was given and has no effect.
    idle: Vec<String>,
}

impl Export {
    /// Loads the model and brings it to its precision.
    pub(crate) fn prepare(&self, progress: &dyn Progress) -> Result<Prepared> {
        let (source, model) = self.load()?;
        let calibration = self.calibration.as_ref().map(|path| Dataset::read(path, model.input())).transpose()?;
        let parts = self.lower(&model, calibration.as_ref(), progress);
        let Parts { precisions, choice, fit, lowered, idle } = parts.map_err(|error| error.in_file(&self.model))?;
        Ok(Prepared { source, model, calibration, precisions, choice, fit, lowered, idle })
    }

    fn lower(&self, model: &Model, data: Option<&Dataset>, progress: &dyn Progress) -> Result<Parts> {
        let mut precisions = precision::of_layers(model, self.precision, &self.layers)?;
        let in_f32 = |precisions: &[Precision]| precisions.iter().all(|&precision| precision == Precision::F32);
        if self.max_error.is_none() {
            self.weights.check(&precisions)?;
        }
        if in_f32(&precisions) && self.max_error.is_none() {
            self.without_integers()?;
            let lowered = Lowered::Float(FloatModel::new(model)?);
            return Ok(Parts { precisions, choice: None, fit: None, lowered, idle: Vec::new() });
        }
        let given = self.ranges.as_ref().map(GivenRanges::read).transpose()?;
        let idle = |precisions: &[Precision]| {
            let ranges = given.as_ref().map_or_else(Vec::new, |given| given.idle(model, precisions));
            ranges.into_iter().chain(self.idle_method()).chain(self.weights.idle(precisions)).collect::<Vec<_>>()
        };
        let (lsb, wide_input) = (self.lsb(model)?, self.wide_input);
        let lsb = lsb.as_deref();
        let integers = |precisions: &[Precision], ranges: &Calibration| {
            quantise::lowered(model, precisions, ranges, lsb, wide_input).map_err(|(_, error)| error)
        };
        let Some(data) = data else {
            if self.max_error.is_some() {
                let problem = "the largest error is measured on typical input, of which there is none";
                return Err(Error::new(problem).help("give --calibrate FILE beside the ranges"));
            }
            let Some(given) = &given else {
                return Err(Error::new("int8 needs typical input to choose its scales by").help(
                    "give --calibrate FILE, or --ranges FILE.toml; `inspect MODEL --ranges-template` prints one",
                ));
            };
            let (fit, quantised) = Fit::given(model, given, &|ranges| integers(&precisions, ranges))?;
            let (lowered, idle) = (Lowered::Int8(quantised), idle(&precisions));
            return Ok(Parts { precisions, choice: None, fit: Some(fit), lowered, idle });
        };
        let statistics = Statistics::measure(model, data, progress);
        let choose = |bound| {
            let (calibration, layers) =
                (statistics.whole(model, given.as_ref())?.0, precision::given(model, &self.layers));
            let search = Search { model, data, calibration: &calibration, lsb, wide_input, bound, given: layers };
            search.run(&precisions, progress)
        };
        let choice = self.max_error.map(choose).transpose()?;
        if let Some(choice) = &choice {
            precisions = choice.precisions();
        }
        let idle = idle(&precisions);
        if in_f32(&precisions) {
            let lowered = Lowered::Float(FloatModel::new(model)?);
            return Ok(Parts { precisions, choice, fit: None, lowered, idle });
        }
        let aim = self.max_error.map_or(Aim::Rms(self.range_method.unwrap_or_default()), Aim::Max);
        let quantise = |ranges: &Calibration| integers(&precisions, ranges);
        let (fit, quantised) = Fit::new((model, data), statistics, given.as_ref(), aim, &quantise, progress)?;
        Ok(Parts { precisions, choice, fit: Some(fit), lowered: Lowered::Int8(quantised), idle })
    }

    /// A sentence where nothing is to be clipped.
    fn idle_method(&self) -> Option<String> {
        let method = self.range_method.filter(|&method| self.max_error.is_some() && method != Method::MinMax)?;
        Some(format!("the range method {method} has no effect: with a largest error given nothing is clipped"))
    }

    /// Fails where something is given that only integers have.
    fn without_integers(&self) -> Result<()> {
        let refused = |what: &str, option: &str| {
            Error::new(format!("{what} given, but all layers are in f32, which needs no ranges"))
                .help(format!("leave {option} out, or choose another precision: int8, w8a16 or auto"))
        };
        match (&self.ranges, self.range_method) {
            (Some(path), _) => Err(refused("ranges are", "--ranges").in_file(path)),
            (None, Some(method)) => Err(refused(&format!("the range method {method} is"), "--range-method")),
            (None, None) => Ok(()),
        }
    }

    /// Raw units per count, if given and the model takes channels.
    pub(super) fn lsb(&self, model: &Model) -> Result<Option<Vec<f64>>> {
        let (Some(channels), Input::Vector(size)) = (&self.input_lsb, model.input()) else { return Ok(None) };
        let lsb = channels.read("LSB", size)?;
        match lsb.iter().position(|&lsb| !(lsb.is_finite() && lsb > 0.0)) {
            None => Ok(Some(lsb)),
            Some(at) => Err(Error::new(format!("the LSB of channel {at} is {}, not above zero", lsb[at]))),
        }
    }

    /// The model file and what is in it, behind the standardization asked for.
    fn load(&self) -> Result<(Source, Model)> {
        let spec = self.spec.as_ref().map(|path| Spec::parse(&Source::read(path)?)).transpose()?;
        let source = Source::read(&self.model)?;
        let model = load(&source, spec.as_ref())?.with_weights(self.weights);
        let (mean, std) = match (&self.input_mean, &self.input_std) {
            (None, None) => return Ok((source, model)),
            (Some(mean), Some(std)) => (mean, std),
            (mean, _) => {
                let (given, missing) = if mean.is_some() { ("mean", "std") } else { ("std", "mean") };
                return Err(Error::new(format!("the input's {given} is given, and no {missing} to go with it"))
                    .help("give both, or neither"));
            }
        };
        let Input::Vector(size) = model.input() else {
            return Err(Error::new(format!("the model takes {}, which has no mean and std", model.input()))
                .in_file(&self.model));
        };
        if model.standardization().is_some() {
            return Err(Error::new("the model brings its own input_mean and input_std")
                .in_file(&self.model)
                .help("leave out the mean and std given beside it, or remove the buffers from the state_dict"));
        }
        let standardization = Standardization { mean: mean.read("mean", size)?, std: std.read("std", size)? };
        let model = model.with_standardization(Some(standardization)).map_err(|error| error.in_file(&self.model))?;
        Ok((source, model))
    }
}
