//! Nodes that become layers, but for the GRU.

use crate::error::Result;
use crate::ir::{Activated, Activation, Affine, Dense, Embedding, Layer, LayerNorm, Matrix, Merge};

use super::graph::Graph;
use super::layout::{Over, Part};
use super::node::Node;
use super::size::Size;
use super::tensor::Tensor;
use super::value::{Stream, Value};

impl<'a> Graph<'a> {
    /// MatMul and Gemm with a constant matrix.
    pub(super) fn dense(&mut self, node: Node<'a>) -> Result<Value<'a>> {
        let is_gemm = node.op() == "Gemm";
        let stream = self.stream(node, 0)?;
        let rank = stream.layout.rank();
        if rank == 0 || is_gemm && (rank != 2 || node.int("transA", 0) != 0) {
            return Err(node.error(format!("expected the features in its last axis, found the axes {}", stream.layout)));
        }
        let matrix = self.numbers(node, 1)?;
        let is_rows = is_gemm && node.int("transB", 0) != 0;
        let &[rows, cols] = &matrix.shape[..] else {
            return Err(node.error(format!("expected a constant matrix, found shape {:?}", matrix.shape)));
        };
        let (alpha, beta) = (node.float("alpha", 1.0)?, node.float("beta", 1.0)?);
        let matrix = if is_rows { matrix } else { matrix.transposed(&[1, 0], &self.reader)? };
        let (outputs, inputs) = if is_rows { (rows, cols) } else { (cols, rows) };
        self.expect_features(node, &stream, rank - 1, inputs)?;
        let bias = match is_gemm && node.input(2).is_some() {
            true => self.vector(node, 2, outputs)?.iter().map(|b| b * beta).collect(),
            false => vec![0.0; outputs],
        };
        let weight = Matrix::new(outputs, inputs, matrix.values.iter().map(|w| w * alpha).collect());
        let name = layer_name(node);
        self.layer(node, stream, rank - 1, outputs, Layer::Dense(Dense { name, weight, bias }))
    }

    pub(super) fn activation(&mut self, node: Node<'a>) -> Result<Value<'a>> {
        let stream = self.stream(node, 0)?;
        let (axis, size) = self.features(node, &stream)?;
        let activation = match node.op() {
            "Relu" => Activation::Relu,
            "Sigmoid" => Activation::Sigmoid,
            "Tanh" => Activation::Tanh,
            "HardSigmoid" => {
                Activation::HardSigmoid { slope: node.float("alpha", 0.2)?, offset: node.float("beta", 0.5)? }
            }
            _ => {
                // Before version 13 all axes from `axis` on were one.
                let rank = stream.layout.rank();
                let over = node.axis(if self.opset < 13 { 1 } else { -1 }, rank)?;
                if over != axis || self.opset < 13 && over + 1 != rank {
                    return Err(
                        node.error(format!("expected it over the features, found axis {over} of {}", stream.layout))
                    );
                }
                Activation::Softmax
            }
        };
        let name = layer_name(node);
        self.layer(node, stream, axis, size, Layer::Activation(Activated { name, size, activation }))
    }

    pub(super) fn batch_norm(&mut self, node: Node<'a>) -> Result<Value<'a>> {
        let stream = self.stream(node, 0)?;
        if node.int("training_mode", 0) != 0 {
            return Err(node.error("is in training mode").help("call model.eval() before the export"));
        }
        let scale = self.numbers(node, 1)?.values;
        let size = scale.len();
        if stream.layout.rank() < 2 {
            return Err(node.error(format!("expected the features in axis 1, found the axes {}", stream.layout)));
        }
        self.expect_features(node, &stream, 1, size)?;
        let [bias, mean, var] = [self.vector(node, 2, size)?, self.vector(node, 3, size)?, self.vector(node, 4, size)?];
        let epsilon = node.float("epsilon", 1e-5)?;
        if let Some(negative) = var.iter().find(|&&var| var + epsilon <= 0.0) {
            return Err(node.error(format!("expected variances above zero, found {negative}")));
        }
        let scale: Vec<f64> = scale.iter().zip(&var).map(|(scale, var)| scale / (var + epsilon).sqrt()).collect();
        let shift = bias.iter().zip(scale.iter().zip(&mean)).map(|(bias, (scale, mean))| bias - scale * mean).collect();
        let name = layer_name(node);
        self.layer(node, stream, 1, size, Layer::Affine(Affine { name, scale, shift }))
    }

    pub(super) fn layer_norm(&mut self, node: Node<'a>) -> Result<Value<'a>> {
        let stream = self.stream(node, 0)?;
        let rank = stream.layout.rank();
        let axis = node.axis(-1, rank)?;
        let weight = self.numbers(node, 1)?.values.to_vec();
        let size = weight.len();
        if axis + 1 != rank {
            return Err(node.error(format!("expected it over the last axis, found axis {axis} of {}", stream.layout)));
        }
        self.expect_features(node, &stream, axis, size)?;
        let bias = if node.input(2).is_some() { self.vector(node, 2, size)? } else { vec![0.0; size] };
        let epsilon = node.float("epsilon", 1e-5)?;
        if epsilon <= 0.0 {
            return Err(node.error(format!("expected an epsilon above zero, found {epsilon}")));
        }
        let name = layer_name(node);
        self.layer(node, stream, axis, size, Layer::LayerNorm(LayerNorm { name, weight, bias, epsilon }))
    }

    /// A symbol's row of a constant table.
    pub(super) fn embedding(&mut self, node: Node<'a>, symbols: Stream<'a>) -> Result<Value<'a>> {
        let table = self.numbers(node, 0)?;
        let &[rows, cols] = &table.shape[..] else {
            return Err(
                node.error(format!("expected an embedding's table, found a constant of shape {:?}", table.shape))
            );
        };
        if node.int("axis", 0) != 0 {
            return Err(node.error(format!("expected to gather along axis 0, found axis {}", node.int("axis", 0))));
        }
        if symbols.depth != 0 {
            return Err(node.error("expected the model's input as symbols, found the output of a layer"));
        }
        let weight = Matrix::new(rows, cols, table.values.to_vec());
        let layer = Layer::Embedding(Embedding { name: layer_name(node), weight });
        let mut stream = self.push(node, symbols, layer)?;
        stream.layout.push(Part { over: Over::Feature, size: Size::known(cols as i64) });
        Ok(Value::Stream(stream))
    }

    /// Add, Sub, Mul and Div: of sizes, of the two directions of a GRU, or of the data and a constant.
    pub(super) fn arithmetic(&mut self, node: Node<'a>) -> Result<Value<'a>> {
        let (one, other) = (self.value(node, 0)?, self.value(node, 1)?);
        let (stream, constant, is_first) = match (one, other) {
            (Value::Stream(one), Value::Stream(other)) => {
                return match node.op() {
                    "Add" => self.merged(node, &one, &other, Merge::Sum),
                    "Mul" => self.merged(node, &one, &other, Merge::Mul),
                    _ => Err(self.branches(node)),
                };
            }
            (Value::Stream(stream), _) => (stream, self.numbers(node, 1)?, true),
            (_, Value::Stream(stream)) => (stream, self.numbers(node, 0)?, false),
            _ if node.op() == "Mul" => return self.product(node),
            _ => {
                return Err(node
                    .error("arithmetic on constants is not supported")
                    .help("export with constant folding"));
            }
        };
        let (axis, values) = self.broadcast(node, &stream, &constant)?;
        let size = values.len();
        let (scale, shift) = match (node.op(), is_first) {
            ("Add", _) => (vec![1.0; size], values),
            ("Sub", true) => (vec![1.0; size], values.iter().map(|value| -value).collect()),
            ("Sub", false) => (vec![-1.0; size], values),
            ("Mul", _) => (values, vec![0.0; size]),
            (_, true) if !values.contains(&0.0) => (values.iter().map(|value| 1.0 / value).collect(), vec![0.0; size]),
            (_, true) => return Err(node.error("expected to divide by constants other than zero, found a zero")),
            _ => return Err(node.error("expected to divide data by a constant, found a constant divided by data")),
        };
        self.layer(node, stream, axis, size, Layer::Affine(Affine { name: layer_name(node), scale, shift }))
    }

    /// A constant for each feature, and their axis.
    fn broadcast(&self, node: Node<'a>, stream: &Stream<'a>, constant: &Tensor) -> Result<(usize, Vec<f64>)> {
        let rank = stream.layout.rank();
        let misfit = || {
            node.error(format!(
                "a constant of shape {:?} is not one for each feature of {}",
                constant.shape, stream.layout
            ))
        };
        let skipped = rank.checked_sub(constant.shape.len()).ok_or_else(misfit)?;
        let mut many = constant.shape.iter().enumerate().filter(|&(_, &size)| size > 1);
        match (many.next(), many.next()) {
            (None, _) => {
                let (axis, size) = self.features(node, stream)?;
                self.reader.reserve(size)?;
                Ok((axis, vec![constant.values[0]; size]))
            }
            (Some((axis, &size)), None) => {
                self.expect_features(node, stream, axis + skipped, size)?;
                Ok((axis + skipped, constant.values.to_vec()))
            }
            _ => Err(misfit()),
        }
    }

    /// The axis of the features and their number.
    fn features(&self, node: Node<'a>, stream: &Stream<'a>) -> Result<(usize, usize)> {
        let axis = stream.feature_axis();
        let size = axis.and_then(|axis| stream.layout.size(axis)?.positive());
        axis.zip(size)
            .ok_or_else(|| node.error(format!("which axis of {} holds the features is not known", stream.layout)))
    }

    /// A constant vector, or one number for all.
    fn vector(&self, node: Node<'a>, index: usize, size: usize) -> Result<Vec<f64>> {
        let tensor = self.numbers(node, index)?;
        match tensor.values.len() {
            len if len == size && tensor.shape.last().is_none_or(|&last| last == size) => Ok(tensor.values.to_vec()),
            1 => Ok(vec![tensor.values[0]; size]),
            _ => Err(node.error(format!(
                "expected a constant of {size} values as input {index}, found shape {:?}",
                tensor.shape
            ))),
        }
    }

    /// Adds a layer that replaces the features in `axis` by `size` others.
    fn layer(
        &mut self,
        node: Node<'a>,
        stream: Stream<'a>,
        axis: usize,
        size: usize,
        layer: Layer,
    ) -> Result<Value<'a>> {
        let mut stream = self.push(node, stream, layer)?;
        stream.layout.set(axis, Part { over: Over::Feature, size: Size::known(size as i64) });
        Ok(Value::Stream(stream))
    }
}

/// A node's name without its operator: `head/MatMul` is `head`.
pub(super) fn layer_name(node: Node<'_>) -> String {
    let name = node.name();
    let module =
        name.strip_suffix(node.op()).map(|module| module.trim_end_matches('/')).filter(|module| !module.is_empty());
    module.unwrap_or(name).to_owned()
}

/// A constant added to a dense layer's output is its bias.
pub(super) fn merge_biases(layers: Vec<Layer>) -> Vec<Layer> {
    let mut merged: Vec<Layer> = Vec::new();
    for layer in layers {
        match (merged.last_mut(), layer) {
            (Some(Layer::Dense(dense)), Layer::Affine(affine)) if affine.scale.iter().all(|&scale| scale == 1.0) => {
                dense.bias.iter_mut().zip(affine.shift).for_each(|(bias, shift)| *bias += shift);
            }
            (_, layer) => merged.push(layer),
        }
    }
    merged
}
