//! Model file in, Rust module out: what `gru-export export` and a build script both do.

mod prepare;

use std::path::{Path, PathBuf};

use crate::calibrate::Method;
use crate::dataset::{Array, Channels, Dataset, file_of};
use crate::emit::Module;
use crate::error::{Error, Result};
use crate::float::Kernels;
use crate::ir::{Input, Model};
use crate::output;
use crate::precision::{self, Choice, LayerPrecision, Precision};
use crate::progress::Progress;
use crate::verify::{Verification, verify};
use crate::weights::Weights;

pub(crate) use prepare::Prepared;

/// What the numbers of an input file are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InputUnit {
    /// Raw units, as in training.
    Raw,
    /// Sensor counts: raw units divided by the LSB.
    Count,
}

/// What is to be known of a module that was written.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Written {
    /// The model's [notes](Model::notes), and what was given and has no effect.
    pub notes: Vec<String>,
    /// How the precisions were chosen, if they were.
    pub choice: Option<Choice>,
    /// How the integers were chosen, see [`Fit::notes`](crate::calibrate::Fit::notes), and what weights in f16 save.
    pub decisions: Vec<String>,
}

/// An export to be made.
///
/// In a build script:
///
/// ```no_run
/// use gru_export::{Export, Precision};
///
/// fn main() -> gru_export::Result<()> {
///     Export::new("models/motion.safetensors")
///         .precision(Precision::Int8)
///         .calibrate("data/calibration.npy")
///         .input_lsb("data/lsb.npy")
///         .labels(["standing", "running", "walking", "badminton"])
///         .write_to_out_dir("motion.rs")
/// }
/// ```
#[derive(Debug, Clone, Default)]
#[must_use = "nothing is written before `write` or `write_to_out_dir`"]
pub struct Export {
    model: PathBuf,
    spec: Option<PathBuf>,
    precision: Precision,
    layers: Vec<LayerPrecision>,
    weights: Weights,
    max_error: Option<f64>,
    pub(crate) calibration: Option<PathBuf>,
    range_method: Option<Method>,
    ranges: Option<PathBuf>,
    name: Option<String>,
    labels: Vec<String>,
    input_mean: Option<Channels>,
    input_std: Option<Channels>,
    input_lsb: Option<Channels>,
    wide_input: bool,
}

impl Export {
    /// Of a model file that [`load`](crate::load()) reads.
    pub fn new(model: impl Into<PathBuf>) -> Self {
        Self { model: model.into(), ..Self::default() }
    }

    /// The architecture, where the tensors' names do not say it: a TOML file as [`Spec`](crate::spec::Spec) describes.
    pub fn spec(mut self, path: impl Into<PathBuf>) -> Self {
        self.spec = Some(path.into());
        self
    }

    /// f32 unless set.
    pub fn precision(mut self, precision: Precision) -> Self {
        self.precision = precision;
        self
    }

    /// Another precision for the layers that `inspect` shows by this name.
    ///
    /// ```no_run
    /// # use gru_export::{Export, Precision};
    /// let export = Export::new("model.onnx").precision(Precision::Int8).layer("head", Precision::F32);
    /// # let _ = export;
    /// ```
    pub fn layer(mut self, layer: impl Into<String>, precision: Precision) -> Self {
        self.layers.push(LayerPrecision { layer: layer.into(), precision });
        self
    }

    /// What layers in f32 store their weights as: [`Weights::F16`] takes half the flash and half the bandwidth.
    ///
    /// ```no_run
    /// # use gru_export::{Export, Weights};
    /// let export = Export::new("model.onnx").weights(Weights::F16);
    /// # let _ = export;
    /// ```
    pub fn weights(mut self, weights: Weights) -> Self {
        self.weights = weights;
        self
    }

    /// Raises layers from [`precision`](Self::precision) on, one after the other, until no output on the calibration data is further than this from
    /// `f64`, and no more of them than that takes. Layers that [`layer`](Self::layer) names stay as they are. In units of the model's outputs.
    pub fn max_error(mut self, max_error: f64) -> Self {
        self.max_error = Some(max_error);
        self
    }

