//! Sound exports.

use std::fs;

use crate::files::{Tensor, model, npy, npy_f32, npz};
use crate::program::Bench;

#[test]
fn generated_module() {
    let bench = Bench::with_model();
    let run = bench.run("export model.safetensors --precision f32 --labels up,down,left,right -o out.rs");
    assert_eq!((run.code, run.stdout.as_str(), run.stderr.as_str()), (0, "", "wrote out.rs\n"));
    insta::assert_snapshot!(fs::read_to_string(bench.path("out.rs")).unwrap());
}

#[test]
fn same_input_same_bytes() {
    let bench = Bench::with_model();
    for out in ["one.rs", "two.rs"] {
        assert_eq!(bench.run(&format!("-q export model.safetensors --precision f32 -o {out}")).code, 0);
    }
    assert_eq!(fs::read(bench.path("one.rs")).unwrap(), fs::read(bench.path("two.rs")).unwrap());
}

#[test]
fn as_json() {
    let run = Bench::with_model().run("--json export model.safetensors --precision f32 -o out.rs");
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    assert_eq!(serde_json::from_str::<serde_json::Value>(&run.stdout).unwrap()["output"], "out.rs");
}

#[test]
fn int8_is_fed_counts() {
    let bench = Bench::with_model();
    bench.put("x.csv", b"0.5,-1\n-0.25,2\n");
    let run =
        bench.run("-q export model.safetensors --precision int8 --calibrate x.csv --input-lsb 0.001,0.002 -o out.rs");
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    let module = fs::read_to_string(bench.path("out.rs")).unwrap();
    assert!(module.contains("pub const INPUT_LSB: [f32; INPUT_SIZE] = [0.001, 0.002];"), "{module}");
    assert!(module.contains("pub const OUTPUT_FRAC_BITS: u8 = "), "{module}");
    assert!(module.contains("gru_core::Quantize<2>, gru_core::QGru<2, 3, gru_core::ResetAfter>"), "{module}");
}

#[test]
fn an_export_replaces_the_file_whole() {
    let bench = Bench::with_model();
    bench.put("out.rs", b"old");
    assert_eq!(bench.run("-q export model.safetensors --precision f32 -o out.rs").code, 0);
    assert!(fs::read_to_string(bench.path("out.rs")).unwrap().starts_with("// @generated"));
    assert_eq!(bench.names(), ["model.safetensors", "out.rs"]);
}

#[test]
fn every_form_of_calibration_data() {
    let bench = Bench::with_model();
    let array = npy_f32(&[2, 2, 2], &[0.0; 8]);
    for (name, bytes) in [
        ("two.npy", npy_f32(&[4, 2], &[0.0; 8])),
        ("three.npy", array.clone()),
        ("double.npy", npy("<f8", "False", "(1, 2)", &[0; 16])),
        ("big_endian.npy", npy(">i2", "False", "(1, 2)", &[0, 1, 0, 2])),
        ("bytes.npy", npy("|u1", "False", "(1, 2)", &[1, 2])),
        ("one.npz", npz(&[("x", array.clone())])),
        ("header.csv", b"# recorded at 10 Hz\nax,ay\n1,-2.5\n3,4e-1\n".to_vec()),
        ("plain.csv", b"1, 2\n3, 4\n".to_vec()),
    ] {
        bench.put(name, &bytes);
        let run = bench.run(&format!("-q export model.safetensors --precision f32 --calibrate {name} -o out.rs"));
        assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{name}");
    }
    bench.put("several.npz", &npz(&[("x", array), ("y", npy_f32(&[1], &[0.0]))]));
    assert_eq!(bench.run("-q export model.safetensors --precision f32 --calibrate several.npz:x -o out.rs").code, 0);
}

#[test]
fn standardization_beside_the_model_equals_its_own() {
    let bench = Bench::new();
    let buffers = vec![Tensor::of("input_mean", &[0.5, -2.0]), Tensor::of("input_std", &[2.0, 0.25])];
    bench.put("inside.safetensors", &model(&[buffers, Tensor::gru_and_head(2, 3, 4)].concat()));
    bench.put("beside.safetensors", &model(&Tensor::gru_and_head(2, 3, 4)));
    bench.put("std.csv", b"2,0.25\n");
    assert_eq!(bench.run("-q export inside.safetensors --precision f32 -o inside.rs").code, 0);
    assert_eq!(
        bench
            .run("-q export beside.safetensors --precision f32 --input-mean 0.5,-2 --input-std std.csv -o beside.rs")
            .code,
        0
    );
    let weights =
        |name: &str| fs::read_to_string(bench.path(name)).unwrap().split_once("static GRU_0").unwrap().1.to_owned();
    assert_eq!(weights("inside.rs"), weights("beside.rs"));
}
