//! Modules by the names that PyTorch gives their tensors.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::{Error, Result, quoted};
use crate::ir::{Input, Merge};
use crate::spec::{Gates, GruSpec, LayerSpec, Layout, Weights, epsilon};

use super::super::gru;
use super::super::tensors::Tensors;
use super::{MAX_MODULES, Module, label};

/// Each module in each of its readings.
pub(super) fn modules(tensors: &Tensors<'_>) -> Result<Vec<Vec<Module>>> {
    let names = Names::sort(tensors)?;
    let recurrent = names.recurrent.iter().map(|(prefix, layers)| Ok(vec![recurrent(prefix, layers, tensors)?]));
    let affine = names.weights.iter().map(|weight| affine(weight, tensors));
    let norms = names.norms.iter().map(|prefix| Ok(vec![norm(prefix, tensors)?]));
    recurrent.chain(affine).chain(norms).take(MAX_MODULES + 1).collect()
}

/// The tensors' names by what PyTorch's modules call theirs.
#[derive(Default)]
struct Names<'a> {
    /// By module prefix, then by layer; a cell has no layer number.
    recurrent: BTreeMap<&'a str, BTreeSet<Option<usize>>>,
    weights: Vec<&'a str>,
    /// Prefixes of normalizations.
    norms: BTreeSet<&'a str>,
}

impl<'a> Names<'a> {
    fn sort(tensors: &'a Tensors<'_>) -> Result<Self> {
        let mut names = Self::default();
        for (name, shape) in tensors.shapes() {
            let (prefix, leaf) = name.rsplit_once('.').unwrap_or(("", name));
            match leaf {
                "weight" if shape.len() == 2 => names.weights.push(name),
                "running_mean" => _ = names.norms.insert(prefix),
                "weight" if shape.len() == 1 && tensors.has(&joined(prefix, "bias")) => _ = names.norms.insert(prefix),
                _ => {
                    if let Some(layer) = recurrent_layer(name, leaf)? {
                        names.recurrent.entry(prefix).or_default().insert(layer);
                    }
                }
            }
        }
        Ok(names)
    }
}

/// The layer number, if any, of a recurrent module's tensor; `None` for the tensors of other modules.
fn recurrent_layer(name: &str, leaf: &str) -> Result<Option<Option<usize>>> {
    let unsupported = |what: &str, help: &str| Err(Error::tensor(name, format!("{what} is not supported")).help(help));
    let Some(rest) =
        ["weight_ih", "weight_hh", "weight_hr", "bias_ih", "bias_hh"].iter().find_map(|kind| leaf.strip_prefix(kind))
    else {
        return Ok(None);
    };
    let rest = rest.strip_suffix("_reverse").unwrap_or(rest);
    if leaf.starts_with("weight_hr") {
        return unsupported("a projection (proj_size)", "only nn.LSTM has it; train an nn.GRU instead");
    }
    if rest.is_empty() {
        return Ok(Some(None));
    }
    Ok(rest.strip_prefix("_l").and_then(|digits| digits.parse().ok()).map(Some))
}

