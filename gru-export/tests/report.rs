//! Pages: whole, the same every time, without anything from elsewhere, whatever the model and its names.

use std::fs;
use std::path::{Path, PathBuf};

use gru_export::dataset::{Array, write_npy};
use gru_export::report::Test;
use gru_export::{Export, InputUnit, Precision};
use tempfile::TempDir;

/// Every element of a page; a name that brings another is not escaped.
const ELEMENTS: [&str; 35] = [
    "html",
    "head",
    "meta",
    "title",
    "style",
    "body",
    "header",
    "nav",
    "main",
    "section",
    "h1",
    "h2",
    "h3",
    "p",
    "b",
    "small",
    "ul",
    "li",
    "a",
    "dl",
    "dt",
    "dd",
    "div",
    "pre",
    "table",
    "caption",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
    "figure",
    "figcaption",
    "svg",
    "g",
];

/// Those of pictures that hold nothing.
const SHAPES: [&str; 4] = ["line", "rect", "path", "text"];

fn firmware(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../firmware-example").join(path)
}

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

fn int8(model: impl Into<PathBuf>, calibration: impl Into<PathBuf>) -> Export {
    Export::new(model).precision(Precision::Int8).calibrate(calibration)
}

/// The page, which must be sound.
fn page(export: &Export, test: &Test) -> String {
    let html = export.report(test, &()).unwrap().html();
    check(&html);
    html
}

/// Elements are known, closed where they were opened, and refer to nothing outside the page.
fn check(html: &str) {
    let mut open = Vec::new();
    let mut rest = html.strip_prefix("<!DOCTYPE html>").unwrap();
    while let Some(start) = rest.find('<') {
        let end = start + rest[start..].find('>').expect("a tag ends");
        let tag = &rest[start + 1..end];
        let name = tag.trim_matches('/').split_whitespace().next().unwrap();
        assert!(ELEMENTS.contains(&name) || SHAPES.contains(&name), "<{tag}>");
        assert!(!tag.contains(" on") && !tag.contains("style=") && !tag.contains("src="), "<{tag}>");
        match tag {
            _ if tag.starts_with('/') => assert_eq!(open.pop(), Some(name), "<{tag}>"),
            _ if tag.ends_with('/') || name == "meta" => {}
            _ => open.push(name),
        }
        rest = &rest[end + 1..];
    }
    assert!(open.is_empty(), "{open:?}");
    for foreign in ["http:", "https:", "url(", "@import", "NaN", "inf\""] {
        assert!(!html.contains(foreign), "{foreign}");
    }
    assert!(html.contains("default-src 'none'"));
}

fn motion() -> (Export, Test) {
    let export = int8(firmware("models/motion.safetensors"), firmware("data/calibration.npy"));
    let export = export.input_lsb(firmware("data/lsb.npy").to_str().unwrap()).wide_input(true);
    let test = Test::new(firmware("data/test.npy")).unit(InputUnit::Count).labels(firmware("data/test_labels.npy"));
    (export, test.names(["standing", "running", "walking", "badminton"]))
}

/// Percent of all steps, from the outputs alone.
fn accuracy(export: &Export) -> f64 {
    let outputs = export.verify(&firmware("data/test.npy"), InputUnit::Count, None, &()).unwrap().outputs;
    let labels = Array::read(firmware("data/test_labels.npy")).unwrap().values().into_owned();
    let classes: Vec<usize> = outputs.chunks_exact(4).map(gru_core::argmax).collect();
    let right = classes.iter().enumerate().filter(|&(step, &class)| class == labels[step / 100] as usize).count();
    100.0 * right as f64 / classes.len() as f64
}

#[test]
fn the_bundled_model() {
    let (export, test) = motion();
    let html = page(&export, &test);
    for section in ["first", "architecture", "accuracy", "time", "ranges", "cost", "method"] {
        assert_eq!(html.matches(&format!("id=\"{section}\"")).count(), 1, "{section}");
    }
    let (int8, f32) = (accuracy(&export), accuracy(&export.clone().precision(Precision::F32)));
    assert!(html.contains(&format!("<dd>{int8:.2}\u{A0}%<small>{f32:.2}\u{A0}% in f32")), "accuracy {int8} {f32}");
    assert!(html.contains("%<small>at 4\u{202F}000 steps"), "agreement");
    assert!(html.contains("Cortex-M55") && html.contains("0 standing") && html.contains("sum of r"));
    assert_eq!(html, page(&export, &test), "the same page every time");
}

