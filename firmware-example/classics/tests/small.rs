//! The small systems, each beside its framework: the cell from scratch, the forecast, the classifier of names.

use std::process::Command;

use classics::languages::{self, Outcome};
use classics::numpy_cell::Forward;
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
    assert!(float.difference(&numpy) <= 2e-6, "{float:?}");
    assert!(int8.difference(&numpy) <= 1e-2, "{int8:?}");
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
    let keras = Outcome::of(|name| name.keras);
    let float = Outcome::of(|name| languages::float(name.text).expect("a letter of it is known"));
    let int8 = Outcome::of(|name| languages::int8(name.text).expect("a letter of it is known"));
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
fn programs_print_results_side_by_side() {
    let _ = program(env!("CARGO_BIN_EXE_numpy_cell"), &[]);
    let _ = program(env!("CARGO_BIN_EXE_sunspots"), &[]);
    let _ = program(env!("CARGO_BIN_EXE_languages"), &["Vereinigtes Königreich"]);
}