/// An `nn.GRU` of consecutive layers, or an `nn.GRUCell`; where `weight_hh` is square an `nn.RNN` or `nn.RNNCell`.
fn recurrent(prefix: &str, layers: &BTreeSet<Option<usize>>, tensors: &Tensors<'_>) -> Result<Module> {
    let tensor = |kind: &str, suffix: &str| joined(prefix, &format!("{kind}{suffix}"));
    let direction = |suffix: &str| {
        let [weight_ih, weight_hh, bias_ih, bias_hh] =
            ["weight_ih", "weight_hh", "bias_ih", "bias_hh"].map(|kind| tensor(kind, suffix));
        let biased = tensors.has(&bias_ih) || tensors.has(&bias_hh);
        let plain = is_square(&weight_hh, tensors);
        let weights = {
            let [ih, hh] = [weight_ih, weight_hh].map(Gates::Stacked);
            Weights::Separate { ih, hh }
        };
        let spec = GruSpec {
            bias_ih: biased.then_some(Gates::Stacked(bias_ih)),
            bias_hh: biased.then_some(Gates::Stacked(bias_hh)),
            ..if plain { GruSpec::plain(weights) } else { GruSpec::new(weights) }
        };
        let sizes = gru::sizes(&spec, tensors)?;
        Ok((spec, sizes)) as Result<_>
    };
    let (mut specs, mut sizes) = (Vec::new(), Vec::new());
    let cell = layers.len() == 1 && layers.contains(&None);
    let both = tensors.shapes().any(|(name, _)| {
        let (module, leaf) = name.rsplit_once('.').unwrap_or(("", name));
        module == prefix && leaf.ends_with("_reverse")
    });
    for (expected, &layer) in layers.iter().enumerate() {
        if !cell && layer != Some(expected) {
            return Err(Error::tensor(&tensor("weight_ih", &format!("_l{expected}")), "layer missing")
                .help("an nn.GRU's layers are numbered from 0 without gaps; save its whole state_dict"));
        }
        let suffix = layer.map_or(String::new(), |layer| format!("_l{layer}"));
        let (forward, (i, h)) = direction(&suffix)?;
        if both {
            let (backward, _) = direction(&format!("{suffix}_reverse"))?;
            specs.push(LayerSpec::Bidirectional {
                forward: Box::new(forward),
                backward: Box::new(backward),
                merge: Merge::Concat,
                ends: false,
            });
            sizes.push((i, 2 * h));
        } else {
            specs.push(LayerSpec::Gru(forward));
            sizes.push((i, h));
        }
    }
    let plain = layers.first().is_some_and(|layer| {
        let suffix = layer.map_or(String::new(), |layer| format!("_l{layer}"));
        is_square(&tensor("weight_hh", &suffix), tensors)
    });
    let class = match (plain, cell) {
        (true, true) => "nn.RNNCell",
        (true, false) => "nn.RNN",
        (false, true) => "nn.GRUCell",
        (false, false) => "nn.GRU",
    };
    let label = label(class, prefix);
    let note = plain.then(|| {
        format!(
            "{label}: a state_dict does not hold the nonlinearity, PyTorch's default of tanh is taken; relu needs a --spec"
        )
    });
    let notes = note.into_iter().collect();
    Ok(Module { notes, ..Module::of(label, Input::Vector(sizes[0].0), sizes[sizes.len() - 1].1, specs) })
}

/// Whether a recurrent matrix is of a cell without gates.
fn is_square(weight_hh: &str, tensors: &Tensors<'_>) -> bool {
    tensors.has(weight_hh) && tensors.shape(weight_hh).is_ok_and(|shape| matches!(shape, [rows, cols] if rows == cols))
}

/// An `nn.BatchNorm1d` if it has a running mean, else an `nn.LayerNorm`.
fn norm(prefix: &str, tensors: &Tensors<'_>) -> Result<Module> {
    let [mean, variance, weight, bias] =
        ["running_mean", "running_var", "weight", "bias"].map(|leaf| joined(prefix, leaf));
    let batch = tensors.has(&mean);
    let sized = if batch { &mean } else { &weight };
    let &[size] = tensors.shape(sized)? else {
        return Err(Error::tensor(sized, format!("expected a vector, found shape {:?}", tensors.shape(sized)?)));
    };
    let named = quoted(sized);
    let layer = if batch {
        let [weight, bias] = [weight, bias].map(|name| Some(name).filter(|name| tensors.has(name)));
        LayerSpec::BatchNorm { mean, variance, weight, bias, epsilon: epsilon() }
    } else {
        LayerSpec::LayerNorm { weight, bias: Some(bias), epsilon: epsilon() }
    };
    let label = label(if batch { "nn.BatchNorm1d" } else { "nn.LayerNorm" }, prefix);
    let note =
        format!("{named}: a state_dict does not hold a normalization's epsilon, PyTorch's default of 1e-5 is taken");
    Ok(Module { notes: vec![note], ..Module::new(label, Input::Vector(size), size, layer) })
}

/// What a matrix called `….weight` can be: an `nn.Linear`, and where no bias stands beside it, an `nn.Embedding`.
fn affine(weight: &str, tensors: &Tensors<'_>) -> Result<Vec<Module>> {
    let (rows, cols) = tensors.matrix_shape(weight)?;
    let prefix = weight.strip_suffix("weight").unwrap_or_default();
    let bias = Some(format!("{prefix}bias")).filter(|bias| tensors.has(bias));
    let prefix = prefix.trim_end_matches('.');
    let dense = LayerSpec::Dense { weight: weight.to_owned(), bias: bias.clone(), layout: Layout::OutputMajor };
    let linear = Module::new(label("nn.Linear", prefix), Input::Vector(cols), rows, dense);
    let table = LayerSpec::Embedding { weight: weight.to_owned() };
    let embedding = Module::new(label("nn.Embedding", prefix), Input::Symbol(rows), cols, table);
    Ok(if bias.is_some() { vec![linear] } else { vec![linear, embedding] })
}

/// A tensor of the module `prefix`.
fn joined(prefix: &str, leaf: &str) -> String {
    match prefix {
        "" => leaf.to_owned(),
        prefix => format!("{prefix}.{leaf}"),
    }
}
