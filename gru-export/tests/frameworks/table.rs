//! The tables of README.md: what the cases of each framework show.

use std::fmt::Write;
use std::path::Path;
use std::{env, fs};

use gru_export::ir::{Activation, Cell, Gru, Input, Layer, Model, Reset};
use gru_export::spec::Spec;
use gru_export::{Source, load};

use crate::{Case, flax, golden, keras, numpy, onnx, pytorch};

const FRAMEWORKS: [(&str, &[Case]); 5] = [
    ("PyTorch", pytorch::CASES),
    ("ONNX", onnx::CASES),
    ("Keras", keras::CASES),
    ("Flax", flax::CASES),
    ("NumPy", numpy::CASES),
];

const COMMAND: &str = "GRU_BLESS=1 cargo test -p gru-export --test frameworks table";

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

/// A row a feature, a column a framework, and the number of cases in each cell; then all cases.
fn tables() -> String {
    let models = FRAMEWORKS.map(|(_, cases)| cases.iter().map(model).collect::<Vec<_>>());
    let mut text = format!("\n| |{}\n|---|", FRAMEWORKS.map(|(name, _)| format!(" {name} |")).concat());
    text += &"---:|".repeat(FRAMEWORKS.len());
    for (feature, has) in FEATURES {
        let counts = models.each_ref().map(|models| models.iter().filter(|model| has(model)).count());
        let cells = counts.map(|count| if count == 0 { " – |".to_owned() } else { format!(" {count} |") });
        write!(text, "\n| {feature} |{}", cells.concat()).unwrap();
    }
    write!(text, "\n| all |{}\n\n", FRAMEWORKS.map(|(_, cases)| format!(" {} |", cases.len())).concat()).unwrap();
    for (name, cases) in FRAMEWORKS {
        let features: Vec<_> = cases.iter().map(|case| case.feature).collect();
        writeln!(text, "- **{name}**: {}.", features.join("; ")).unwrap();
    }
    text
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
