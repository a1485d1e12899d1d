//! Layers that fit together and yet cannot be read or lowered as asked.

use crate::files::{self, Tensor};
use crate::program::{Bench, Transcript};

const GRU: &str = "[[layer]]\ntype = \"gru\"\nweight_ih = \"gru.weight_ih_l0\"\nweight_hh = \"gru.weight_hh_l0\"\n\
                   bias_ih = \"gru.bias_ih_l0\"\nbias_hh = \"gru.bias_hh_l0\"\n";
const HEAD: &str = "[[layer]]\ntype = \"dense\"\nweight = \"head.weight\"\nbias = \"head.bias\"\n";
const SOFTMAX: &str = "[[layer]]\ntype = \"activation\"\nactivation = \"softmax\"\n";
const RELU: &str = "[[layer]]\ntype = \"activation\"\nactivation = \"relu\"\n";
const NORM: &str = "[[layer]]\ntype = \"layer_norm\"\nweight = \"norm.weight\"\nbias = \"norm.bias\"\n";
const BATCH: &str = "[[layer]]\ntype = \"batch_norm\"\nmean = \"norm.weight\"\nvariance = \"norm.bias\"\n";

/// Two values, then three units, then four outputs; a norm of two values or three.
fn bench(norm: &[Tensor], spec: &str) -> Bench {
    let bench = Bench::new();
    let tensors = [&Tensor::gru_and_head(2, 3, 4)[..], norm].concat();
    bench.put("model.safetensors", &files::model(&tensors));
    bench.put("spec.toml", spec.as_bytes());
    bench.put("data.csv", b"1,2\n3,4\n");
    bench
}

fn norm(size: usize) -> Vec<Tensor> {
    ["norm.weight", "norm.bias"].map(|name| Tensor::new(name, &[size])).to_vec()
}

#[test]
fn bad_layers() {
    let mut transcript = Transcript::default();
    let replacing = format!("{GRU}update = \"replace\"\nrecurrent_activation = \"tanh\"\n");
    for (case, norm, spec) in [
        ("an activation first", vec![], [RELU, GRU, HEAD].concat()),
        ("an unknown activation", vec![], [GRU, &RELU.replace("relu", "gelu"), HEAD].concat()),
        ("softmax in a cell", vec![], [GRU, "activation = \"softmax\"\n", HEAD].concat()),
        ("a clip below zero", vec![], [GRU, "clip = -1.0\n", HEAD].concat()),
        ("gates that cannot be turned over", vec![], [&replacing, HEAD].concat()),
        ("a matrix for a norm", vec![], [GRU, &NORM.replace("norm.weight", "head.weight")].concat()),
        ("a norm of another size", norm(2), [GRU, NORM, HEAD].concat()),
        ("a negative variance", norm(3), [GRU, BATCH, HEAD].concat()),
        ("an epsilon of zero", norm(3), [GRU, NORM, "epsilon = 0.0\n", HEAD].concat()),
    ] {
        let bench = bench(&norm, &spec);
        transcript.add(case, &bench.refusal("export model.safetensors --spec spec.toml --precision f32 -o out.rs"));
    }
    insta::assert_snapshot!(transcript.text());
}

#[test]
fn layers_that_int8_lacks() {
    let mut transcript = Transcript::default();
    for (case, norm, spec, more) in [
        ("a relu candidate", vec![], [GRU, "activation = \"relu\"\n", HEAD].concat(), ""),
        ("a clip", vec![], [GRU, "clip = 2.0\n", HEAD].concat(), ""),
        ("softmax behind a GRU", vec![], [GRU, SOFTMAX, HEAD].concat(), ""),
        ("a norm of the input", norm(2), [NORM, GRU, HEAD].concat(), ""),
        ("a wide input to a norm", norm(2), [NORM, GRU, HEAD].concat(), "--wide-input"),
    ] {
        let bench = bench(&norm, &spec);
        let arguments = "export model.safetensors --spec spec.toml --precision int8 --calibrate data.csv -o out.rs";
        transcript.add(case, &bench.refusal(&format!("{arguments} {more}")));
    }
    let bench = bench(&norm(2), &[NORM, GRU, HEAD].concat());
    let arguments =
        "export model.safetensors --spec spec.toml --precision f32 --input-mean 1,2 --input-std 1,2 -o out.rs";
    transcript.add("a mean before a norm", &bench.refusal(arguments));
    insta::assert_snapshot!(transcript.text());
}

#[test]
fn inspect_shows_every_kind_of_layer() {
    let hard = GRU.to_owned() + "recurrent_activation = { hard_sigmoid = { slope = 0.2, offset = 0.5 } }\nclip = 5.0\n";
    let bench = bench(&norm(3), &[&hard, NORM, HEAD, RELU, SOFTMAX].concat());
    let run = bench.run("inspect model.safetensors --spec spec.toml");
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    insta::assert_snapshot!(run.stdout);
}

#[test]
fn notes_are_printed() {
    let reverse = |tensor: Tensor| Tensor { name: format!("{}_reverse", tensor.name), ..tensor };
    let back = Tensor::recurrent("gru", 0, 3, 2, 3).into_iter().map(reverse);
    let tensors: Vec<_> = Tensor::recurrent("gru", 0, 3, 2, 3).into_iter().chain(back).chain(norm(6)).collect();
    let bench = Bench::new();
    bench.put("model.safetensors", &files::model(&tensors));
    let inspected = bench.run("inspect model.safetensors");
    let exported = bench.run("export model.safetensors --precision f32 -o out.rs");
    assert_eq!((inspected.code, exported.code), (0, 0), "{}", exported.stderr);
    insta::assert_snapshot!(format!("{}\n{}", inspected.stdout, exported.stderr));
}
