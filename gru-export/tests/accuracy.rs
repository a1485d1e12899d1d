//! What models of the classic kind lose in int8: at least 99 % of the accuracy in f32 must remain.
//!
//! The models are those of `firmware-example/classics`.

mod random;

use std::fs;
use std::path::{Path, PathBuf};

use gru_core::argmax;
use gru_export::calibrate::{Aim, Calibration, Fit, Method, Statistics};
use gru_export::dataset::{Array, write_npy};
use gru_export::float::{FloatModel, FloatRunner};
use gru_export::int8::Int8Runner;
use gru_export::ir::{Cell, Layer, Model};
use gru_export::quantise::quantise;
use gru_export::verify::{Verification, verify};
use gru_export::{Export, InputUnit, Precision};

use self::random::{Random, cells, data};

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../firmware-example/classics/models").join(name)
}

/// The output of the largest value at each step, in f32 and in int8.
fn decisions(export: &Export, input: &Path, size: usize) -> [Vec<usize>; 2] {
    [Precision::F32, Precision::Int8].map(|precision| {
        let export = export.clone().precision(precision);
        let Verification { outputs, notes, reference, .. } = export.verify(input, InputUnit::Raw, None, &()).unwrap();
        println!(
            "{}: RMS error {:.1e} of {:.1} {notes:?}",
            precision.name(),
            reference.errors.rms,
            reference.errors.peak
        );
        outputs.chunks_exact(size).map(argmax).collect()
    })
}

/// Says both accuracies, and fails where int8 keeps less than 99 % of the first, or that is below `least`.
fn keeps(model: &str, [in_f32, in_int8]: [usize; 2], of: usize, least: f64) {
    let share = |right: usize| right as f64 / of as f64;
    println!("{model}: f32 {in_f32} of {of}, int8 {in_int8}: {:.2} %", 100.0 * share(in_int8) / share(in_f32));
    assert!(share(in_f32) >= least, "{model}: {in_f32} of {of} right in f32");
    assert!(in_int8 * 100 >= in_f32 * 99, "{model}: {in_f32} of {of} right in f32, {in_int8} in int8");
}

#[test]
fn digits_read_row_by_row() {
    let labels = Array::read(file("digits_test_labels.npy")).unwrap().values().into_owned();
    let export = Export::new(file("digits.safetensors")).calibrate(file("digits_calibration.npy"));
    let right = decisions(&export, &file("digits_test.npy"), 10).map(|steps| {
        let last = steps.chunks_exact(8).map(|rows| rows[7]);
        last.zip(&labels).filter(|&(found, &label)| found == label as usize).count()
    });
    keeps("digits", right, labels.len(), 0.97);
}

/// Symbols of a text as `characters.py` has them: 1 for a run of anything but letters, 2 to 27 for a to z.
fn symbols(text: &str) -> Vec<f32> {
    let mut symbols: Vec<_> = text
        .bytes()
        .map(|byte| byte.to_ascii_lowercase())
        .map(|byte| if byte.is_ascii_lowercase() { f32::from(byte - b'a' + 2) } else { 1.0 })
        .collect();
    symbols.dedup_by(|a, b| (*a, *b) == (1.0, 1.0));
    symbols
}

/// The next character of a text that the models have not seen; calibrated on its first half, tested on the other.
fn characters(kind: &str) {
    let license = Path::new(env!("CARGO_MANIFEST_DIR")).join("../LICENSE-APACHE");
    let text = symbols(&fs::read_to_string(license).unwrap());
    let (calibration, test) = text.split_at(text.len() / 2);
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    fs::write(path("calibration.npy"), write_npy(&[calibration.len()], calibration)).unwrap();
    fs::write(path("test.npy"), write_npy(&[test.len()], test)).unwrap();
    let name = format!("characters_{kind}");
    let export = Export::new(file(&format!("{name}.safetensors"))).spec(file(&format!("{name}.toml")));
    let right = decisions(&export.calibrate(path("calibration.npy")), &path("test.npy"), 28)
        .map(|steps| steps.iter().zip(&test[1..]).filter(|&(&found, &next)| found == next as usize).count());
    keeps(&name, right, test.len() - 1, 0.2);
}

#[test]
fn characters_with_the_reset_before_the_product() {
    characters("scratch");
}

#[test]
fn characters_with_the_reset_after_the_product() {
    characters("library");
}

/// Steps at which int8 decides as f32 does.
fn agreement(model: &Model, random: &mut Random) -> (usize, usize) {
    let channels = 6;
    let noise = |random: &mut Random| data(2000, channels, |step, _| libm::sin(step as f64 / 9.0) + random.draw());
    let (calibration, test) = (noise(random), noise(random));
    let quantise = |ranges: &Calibration| quantise(model, ranges, None, false);
    let (_, quantised) = Fit::new(
        (model, &calibration),
        Statistics::measure(model, &calibration, &()),
        None,
        Aim::Rms(Method::Auto),
        &quantise,
        &(),
    )
    .unwrap();
    let of = |found: Verification| found.outputs.chunks_exact(model.output_size()).map(argmax).collect::<Vec<_>>();
    let in_f32 = of(verify(model, &FloatRunner::new(&FloatModel::new(model).unwrap()), &test, None, &()).unwrap());
    let in_int8 = of(verify(model, &Int8Runner::new(&quantised), &test, None, &()).unwrap());
    (in_f32.iter().zip(&in_int8).filter(|(a, b)| a == b).count(), in_f32.len())
}

#[test]
fn random_models_of_every_convention() {
    for cell in cells() {
        for hidden in [16, 64] {
            let mut random = Random(hidden as u64);
            let model = random.classifier([6, hidden, 4], cell);
            let (same, of) = agreement(&model, &mut random);
            keeps(&format!("{hidden} units, {cell:?}"), [of, same], of, 1.0);
        }
    }
}

/// An update gate that replaces what it opens for is one that keeps it with the other sign, as a spec with `update = "replace"` is read.
#[test]
fn random_models_of_the_other_update_convention() {
    for hidden in [16, 64] {
        let mut random = Random(hidden as u64 + 1);
        let mut gru = random.gru(6, hidden, Cell::default());
        gru.weight_ih[1] = gru.weight_ih[1].map(|_, w| -w);
        gru.weight_hh[1] = gru.weight_hh[1].map(|_, w| -w);
        gru.bias[1].iter_mut().for_each(|b| *b = -*b);
        let model = Model::new(vec![Layer::Gru(gru), Layer::Dense(random.dense(hidden, 4))], None).unwrap();
        let (same, of) = agreement(&model, &mut random);
        keeps(&format!("{hidden} units, update replaces"), [of, same], of, 1.0);
    }
}