    /// Typical input in raw units, as [`Dataset::read`] reads it; int8 needs it or [`ranges`](Self::ranges), f32 only measures its error on it.
    pub fn calibrate(mut self, path: impl Into<PathBuf>) -> Self {
        self.calibration = Some(path.into());
        self
    }

    /// How int8 takes its ranges from the recordings; [`Method::Auto`] unless set, and refused where all layers are in f32. With [`max_error`](Self::max_error) they are those of all values.
    pub fn range_method(mut self, method: Method) -> Self {
        self.range_method = Some(method);
        self
    }

    /// Ranges by hand, as [`GivenRanges`](crate::calibrate::GivenRanges) reads them: instead of recordings, or over what was measured on them.
    /// Refused where all layers are in f32.
    pub fn ranges(mut self, path: impl Into<PathBuf>) -> Self {
        self.ranges = Some(path.into());
        self
    }

    /// What the module calls the model; the file's name without extension unless set.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// One name per output.
    pub fn labels<S: Into<String>>(mut self, labels: impl IntoIterator<Item = S>) -> Self {
        self.labels = labels.into_iter().map(Into::into).collect();
        self
    }

    /// Mean per channel, raw units; goes with [`input_std`](Self::input_std).
    pub fn input_mean(mut self, mean: impl Into<Channels>) -> Self {
        self.input_mean = Some(mean.into());
        self
    }

    /// Standard deviation per channel, raw units: the model was trained on `(x − mean) / std`.
    pub fn input_std(mut self, std: impl Into<Channels>) -> Self {
        self.input_std = Some(std.into());
        self
    }

    /// Raw units per sensor count, per channel: the int8 model is fed counts.
    pub fn input_lsb(mut self, lsb: impl Into<Channels>) -> Self {
        self.input_lsb = Some(lsb.into());
        self
    }

    /// Gives an int8 model's input 15 bits instead of 8, see [`gru_core::Wide`]: for signals whose small movements matter beside their large
    /// ones. Costs a second pass over the first layer's `weight_ih`.
    pub fn wide_input(mut self, wide: bool) -> Self {
        self.wide_input = wide;
        self
    }

    /// Generates the module's text. The same input gives the same bytes on every machine.
    ///
    /// # Errors
    /// An input cannot be read or does not fit the others.
    pub fn generate(&self, progress: &dyn Progress) -> Result<String> {
        Ok(self.generated(progress)?.0)
    }

    fn generated(&self, progress: &dyn Progress) -> Result<(String, Written)> {
        let Prepared { source, model, calibration, precisions, choice, fit, lowered, idle } = self.prepare(progress)?;
        let name = self
            .name
            .clone()
            .unwrap_or_else(|| self.model.file_stem().unwrap_or_default().to_string_lossy().into_owned());
        let outputs = model.output_size();
        if !self.labels.is_empty() && self.labels.len() != outputs {
            let problem = format!("expected {outputs} labels, one per output, found {}", self.labels.len());
            return Err(Error::new(problem).in_file(&self.model));
        }
        let mut provenance = vec![("precision", precision::described(&model, &precisions))];
        provenance.extend(choice.iter().flat_map(Choice::reasons).map(|reason| ("chosen", reason)));
        let mut measured = String::new();
        if let Some(data) = &calibration {
            let verification = verify(&model, &*lowered.runner_on(Kernels::Scalar), data, None, progress)?;
            provenance.push(("calibration", format!("sha256 {}", data.sha256())));
            let error = lowered.stated(&model, verification.reference.errors);
            measured = format!("; error {error}");
            provenance.push(("error", error));
        }
        let mut decisions = fit.map_or_else(Vec::new, |fit| fit.notes(&model));
        let saved = model.weights().note(&model, &precisions);
        provenance.extend(decisions.iter().chain(&saved).map(|note| ("note", note.clone())));
        decisions.extend(saved.map(|saved| saved + &measured));
        let labels = &self.labels;
        let module = Module { name: &name, labels, source: &source, model: &model, provenance: &provenance };
        Ok((lowered.emit(&module), Written { notes: [model.notes(), &idle].concat(), choice, decisions }))
    }

