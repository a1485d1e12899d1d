//! A small model exported with any recordings and options: a clear error, or the same module on every backend, whose integers hold what the kernels
//! rely on and whose error is what was asked for.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use arbitrary::{Result, Unstructured};
use gru_core::backend;
use gru_core::quant::rows_fit;
use gru_export::calibrate::{Aim, Fit, Method, Statistics};
use gru_export::dataset::{Dataset, write_npy};
use gru_export::int8::{Int8Gru, Int8Layer, Int8Model, Int8Runner};
use gru_export::ir::{Input, Model};
use gru_export::quantise::mixed;
use gru_export::verify::verify;
use gru_export::{Export, InputUnit, LayerPrecision, Precision, Source, Weights, load, precision};
use tempfile::NamedTempFile;

use super::bound::bounded;

/// Every kind of layer that int8 has, vectors and symbols in.
const MODELS: [&str; 7] = [
    "grucell.safetensors",
    "rnn.safetensors",
    "gru_f16.safetensors",
    "normalized.safetensors",
    "bidirectional.safetensors",
    "embedding.safetensors",
    "activated.safetensors",
];

/// Most steps of recordings that are made here.
const STEPS: usize = 48;

/// Most bytes of recordings that are taken as they are.
const FILE: usize = 1 << 12;

/// Exports what the bytes describe.
///
/// # Panics
/// If something does not hold that must.
pub fn calibration(bytes: &[u8]) {
    let case = Case::draw(&mut Unstructured::new(bytes)).expect("zeros follow the last byte");
    bounded("calibration", case.len, || case.check());
}

/// An export to be made.
struct Case {
    model: Model,
    recordings: NamedTempFile,
    ranges: Option<NamedTempFile>,
    /// Bytes of all files.
    len: usize,
    precision: Precision,
    layers: Vec<LayerPrecision>,
    method: Option<Method>,
    max_error: Option<f64>,
    lsb: Option<Vec<f64>>,
    wide_input: bool,
    export: Export,
}

impl Case {
    fn draw(bytes: &mut Unstructured<'_>) -> Result<Self> {
        let name = *bytes.choose(&MODELS)?;
        let path = golden(name);
        let spec = (name == "activated.safetensors").then(|| golden("activated.toml"));
        let (source, model) = loaded(&path, spec.as_deref());
        let width = match model.input() {
            Input::Vector(size) => size,
            Input::Symbol(_) => 1,
        };
        let precision = *bytes.choose(&[Precision::Int8, Precision::Int8, Precision::W8a16])?;
        let mut layers = Vec::new();
        for layer in model.layers() {
            if bytes.ratio(1, 6)? {
                let precision = *bytes.choose(&Precision::ALL)?;
                layers.push(LayerPrecision { layer: layer.name().to_owned(), precision });
            }
        }
        let method = match bytes.int_in_range(0..=5)? {
            0 => Some(Method::MinMax),
            1 => Some(Method::MeanSquare),
            2 => Some(Method::Percentile(50.0 + f64::from(bytes.int_in_range(0..=5000)?) / 100.0)),
            3 => Some(Method::Auto),
            _ => None,
        };
        let max_error = if bytes.ratio(1, 6)? { Some(value(bytes)?.abs()) } else { None };
        let numbers = |bytes: &mut Unstructured<'_>| (0..width).map(|_| value(bytes)).collect::<Result<Vec<f64>>>();
        let lsb = if bytes.ratio(1, 8)? { Some(numbers(bytes)?) } else { None };
        let wide_input = bytes.ratio(1, 4)?;
        let ranges = if bytes.ratio(1, 5)? { Some(ranges(bytes, &model)?) } else { None };

        let mut export = Export::new(&path).precision(precision).wide_input(wide_input).name("model");
        if bytes.ratio(1, 8)? {
            export = export.input_mean(numbers(bytes)?).input_std(numbers(bytes)?);
        }
        if bytes.ratio(1, 8)? {
            export = export.weights(Weights::F16);
        }
        let (text, suffix) = recordings(bytes, model.input(), width)?;
        let mut len = source.bytes().len() + text.len();
        let (recordings, ranges) = (
            file(&text, suffix),
            ranges.map(|text| {
                len += text.len();
                file(text.as_bytes(), ".toml")
            }),
        );
        export = export.calibrate(recordings.path());
        for LayerPrecision { layer, precision } in &layers {
            export = export.layer(layer, *precision);
        }
        export = method.into_iter().fold(export, Export::range_method);
        export = max_error.into_iter().fold(export, Export::max_error);
        export = lsb.iter().cloned().fold(export, Export::input_lsb);
        export = ranges.iter().fold(export, |export, file| export.ranges(file.path()));
        export = spec.into_iter().fold(export, Export::spec);
        Ok(Self { model, recordings, ranges, len, precision, layers, method, max_error, lsb, wide_input, export })
    }

