//! Makes the layers: random weights and inputs of a fixed seed, the outputs in f64, and modules for gru-core.

use std::collections::BTreeMap;
use std::env;
use std::fmt::Write;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use fastrand::Rng;
use gru_export::dataset::{Sample, write_npy};
use gru_export::{Export, Precision, Source, load, reference};
use safetensors::Dtype;
use safetensors::tensor::TensorView;

/// Input and hidden sizes.
const SHAPES: [(usize, usize); 5] = [(6, 32), (28, 128), (28, 256), (64, 64), (40, 96)];

/// As in `lib.rs`.
const WINDOW: usize = 100;
const REFERENCE_WINDOWS: usize = 3;
const INPUT_LSB: f32 = 1.0 / 64.0;

/// Steps by which int8 is calibrated: others than those that are compared.
const CALIBRATION: usize = 400;

/// The inputs spread over ±2.
const LARGEST_COUNT: i16 = 128;

fn main() -> Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    let out = env::var("OUT_DIR")?;
    let mut modules = String::new();
    for shape in SHAPES {
        modules += &model(Path::new(&out), shape)?;
    }
    let all: String = SHAPES.iter().map(|(input, hidden)| format!("s{input}x{hidden}::FILES, ")).collect();
    writeln!(modules, "/// All layers.\npub const ALL: [Files; {}] = [{all}];", SHAPES.len())?;
    fs::write(Path::new(&out).join("models.rs"), modules)?;
    Ok(())
}

/// Writes the files of a layer, and returns the module that includes them.
fn model(out: &Path, (input, hidden): (usize, usize)) -> Result<String> {
    let name = format!("{input}x{hidden}");
    let path = |extension: &str| out.join(format!("{name}.{extension}"));
    let mut rng = Rng::with_seed(0);

    fs::write(path("safetensors"), weights(&mut rng, input, hidden)?)?;
    let counts = random_counts(&mut rng, WINDOW * input);
    fs::write(path("counts"), counts.iter().flat_map(|count| count.to_le_bytes()).collect::<Vec<u8>>())?;
    let calibration: Vec<f32> = random_counts(&mut rng, CALIBRATION * input).into_iter().map(raw).collect();
    fs::write(path("npy"), write_npy(&[CALIBRATION, input], &calibration))?;
    fs::write(path("reference"), states(&path("safetensors"), &counts, input)?)?;

    let export = Export::new(path("safetensors")).name(&name);
    export.clone().write(path("f32.rs"), &())?;
    let int8 = export
        .precision(Precision::Int8)
        .calibrate(path("npy"))
        .input_lsb(vec![f64::from(INPUT_LSB); input])
        .generate(&())?;
    let view = int8.split_once("view: ").and_then(|(_, rest)| rest.split_once([' ', ',', '}']));
    let (view, _) = view.with_context(|| format!("{name}: the int8 module says no view of its state"))?;
    fs::write(path("int8.rs"), &int8)?;

    let include = |extension: &str| format!("{:?}", path(extension));
    Ok(format!(
        "/// {input} inputs, {hidden} units.\n\
         pub mod s{name} {{\n\
         /// In f32.\npub mod float {{ include!({}); }}\n\
         /// In integers.\npub mod int8 {{ include!({}); /// Steps of an output per unit.\npub const VIEW: f32 = {view}.0; }}\n\
         /// Its files.\npub const FILES: super::Files = super::Files {{ input: {input}, hidden: {hidden}, \
         weights: include_bytes!({}), counts: include_bytes!({}), reference: include_bytes!({}) }};\n}}\n",
        include("f32.rs"),
        include("int8.rs"),
        include("safetensors"),
        include("counts"),
        include("reference"),
    ))
}

/// Weights and biases of PyTorch's initial distribution.
fn weights(rng: &mut Rng, input: usize, hidden: usize) -> Result<Vec<u8>> {
    let scale = 1.0 / (hidden as f32).sqrt();
    let shapes = [
        ("weight_ih_l0", vec![3 * hidden, input]),
        ("weight_hh_l0", vec![3 * hidden, hidden]),
        ("bias_ih_l0", vec![3 * hidden]),
        ("bias_hh_l0", vec![3 * hidden]),
    ];
    let tensors = shapes.map(|(name, shape)| {
        let len = shape.iter().product();
        let values = std::iter::repeat_with(|| scale * (2.0 * rng.f32() - 1.0)).take(len);
        (name, shape, values.flat_map(f32::to_le_bytes).collect::<Vec<u8>>())
    });
    let views = tensors
        .iter()
        .map(|(name, shape, bytes)| Ok((*name, TensorView::new(Dtype::F32, shape.clone(), bytes)?)))
        .collect::<Result<BTreeMap<_, _>>>()?;
    Ok(safetensors::serialize(views, None)?)
}

fn random_counts(rng: &mut Rng, len: usize) -> Vec<i16> {
    std::iter::repeat_with(|| rng.i16(-LARGEST_COUNT..=LARGEST_COUNT)).take(len).collect()
}

/// In raw units.
fn raw(count: i16) -> f32 {
    f32::from(count) * INPUT_LSB
}

/// The hidden states of an f64 reference, as bytes of f32.
fn states(weights: &Path, counts: &[i16], input: usize) -> Result<Vec<u8>> {
    let model = load(&Source::read(weights)?, None)?;
    let raw: Vec<f64> = counts.iter().map(|&count| f64::from(raw(count))).collect();
    let window: Vec<_> = raw.chunks(input).map(Sample::Vector).collect();
    let trace = reference::play(&model, &window.repeat(REFERENCE_WINDOWS));
    Ok(trace.outputs().iter().flatten().flat_map(|&value| (value as f32).to_le_bytes()).collect())
}
