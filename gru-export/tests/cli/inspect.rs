//! What `inspect` says of the equations of a model, and of what was taken for granted.

use std::fs;
use std::path::Path;

use crate::bad_keras::config;
use crate::program::{Bench, Transcript};

/// The file of `tests/golden` under its own name, and its spec if there is one.
fn put(bench: &Bench, golden: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(golden);
    let name = path.file_name().unwrap().to_str().unwrap();
    bench.put(name, &fs::read(&path).unwrap());
    let spec = path.with_extension("toml");
    if !spec.exists() {
        return format!("inspect {name}");
    }
    bench.put("spec.toml", &fs::read(spec).unwrap());
    format!("inspect {name} --spec spec.toml")
}

/// Without the table of costs, and the digest of the file.
fn described(bench: &Bench, arguments: &str) -> String {
    let run = bench.run(arguments);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{arguments}");
    let costs = |part: &&str| !part.contains("sha256") && !part.contains("bytes");
    run.stdout.split("\n\n").filter(costs).collect::<Vec<_>>().join("\n\n")
}

#[test]
fn equations_and_notes() {
    let bench = Bench::new();
    let mut transcript = Transcript::default();
    for golden in [
        "embedding.safetensors",
        "normalized.safetensors",
        "rnn.safetensors",
        "flax/language.safetensors",
        "flax/linen_plain.npz",
        "numpy/keras_names.npz",
        "numpy/rnn_columns.npz",
        "numpy/book_no_update.npz",
        "numpy/one_hot.npz",
        "numpy/replace.npz",
        "keras/bare.weights.h5",
        "keras/hard_sigmoid.keras",
        "keras/mask_zero.keras",
        "keras/functional.keras",
        "keras/normalized.keras",
        "keras/bidirectional_ave.keras",
        "keras/ends_sum.keras",
        "keras/ends_mul.keras",
        "onnx/bidirectional_activations.onnx",
        "onnx/pytorch_reset_before.onnx",
        "onnx/torchscript_last_step.onnx",
    ] {
        let arguments = put(&bench, golden);
        transcript.add(golden, &described(&bench, &arguments));
    }
    let masked = r#""kwargs": {"mask": {"config": {"keras_history": ["input_layer_21", 0, 0]}}}"#;
    for (case, bytes) in [
        ("Masking", config("constraints.keras", r#""GaussianNoise""#, r#""Masking""#)),
        ("a mask", config("functional.keras", r#""kwargs": {"training": false, "mask": null}"#, masked)),
    ] {
        bench.put("model.keras", &bytes);
        transcript.add(case, &described(&bench, "inspect model.keras"));
    }
    insta::assert_snapshot!(transcript.text());
}