    fn check(&self) {
        on_backend(None);
        let text = match self.export.generate(&()) {
            Ok(text) => text,
            Err(error) => return assert!(!error.problem().is_empty(), "{error:?}"),
        };
        assert!(!text.contains("NaN") && !text.contains("inf"), "{text}");
        on_backend(Some("scalar"));
        assert!(self.export.generate(&()).is_ok_and(|other| other == text), "another module on another backend");
        let verified = self.export.verify(self.recordings.path(), InputUnit::Raw, None, &());
        let verified = verified.expect("what calibrates verifies");
        let errors = verified.reference.errors;
        assert!(errors.max.is_finite() && verified.outputs.iter().all(|y| y.is_finite()), "{verified}");
        if let Some(bound) = self.max_error {
            assert!(verified.holds(bound), "{bound:e} was asked for: {verified}");
        }
        if self.max_error.is_none() && self.ranges.is_none() {
            self.check_integers();
        }
    }

    /// The integers that the calibration gives.
    fn check_integers(&self) {
        let data = Dataset::read(self.recordings.path(), self.model.input()).expect("it was read before");
        let statistics = Statistics::measure(&self.model, &data, &());
        let whole = statistics.min_max();
        let precisions = precision::of_layers(&self.model, self.precision, &self.layers).expect("these are its layers");
        if precisions.iter().all(|&precision| precision == Precision::F32) {
            return;
        }
        let quantise = |ranges: &_| mixed(&self.model, &precisions, ranges, self.lsb.as_deref(), self.wide_input);
        let aim = Aim::Rms(self.method.unwrap_or_default());
        // The export may stand behind a standardization, with which there may be integers that there are not without.
        let Ok((_, fitted)) = Fit::new((&self.model, &data), statistics, None, aim, &quantise, &()) else { return };
        check_rows(&fitted);
        let unclipped = quantise(&whole).expect("these are the ranges that were tried first");
        check_rows(&unclipped);
        if self.method.unwrap_or_default() == Method::Auto {
            let rms = |model| {
                let verified = verify(&self.model, &Int8Runner::new(model), &data, None, &());
                verified.expect("nothing is given to compare with").reference.errors.rms
            };
            let (fitted, unclipped) = (rms(&fitted), rms(&unclipped));
            assert!(
                fitted <= unclipped,
                "an RMS error of {fitted:e}, and of {unclipped:e} with the ranges of all values"
            );
        }
    }
}

/// What the kernels rely on, and `pack` asserts.
fn check_rows(model: &Int8Model) {
    for layer in &model.layers {
        match layer {
            Int8Layer::Gru(gru) => check_gru(gru),
            Int8Layer::Bidirectional { forward, backward, .. } => {
                check_gru(forward);
                check_gru(backward);
            }
            Int8Layer::Dense { weight, bias, .. } => assert!(rows_fit(weight, &[], bias, 0), "{layer:?}"),
            _ => {}
        }
    }
}

fn check_gru(gru: &Int8Gru) {
    let (columns, units) = (gru.shape.input_size, gru.shape.hidden_size);
    let others = units * (gru.shape.gates.count() - 1);
    let ((ih, ih_n), (hh, hh_n)) = (gru.weight_ih.split_at(others * columns), gru.weight_hh.split_at(others * units));
    let bias = |gate: usize| &gru.bias[gate * units..][..units];
    let places = 0..gru.shape.gates.count() - 1;
    let gates = places.flat_map(|place| bias(gru.shape.gates.gate(place)).to_vec()).collect::<Vec<_>>();
    assert!(rows_fit(ih, hh, &gates, gru.requantization.input_shift), "{gru:?}");
    assert!(rows_fit(ih_n, &[], bias(2), 0) && rows_fit(&[], hh_n, bias(3), 0), "{gru:?}");
    assert!(gru.requantization.view > 0 && gru.requantization.input_shift < 16, "{gru:?}");
}

