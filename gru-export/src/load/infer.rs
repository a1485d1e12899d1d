//! The architecture from PyTorch's tensor names and shapes, where they leave no choice.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::{Error, Result, listed, quoted};
use crate::ir::{Input, Merge};
use crate::spec::{GruSpec, LayerSpec, Spec, epsilon};

use super::pytorch::gru_shape;
use super::safetensors::Tensors;

/// More modules than this need a spec: the search over their orders is factorial.
const MAX_MODULES: usize = 7;

const WRITE_SPEC: &str = "list the layers and their activations in order in a TOML file and give it as --spec";

/// One `nn.Module`, as one or more layers, with what it takes and gives.
#[derive(Clone)]
struct Module {
    label: String,
    input: Input,
    output_size: usize,
    layers: Vec<LayerSpec>,
}

/// The only order of layers that the names and shapes allow.
pub(super) fn infer(tensors: &Tensors<'_>) -> Result<Spec> {
    let names = Names::sort(tensors)?;
    let mut modules = Vec::new();
    for (prefix, layers) in &names.recurrent {
        modules.push(vec![recurrent(prefix, layers, tensors)?]);
    }
    for weight in &names.weights {
        modules.push(affine(weight, tensors)?);
    }
    for prefix in &names.norms {
        modules.push(vec![norm(prefix, tensors)?]);
    }
    if names.recurrent.is_empty() {
        return Err(Error::new(
            "expected the tensors of an nn.GRU (`….weight_ih_l0`) or nn.GRUCell (`….weight_ih`), found neither",
        )
        .help("if the GRU's tensors have other names, say which in a TOML file and give it as --spec"));
    }
    if modules.len() > MAX_MODULES {
        return Err(Error::new(format!("{} modules have too many possible orders to choose from", modules.len()))
            .help(WRITE_SPEC));
    }
    let mut orders = Vec::new();
    arrange(&mut modules, &mut Vec::new(), &mut orders);
    Ok(Spec {
        input_mean: names.input_mean,
        input_std: names.input_std,
        layers: only(&orders, &modules)?.iter().flat_map(|module| module.layers.clone()).collect(),
    })
}

/// The tensors' names by what PyTorch's modules call theirs.
#[derive(Default)]
struct Names<'a> {
    /// By module prefix, then by layer; a cell has no layer number.
    recurrent: BTreeMap<&'a str, BTreeSet<Option<usize>>>,
    weights: Vec<&'a str>,
    /// Prefixes of normalizations.
    norms: BTreeSet<&'a str>,
    input_mean: Option<String>,
    input_std: Option<String>,
}

