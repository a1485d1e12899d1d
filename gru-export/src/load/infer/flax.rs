//! Modules by the names that Flax gives their parameters, joined by `/` or `.`.

use std::collections::BTreeMap;

use crate::error::{Error, Result, quoted};
use crate::ir::Input;
use crate::spec::{Gates, GruSpec, LayerSpec, Layout, PerGate, Weights};

use super::super::gru;
use super::super::tensors::Tensors;
use super::{MAX_MODULES, Module, split_name};

/// `flax.linen.GRUCell`: a dense layer per gate and input.
const LINEN: [&str; 6] = ["ir", "iz", "in", "hr", "hz", "hn"];

/// `flax.nnx.GRUCell`, and `SimpleCell` where the second is square: a dense layer per input.
const NNX: [&str; 2] = ["dense_i", "dense_h"];

/// `flax.linen.SimpleCell`, a plain tanh RNN: a dense layer per input.
const SIMPLE: [&str; 2] = ["i", "h"];

/// `flax.linen.MGUCell`: one gate for both purposes.
const MINIMAL: [&str; 4] = ["if", "in", "hf", "hn"];

/// Where a cell has its dense layers.
#[derive(Clone, Copy)]
enum Layers {
    /// Of each gate, see [`LINEN`].
    PerGate,
    /// Of all gates together, by these names.
    Stacked([&'static str; 2]),
}

/// Flax's default.
const LAYER_NORM_EPSILON: f64 = 1e-6;

/// Each module in each of its readings.
pub(super) fn modules(tensors: &Tensors<'_>) -> Result<Vec<Vec<Module>>> {
    let mut modules = Vec::new();
    let mut cells = BTreeMap::new();
    for (name, shape) in tensors.shapes() {
        let (path, leaf) = split_name(name);
        let (parent, module) = split_name(path.trim_end_matches(['.', '/']));
        let separator = &path[path.len().saturating_sub(1)..];
        match (leaf, shape.len()) {
            ("kernel", 2) if has_all(&MINIMAL, parent, separator, tensors) => {
                return Err(
                    Error::tensor(name, "is of Flax's MGUCell, which is not supported").help("train a GRUCell instead")
                );
            }
            ("kernel", 2) if LINEN.contains(&module) => _ = cells.insert(parent, (Layers::PerGate, separator)),
            ("kernel", 2) if NNX.contains(&module) => _ = cells.insert(parent, (Layers::Stacked(NNX), separator)),
            ("kernel", 2) if SIMPLE.contains(&module) && has_all(&SIMPLE, parent, separator, tensors) => {
                _ = cells.insert(parent, (Layers::Stacked(SIMPLE), separator));
            }
            ("kernel", 2) if !tensors.has(&format!("{path}recurrent_kernel")) => modules.push(dense(path, tensors)?),
            ("embedding", 2) => {
                let (rows, cols) = tensors.matrix_shape(name)?;
                let layer = LayerSpec::Embedding { weight: name.to_owned() };
                modules.push(Module::new(label("Embed", path), Input::Symbol(rows), cols, layer));
            }
            ("scale", 1) => modules.push(norm(path, shape[0], tensors)),
            _ => {}
        }
    }
    let cells = cells.into_iter().map(|(path, (layers, separator))| cell(path, layers, separator, tensors));
    cells.chain(modules.into_iter().map(Ok)).take(MAX_MODULES + 1).map(|module| Ok(vec![module?])).collect()
}

/// Whether a cell has these dense layers.
fn has_all(layers: &[&str], path: &str, separator: &str, tensors: &Tensors<'_>) -> bool {
    layers.iter().all(|layer| tensors.has(&format!("{path}{layer}{separator}kernel")))
}

/// Reset after; the input's bias for every gate, in linen the state's for n alone, in nnx none. A `SimpleCell` has no gates.
fn cell(path: &str, layers: Layers, separator: &str, tensors: &Tensors<'_>) -> Result<Module> {
    let tensor = |module: &str, leaf: &str| format!("{path}{module}{separator}{leaf}");
    let present = |name: &String| tensors.has(name);
    let gates = |input: &str, leaf: &str| ["r", "z", "n"].map(|gate| tensor(&format!("{input}{gate}"), leaf));
    let biases = |input: &str| {
        let names = gates(input, "bias").map(|name| Some(name).filter(present));
        names.iter().any(Option::is_some).then(|| Gates::PerGate(PerGate::from(names)))
    };
    let kernels = |input: &str| Gates::PerGate(PerGate::from(gates(input, "kernel").map(Some)));
    let stack = |module: &str, leaf: &str| Gates::Stacked(tensor(module, leaf));
    let stacked_bias = |module: &str| Some(tensor(module, "bias")).filter(present).map(Gates::Stacked);
    let (ih, hh, bias_ih, bias_hh, plain) = match layers {
        Layers::Stacked([i, h]) => {
            let plain = tensors.matrix_shape(&tensor(h, "kernel")).is_ok_and(|(rows, cols)| rows == cols);
            (stack(i, "kernel"), stack(h, "kernel"), stacked_bias(i), stacked_bias(h), plain)
        }
        Layers::PerGate => (kernels("i"), kernels("h"), biases("i"), biases("h"), false),
    };
    let weights = Weights::Separate { ih, hh };
    let conventions = if plain { GruSpec::plain(weights) } else { GruSpec::new(weights) };
    let spec = GruSpec { bias_ih, bias_hh, layout: Layout::InputMajor, ..conventions };
    let (i, h) = gru::sizes(&spec, tensors)?;
    let label = label(if plain { "SimpleCell" } else { "GRUCell" }, path);
    let note =
        plain.then(|| format!("{label}: its activation is not among the parameters, Flax's default of tanh is taken"));
    let notes = note.into_iter().collect();
    Ok(Module { notes, ..Module::new(label, Input::Vector(i), h, LayerSpec::Gru(spec)) })
}

fn dense(path: &str, tensors: &Tensors<'_>) -> Result<Module> {
    let weight = format!("{path}kernel");
    let (inputs, outputs) = tensors.matrix_shape(&weight)?;
    let bias = Some(format!("{path}bias")).filter(|bias| tensors.has(bias));
    let layer = LayerSpec::Dense { weight, bias, layout: Layout::InputMajor };
    Ok(Module::new(label("Dense", path), Input::Vector(inputs), outputs, layer))
}

/// A `BatchNorm` if it has a running mean, else a `LayerNorm`.
fn norm(path: &str, size: usize, tensors: &Tensors<'_>) -> Module {
    let (scale, bias) = (format!("{path}scale"), Some(format!("{path}bias")).filter(|bias| tensors.has(bias)));
    let statistics = [path.to_owned(), path.replacen("params", "batch_stats", 1)];
    let running =
        statistics.iter().find(|path| tensors.has(&format!("{path}mean")) && tensors.has(&format!("{path}var")));
    let (class, epsilon, layer) = match running {
        Some(path) => {
            let (mean, variance, epsilon) = (format!("{path}mean"), format!("{path}var"), crate::spec::epsilon());
            ("BatchNorm", epsilon, LayerSpec::BatchNorm { mean, variance, weight: Some(scale), bias, epsilon })
        }
        None => {
            let epsilon = LAYER_NORM_EPSILON;
            ("LayerNorm", epsilon, LayerSpec::LayerNorm { weight: scale, bias, epsilon })
        }
    };
    let label = label(class, path);
    let note = format!("{label}: its epsilon is not among the parameters, Flax's default of {epsilon:e} is taken");
    Module { notes: vec![note], ..Module::new(label, Input::Vector(size), size, layer) }
}

fn label(class: &str, path: &str) -> String {
    match path.trim_end_matches(['.', '/']) {
        "" => format!("Flax {class}"),
        path => format!("Flax {class} {}", quoted(path)),
    }
}
