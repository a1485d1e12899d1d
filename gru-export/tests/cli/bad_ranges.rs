//! Ranges by hand: what is asked for, what is refused.

use crate::files::{Tensor, model, npy_f32};
use crate::program::{Bench, Transcript};

#[test]
fn bad_ranges() {
    let bench = Bench::with_model();
    bench.put("x.npy", &npy_f32(&[3, 2], &[0.0, 1.0, 2.0, 3.0, -1.0, -2.0]));
    let mut transcript = Transcript::default();
    for (with, text) in [
        ("", ""),
        ("", "input = [-1, 1]"),
        ("", "input = [-1, 1]\n[layer]\nhead = { 1 = [-2, 2] }"),
        ("", "input = [[-1, 1]]\n[layer]\nhead = [-2, 2]"),
        ("", "input = []\n[layer]\nhead = [-2, 2]"),
        ("", "input = 3"),
        ("", "input = [1, -1]"),
        ("", "input = [0.0, inf]"),
        ("", "input = [nan, 1.0]"),
        ("", "input = ['low', 'high']"),
        ("", "input = [[-1, 1], 2]"),
        ("", "input = [-1, 1"),
        ("", "inputs = [-1, 1]"),
        ("", "layer = 3"),
        ("--calibrate x.npy", "input = { 2 = [-1, 1] }"),
        ("--calibrate x.npy", "input = { x = [-1, 1] }"),
        ("--calibrate x.npy", "input = { 1 = [1, -1] }"),
        ("--calibrate x.npy", "[layer]\nhed = [-1, 1]"),
        ("--calibrate x.npy", "[layer]\nhead = [[-1, 1], [-1, 1]]"),
    ] {
        bench.put("ranges.toml", text.as_bytes());
        let arguments = format!("export model.safetensors --precision int8 --ranges ranges.toml {with} -o out.rs");
        transcript.add(&format!("{text}  {with}"), &bench.refusal(&arguments));
    }
    bench.put("ranges.toml", b"\xFF");
    transcript.add(
        "not text",
        &bench.refusal("verify model.safetensors --precision int8 --input x.npy --ranges ranges.toml"),
    );
    for method in ["median", "percentile", "percentile=20"] {
        let arguments =
            format!("export model.safetensors --precision int8 --calibrate x.npy --range-method {method} -o out.rs");
        transcript.add(method, &bench.refusal(&arguments));
    }
    let tokens = vec![Tensor::new("tokens.weight", &[5, 2])];
    bench.put("symbols.safetensors", &model(&[tokens, Tensor::gru_and_head(2, 3, 5)].concat()));
    bench.put("ranges.toml", b"input = [-1, 1]");
    let arguments = "export symbols.safetensors --precision int8 --ranges ranges.toml -o out.rs";
    transcript.add("ranges of symbols", &bench.refusal(arguments));
    insta::assert_snapshot!(transcript.text());
}

#[test]
fn a_template_filled_in_is_enough() {
    let bench = Bench::with_model();
    let run = bench.run("inspect model.safetensors --ranges-template");
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    insta::assert_snapshot!(run.stdout);
    bench.put("ranges.toml", run.stdout.replace("[]", "[-2.5, 2.5]").as_bytes());
    let run = bench.run("export model.safetensors --precision int8 --ranges ranges.toml -o out.rs");
    assert_eq!((run.code, run.stderr.as_str()), (0, "wrote out.rs\n"));
}

#[test]
fn what_was_decided_is_said() {
    let bench = Bench::with_model();
    let spiky: Vec<f32> = (0..800).map(|i| libm::sinf(i as f32 * 0.7) * if i == 400 { 1000.0 } else { 1.0 }).collect();
    bench.put("x.npy", &npy_f32(&[400, 2], &spiky));
    let run =
        bench.run("export model.safetensors --precision int8 --calibrate x.npy --range-method percentile=99 -o out.rs");
    assert_eq!(run.code, 0, "{}", run.stderr);
    insta::assert_snapshot!(run.stderr);
    let module = std::fs::read_to_string(bench.path("out.rs")).unwrap();
    assert!(module.contains("input channel 0: the range clips 0."), "{module}");
}

