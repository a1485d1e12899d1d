//! Tensors and a [`Spec`] to a [`Model`]: gates split, conventions made canonical, biases merged.

use crate::error::{Error, Result};
use crate::ir::{Cell, Dense, Embedding, Gru, Layer, Matrix, Model, Reset, Standardization};
use crate::spec::{GateOrder, LayerSpec, Spec, Update};

use super::safetensors::Tensors;

/// Builds the model that `spec` describes; every tensor must be used.
pub(super) fn assemble(spec: &Spec, mut tensors: Tensors<'_>) -> Result<Model> {
    let layers = spec.layers.iter().map(|layer| assemble_layer(layer, &mut tensors)).collect::<Result<Vec<_>>>()?;
    let standardization = match (&spec.input_mean, &spec.input_std) {
        (None, None) => None,
        (Some(mean), Some(std)) => {
            let &[size] = tensors.shape(mean)? else {
                return Err(Error::tensor(mean, format!("expected a vector, found shape {:?}", tensors.shape(mean)?)));
            };
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

fn assemble_layer(layer: &LayerSpec, tensors: &mut Tensors<'_>) -> Result<Layer> {
    Ok(match layer {
        LayerSpec::Embedding { weight } => {
            Layer::Embedding(Embedding { name: layer_name(weight), weight: tensors.take_matrix(weight)? })
        }
        LayerSpec::Gru { weight_ih, weight_hh, bias_ih, bias_hh, one_hot, gate_order, reset, update } => {
            let (_, h) = gru_shape(tensors, weight_ih, weight_hh)?;
            let mut bias = |name: &Option<String>| match name {
                Some(name) => Ok(split(&tensors.take_vector(name, 3 * h)?, *gate_order)),
                None => Ok([(); 3].map(|()| vec![0.0; h])),
            };
            let bias = merge_biases(bias(bias_ih)?, bias(bias_hh)?, *reset);
            let gru = Gru {
                name: layer_name(weight_ih),
                one_hot: *one_hot,
                cell: Cell { reset: *reset, ..Cell::default() },
                weight_ih: split_rows(&tensors.take_matrix(weight_ih)?, *gate_order),
                weight_hh: split_rows(&tensors.take_matrix(weight_hh)?, *gate_order),
                bias,
            };
            Layer::Gru(match update {
                Update::Keep => gru,
                Update::Replace => negate_update(gru),
            })
        }
        LayerSpec::Dense { weight, bias } => {
            let matrix = tensors.take_matrix(weight)?;
            Layer::Dense(Dense {
                name: layer_name(weight),
                bias: match bias {
                    Some(bias) => tensors.take_vector(bias, matrix.rows())?,
                    None => vec![0.0; matrix.rows()],
                },
                weight: matrix,
            })
        }
    })
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

/// 1 − σ(a) = σ(−a).
fn negate_update(mut gru: Gru) -> Gru {
    gru.weight_ih[1] = gru.weight_ih[1].map(|_, w| -w);
    gru.weight_hh[1] = gru.weight_hh[1].map(|_, w| -w);
    gru.bias[1].iter_mut().for_each(|b| *b = -*b);
    gru
}