impl<'a> Names<'a> {
    fn sort(tensors: &'a Tensors<'_>) -> Result<Self> {
        let mut names = Self::default();
        for (name, shape) in tensors.shapes() {
            let (prefix, leaf) = name.rsplit_once('.').unwrap_or(("", name));
            let buffer = match leaf {
                "input_mean" => &mut names.input_mean,
                "input_std" => &mut names.input_std,
                "weight" if shape.len() == 2 => {
                    names.weights.push(name);
                    continue;
                }
                "weight" if shape.len() == 1 && tensors.has(&joined(prefix, "bias")) => {
                    names.norms.insert(prefix);
                    continue;
                }
                "running_mean" => {
                    names.norms.insert(prefix);
                    continue;
                }
                _ => {
                    if let Some(layer) = recurrent_layer(name, leaf)? {
                        names.recurrent.entry(prefix).or_default().insert(layer);
                    }
                    continue;
                }
            };
            if let Some(other) = buffer.replace(name.to_owned()) {
                return Err(Error::new(format!(
                    "two tensors could be the {leaf}: {} and {}",
                    quoted(&other),
                    quoted(name)
                ))
                .help(WRITE_SPEC));
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

/// An `nn.GRU` of consecutive layers, or an `nn.GRUCell`.
fn recurrent(prefix: &str, layers: &BTreeSet<Option<usize>>, tensors: &Tensors<'_>) -> Result<Module> {
    let tensor = |kind: &str, suffix: &str| joined(prefix, &format!("{kind}{suffix}"));
    let direction = |suffix: &str| {
        let [weight_ih, weight_hh, bias_ih, bias_hh] =
            ["weight_ih", "weight_hh", "bias_ih", "bias_hh"].map(|kind| tensor(kind, suffix));
        let sizes = gru_shape(tensors, &weight_ih, &weight_hh)?;
        let biased = tensors.has(&bias_ih) || tensors.has(&bias_hh);
        Ok((GruSpec::new(weight_ih, weight_hh, biased.then_some(bias_ih), biased.then_some(bias_hh)), sizes))
            as Result<_>
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
            });
            sizes.push((i, 2 * h));
        } else {
            specs.push(LayerSpec::Gru(forward));
            sizes.push((i, h));
        }
    }
    Ok(Module {
        label: label(if cell { "nn.GRUCell" } else { "nn.GRU" }, prefix),
        input: Input::Vector(sizes[0].0),
        output_size: sizes[sizes.len() - 1].1,
        layers: specs,
    })
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
    let layer = if batch {
        let [weight, bias] = [weight, bias].map(|name| Some(name).filter(|name| tensors.has(name)));
        LayerSpec::BatchNorm { mean, variance, weight, bias, epsilon: epsilon() }
    } else {
        LayerSpec::LayerNorm { weight, bias: Some(bias), epsilon: epsilon() }
    };
    Ok(Module {
        label: label(if batch { "nn.BatchNorm1d" } else { "nn.LayerNorm" }, prefix),
        input: Input::Vector(size),
        output_size: size,
        layers: vec![layer],
    })
}

/// What a user should know of an inferred spec.
pub(super) fn notes(spec: &Spec) -> Vec<String> {
    let norms = spec.layers.iter().filter_map(|layer| match layer {
        LayerSpec::LayerNorm { weight: name, .. } | LayerSpec::BatchNorm { mean: name, .. } => Some(quoted(name)),
        _ => None,
    });
    let names: Vec<_> = norms.collect();
    if names.is_empty() {
        return Vec::new();
    }
    vec![format!(
        "a state_dict does not hold a normalization's epsilon: PyTorch's default of 1e-5 is taken at {}",
        listed(names)
    )]
}

/// What a matrix called `….weight` can be: an `nn.Linear`, and where no bias stands beside it, an `nn.Embedding`.
fn affine(weight: &str, tensors: &Tensors<'_>) -> Result<Vec<Module>> {
    let (rows, cols) = tensors.matrix_shape(weight)?;
    let prefix = weight.strip_suffix("weight").unwrap_or_default();
    let bias = Some(format!("{prefix}bias")).filter(|bias| tensors.has(bias));
    let prefix = prefix.trim_end_matches('.');
    let linear = Module {
        label: label("nn.Linear", prefix),
        input: Input::Vector(cols),
        output_size: rows,
        layers: vec![LayerSpec::Dense { weight: weight.to_owned(), bias: bias.clone() }],
    };
    let embedding = Module {
        label: label("nn.Embedding", prefix),
        input: Input::Symbol(rows),
        output_size: cols,
        layers: vec![LayerSpec::Embedding { weight: weight.to_owned() }],
    };
    Ok(if bias.is_some() { vec![linear] } else { vec![linear, embedding] })
}

/// Every order of the modules left, each in one of its readings, that continues `chain`.
fn arrange(left: &mut Vec<Vec<Module>>, chain: &mut Vec<Module>, orders: &mut Vec<Vec<Module>>) {
    if left.is_empty() {
        orders.push(chain.clone());
    }
    for index in 0..left.len() {
        let readings = left.remove(index);
        for module in &readings {
            if chain.last().is_none_or(|last| module.input == Input::Vector(last.output_size)) {
                chain.push(module.clone());
                arrange(left, chain, orders);
                chain.pop();
            }
        }
        left.insert(index, readings);
    }
}

/// The single possible order, if names and shapes also say what happens between its layers.
fn only<'a>(orders: &'a [Vec<Module>], modules: &[Vec<Module>]) -> Result<&'a [Module]> {
    let [order] = orders else {
        return Err(match orders.len() {
            0 => Error::new(format!("no order in which these fit: {}", listed(modules.iter().flatten()))).help(
                "each must take as many values as the one before it gives; save the whole model, or give a --spec",
            ),
            _ => Error::new(format!(
                "several orders are possible: {}",
                listed(orders.iter().map(|order| describe(order)))
            ))
            .help(WRITE_SPEC),
        });
    };
    let linear = |module: &Module| matches!(module.layers[..], [LayerSpec::Dense { .. }]);
    match order.iter().position(linear) {
        Some(first) if first + 1 < order.len() => Err(Error::new(format!(
            "{} is followed by {}, and a state_dict does not tell what activation stands between them",
            order[first].label,
            order[first + 1].label
        ))
        .help(WRITE_SPEC)),
        _ => Ok(order),
    }
}

/// A tensor of the module `prefix`.
fn joined(prefix: &str, leaf: &str) -> String {
    match prefix {
        "" => leaf.to_owned(),
        prefix => format!("{prefix}.{leaf}"),
    }
}

fn label(class: &str, prefix: &str) -> String {
    match prefix {
        "" => class.to_owned(),
        prefix => format!("{class} {}", quoted(prefix)),
    }
}

fn describe(order: &[Module]) -> String {
    let labels: Vec<&str> = order.iter().map(|module| module.label.as_str()).collect();
    labels.join(" → ")
}

impl std::fmt::Display for Module {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({} → {})", self.label, self.input, self.output_size)
    }
}