#[test]
fn what_has_no_effect_is_refused_or_said() {
    let bench = Bench::with_model();
    bench.put("x.npy", &npy_f32(&[3, 2], &[0.0, 1.0, 2.0, 3.0, -1.0, -2.0]));
    bench.put("ranges.toml", b"input = [-5, 5]\n[layer]\n\"gru.l0\" = [-1, 1]\nhead = [-5, 5]\n");
    let mut transcript = Transcript::default();
    for (case, arguments) in [
        ("ranges in f32", "export model.safetensors --precision f32 --ranges ranges.toml -o out.rs"),
        ("ranges of f32 to verify", "verify model.safetensors --input x.npy --ranges ranges.toml"),
        ("a method in f32", "export model.safetensors --precision f32 --range-method mse --calibrate x.npy -o out.rs"),
        (
            "f32 layer by layer",
            "export model.safetensors --precision int8 --layer gru.l0=f32 --layer head=f32 --ranges ranges.toml -o out.rs",
        ),
    ] {
        transcript.add(case, &bench.refusal(arguments));
    }
    for (case, arguments) in [
        ("the last layer in f32", "--precision int8 --layer head=f32 --ranges ranges.toml"),
        ("the first layer in f32", "--precision int8 --layer gru.l0=f32 --ranges ranges.toml"),
        ("a method beside a largest error", "--precision auto --max-error 0.5 --range-method mse"),
        ("weights beside a largest error", "--precision auto --max-error 100 --weights f16"),
        ("all in f32 for a largest error", "--precision auto --max-error 1e-6 --ranges ranges.toml"),
    ] {
        let run = bench.run(&format!("export model.safetensors {arguments} --calibrate x.npy -o out.rs"));
        assert_eq!(run.code, 0, "{case}: {}", run.stderr);
        let notes: Vec<_> = run.stderr.lines().filter(|line| line.contains("no effect")).collect();
        transcript.add(case, &notes.join("\n"));
    }
    let run = bench.run("verify model.safetensors --input x.npy --calibrate x.npy --precision int8 --layer head=f32 --ranges ranges.toml");
    assert!(run.stdout.contains("note: the range of layer `head` has no effect"), "{}", run.stdout);
    insta::assert_snapshot!(transcript.text());
}

#[test]
fn layers_that_share_a_name_have_their_own() {
    let bench = Bench::new();
    let layers = [Tensor::recurrent("gru", 0, 3, 2, 3), Tensor::linear("one", 3, 4), Tensor::linear("two", 4, 5)];
    bench.put("model.safetensors", &model(&layers.concat()));
    let dense = |name: &str| {
        let activation = "[[layer]]\ntype = \"activation\"\nactivation = \"relu\"\n";
        format!("[[layer]]\ntype = \"dense\"\nweight = \"{name}.weight\"\nbias = \"{name}.bias\"\n{activation}")
    };
    let gru = "[[layer]]\ntype = \"gru\"\nweight_ih = \"gru.weight_ih_l0\"\nweight_hh = \"gru.weight_hh_l0\"\n\
               bias_ih = \"gru.bias_ih_l0\"\nbias_hh = \"gru.bias_hh_l0\"\n";
    bench.put("spec.toml", [gru, &dense("one"), &dense("two")].concat().as_bytes());
    let run = bench.run("inspect model.safetensors --spec spec.toml --ranges-template");
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    insta::assert_snapshot!(run.stdout);
    // Wrong for the first relu, which has 4 values.
    let ranges = "input = [-2, 2]\n[layer]\none = [-2, 2]\ntwo = [-2, 2]\n\"relu.2\" = [[0, 2], [0, 3], [0, 2], [0, 2], [0, 2]]\n";
    bench.put("ranges.toml", ranges.as_bytes());
    let run = bench.run("export model.safetensors --spec spec.toml --precision int8 --ranges ranges.toml -o out.rs");
    assert_eq!((run.code, run.stderr.as_str()), (0, "wrote out.rs\n"));
}
