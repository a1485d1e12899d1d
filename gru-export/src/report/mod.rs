//! One page that shows what int8 does to a model: architecture, error over time, accuracy, ranges, cost, and where to look first.
//!
//! The page is a single HTML file with pictures in SVG: no script, and nothing from elsewhere.

mod advice;
mod distribution;
mod evaluation;
mod instructions;
mod page;
mod svg;
mod tensor;
mod text;
mod truth;

use std::path::{Path, PathBuf};

use crate::calibrate::Fit;
use crate::dataset::Dataset;
use crate::error::{Error, Result};
use crate::export::{Export, InputUnit, Prepared};
use crate::float::{FloatModel, FloatRunner, Kernels};
use crate::inspect::{self, Footprint};
use crate::int8::{Int8Model, Int8Runner};
use crate::ir::{Input, Layer, Model};
use crate::lowered::Lowered;
use crate::output;
use crate::precision::Precision;
use crate::progress::Progress;
use crate::verify::{Comparison, verify};
use crate::weights::Weights;

use advice::Advice;
use distribution::Distribution;
use evaluation::Evaluation;
use tensor::Tensor;
use truth::{Classifier, Truth};

/// What a model is tested on.
#[derive(Debug, Clone)]
pub struct Test {
    input: PathBuf,
    unit: InputUnit,
    labels: Option<PathBuf>,
    names: Vec<String>,
}

impl Test {
    /// Recordings in raw units, as [`Dataset::read`] reads them.
    pub fn new(input: impl Into<PathBuf>) -> Self {
        Self { input: input.into(), unit: InputUnit::Raw, labels: None, names: Vec::new() }
    }

    /// The recordings hold something else than raw units.
    #[must_use]
    pub fn unit(mut self, unit: InputUnit) -> Self {
        self.unit = unit;
        self
    }

    /// The right classes, one a recording or one a step: integers in a file that [`Array::read`](crate::dataset::Array::read) reads.
    #[must_use]
    pub fn labels(mut self, path: impl Into<PathBuf>) -> Self {
        self.labels = Some(path.into());
        self
    }

    /// One name per class; they are numbers unless named.
    #[must_use]
    pub fn names<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.names = names.into_iter().map(Into::into).collect();
        self
    }

    /// One for each of the model's classes.
    fn class_names(&self, model: &Model) -> Result<Vec<String>> {
        let classes = Classifier::of(model).classes;
        match self.names.len() {
            0 => Ok((0..classes).map(|class| class.to_string()).collect()),
            found if found == classes => Ok(self.names.clone()),
            found => Err(Error::new(format!("expected {classes} names, one per class, found {found}"))),
        }
    }
}

/// What a page shows.
pub struct Report {
    inspection: inspect::Report,
    model: Model,
    wide_input: bool,
    /// Of each layer.
    precisions: Vec<Precision>,
    /// One a class.
    names: Vec<String>,
    calibration: Recordings,
    test: Recordings,
    evaluation: Evaluation,
    distributions: Vec<Distribution>,
    /// How the ranges were chosen.
    fit: Fit,
    advice: Advice,
    trials: Vec<Trial>,
}

/// What another choice would give.
struct Trial {
    /// On the command line.
    option: String,
    /// Outputs on the test recordings against `f64`.
    reference: Comparison,
}

/// Where a set of recordings came from.
struct Recordings {
    file: String,
    sha256: String,
    recordings: usize,
    steps: usize,
}

impl Recordings {
    fn new(path: &Path, data: &Dataset) -> Self {
        let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let recordings = data.sequences().len();
        Self { file, sha256: data.sha256().to_owned(), recordings, steps: data.total_steps() / recordings }
    }
}

