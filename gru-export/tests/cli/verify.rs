//! `verify`: what it reports, and its exit codes.

use std::fs;

use crate::files::{Tensor, model, npy_f32};
use crate::program::{Bench, Transcript};

const STEPS: usize = 20;

/// The model with input and, as a framework would give them, outputs.
fn bench() -> Bench {
    let bench = Bench::with_model();
    let values: Vec<f32> = (0..2 * STEPS).map(|i| libm::sinf(i as f32 * 0.7)).collect();
    bench.put("x.npy", &npy_f32(&[STEPS, 2], &values));
    assert_eq!(bench.run("verify model.safetensors --input x.npy --output y.npy").code, 0);
    bench
}

#[test]
fn holds() {
    let bench = bench();
    for precision in ["", "--precision int8 --calibrate x.npy"] {
        let run = bench.run(&format!("verify model.safetensors --input x.npy --reference y.npy {precision}"));
        assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{}", run.stdout);
        assert!(run.stdout.contains("holds: every output within"), "{}", run.stdout);
        assert!(run.stdout.contains("20 of 20 steps, 100.00 %"), "{}", run.stdout);
    }
}

#[test]
fn beyond_tolerance() {
    let bench = bench();
    let run = bench.run("verify model.safetensors --input x.npy --tolerance 1e-12");
    assert_eq!((run.code, run.stderr.as_str()), (1, ""));
    assert!(run.stdout.ends_with("fails: an output is further off than 1.0e-12\n"), "{}", run.stdout);

    bench.put("wrong.npy", &npy_f32(&[STEPS, 4], &[0.5; 4 * STEPS]));
    assert_eq!(bench.run("verify model.safetensors --input x.npy --reference wrong.npy").code, 1);
}

/// Those of int8, which are the same on every backend.
#[test]
fn what_is_printed() {
    let bench = bench();
    let backend = gru_core::backend::active();
    let int8 = "verify model.safetensors --input x.npy --precision int8 --calibrate x.npy";
    assert_eq!(bench.run(&format!("{int8} --output int8.npy")).code, 0);
    let mut transcript = Transcript::default();
    for more in ["", "--tolerance 1e-12"] {
        let arguments = format!("{int8} --reference int8.npy {more}");
        transcript.add(&arguments, &bench.run(&arguments).stdout.replace(backend, "BACKEND"));
    }
    let arguments = "verify model.safetensors --weights f16 --input x.npy";
    let run = bench.run(arguments);
    let first = run.stdout.lines().next().unwrap_or_default();
    transcript.add(arguments, &first.replace(backend, "BACKEND"));
    insta::assert_snapshot!(transcript.text());
}

#[test]
fn as_json() {
    let run = bench().run("--json verify model.safetensors --input x.npy --reference y.npy");
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    let report: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(report["holds"], true);
    assert_eq!(report["layers"][0]["name"], "gru.l0");
    assert_eq!(report["given"]["errors"]["max"], 0.0);
    assert_eq!(report["reference"]["steps"], STEPS);
    assert!(report["reference"]["errors"]["max"].as_f64().unwrap() < 1e-6);
}

#[test]
fn counts_are_raw_units_divided_by_the_lsb() {
    let bench = bench();
    let counts: Vec<f32> = (0..2 * STEPS).map(|i| libm::sinf(i as f32 * 0.7).mul_add(1024.0, 0.0).round()).collect();
    let raw: Vec<f32> = counts.iter().map(|count| count / 1024.0).collect();
    bench.put("counts.npy", &npy_f32(&[STEPS, 2], &counts));
    bench.put("raw.npy", &npy_f32(&[STEPS, 2], &raw));
    let lsb = 1.0 / 1024.0;
    for (input, output) in [("raw.npy", "a.npy"), (&format!("counts.npy --counts --input-lsb {lsb},{lsb}"), "b.npy")] {
        assert_eq!(bench.run(&format!("verify model.safetensors --input {input} --output {output}")).code, 0);
    }
    assert_eq!(fs::read(bench.path("a.npy")).unwrap(), fs::read(bench.path("b.npy")).unwrap());
}

#[test]
fn refused() {
    let bench = bench();
    let tokens = vec![Tensor::new("tokens.weight", &[5, 2])];
    bench.put("symbols.safetensors", &model(&[tokens, Tensor::gru_and_head(2, 3, 5)].concat()));
    bench.put("symbols.npy", &npy_f32(&[2], &[0.0, 1.0]));
    bench.put("short.npy", &npy_f32(&[STEPS - 1, 4], &[0.0; 4 * (STEPS - 1)]));
    let mut transcript = Transcript::default();
    for arguments in [
        "verify model.safetensors",
        "verify model.safetensors --input missing.npy",
        "verify model.safetensors --input x.npy --reference missing.npy",
        "verify model.safetensors --input x.npy --reference short.npy",
        "verify model.safetensors --input x.npy --counts",
        "verify model.safetensors --input x.npy --precision int8",
        "verify model.safetensors --input x.npy --precision int8 --calibrate x.npy --input-lsb 1e-9,1e-9",
        "verify model.safetensors --input x.npy --precision int8 --calibrate x.npy --input-lsb 0,1",
        "verify model.safetensors --input x.npy --precision int8 --calibrate x.npy --input-lsb 1e-50,1",
        "verify symbols.safetensors --input symbols.npy --counts --input-lsb 1",
        "verify model.safetensors --input x.npy --tolerance small",
        "verify model.safetensors --input x.npy --output missing/y.npy",
    ] {
        transcript.add(arguments, &bench.refusal(arguments));
    }
    insta::assert_snapshot!(transcript.text());
}
