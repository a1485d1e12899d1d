//! Weights in f16.

use std::fs;

use crate::files::{Tensor, model, npy_f32};
use crate::program::{Bench, Transcript};

const STEPS: usize = 20;

/// A GRU layer and a head, with input.
fn bench() -> Bench {
    let bench = Bench::with_model();
    let values: Vec<f32> = (0..2 * STEPS).map(|i| (i * i % 37) as f32 / 8.0 - 2.0).collect();
    bench.put("x.npy", &npy_f32(&[STEPS, 2], &values));
    bench
}

/// The model with one weight of the update gate at this value.
fn model_with(weight: f32, buffers: &[Tensor]) -> Vec<u8> {
    let mut tensors = Tensor::gru_and_head(2, 3, 4);
    tensors[0].bytes[4 * 9..4 * 10].copy_from_slice(&weight.to_le_bytes());
    model(&[buffers, &tensors].concat())
}

#[test]
fn a_module_holds_their_bits() {
    let bench = bench();
    let run = bench.run("export model.safetensors --precision f32 --weights f16 --calibrate x.npy -o out.rs");
    assert_eq!(run.code, 0, "{}", run.stderr);
    let mut transcript = Transcript::default();
    transcript.add("standard error", &run.stderr);
    transcript.add("out.rs", &fs::read_to_string(bench.path("out.rs")).unwrap());
    insta::assert_snapshot!(transcript.text());
}

#[test]
fn verify_shows_what_they_cost() {
    let bench = bench();
    let run = bench.run("verify model.safetensors --weights f16 --input x.npy");
    assert_eq!(run.code, 0, "{}", run.stdout);
    assert!(run.stdout.contains(", weights in f16, against f64"), "{}", run.stdout);
    assert!(run.stdout.contains("bytes of flash in place of"), "{}", run.stdout);
    let errors = ["f32", "f16"].map(|weights| {
        let run = bench.run(&format!("--json verify model.safetensors --weights {weights} --input x.npy"));
        let report: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
        assert_eq!(report["weights"], weights);
        report["reference"]["errors"]["max"].as_f64().unwrap()
    });
    assert!(errors[0] < 1e-6 && errors[1] > 1e-5 && errors[1] < 1e-3, "{errors:?}");
}

#[test]
fn those_of_layers_in_f32_alone() {
    let bench = bench();
    let arguments = "--precision int8 --layer head=f32 --weights f16 --calibrate x.npy -o out.rs";
    assert_eq!(bench.run(&format!("-q export model.safetensors {arguments}")).code, 0);
    let module = fs::read_to_string(bench.path("out.rs")).unwrap();
    assert!(module.contains("gru_core::QGru<2, 3, gru_core::ResetAfter>"), "{module}");
    assert!(module.contains("gru_core::Dense<3, 4, gru_core::F16>"), "{module}");
}

#[test]
fn a_chosen_precision_keeps_its_bound_with_them() {
    let bench = bench();
    let export = "--json export model.safetensors --precision auto --weights f16 --calibrate x.npy -o out.rs";
    let run = bench.run(&format!("{export} --max-error 5e-4"));
    assert_eq!(run.code, 0, "{}", run.stderr);
    let report: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert!(report["choice"]["after"].as_f64().unwrap() <= 5e-4, "{report}");
    let run = bench.run(&format!("{export} --max-error 1e-6"));
    assert_eq!(run.code, 2, "f16 weights cannot be so exact: {}", run.stdout);
}

#[test]
fn inspect_shows_their_bytes() {
    let bench = bench();
    let mut transcript = Transcript::default();
    for arguments in ["--weights f16", "--precision int8 --layer head=f32 --weights f16"] {
        let run = bench.run(&format!("inspect model.safetensors {arguments}"));
        assert_eq!((run.code, run.stderr.as_str()), (0, ""));
        let table: Vec<&str> =
            run.stdout.lines().skip_while(|line| !line.contains("bytes")).take_while(|line| !line.is_empty()).collect();
        transcript.add(arguments, &table.join("\n"));
    }
    insta::assert_snapshot!(transcript.text());
}

#[test]
fn refused() {
    let bench = bench();
    bench.put("large.safetensors", &model_with(65505.0, &[]));
    bench.put("largest.safetensors", &model_with(65504.0, &[]));
    let buffers = [Tensor::of("input_mean", &[0.0, 0.0]), Tensor::of("input_std", &[1.0, 1e-3])];
    bench.put("narrow.safetensors", &model_with(100.0, &buffers));
    assert_eq!(bench.run("-q export largest.safetensors --precision f32 --weights f16 -o out.rs").code, 0);
    let mut transcript = Transcript::default();
    for arguments in [
        "export large.safetensors --precision f32 --weights f16 -o out.rs",
        "export narrow.safetensors --precision f32 --weights f16 -o out.rs",
        "verify large.safetensors --weights f16 --input x.npy",
        "export model.safetensors --precision int8 --weights f16 --calibrate x.npy -o out.rs",
        "inspect model.safetensors --precision w8a16 --weights f16",
        "export model.safetensors --precision f32 --weights bf16 -o out.rs",
    ] {
        transcript.add(arguments, &bench.refusal(arguments));
    }
    insta::assert_snapshot!(transcript.text());
}
