//! Recurrent layers: `GRU`, `RNN` of `GRUCell`s, and `Bidirectional`.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::error::{Error, Result, quoted};
use crate::ir::{Activation, Bidirectional, Cell, Gru, Merge, Reset};

use super::chain::{Entry, Object};
use super::layers::activation;
use super::weights::{Tensor, Weights};

/// What a stream cannot do.
const BACKWARDS: &str =
    "reads the window from its end (go_backwards), which a stream does not have; train with go_backwards=False";

/// Where r, z and h stand in Keras' columns.
const ORDER: [usize; 3] = [1, 0, 2];

#[derive(Deserialize)]
struct GruConfig<'a> {
    units: usize,
    #[serde(borrow)]
    activation: &'a RawValue,
    #[serde(borrow)]
    recurrent_activation: &'a RawValue,
    use_bias: bool,
    reset_after: bool,
}

/// How a layer runs over a window.
#[derive(Deserialize)]
struct Window {
    #[serde(default)]
    go_backwards: bool,
    #[serde(default)]
    return_sequences: bool,
}

/// A `GRU`; its weights are in the group `cell`.
pub(super) fn gru(entry: &Entry<'_>, weights: &mut Weights) -> Result<Gru> {
    let Window { go_backwards, .. } = entry.parse()?;
    if go_backwards {
        return Err(entry.error(BACKWARDS));
    }
    cell(entry, &format!("{}/cell", entry.path), weights)
}

/// An `RNN` of one `GRUCell`, or of a stack of them.
pub(super) fn rnn(entry: &Entry<'_>, weights: &mut Weights) -> Result<Vec<Gru>> {
    #[derive(Deserialize)]
    struct Config<'a> {
        #[serde(borrow)]
        cell: Object<'a>,
    }
    #[derive(Deserialize)]
    struct Stack<'a> {
        #[serde(borrow)]
        cells: Vec<Object<'a>>,
    }
    let Window { go_backwards, .. } = entry.parse()?;
    if go_backwards {
        return Err(entry.error(BACKWARDS));
    }
    let Config { cell: object } = entry.parse()?;
    let inner = entry.inner(object, "cell");
    let cells = match &*inner.class {
        "StackedRNNCells" => {
            let Stack { cells } = inner.parse()?;
            let group = |at: usize| if at == 0 { "cells/gru_cell".to_owned() } else { format!("cells/gru_cell_{at}") };
            cells.into_iter().enumerate().map(|(at, cell)| inner.inner(cell, &group(at))).collect()
        }
        _ => vec![inner],
    };
    let read = |inner: &Entry<'_>| match &*inner.class {
        "GRUCell" => cell(inner, &inner.path, weights),
        _ => Err(inner.error("not supported; an RNN must be of GRUCell")),
    };
    cells.iter().map(read).collect()
}

/// A `Bidirectional` of two `GRU`s.
pub(super) fn bidirectional(entry: &Entry<'_>, weights: &mut Weights) -> Result<Bidirectional> {
    #[derive(Deserialize)]
    struct Config<'a> {
        merge_mode: Option<Merge>,
        #[serde(borrow)]
        layer: Object<'a>,
        #[serde(borrow, default)]
        backward_layer: Option<Object<'a>>,
    }
    let Config { merge_mode, layer, backward_layer } = entry.parse()?;
    let merge = merge_mode.ok_or_else(|| {
        entry.error("its outputs are not merged (merge_mode=None)").help("one of concat, sum, mul and ave is needed")
    })?;
    let forward = entry.inner(layer, "forward_layer");
    let backward = match backward_layer {
        Some(layer) => {
            let backward = entry.inner(layer, "backward_layer");
            let Window { go_backwards, .. } = backward.parse()?;
            if !go_backwards {
                return Err(backward
                    .error("is the backward layer of a Bidirectional and goes forwards")
                    .help("train it with go_backwards=True"));
            }
            backward
        }
        None => Entry { path: format!("{}/backward_layer", entry.path), ..forward.clone() },
    };
    let mut ends = [false; 2];
    for (layer, ends) in [&forward, &backward].into_iter().zip(&mut ends) {
        if layer.class != "GRU" {
            return Err(layer.error("not supported; a Bidirectional must be of GRU"));
        }
        let Window { return_sequences, .. } = layer.parse()?;
        *ends = !return_sequences;
    }
    if ends[0] != ends[1] {
        return Err(entry
            .error("one of its layers gives its outputs of every step, the other its last one")
            .help("give both layers the same return_sequences"));
    }
    let backward_weights = format!("{}/cell", backward.path);
    Ok(Bidirectional {
        name: entry.name(),
        forward: gru(&forward, weights)?,
        backward: cell(&backward, &backward_weights, weights)?,
        merge,
        ends: ends[0],
    })
}

/// The cell that `entry` configures, from the weights at `path`.
fn cell(entry: &Entry<'_>, path: &str, weights: &mut Weights) -> Result<Gru> {
    let config: GruConfig<'_> = entry.parse()?;
    let function = |function, name: &str| match activation(function) {
        Ok(Activation::Softmax) => Err(entry.error(format!("{name} softmax is not supported"))),
        Ok(function) => Ok(function),
        Err(found) => Err(entry
            .error(format!("{name} {} is not supported", quoted(&found)))
            .help("understood are tanh, sigmoid, hard_sigmoid, relu and linear")),
    };
    let cell = Cell {
        reset: if config.reset_after { Reset::After } else { Reset::Before },
        activation: function(config.activation, "activation")?,
        recurrent_activation: function(config.recurrent_activation, "recurrent_activation")?,
        ..Cell::default()
    };
    let bias = config.use_bias.then(|| weights.variable(path, 2)).transpose()?;
    assemble(entry.name(), cell, config.units, [weights.variable(path, 0)?, weights.variable(path, 1)?], bias)
}

/// A layer of `cell` from Keras' kernel, recurrent kernel and bias, with `units` outputs.
pub(super) fn assemble(
    name: String,
    cell: Cell,
    units: usize,
    [kernel, recurrent]: [Tensor; 2],
    bias: Option<Tensor>,
) -> Result<Gru> {
    let width = units
        .checked_mul(3)
        .ok_or_else(|| Error::tensor(kernel.name(), format!("no kernel has the columns of {units} units")))?;
    let (inputs, _) = kernel.sides()?;
    let kernel = kernel.expect(&[inputs, width])?;
    let recurrent = recurrent.expect(&[units, width])?;
    let gates = |tensor: &Tensor| {
        let [r, z, n] = ORDER.map(|gate| tensor.transposed(gate, 3));
        Ok([r?, z?, n?])
    };
    let shape: &[usize] = if cell.reset == Reset::After { &[2, width] } else { &[width] };
    let bias = bias.map(|bias| bias.expect(shape)).transpose()?.map_or_else(|| vec![0.0; 2 * width], |b| b.values());
    let part = |row: usize, gate: usize| {
        let from = row * width + gate * units;
        bias.get(from..from + units).map_or_else(|| vec![0.0; units], <[f64]>::to_vec)
    };
    let sum = |gate: usize| part(0, gate).iter().zip(part(1, gate)).map(|(a, b)| a + b).collect();
    let [r, z, n] = ORDER;
    Ok(Gru {
        name,
        one_hot: false,
        cell,
        weight_ih: gates(&kernel)?,
        weight_hh: gates(&recurrent)?,
        bias: [sum(r), sum(z), part(0, n), part(1, n)],
    })
}
