//! Precisions of single layers, and the choice of them.

use std::fs;

use crate::files::{Tensor, model, npy_f32};
use crate::program::{Bench, Transcript};

const STEPS: usize = 40;

/// Two GRU layers and a head, with input.
fn bench() -> Bench {
    let bench = Bench::new();
    let layers =
        [Tensor::recurrent("gru", 0, 3, 2, 5), Tensor::recurrent("gru", 1, 3, 5, 6), Tensor::linear("head", 6, 3)];
    bench.put("model.safetensors", &model(&layers.concat()));
    let values: Vec<f32> = (0..2 * STEPS).map(|i| (i * i % 37) as f32 / 8.0 - 2.0).collect();
    bench.put("x.npy", &npy_f32(&[STEPS, 2], &values));
    bench
}

#[test]
fn each_layer_has_its_own() {
    let bench = bench();
    let run = bench.run(
        "-q export model.safetensors --precision int8 --layer gru.l1=w8a16 --layer head=f32 --calibrate x.npy -o out.rs",
    );
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    let module = fs::read_to_string(bench.path("out.rs")).unwrap();
    assert!(module.contains("// precision    gru.l0 int8, gru.l1 w8a16, head f32\n"), "{module}");
    let layers = "(gru_core::Quantize<2>, gru_core::QGru<2, 5, gru_core::ResetAfter>, \
                  gru_core::QGru<5, 6, gru_core::ResetAfter, i16>, gru_core::Dequantize<6, i16>, gru_core::Dense<6, 3>)";
    assert!(module.contains(layers), "{module}");

    let report =
        bench.run("--json verify model.safetensors --input x.npy --precision w8a16 --layer head=f32 --calibrate x.npy");
    let report: serde_json::Value = serde_json::from_str(&report.stdout).unwrap();
    assert_eq!(report["precision"], "mixed");
    let precisions: Vec<_> = report["layers"].as_array().unwrap().iter().map(|layer| &layer["precision"]).collect();
    assert_eq!(precisions, ["w8a16", "w8a16", "f32"]);
}

#[test]
fn a_first_layer_in_f32_takes_raw_units() {
    let bench = bench();
    let arguments = "-q export model.safetensors --precision w8a16 --layer gru.l0=f32 --calibrate x.npy -o out.rs";
    assert_eq!(bench.run(arguments).code, 0);
    let module = fs::read_to_string(bench.path("out.rs")).unwrap();
    assert!(
        module.contains("Model = (gru_core::Gru<2, 5, gru_core::ResetAfter>, gru_core::QuantizeReal<5, i16>"),
        "{module}"
    );
    assert!(!module.contains("INPUT_LSB"), "{module}");
}

#[test]
fn chosen_for_an_error() {
    let bench = bench();
    let mut transcript = Transcript::default();
    for arguments in [
        "--precision auto --max-error 0.1",
        "--precision auto --max-error 2e-3",
        "--precision auto --max-error 1e-4",
        "--precision w8a16 --max-error 1e-3",
        "--precision auto --max-error 1e-3 --layer gru.l1=int8",
    ] {
        let export = format!("export model.safetensors {arguments} --calibrate x.npy -o out.rs");
        let run = bench.run(&export);
        if run.code == 0 {
            let module = fs::read_to_string(bench.path("out.rs")).unwrap();
            let header: String = module
                .lines()
                .filter(|line| line.starts_with("// ") && !line.contains("sha256"))
                .fold(String::new(), |all, line| all + line + "\n");
            transcript.add(arguments, &(run.stderr + &header));
        } else {
            transcript.add(arguments, &run.stderr);
        }
    }
    insta::assert_snapshot!(transcript.text());
    let json =
        bench.run("--json export model.safetensors --precision auto --max-error 2e-3 --calibrate x.npy -o out.rs");
    let json: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    assert!(json["choice"]["after"].as_f64().unwrap() <= 2e-3);
}

#[test]
fn a_layer_that_int8_lacks_is_raised() {
    let bench = bench();
    let cell = |layer: usize| {
        let names = ["weight_ih", "weight_hh", "bias_ih", "bias_hh"];
        let tensors = names.map(|name| format!("{name} = \"gru.{name}_l{layer}\"\n")).concat();
        format!("[[layer]]\ntype = \"gru\"\n{tensors}")
    };
    let head = "[[layer]]\ntype = \"dense\"\nweight = \"head.weight\"\nbias = \"head.bias\"\n";
    let spec = [&cell(0), "activation = \"relu\"\n", &cell(1), head].concat();
    bench.put("spec.toml", spec.as_bytes());
    let mut transcript = Transcript::default();
    let arguments =
        "export model.safetensors --spec spec.toml --precision auto --max-error 10 --calibrate x.npy -o out.rs";
    let given = format!("{arguments} --layer gru.l0=int8");
    transcript.add(&given, &bench.refusal(&given));
    transcript.add(arguments, &bench.run(arguments).stderr);
    insta::assert_snapshot!(transcript.text());
}

#[test]
fn inspect_shows_what_they_cost() {
    let run = bench().run("inspect model.safetensors --precision int8 --layer gru.l0=w8a16 --layer head=f32");
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    let table: Vec<&str> = run.stdout.lines().skip_while(|line| !line.starts_with("layer")).take(5).collect();
    insta::assert_snapshot!(table.join("\n"));
    let json = bench().run("inspect --json model.safetensors --precision w8a16");
    let json: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(json["layers"][0]["chosen"]["precision"], "w8a16");
    // Two bytes of view in place of one.
    assert_eq!(json["layers"][0]["chosen"]["ram"], json["layers"][0]["int8"]["ram"].as_u64().unwrap() + 5);
}

#[test]
fn bad_precisions() {
    let bench = bench();
    let mut transcript = Transcript::default();
    for arguments in [
        "export model.safetensors --precision int8 --calibrate x.npy --layer gru=f32 -o out.rs",
        "export model.safetensors --precision int8 --calibrate x.npy --layer head -o out.rs",
        "inspect model.safetensors --precision int8 --layer gru=f32",
        "export model.safetensors --precision int8 --calibrate x.npy --layer head=int4 -o out.rs",
        "export model.safetensors --precision f32 --layer head=w8a16 -o out.rs",
        "export model.safetensors --precision w8a16 -o out.rs",
        "export model.safetensors --precision auto --calibrate x.npy -o out.rs",
        "export model.safetensors --precision auto --max-error 0.1 -o out.rs",
        "export model.safetensors --precision auto --max-error 0 --calibrate x.npy -o out.rs",
        "export model.safetensors --precision auto --max-error nan --calibrate x.npy -o out.rs",
        "export model.safetensors --precision auto --max-error 1e-12 --calibrate x.npy -o out.rs",
        "export model.safetensors --precision auto --max-error 1e-12 --layer head=int8 --calibrate x.npy -o out.rs",
    ] {
        transcript.add(arguments, &bench.refusal(arguments));
    }
    insta::assert_snapshot!(transcript.text());
}
