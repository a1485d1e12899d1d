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

use crate::dataset::Dataset;
use crate::error::{Error, Result};
use crate::export::{Export, InputUnit, Prepared};
use crate::float::{FloatModel, FloatRunner};
use crate::inspect;
use crate::int8::{Int8Model, Int8Runner};
use crate::ir::{Input, Layer, Model};
use crate::lowered::Lowered;
use crate::output;
use crate::progress::Progress;
use crate::verify::verify;

use advice::{Advice, Trial};
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
    /// One a class.
    names: Vec<String>,
    calibration: Recordings,
    test: Recordings,
    evaluation: Evaluation,
    distributions: Vec<Distribution>,
    advice: Advice,
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
    /// Measures the int8 model against the reference and against f32 on `test`.
    ///
    /// # Errors
    /// An input cannot be read or does not fit the others, there is no calibration data, or the precision is not int8.
    pub fn report(&self, test: &Test, progress: &dyn Progress) -> Result<Report> {
        let Prepared { source, model, calibration, lowered, .. } = self.prepare(progress)?;
        let (Lowered::Int8(int8), Some(calibration)) = (lowered, calibration) else {
            return Err(Error::new("a report shows an int8 model").help("set the precision to int8"));
        };
        let names = test.class_names(&model)?;
        let data = self.dataset(&test.input, test.unit, &model)?;
        let truth = test.labels.as_ref().map(|path| Truth::read(path, &model, &data)).transpose()?;

        let mut distributions: Vec<_> = Tensor::all(&model, &int8).into_iter().map(Distribution::new).collect();
        Distribution::count_calibration(&mut distributions, &model, &calibration, progress);
        let float = FloatRunner::new(&FloatModel::new(&model).map_err(|error| error.in_file(source.path()))?);
        let shipped = Int8Runner::new(&int8);
        let evaluation =
            Evaluation::new(&model, [&float, &shipped], &data, truth.as_ref(), &mut distributions, progress);
        let wide = self.wide_trial(&model, &int8, &data, progress)?;
        let advice = Advice::new(&model, &evaluation, &distributions, wide);
        Ok(Report {
            inspection: inspect::Report::new(&model, &source),
            wide_input: is_wide(&int8),
            names,
            calibration: Recordings::new(self.calibration.as_deref().unwrap_or(&test.input), &calibration),
            test: Recordings::new(&test.input, &data),
            model,
            evaluation,
            distributions,
            advice,
        })
    }

    /// What a wide input would change, where the model could have one and has none.
    fn wide_trial(
        &self,
        model: &Model,
        int8: &Int8Model,
        data: &Dataset,
        progress: &dyn Progress,
    ) -> Result<Option<Trial>> {
        let takes_values = matches!(model.input(), Input::Vector(_))
            && matches!(model.layers()[0], Layer::Gru(_) | Layer::Bidirectional(_));
        if !takes_values || is_wide(int8) {
            return Ok(None);
        }
        let Lowered::Int8(wide) = self.clone().wide_input(true).prepare(progress)?.lowered else { return Ok(None) };
        let verification = verify(model, &Int8Runner::new(&wide), data, None, progress)?;
        Ok(Some(Trial { option: "--wide-input", reference: verification.reference }))
    }
}

fn is_wide(int8: &Int8Model) -> bool {
    int8.input.as_ref().is_some_and(|input| input.wide)
}
