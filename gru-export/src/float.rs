//! The f32 model: standardization folded into the first layer, every number rounded once from `f64`, weights to what they are stored as.

mod runner;

use gru_core::layout::{DenseShape, GruShape, Order};

use crate::error::{Error, Result, quoted};
use crate::function::{Function, Functions};
use crate::ir::{Activation, Dense, Gru, Layer, LayerNorm, Matrix, Merge, Model, Standardization};
use crate::weights::Weights;

pub use runner::FloatRunner;
pub(crate) use runner::{Kernels, Packed, merged};

/// The layers of an f32 model, weights in the canonical order of `gru-core`'s `pack` functions.
#[derive(Debug, Clone)]
pub struct FloatModel {
    /// First to last.
    pub layers: Vec<FloatLayer>,
}

/// One layer of a [`FloatModel`].
#[derive(Debug, Clone)]
pub enum FloatLayer {
    /// A table of `[symbols, size]`.
    Embedding {
        /// Rows.
        symbols: usize,
        /// Columns.
        size: usize,
        /// Row-major.
        table: Vec<f32>,
    },
    /// Recurrent.
    Gru(FloatGru),
    /// Recurrent from both ends.
    Bidirectional {
        /// From the first step on.
        forward: FloatGru,
        /// From the last step on.
        backward: FloatGru,
        /// What becomes of the two.
        merge: Merge,
        /// Whether every step has what each gives last.
        ends: bool,
        /// Size of what it gives.
        output_size: usize,
    },
    /// `y = W x + b`.
    Dense {
        /// With [`Order::F32`].
        shape: DenseShape,
        /// `[O, I]`.
        weight: Vec<f32>,
        /// `[O]`.
        bias: Vec<f32>,
    },
    /// A function of each value.
    Activation {
        /// N.
        size: usize,
        /// Which.
        function: Function,
    },
    /// eˣ over the sum of all.
    Softmax {
        /// N.
        size: usize,
    },
    /// See [`gru_core::LayerNorm`].
    LayerNorm {
        /// `[N]`.
        weight: Vec<f32>,
        /// `[N]`.
        bias: Vec<f32>,
        /// Above zero.
        epsilon: f32,
    },
}

/// A GRU layer of a [`FloatModel`], gates r, z, n.
#[derive(Debug, Clone)]
pub struct FloatGru {
    /// Whether the input is a symbol.
    pub one_hot: bool,
    /// Of gates and candidate.
    pub functions: Functions,
    /// With [`Order::F32`].
    pub shape: GruShape,
    /// `[G, H, I]` for the `G` gates that there are.
    pub weight_ih: Vec<f32>,
    /// `[G, H, H]`.
    pub weight_hh: Vec<f32>,
    /// `[4, H]`: r, z, n of the input half, n of the recurrent half.
    pub bias: Vec<f32>,
}

impl FloatModel {
    /// Folds and rounds.
    ///
    /// # Errors
    /// A number is beyond the range of f32, a weight beyond that of what it is stored as, or the first layer has no matrix to take the standardization.
    pub fn new(model: &Model) -> Result<Self> {
        let (first, rest) = model.layers().split_first().expect("a model has layers");
        let weights = model.weights();
        let first = FloatLayer::first(first, model.standardization(), weights);
        let layers = std::iter::once(first).chain(rest.iter().map(|layer| FloatLayer::new(layer, weights)));
        Ok(Self { layers: layers.collect::<Result<_>>()? })
    }
}

impl FloatLayer {
    /// A model's first layer, which takes raw units.
    pub(crate) fn first(layer: &Layer, by: Option<&Standardization>, weights: Weights) -> Result<Self> {
        let Some(by) = by else { return Self::new(layer, weights) };
        let mut layer = layer.clone();
        match &mut layer {
            Layer::Gru(gru) => fold_into_gru(gru, by),
            Layer::Bidirectional(layer) => {
                fold_into_gru(&mut layer.forward, by);
                fold_into_gru(&mut layer.backward, by);
            }
            Layer::Dense(dense) => (dense.weight, dense.bias) = folded(&dense.weight, &dense.bias, by),
            other => {
                let problem = format!("layer {} has no weights to take the input's mean and std", quoted(other.name()));
                return Err(Error::new(problem).help("standardize the input before the model is fed"));
            }
        }
        Self::new(&layer, weights)
    }

