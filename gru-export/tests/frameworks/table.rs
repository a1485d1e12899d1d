//! The tables of README.md: what the cases of each framework show.

use std::fmt::Write;
use std::path::Path;
use std::{env, fs};

use gru_export::ir::{Activation, Cell, Gru, Input, Layer, Model, Reset};
use gru_export::spec::Spec;
use gru_export::{Precision, Source, load};

use crate::{Case, flax, golden, keras, numpy, onnx, pytorch, verified};

const FRAMEWORKS: [(&str, &[Case]); 5] = [
    ("PyTorch", pytorch::CASES),
    ("ONNX", onnx::CASES),
    ("Keras", keras::CASES),
    ("Flax", flax::CASES),
    ("NumPy", numpy::CASES),
];

const COMMAND: &str = "GRU_BLESS=1 cargo test -p gru-export --test frameworks table";

/// Largest error of an output in int8, calibrated on the same input, beside the largest output where that is above 1.
const INT8_BOUND: f64 = 0.03;

/// A row: what it is called, and whether a model has it.
type Feature = (&'static str, fn(&Model) -> bool);

const FEATURES: &[Feature] = &[
    ("reset after the recurrent product", |model| any_cell(model, |cell| cell.reset == Reset::After)),
    ("reset before it", |model| any_cell(model, |cell| cell.reset == Reset::Before)),
    ("no reset gate", |model| any_cell(model, |cell| cell.reset == Reset::None && cell.update)),
    ("no update gate", |model| any_cell(model, |cell| !cell.update && cell.reset != Reset::None)),
    ("plain RNN", |model| any_cell(model, |cell| !cell.update && cell.reset == Reset::None)),
    ("no biases", |model| grus(model).any(|gru| gru.bias.iter().flatten().all(|&b| b == 0.0))),
    ("other activation of the candidate", |model| any_cell(model, |cell| cell.activation != Activation::Tanh)),
    ("other activation of the gates", |model| any_cell(model, |cell| cell.recurrent_activation != Activation::Sigmoid)),
    ("clipped sums", |model| any_cell(model, |cell| cell.clip.is_some())),
    ("several recurrent layers", |model| model.layers().iter().filter(|layer| is_recurrent(layer)).count() > 1),
    ("bidirectional", Model::is_bidirectional),
    ("dense layer", |model| has(model, |layer| matches!(layer, Layer::Dense(_)))),
    ("activations between layers", |model| has(model, |layer| matches!(layer, Layer::Activation(_)))),
    ("embedding or one-hot input", |model| matches!(model.input(), Input::Symbol(_))),
    ("layer normalization", |model| has(model, |layer| matches!(layer, Layer::LayerNorm(_)))),
    ("batch normalization", |model| model.notes().iter().any(|note| note.contains("folded into"))),
    ("standardized input", |model| model.standardization().is_some()),
];

fn has(model: &Model, is: fn(&Layer) -> bool) -> bool {
    model.layers().iter().any(is)
}

fn is_recurrent(layer: &Layer) -> bool {
    matches!(layer, Layer::Gru(_) | Layer::Bidirectional(_))
}

fn grus(model: &Model) -> impl Iterator<Item = &Gru> {
    model.layers().iter().flat_map(|layer| match layer {
        Layer::Gru(gru) => vec![gru],
        Layer::Bidirectional(both) => vec![&both.forward, &both.backward],
        _ => Vec::new(),
    })
}

fn any_cell(model: &Model, is: fn(&Cell) -> bool) -> bool {
    grus(model).any(|gru| is(&gru.cell))
}

fn model(case: &Case) -> Model {
    let spec = case.spec.map(|spec| Spec::parse(&Source::read(golden(spec)).unwrap()).unwrap());
    load(&Source::read(golden(case.file)).unwrap(), spec.as_ref()).unwrap()
}

/// Whether int8 has all layers of a model; where it has, its outputs stay with the framework's.
fn holds_in_int8(case: &Case) -> bool {
    match verified(case.file, case.spec, Precision::Int8) {
        Ok(verification) => {
            let errors = verification.given.unwrap().errors;
            println!("{}: {:.1e} of {:.2}", case.file, errors.max, errors.peak);
            assert!(errors.max <= INT8_BOUND * errors.peak.max(1.0), "{}: {errors:?}", case.file);
            true
        }
        Err(error) => {
            assert!(error.advice().is_some_and(|advice| advice.contains("--layer")), "{}: {error}", case.file);
            false
        }
    }
}

/// A row a feature, a column a framework, and the number of cases in each cell, in f32 and in int8; then all cases.
fn tables() -> String {
    let read = |case| (model(case), holds_in_int8(case));
    let models = FRAMEWORKS.map(|(_, cases)| cases.iter().map(read).collect::<Vec<_>>());
    let mut text = format!("\n| |{}\n|---|", FRAMEWORKS.map(|(name, _)| format!(" {name} |")).concat());
    text += &"---:|".repeat(FRAMEWORKS.len());
    for (feature, has) in FEATURES {
        let cells = models.each_ref().map(|models| cell(models.iter().filter(|(model, _)| has(model))));
        write!(text, "\n| {feature} |{}", cells.concat()).unwrap();
    }
    write!(text, "\n| all |{}\n\n", models.each_ref().map(|models| cell(models.iter())).concat()).unwrap();
    for (name, cases) in FRAMEWORKS {
        let features: Vec<_> = cases.iter().map(|case| case.feature).collect();
        writeln!(text, "- **{name}**: {}.", features.join("; ")).unwrap();
    }
    text
}

/// How many there are, and how many of them in int8.
fn cell<'a>(models: impl Iterator<Item = &'a (Model, bool)>) -> String {
    let (mut float, mut int8) = (0, 0);
    for (_, holds) in models {
        float += 1;
        int8 += usize::from(*holds);
    }
    if float == 0 { " – |".to_owned() } else { format!(" {float} · {int8} |") }
}

#[test]
fn table() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = fs::read_to_string(&path).unwrap();
    let (before, rest) = readme.split_once(&format!("<!-- frameworks: written by `{COMMAND}` -->\n")).unwrap();
    let (_, after) = rest.split_once("<!-- end of frameworks -->").unwrap();
    let expected =
        format!("{before}<!-- frameworks: written by `{COMMAND}` -->\n{}<!-- end of frameworks -->{after}", tables());
    if env::var_os("GRU_BLESS").is_some() {
        fs::write(&path, expected).unwrap();
    } else {
        assert!(readme == expected, "README.md tells another number of cases; to write these, run: {COMMAND}");
    }
}
