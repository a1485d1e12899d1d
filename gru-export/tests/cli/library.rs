//! The library as a build script calls it: what the program's arguments cannot ask for.

use std::path::Path;
use std::process::Command;

use gru_export::ir::{Activation, Cell, Dense, Gru, Layer, LayerNorm, Matrix, Model};
use gru_export::{Error, Export, InputUnit, Precision, Result};

use crate::files::{Tensor, model, npy_f32};
use crate::program::{Bench, Transcript};

/// As it is displayed, without the bench's own path.
fn message<T>(bench: &Bench, result: Result<T>) -> String {
    let error: Error = result.err().expect("an error");
    error.to_string().replace(&format!("{}/", bench.path("").display()).replace("//", "/"), "")
}

#[test]
fn refused() {
    let bench = Bench::with_model();
    bench.put("x.npy", &npy_f32(&[3, 2], &[0.0, 1.0, 2.0, 3.0, -1.0, -2.0]));
    bench.put("ranges.toml", b"input = [-5, 5]\n[layer]\nhead = [-5, 5]\n");
    let export = || Export::new(bench.path("model.safetensors"));
    let generated = |export: Export| message(&bench, export.generate(&()));
    let mut transcript = Transcript::default();
    let counts = export().verify(&bench.path("x.npy"), InputUnit::Count, None, &());
    transcript.add("counts without an LSB", &message(&bench, counts));
    let chosen = export().precision(Precision::Int8).max_error(0.1).ranges(bench.path("ranges.toml"));
    transcript.add("a largest error on no data", &generated(chosen));
    transcript.add("a mean alone", &generated(export().input_mean([0.0, 0.0])));
    transcript.add("a std alone", &generated(export().input_std([1.0, 1.0])));
    assert!(std::env::var_os("OUT_DIR").is_none(), "this is no build script");
    transcript.add("outside of a build script", &message(&bench, export().write_to_out_dir("model.rs")));
    insta::assert_snapshot!(transcript.text());
}

#[test]
fn layers_that_do_not_fit_together() {
    let matrix = |rows: usize, cols: usize| Matrix::new(rows, cols, vec![0.5; rows * cols]);
    let gru = |change: fn(&mut Gru)| {
        let mut gru = Gru {
            name: "gru".to_owned(),
            one_hot: false,
            cell: Cell::default(),
            weight_ih: [(); 3].map(|()| matrix(2, 1)),
            weight_hh: [(); 3].map(|()| matrix(2, 2)),
            bias: [(); 4].map(|()| vec![0.5; 2]),
        };
        change(&mut gru);
        Layer::Gru(gru)
    };
    let norm = LayerNorm { name: "norm".to_owned(), weight: vec![1.0; 2], bias: vec![0.0; 3], epsilon: 1e-5 };
    let dense = Dense { name: "head".to_owned(), weight: matrix(3, 2), bias: vec![0.0; 2] };
    let mut transcript = Transcript::default();
    for (case, layers) in [
        ("softmax in a cell", vec![gru(|gru| gru.cell.activation = Activation::Softmax)]),
        ("gates of different shapes", vec![gru(|gru| gru.weight_ih[1] = gru.weight_hh[1].clone())]),
        ("a bias that is too short", vec![gru(|gru| _ = gru.bias[0].pop())]),
        ("weights of a gate that is not there", vec![gru(|gru| gru.cell.update = false)]),
        ("a norm of two sizes", vec![gru(|_| ()), Layer::LayerNorm(norm)]),
        ("a dense layer of two sizes", vec![gru(|_| ()), Layer::Dense(dense)]),
    ] {
        transcript.add(case, &message(&Bench::new(), Model::new(layers, None)));
    }
    insta::assert_snapshot!(transcript.text());
}

/// Runs itself as Cargo runs a build script.
#[test]
fn what_cargo_is_told() {
    let export = Export::new("model.safetensors");
    if std::env::var_os("OUT_DIR").is_some() {
        println!();
        return export.write_to_out_dir("model.rs").unwrap();
    }
    let bench = Bench::new();
    let norm = ["norm.weight", "norm.bias"].map(|name| Tensor::new(name, &[3]));
    let tensors: Vec<_> = Tensor::recurrent("gru", 0, 3, 2, 3).into_iter().chain(norm).collect();
    bench.put("model.safetensors", &model(&tensors));
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "library::what_cargo_is_told", "--nocapture"])
        .current_dir(bench.path(""))
        .env("OUT_DIR", bench.path(""))
        .output()
        .unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    let told: Vec<&str> = told.lines().filter(|line| line.starts_with("cargo::")).collect();
    assert!(output.status.success() && Path::new(&bench.path("model.rs")).exists());
    insta::assert_snapshot!(told.join("\n"));
}