/// Runs all that follows there, or on the best.
fn on_backend(name: Option<&str>) {
    backend::force(name).expect("every machine has it");
}

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../gru-export/tests/golden").join(name)
}

fn loaded(path: &Path, spec: Option<&Path>) -> (Source, Model) {
    let read = |path| Source::read(path).expect("it is a file of the tests");
    let spec = spec.map(|path| gru_export::spec::Spec::parse(&read(path)).expect("it is sound"));
    let source = read(path);
    let model = load(&source, spec.as_ref()).expect("it is sound");
    (source, model)
}

fn file(bytes: &[u8], suffix: &str) -> NamedTempFile {
    let mut file = tempfile::Builder::new().suffix(suffix).tempfile().expect("there is room for it");
    file.write_all(bytes).expect("there is room for it");
    file
}

/// A number of any kind.
fn value(bytes: &mut Unstructured<'_>) -> Result<f64> {
    const ODD: [f64; 12] = [
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        0.0,
        -0.0,
        f64::MAX,
        f64::MIN_POSITIVE,
        5e-324,
        -1e-310,
        1e-40,
        3.4e38,
        1e30,
    ];
    Ok(match bytes.int_in_range(0..=7)? {
        0 => *bytes.choose(&ODD)?,
        1 => bytes.arbitrary()?,
        2 => bytes.arbitrary::<f32>()?.into(),
        3 => bytes.arbitrary::<i16>()?.into(),
        _ => f64::from(bytes.arbitrary::<i8>()?) / 32.0,
    })
}

/// A recording as a file, and how its name ends: the rest of the bytes as they are, or rows of the right width.
fn recordings(bytes: &mut Unstructured<'_>, input: Input, width: usize) -> Result<(Vec<u8>, &'static str)> {
    let kind = bytes.int_in_range(0..=7)?;
    if kind == 0 {
        let suffix = *bytes.choose(&[".npy", ".npz", ".csv"])?;
        let rest = bytes.len().min(FILE);
        return Ok((bytes.bytes(rest)?.to_vec(), suffix));
    }
    let steps = bytes.int_in_range(0..=STEPS)?;
    let (single, wild) = (value(bytes)?, bytes.ratio(1, 3)?);
    let mut number = |_| match input {
        _ if kind == 1 => Ok(single),
        Input::Symbol(count) if !wild => Ok(bytes.choose_index(count)? as f64),
        _ if wild => value(bytes),
        _ => Ok(f64::from(bytes.arbitrary::<i8>()?) / 32.0),
    };
    let values = (0..steps * width).map(&mut number).collect::<Result<Vec<f64>>>()?;
    if kind < 5 {
        let narrow: Vec<f32> = values.iter().map(|&value| value as f32).collect();
        let shape = if input == Input::Vector(width) { vec![steps, width] } else { vec![steps] };
        return Ok((write_npy(&shape, &narrow), ".npy"));
    }
    let row = |row: &[f64]| row.iter().map(f64::to_string).collect::<Vec<_>>().join(",") + "\n";
    Ok((values.chunks(width).map(row).collect::<String>().into_bytes(), ".csv"))
}

/// A file of ranges: the input's, and those of some layers.
fn ranges(bytes: &mut Unstructured<'_>, model: &Model) -> Result<String> {
    let mut range = || -> Result<String> {
        let number = |value: f64| match value {
            value if value.is_finite() => format!("{value:?}"),
            value if value.is_nan() => "nan".to_owned(),
            value => format!("{}inf", if value < 0.0 { "-" } else { "" }),
        };
        let (a, b) = (value(bytes)?, value(bytes)?);
        let (low, high) = if bytes.ratio(7, 8)? { (a.min(b), a.max(b)) } else { (a, b) };
        Ok(format!("[{}, {}]", number(low), number(high)))
    };
    let mut text = format!("input = {}\n[layer]\n", range()?);
    for (at, layer) in model.layers().iter().enumerate() {
        if at % 2 == 0 {
            writeln!(text, "{:?} = {}", layer.name(), range()?).expect("memory takes it");
        }
    }
    Ok(text)
}