    /// Runs the code that ships on `input` and compares its outputs with the `f64` reference, and with those of a
    /// framework if `given`.
    ///
    /// # Errors
    /// An input cannot be read or does not fit the others.
    pub fn verify(
        &self,
        input: &Path,
        unit: InputUnit,
        given: Option<&Path>,
        progress: &dyn Progress,
    ) -> Result<Verification> {
        let Prepared { model, precisions, choice, fit, lowered, idle, .. } = self.prepare(progress)?;
        let data = self.dataset(input, unit, &model)?;
        let given_array = given.map(Array::read).transpose()?;
        let verified = verify(&model, &*lowered.runner(), &data, given_array.as_ref(), progress);
        let verified = verified.map_err(|error| error.in_file(given.unwrap_or(input)))?;
        let mut notes = [idle, fit.map_or_else(Vec::new, |fit| fit.notes(&model))].concat();
        notes.extend(model.weights().note(&model, &precisions));
        Ok(Verification { choice, notes, ..verified })
    }

    /// Recordings in raw units.
    pub(crate) fn dataset(&self, input: &Path, unit: InputUnit, model: &Model) -> Result<Dataset> {
        let data = Dataset::read(input, model.input())?;
        if unit == InputUnit::Raw {
            return Ok(data);
        }
        let no_lsb = || match model.input() {
            Input::Vector(_) => Error::new("the input is given in counts, and no LSB by which they become raw units")
                .help("give an --input-lsb, Export::input_lsb in a build script, or the input in raw units"),
            Input::Symbol(_) => Error::new(format!("the model takes {}, which is not counted", model.input()))
                .help("give the symbols as they are, without --counts"),
        };
        let lsb = self.lsb(model)?.ok_or_else(|| no_lsb().in_file(input))?;
        Ok(data.scaled(&lsb))
    }

    /// Writes the module, whole or not at all.
    ///
    /// # Errors
    /// As [`generate`](Self::generate), or the file cannot be written.
    pub fn write(&self, path: impl AsRef<Path>, progress: &dyn Progress) -> Result<Written> {
        let (text, written) = self.generated(progress)?;
        output::write(path.as_ref(), text.as_bytes())?;
        Ok(written)
    }

    /// Writes the module to `OUT_DIR` of the build script that calls this, and has Cargo run it again when an input changes.
    /// The crate then contains it by `include!(concat!(env!("OUT_DIR"), "/FILE_NAME"))`.
    ///
    /// # Errors
    /// As [`write`](Self::write), or this is not a build script.
    pub fn write_to_out_dir(&self, file_name: &str) -> Result<()> {
        for path in self.inputs() {
            println!("cargo::rerun-if-changed={}", path.display());
        }
        let out_dir = std::env::var_os("OUT_DIR").ok_or_else(|| {
            Error::new("the environment has no OUT_DIR")
                .help("write_to_out_dir is for build scripts; elsewhere use write")
        })?;
        for note in self.write(Path::new(&out_dir).join(file_name), &())?.notes {
            println!("cargo::warning={}: {note}", self.model.display());
        }
        Ok(())
    }

    /// The files that the result depends on.
    fn inputs(&self) -> impl Iterator<Item = &Path> {
        let channels = [&self.input_mean, &self.input_std, &self.input_lsb].into_iter().flatten();
        let channels = channels.filter_map(|channels| match channels {
            Channels::File(path) => Some(path),
            Channels::Numbers(_) => None,
        });
        let files = [&self.spec, &self.calibration, &self.ranges].into_iter().flatten();
        std::iter::once(&self.model).chain(files).chain(channels).map(|path| file_of(path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_input_file_is_watched() {
        let export = Export::new("model.safetensors").spec("spec.toml").calibrate("data.npz:x").input_lsb("lsb.csv");
        let export = export.ranges("ranges.toml");
        let export = export.input_mean([0.0, 1.0]).input_std("1, 2");
        let watched: Vec<_> = export.inputs().collect();
        assert_eq!(watched, ["model.safetensors", "spec.toml", "data.npz", "ranges.toml", "lsb.csv"].map(Path::new));
    }
}
