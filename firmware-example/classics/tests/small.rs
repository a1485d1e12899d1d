//! The small systems, each beside its framework: the cell from scratch, the forecast, the classifier of names.

use std::process::Command;

use classics::languages::{self, LABELS, Outcome};
use classics::numpy_cell::{FLOAT_BOUND, Forward, INT8_BOUND};
use classics::sunspots::{self, Errors};

/// What a program prints.
fn program(path: &str, arguments: &[&str]) -> String {
    let output = Command::new(path).args(arguments).output().expect("the program starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("it prints text")
}

#[test]
fn a_cell_from_scratch_gives_what_numpy_gives() {
    let (numpy, float, int8) = (Forward::numpy(), Forward::float(), Forward::int8());
    assert!(float.difference(&numpy) <= FLOAT_BOUND, "{float:?}");
    assert!(int8.difference(&numpy) <= INT8_BOUND, "{int8:?}");
}

#[test]
fn a_sequence_of_a_batch_has_the_bits_of_the_sequence_alone() {
    let int8 = Forward::int8();
    assert_eq!(int8.batch[0], int8.alone);
    assert_ne!(int8.batch[1], int8.alone);
}

#[test]
fn forecasts_are_pytorchs_and_better_than_persistence() {
    let [persistence, pytorch, float, int8] =
        [sunspots::persistence(), sunspots::pytorch(), sunspots::float(), sunspots::int8()];
    for (a, b) in float.iter().zip(pytorch) {
        assert!((a - b).abs() <= 1e-4, "{a} where PyTorch says {b}");
    }
    let rms = |forecasts| Errors::of(forecasts).rms;
    assert!(rms(&float) < 0.6 * rms(&persistence));
    assert!(rms(&int8) < 1.02 * rms(&float), "{} in int8, {} in f32", rms(&int8), rms(&float));
}

#[test]
fn languages_are_those_that_keras_tells() {
    let (keras, float, int8) = (Outcome::keras(), Outcome::float(), Outcome::int8());
    assert!(keras.right >= 800, "{keras:?}");
    assert_eq!((float.right, float.agreeing), (keras.right, keras.of));
    assert!(float.difference <= 2e-6, "{float:?}");
    assert!(int8.right * 100 >= keras.right * 99, "{int8:?}, Keras {keras:?}");
    assert!(int8.agreeing * 100 >= 98 * int8.of, "{int8:?}");
}

#[test]
fn letters_that_a_model_does_not_know_count_for_nothing() {
    assert_eq!(languages::int8("Schw日eiz"), languages::int8("schweiz"));
    assert_eq!(languages::float("日本"), None);
}

#[test]
fn the_cell_is_printed_beside_numpy() {
    let printed = program(env!("CARGO_BIN_EXE_numpy_cell"), &[]);
    let expected = "                        NumPy                f32               int8
step 1       -0.2065   0.3123   -0.2065   0.3123   -0.2064   0.3113
step 2        0.6869   0.7792    0.6869   0.7792    0.6864   0.7801
step 3        0.8665  -0.0190    0.8665  -0.0190    0.8663  -0.0179
step 4        0.4745  -0.2121    0.4745  -0.2121    0.4738  -0.2117
sequence 1    0.4745  -0.2121    0.4745  -0.2121    0.4738  -0.2117
sequence 2    0.8903   0.0316    0.8903   0.0316    0.8902   0.0326
sequence 3    0.4745  -0.3047    0.4745  -0.3047    0.4745  -0.3051
sequence 4    0.4548   0.7191    0.4548   0.7191    0.4530   0.7173
sequence 5    0.8839  -0.0848    0.8839  -0.0848    0.8846  -0.0849
";
    // The last line has the difference of f32, whose last bits are each machine's.
    assert_eq!(printed.rsplit_once("largest").expect("a last line").0, expected);
}

#[test]
fn errors_of_forecasts_are_printed_side_by_side() {
    let expected = "\
1921 to 2008   RMS error  mean error   2009
persistence        30.44       23.29    2.9
PyTorch            17.32       12.44   20.5
f32                17.32       12.44   20.5
int8               17.37       12.48   20.5
";
    assert_eq!(program(env!("CARGO_BIN_EXE_sunspots"), &[]), expected);
}

#[test]
fn a_name_has_a_probability_in_each_language() {
    let printed = program(env!("CARGO_BIN_EXE_languages"), &["Afryka Środkowa"]);
    assert_eq!(printed.lines().count(), 1 + LABELS.len());
    assert_eq!(printed.lines().nth(1), Some("Polish    99.9 %   99.9 %"));
}
