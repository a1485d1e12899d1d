//! Tensors and a [`Spec`] to a [`Model`].

use crate::error::{Error, Result};
use crate::ir::{Activated, Affine, Bidirectional, Dense, Embedding, Layer, LayerNorm, Matrix, Model, Standardization};
use crate::spec::{LayerSpec, Layout, Spec, Update};

use super::gru;
use super::tensors::Tensors;

const REPLACED: &str = "where the spec has update = \"replace\", z is negated before its sigmoid: in the equations shown it keeps the state";

/// Builds the model that `spec` describes; every tensor must be used.
pub(super) fn assemble(spec: &Spec, mut tensors: Tensors<'_>) -> Result<Model> {
    let mut layers: Vec<Layer> = Vec::new();
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
    let grus = spec.layers.iter().flat_map(|layer| match layer {
        LayerSpec::Gru(gru) => vec![gru],
        LayerSpec::Bidirectional { forward, backward, .. } => vec![&**forward, &**backward],
        _ => Vec::new(),
    });
    if grus.into_iter().any(|gru| gru.update == Update::Replace) {
        return Ok(model.with_note(REPLACED));
    }
    Ok(model)
}

fn assemble_layer(layer: &LayerSpec, before: Option<&Layer>, tensors: &mut Tensors<'_>) -> Result<Layer> {
    Ok(match layer {
        LayerSpec::Embedding { weight } => {
            Layer::Embedding(Embedding { name: layer_name(weight), weight: tensors.take_matrix(weight)? })
        }
        LayerSpec::Gru(spec) => Layer::Gru(gru::assemble(spec, tensors)?),
        LayerSpec::Bidirectional { forward, backward, merge, ends } => {
            let (forward, backward) = (gru::assemble(forward, tensors)?, gru::assemble(backward, tensors)?);
            let name = forward.name.clone();
            Layer::Bidirectional(Box::new(Bidirectional { name, forward, backward, merge: *merge, ends: *ends }))
        }
        LayerSpec::Dense { weight, bias, layout } => {
            let matrix = output_major(tensors.take_matrix(weight)?, *layout);
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
            let name = layer_name(mean);
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

/// The matrix as `[outputs, inputs]`.
pub(super) fn output_major(matrix: Matrix, layout: Layout) -> Matrix {
    match layout {
        Layout::OutputMajor => matrix,
        Layout::InputMajor => matrix.transposed(),
    }
}

/// The module's name in a tensor's: `gru.weight_ih_l0` is `gru.l0`, `head.weight` is `head`.
pub(super) fn layer_name(tensor: &str) -> String {
    let name = tensor.replace("weight_ih_l", "l");
    let leaves = [".weight_ih", ".weight", ".kernel", "/kernel", ".embedding", "/embedding", ".running_mean"];
    leaves.iter().find_map(|leaf| name.strip_suffix(leaf)).unwrap_or(&name).to_owned()
}
