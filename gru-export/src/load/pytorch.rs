//! Tensors and a [`Spec`] to a [`Model`]: gates split, conventions made canonical, biases merged.

use crate::error::{Error, Result, quoted};
use crate::ir::{
    Activated, Activation, Affine, Bidirectional, Cell, Dense, Embedding, Gru, Layer, LayerNorm, Matrix, Model, Reset,
    Standardization,
};
use crate::spec::{GateOrder, GruSpec, LayerSpec, Spec, Update};

use super::safetensors::Tensors;

/// Builds the model that `spec` describes; every tensor must be used.
pub(super) fn assemble(spec: &Spec, mut tensors: Tensors<'_>) -> Result<Model> {
    let mut layers = Vec::new();
    for layer in &spec.layers {
        let layer = assemble_layer(layer, layers.last(), &mut tensors)?;
        layers.push(layer);
    }
    let standardization = match (&spec.input_mean, &spec.input_std) {
        (None, None) => None,
        (Some(mean), Some(std)) => {
            let size = vector_len(&tensors, mean)?;
            Some(Standardization { mean: tensors.take_vector(mean, size)?, std: tensors.take_vector(std, size)? })
        }
        (Some(one), None) | (None, Some(one)) => {
            return Err(Error::tensor(one, "input_mean and input_std only work together, the other is missing"));
        }
    };
    let model = Model::new(layers, standardization)?;
    tensors.finish()?;
    Ok(model)
}

fn assemble_layer(layer: &LayerSpec, before: Option<&Layer>, tensors: &mut Tensors<'_>) -> Result<Layer> {
    Ok(match layer {
        LayerSpec::Embedding { weight } => {
            Layer::Embedding(Embedding { name: layer_name(weight), weight: tensors.take_matrix(weight)? })
        }
        LayerSpec::Gru(spec) => Layer::Gru(assemble_gru(spec, tensors)?),
        LayerSpec::Bidirectional { forward, backward, merge } => Layer::Bidirectional(Box::new(Bidirectional {
            name: layer_name(&forward.weight_ih),
            forward: assemble_gru(forward, tensors)?,
            backward: assemble_gru(backward, tensors)?,
            merge: *merge,
        })),
        LayerSpec::Dense { weight, bias } => {
            let matrix = tensors.take_matrix(weight)?;
            Layer::Dense(Dense {
                name: layer_name(weight),
                bias: optional(tensors, bias.as_ref(), matrix.rows(), 0.0)?,
                weight: matrix,
            })
        }
        LayerSpec::Activation { activation } => {
            let size = before.map(Layer::output_size).ok_or_else(|| {
                Error::new("the first layer is an activation").help("list the layer whose values it takes before it")
            })?;
            Layer::Activation(Activated { name: activation.to_string(), size, activation: *activation })
        }
        LayerSpec::LayerNorm { weight, bias, epsilon } => {
            let size = vector_len(tensors, weight)?;
            Layer::LayerNorm(LayerNorm {
                name: layer_name(weight),
                weight: tensors.take_vector(weight, size)?,
                bias: optional(tensors, bias.as_ref(), size, 0.0)?,
                epsilon: *epsilon,
            })
        }
        LayerSpec::BatchNorm { mean, variance, weight, bias, epsilon } => {
            let size = vector_len(tensors, mean)?;
            let name = mean.trim_end_matches(".running_mean").to_owned();
            tensors.discard(&format!("{name}.num_batches_tracked"));
            let (mean, found) = (tensors.take_vector(mean, size)?, tensors.take_vector(variance, size)?);
            if let Some(at) = found.iter().position(|v| v + epsilon <= 0.0) {
                let problem = format!("the variance of channel {at} is {}, not above zero", found[at]);
                return Err(Error::tensor(variance, problem));
            }
            let weight = optional(tensors, weight.as_ref(), size, 1.0)?;
            let bias = optional(tensors, bias.as_ref(), size, 0.0)?;
            let scale: Vec<f64> = weight.iter().zip(&found).map(|(w, v)| w / (v + epsilon).sqrt()).collect();
            let shift = bias.iter().zip(&mean).zip(&scale).map(|((b, mean), scale)| b - mean * scale).collect();
            Layer::Affine(Affine { name, scale, shift })
        }
    })
}

