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

const PLAIN: &str = "[[layer]]\ntype = \"gru\"\nweight_ih = \"plain.weight_ih\"\nweight_hh = \"plain.weight_hh\"\n";
const BOTH: &str = "[[layer]]\ntype = \"bidirectional\"\n\
                    forward = { weight_ih = \"gru.weight_ih_l0\", weight_hh = \"gru.weight_hh_l0\" }\n\
                    backward = { weight_ih = \"plain.weight_ih\", weight_hh = \"plain.weight_hh\", reset = \"none\", update = \"none\" }\n";
/// Two values, then three units, then four outputs; a norm of two values or three.
fn bench(norm: &[Tensor], spec: &str) -> Bench {
    let bench = Bench::new();
    let tensors = [&Tensor::gru_and_head(2, 3, 4)[..], norm].concat();
    bench.put("model.safetensors", &files::model(&tensors));
    bench.put("spec.toml", spec.as_bytes());
    bench.put("data.csv", b"1,2\n3,4\n");
    bench
}

/// Matrices of a cell without gates, of two values.
fn plain(units: usize) -> Vec<Tensor> {
    vec![Tensor::new("plain.weight_ih", &[units, 2]), Tensor::new("plain.weight_hh", &[units, units])]
}

fn norm(size: usize) -> Vec<Tensor> {
    ["norm.weight", "norm.bias"].map(|name| Tensor::new(name, &[size])).to_vec()
}

#[test]
fn bad_layers() {
    let mut transcript = Transcript::default();
    let replacing = format!("{GRU}update = \"replace\"\nrecurrent_activation = \"tanh\"\n");
    for (case, more, spec) in [
        ("a plain RNN's matrices", plain(3), [PLAIN, HEAD].concat()),
        ("directions of different sizes", plain(5), [BOTH, HEAD].concat()),
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
        let bench = bench(&more, &spec);
        transcript.add(case, &bench.refusal("export model.safetensors --spec spec.toml --precision f32 -o out.rs"));
    }
    insta::assert_snapshot!(transcript.text());
}

#[test]
fn a_normalization_without_a_matrix_beside_it() {
    let spec = "[[layer]]\ntype = \"embedding\"\nweight = \"table.weight\"\n\
                [[layer]]\ntype = \"batch_norm\"\nmean = \"batch.mean\"\nvariance = \"batch.variance\"\n";
    let bench = Bench::new();
    bench.put("spec.toml", [spec, NORM, GRU].concat().as_bytes());
    let put = |size: usize| {
        let around = [Tensor::new("table.weight", &[2, size]), Tensor::new("batch.mean", &[size])];
        let variance = constant("batch.variance", &[size], 1.0);
        let rest = [norm(size), Tensor::recurrent("gru", 0, 3, size, 1)].concat();
        let tensors: Vec<_> = around.into_iter().chain([variance]).chain(rest).collect();
        bench.put("model.safetensors", &files::model(&tensors));
    };
    let mut transcript = Transcript::default();
    put(3);
    let run = bench.run("export model.safetensors --spec spec.toml --precision f32 -o out.rs");
    assert_eq!(run.code, 0, "{}", run.stderr);
    transcript.add("three values", &run.stderr);
    put(1025);
    let refusal = bench.refusal("export model.safetensors --spec spec.toml --precision f32 -o wide.rs");
    transcript.add("more than its own matrix has", &refusal);
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

/// A tensor of one number throughout.
fn constant(name: &str, shape: &[usize], value: f32) -> Tensor {
    Tensor { bytes: value.to_le_bytes().repeat(shape.iter().product()), ..Tensor::new(name, shape) }
}

#[test]
fn numbers_that_int8_does_not_hold() {
    const COLUMNS: usize = 66_053;
    let with = |tensors: Vec<Tensor>, changed: &[Tensor]| -> Vec<Tensor> {
        let kept = tensors.into_iter().filter(|tensor| changed.iter().all(|other| other.name != tensor.name));
        kept.chain(changed.iter().cloned()).collect()
    };
    let small = || Tensor::gru_and_head(2, 3, 4);
    let silent: Vec<_> =
        Tensor::recurrent("gru", 0, 3, 2, 3).iter().map(|tensor| constant(&tensor.name, &tensor.shape, 0.0)).collect();
    let large_norm = [constant("norm.weight", &[3], 1e9), constant("norm.bias", &[3], 0.0)];
    let embed = [constant("embed.weight", &[2, 2], 1e30), constant("embed.bias", &[2], 0.0)];
    let wide = Tensor::recurrent("gru", 0, 3, COLUMNS, 1);
    let mut transcript = Transcript::default();
    for (case, tensors, spec, inputs, value, more) in [
        ("steep weights", with(small(), &[constant("gru.weight_ih_l0", &[9, 2], 1e6)]), [GRU, HEAD], 2, 1e6, ""),
        ("large outputs", with(small(), &[constant("head.bias", &[4], 1e6)]), [GRU, HEAD], 2, 1.0, ""),
        ("a norm with large weights", with(silent, &large_norm), [GRU, NORM], 2, 1.0, ""),
        (
            "f32 that int8 cannot take",
            with(Tensor::recurrent("gru", 0, 3, 2, 3), &embed),
            [&HEAD.replace("head", "embed"), GRU],
            2,
            1e30,
            "--layer embed=f32",
        ),
        ("66053 inputs", wide, [GRU, ""], COLUMNS, 1.0, ""),
    ] {
        let bench = Bench::new();
        bench.put("model.safetensors", &files::model(&tensors));
        bench.put("spec.toml", spec.concat().as_bytes());
        bench.put("data.npy", &files::npy_f32(&[1, inputs], &vec![value; inputs]));
        let arguments = "export model.safetensors --spec spec.toml --precision int8 --calibrate data.npy -o out.rs";
        transcript.add(case, &bench.refusal(&format!("{arguments} {more}")));
    }
    insta::assert_snapshot!(transcript.text());
}

#[test]
fn inspect_shows_every_kind_of_layer() {
    let hard = GRU.to_owned() + "recurrent_activation = { hard_sigmoid = { slope = 0.2, offset = 0.5 } }\nclip = 5.0\n";
    let [linear, sigmoid] = ["\"linear\"", "{ hard_sigmoid = { slope = 0.2, offset = 0.5 } }"]
        .map(|activation| format!("[[layer]]\ntype = \"activation\"\nactivation = {activation}\n"));
    let bench = bench(&norm(3), &[&hard, NORM, HEAD, &linear, &sigmoid, RELU, SOFTMAX].concat());
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