    pub(crate) fn new(layer: &Layer, weights: Weights) -> Result<Self> {
        let round = |values: &[f64]| rounded(layer.name(), values);
        let store = |matrix: &Matrix| weights.rounded(layer.name(), "weight", matrix.iter_rows());
        Ok(match layer {
            Layer::Embedding(layer) => Self::Embedding {
                symbols: layer.weight.rows(),
                size: layer.weight.cols(),
                table: store(&layer.weight)?,
            },
            Layer::Gru(gru) => Self::Gru(FloatGru::new(gru, weights)?),
            Layer::Bidirectional(both) => Self::Bidirectional {
                forward: FloatGru::new(&both.forward, weights)?,
                backward: FloatGru::new(&both.backward, weights)?,
                merge: both.merge,
                ends: both.ends,
                output_size: layer.output_size(),
            },
            Layer::Dense(Dense { weight, bias, .. }) => Self::Dense {
                shape: DenseShape { input_size: weight.cols(), output_size: weight.rows(), order: Order::F32 },
                weight: store(weight)?,
                bias: round(bias)?,
            },
            Layer::Activation(layer) => match function(&layer.name, layer.activation)? {
                Some(function) => Self::Activation { size: layer.size, function },
                None => Self::Softmax { size: layer.size },
            },
            Layer::LayerNorm(LayerNorm { weight, bias, epsilon, .. }) => {
                Self::LayerNorm { weight: round(weight)?, bias: round(bias)?, epsilon: round(&[*epsilon])?[0] }
            }
            Layer::Affine(_) => unreachable!("Model::new folds it"),
        })
    }
}

impl FloatGru {
    fn new(gru: &Gru, weights: Weights) -> Result<Self> {
        let cell = gru.cell;
        let store = |tensor: &str, gates: &[Matrix; 3]| {
            let present = cell.present(gates.each_ref());
            weights.rounded(&gru.name, tensor, present.into_iter().flat_map(Matrix::iter_rows))
        };
        let function = |activation| -> Result<Function> {
            Ok(function(&gru.name, activation)?.expect("Model::new refuses softmax in a cell"))
        };
        Ok(Self {
            one_hot: gru.one_hot,
            functions: Functions {
                gate: function(cell.recurrent_activation)?,
                candidate: function(cell.activation)?,
                clip: cell.clip.map(|clip| clip as f32).filter(|clip| clip.is_finite()),
            },
            shape: GruShape {
                input_size: gru.input_size(),
                hidden_size: gru.hidden_size(),
                order: Order::F32,
                gates: gru.cell.into(),
            },
            weight_ih: store("weight_ih", &gru.weight_ih)?,
            weight_hh: store("weight_hh", &gru.weight_hh)?,
            bias: rounded(&gru.name, &gru.bias.concat())?,
        })
    }
}

/// The function in f32; `None` for softmax.
fn function(layer: &str, activation: Activation) -> Result<Option<Function>> {
    if let Activation::HardSigmoid { slope, offset } = activation {
        rounded(layer, &[slope, offset])?;
    }
    Ok(Function::new(activation))
}

/// `W (x − mean) / std + b` as `W' x + b'`.
fn folded(weight: &Matrix, bias: &[f64], by: &Standardization) -> (Matrix, Vec<f64>) {
    let weight = weight.map(|column, w| w / by.std[column]);
    let shift = weight.iter_rows().map(|row| row.iter().zip(&by.mean).map(|(w, mean)| w * mean).sum::<f64>());
    let bias = bias.iter().zip(shift).map(|(b, shift)| b - shift).collect();
    (weight, bias)
}

fn fold_into_gru(gru: &mut Gru, by: &Standardization) {
    for (weight, bias) in gru.weight_ih.iter_mut().zip(&mut gru.bias) {
        (*weight, *bias) = folded(weight, bias, by);
    }
}

/// To f32.
fn rounded(layer: &str, values: &[f64]) -> Result<Vec<f32>> {
    Weights::F32.rounded(layer, "", [values])
}