impl Report {
    /// The precision of all layers in a word.
    fn label(&self) -> &'static str {
        match &self.precisions[..] {
            [first, rest @ ..] if rest.iter().all(|precision| precision == first) => first.name(),
            _ => "mixed",
        }
    }

    /// Of each layer in its precision.
    fn footprints(&self) -> impl Iterator<Item = Footprint> {
        let layers = self.inspection.layers.iter().zip(&self.precisions);
        let weights = self.model.weights();
        layers.map(move |(layer, &precision)| match precision {
            Precision::F32 => layer.in_precision(precision, weights),
            Precision::Int8 | Precision::W8a16 => layer.int8,
        })
    }

    /// Of all layers.
    fn footprint(&self) -> Footprint {
        self.footprints().fold(Footprint::default(), std::ops::Add::add)
    }

    /// The page. The same input gives the same page.
    pub fn html(&self) -> String {
        page::write(self)
    }

    /// Writes the page, whole or not at all.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, path: impl AsRef<Path>) -> Result<()> {
        output::write(path.as_ref(), self.html().as_bytes())
    }
}

impl Export {
    /// Measures the model in its precision against the reference and against f32 on `test`.
    ///
    /// # Errors
    /// An input cannot be read or does not fit the others, there is no calibration data, or all layers are in f32.
    pub fn report(&self, test: &Test, progress: &dyn Progress) -> Result<Report> {
        let Prepared { source, model, calibration, precisions, fit, lowered, .. } = self.prepare(progress)?;
        let (Lowered::Int8(int8), Some(fit)) = (lowered, fit) else {
            return Err(Error::new("expected a model with a layer in int8 or w8a16, found all in f32")
                .help("a report shows what integers do to a model"));
        };
        let (Some(calibration), Some(calibration_path)) = (calibration, &self.calibration) else {
            return Err(Error::new("a report compares the test with typical input, and there is none")
                .help("give --calibrate FILE beside --ranges"));
        };
        let names = test.class_names(&model)?;
        let data = self.dataset(&test.input, test.unit, &model)?;
        let truth = test.labels.as_ref().map(|path| Truth::read(path, &model, &data)).transpose()?;

        let mut distributions: Vec<_> = Tensor::all(&model, &int8).into_iter().map(Distribution::new).collect();
        Distribution::count_calibration(&mut distributions, &model, &calibration, progress);
        let float =
            FloatModel::new(&model.clone().with_weights(Weights::F32)).map_err(|error| error.in_file(source.path()))?;
        // The specification, which gives the same on every machine.
        let float = FloatRunner::on(Kernels::Scalar, &float);
        let shipped = Int8Runner::on(Kernels::Scalar, &int8);
        let evaluation =
            Evaluation::new(&model, [&float, &shipped], &data, truth.as_ref(), &mut distributions, progress);
        let advice = Advice::new(&model, &evaluation, &distributions);
        let trials = self.trials(&model, &int8, advice.layer.unwrap_or_default(), &data, progress)?;
        Ok(Report {
            inspection: inspect::Report::new(&model, &source),
            wide_input: is_wide(&int8),
            precisions,
            names,
            calibration: Recordings::new(calibration_path, &calibration),
            test: Recordings::new(&test.input, &data),
            model,
            evaluation,
            distributions,
            fit,
            advice,
            trials,
        })
    }

    /// What a wide input would change, or a better precision of the layer to look at first.
    fn trials(
        &self,
        model: &Model,
        int8: &Int8Model,
        layer: usize,
        data: &Dataset,
        progress: &dyn Progress,
    ) -> Result<Vec<Trial>> {
        let mut exports = Vec::new();
        let first = &model.layers()[0];
        let takes_values =
            matches!(model.input(), Input::Vector(_)) && matches!(first, Layer::Gru(_) | Layer::Bidirectional(_));
        if layer == 0 && takes_values && !is_wide(int8) {
            exports.push(("--wide-input".to_owned(), self.clone().wide_input(true)));
        }
        let name = model.layers()[layer].name();
        for precision in Precision::ALL.into_iter().filter(|&precision| precision > int8.precisions[layer]) {
            let option = format!("--layer {name}={}", precision.name());
            exports.push((option, self.clone().layer(name, precision)));
        }
        let mut trials = Vec::new();
        for (option, export) in exports {
            // What cannot be is no advice.
            let Ok(Prepared { lowered, .. }) = export.prepare(progress) else { continue };
            let verification = verify(model, &*lowered.runner_on(Kernels::Scalar), data, None, progress)?;
            trials.push(Trial { option, reference: verification.reference });
        }
        Ok(trials)
    }
}

fn is_wide(int8: &Int8Model) -> bool {
    int8.input.as_ref().is_some_and(|input| input.wide)
}