#[test]
fn a_wide_input_is_tried_where_there_is_none() {
    let (export, test) = motion();
    let html = page(&export.wide_input(false), &test);
    assert!(html.contains("Look at gru.l0 first") && html.contains("<th scope=\"row\">--wide-input</th>"), "advice");
}

#[test]
fn every_precision_of_a_layer_is_tried() {
    let (export, test) = motion();
    let html = page(&export.clone().wide_input(false), &test);
    assert!(html.contains(">--layer gru.l0=w8a16</th>") && html.contains(">--layer gru.l0=f32</th>"));
    let html = page(&export.layer("gru.l0", Precision::W8a16).layer("head", Precision::F32), &test);
    assert!(html.contains("<h1>motion.safetensors in mixed</h1>") && html.contains("state,</b> 15 bits"), "mixed");
}

#[test]
fn labels_of_steps_and_of_recordings_agree() {
    let (export, test) = motion();
    let directory = TempDir::new().unwrap();
    let each: Vec<f32> = Array::read(firmware("data/test_labels.npy"))
        .unwrap()
        .values()
        .iter()
        .flat_map(|&label| [label as f32; 100])
        .collect();
    let path = directory.path().join("steps.npy");
    fs::write(&path, write_npy(&[40, 100], &each)).unwrap();
    let html = page(&export, &test.labels(path));
    assert!(html.contains(&format!("<dd>{:.2}\u{A0}%<small>", accuracy(&motion().0))), "accuracy");
    assert!(!html.contains("last step"), "which has no label of its own");
}

#[test]
fn models_of_every_kind() {
    for (model, features) in [
        ("wrapped.safetensors", ["sum of n, state", "Errors of the outputs."]),
        ("embedding.safetensors", ["a symbol below", "a row for each symbol"]),
        ("bidirectional.safetensors", ["backward sum of z", "Note."]),
        ("normalized.safetensors", ["layer norm", "layer norm"]),
        ("numpy/book_no_reset.npz", ["no reset gate", "sum of z"]),
        ("numpy/book_rnn.npz", ["sum of n, input", "no update gate"]),
    ] {
        let x = golden(model).with_extension("").to_str().unwrap().to_owned() + "_x.npy";
        let html = page(&int8(golden(model), &x), &Test::new(&x));
        features.iter().for_each(|feature| assert!(html.contains(feature), "{model}: {feature}"));
        assert!(html.contains("The test recordings are the calibration recordings"), "{model}");
    }
}

#[test]
fn one_step_of_silence() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("silence.npy");
    fs::write(&path, write_npy(&[1, 1, 6], &[0.0; 6])).unwrap();
    page(&int8(firmware("models/motion.safetensors"), &path), &Test::new(&path));
}

#[test]
fn names_stay_names() {
    let directory = TempDir::new().unwrap();
    let hostile = "</title><script>alert(1)<x onload='a'>&\"'\u{202E}";
    let model = directory.path().join(format!("{}.safetensors", hostile.replace('/', "")));
    let (export, test) = {
        fs::copy(firmware("models/motion.safetensors"), &model).unwrap();
        let calibration = directory.path().join("<b>.npy");
        fs::copy(firmware("data/calibration.npy"), &calibration).unwrap();
        (int8(&model, &calibration).input_lsb(firmware("data/lsb.npy").to_str().unwrap()), motion().1)
    };
    let html = page(&export, &test.names([hostile, "<svg onload=x>", "]]>", "-->"]));
    assert!(html.contains("&lt;script&gt;alert(1)"), "the file's name is shown");
    assert!(html.contains("&lt;svg onload=x&gt; taken for"), "a class' name is shown");
    assert!(html.contains("&lt;b&gt;.npy") && !html.contains('\u{202E}'));
}