fn assemble_gru(spec: &GruSpec, tensors: &mut Tensors<'_>) -> Result<Gru> {
    let GruSpec { weight_ih, weight_hh, gate_order, reset, .. } = spec;
    let (_, h) = gru_shape(tensors, weight_ih, weight_hh)?;
    let mut bias =
        |name: &Option<String>| Ok(split(&optional(tensors, name.as_ref(), 3 * h, 0.0)?, *gate_order)) as Result<_>;
    let bias = merge_biases(bias(&spec.bias_ih)?, bias(&spec.bias_hh)?, *reset);
    let gru = Gru {
        name: layer_name(weight_ih),
        one_hot: spec.one_hot,
        cell: Cell {
            reset: *reset,
            update: true,
            activation: spec.activation,
            recurrent_activation: spec.recurrent_activation,
            clip: spec.clip,
        },
        weight_ih: split_rows(&tensors.take_matrix(weight_ih)?, *gate_order),
        weight_hh: split_rows(&tensors.take_matrix(weight_hh)?, *gate_order),
        bias,
    };
    match spec.update {
        Update::Keep => Ok(gru),
        Update::Replace => replacing(gru),
    }
}

/// A vector, or `otherwise` throughout where no tensor is named.
fn optional(tensors: &mut Tensors<'_>, name: Option<&String>, len: usize, otherwise: f64) -> Result<Vec<f64>> {
    name.map_or_else(|| Ok(vec![otherwise; len]), |name| tensors.take_vector(name, len))
}

fn vector_len(tensors: &Tensors<'_>, name: &str) -> Result<usize> {
    match *tensors.shape(name)? {
        [size] => Ok(size),
        ref shape => Err(Error::tensor(name, format!("expected a vector, found shape {shape:?}"))),
    }
}

/// (I, H) of a GRU layer, or what else its shapes say it is.
pub(super) fn gru_shape(tensors: &Tensors<'_>, weight_ih: &str, weight_hh: &str) -> Result<(usize, usize)> {
    let (hh_rows, h) = tensors.matrix_shape(weight_hh)?;
    let (ih_rows, i) = tensors.matrix_shape(weight_ih)?;
    let expected = h.saturating_mul(3);
    if hh_rows != expected {
        let error = Error::tensor(weight_hh, format!("expected the [3·H, H] of a GRU, found [{hh_rows}, {h}]"));
        return Err(if hh_rows == h.saturating_mul(4) {
            error.help("4·H rows are an LSTM's; train an nn.GRU instead")
        } else if hh_rows == h {
            error.help("H rows are a plain nn.RNN's; train an nn.GRU instead")
        } else {
            error
        });
    }
    if ih_rows != expected {
        return Err(Error::tensor(
            weight_ih,
            format!("expected {expected} rows like {weight_hh}, found [{ih_rows}, {i}]"),
        ));
    }
    Ok((i, h))
}

/// The module's name in a tensor's: `gru.weight_ih_l0` is `gru.l0`, `head.weight` is `head`.
fn layer_name(tensor: &str) -> String {
    tensor.replace("weight_ih_l", "l").trim_end_matches(".weight_ih").trim_end_matches(".weight").to_owned()
}

pub(super) fn split(values: &[f64], order: GateOrder) -> [Vec<f64>; 3] {
    let len = values.len() / 3;
    order.positions().map(|at| values[at * len..][..len].to_vec())
}

pub(super) fn split_rows(matrix: &Matrix, order: GateOrder) -> [Matrix; 3] {
    split(matrix.as_slice(), order).map(|gate| Matrix::new(matrix.rows() / 3, matrix.cols(), gate))
}

/// Only behind a reset gate does the recurrent bias of n differ from the input's.
pub(super) fn merge_biases(ih: [Vec<f64>; 3], hh: [Vec<f64>; 3], reset: Reset) -> [Vec<f64>; 4] {
    let sum = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a + b).collect::<Vec<_>>();
    let ([ir, iz, b_n], [hr, hz, c_n]) = (ih, hh);
    let (r, z) = (sum(&ir, &hr), sum(&iz, &hz));
    match reset {
        Reset::After => [r, z, b_n, c_n],
        Reset::Before | Reset::None => [r, z, sum(&b_n, &c_n), vec![0.0; c_n.len()]],
    }
}

/// The same layer with `1 − z` for z, for gates with `1 − f(a) = f(−a)`.
fn replacing(mut gru: Gru) -> Result<Gru> {
    let symmetric = match gru.cell.recurrent_activation {
        Activation::Sigmoid => true,
        Activation::HardSigmoid { offset, .. } => offset == 0.5,
        _ => false,
    };
    if !symmetric {
        let problem = format!("layer {}: with `update = \"replace\"` the gates must be sigmoids", quoted(&gru.name));
        return Err(Error::new(problem));
    }
    gru.weight_ih[1] = gru.weight_ih[1].map(|_, w| -w);
    gru.weight_hh[1] = gru.weight_hh[1].map(|_, w| -w);
    gru.bias[1].iter_mut().for_each(|b| *b = -*b);
    Ok(gru)
}
