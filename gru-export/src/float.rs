//! The f32 model: standardization folded into the first layer, every weight rounded once from `f64`.

use gru_core::backend::F32Lane;
use gru_core::layout::{DenseShape, GruShape, Order, UNITS, blocks, pack_rows};
use gru_core::math::Rational;
use gru_core::slices::{DenseSlice, GruInput, GruSlice};

use crate::dataset::Sample;
use crate::error::{Error, Result, quoted};
use crate::ir::{Dense, Gru, Layer, Matrix, Model, Standardization};
use crate::verify::Shipped;

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
    /// Gates r, z, n.
    Gru {
        /// Whether the input is a symbol.
        one_hot: bool,
        /// With [`Order::F32`].
        shape: GruShape,
        /// `[3, H, I]`.
        weight_ih: Vec<f32>,
        /// `[3, H, H]`.
        weight_hh: Vec<f32>,
        /// `[4, H]`: r, z, n of the input half, n of the recurrent half.
        bias: Vec<f32>,
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
}

impl FloatModel {
    /// Folds and rounds.
    ///
    /// # Errors
    /// A weight is beyond the range of f32.
    pub fn new(model: &Model) -> Result<Self> {
        let mut layers = model.layers().to_vec();
        if let Some(standardization) = model.standardization() {
            match &mut layers[0] {
                Layer::Gru(gru) => fold_into_gru(gru, standardization),
                Layer::Dense(dense) => (dense.weight, dense.bias) = folded(&dense.weight, &dense.bias, standardization),
                _ => {}
            }
        }
        Ok(Self { layers: layers.iter().map(FloatLayer::new).collect::<Result<_>>()? })
    }
}

impl FloatLayer {
    fn new(layer: &Layer) -> Result<Self> {
        let round = |values: &[f64]| rounded(layer.name(), values);
        Ok(match layer {
            Layer::Embedding(layer) => Self::Embedding {
                symbols: layer.weight.rows(),
                size: layer.weight.cols(),
                table: round(layer.weight.as_slice())?,
            },
            Layer::Bidirectional(_) | Layer::Activation(_) | Layer::LayerNorm(_) | Layer::Affine(_) => {
                unreachable!("Model::new refuses them")
            }
            Layer::Gru(gru) => Self::Gru {
                one_hot: gru.one_hot,
                shape: GruShape {
                    input_size: gru.input_size(),
                    hidden_size: gru.hidden_size(),
                    order: Order::F32,
                    placement: gru.cell.reset.into(),
                },
                weight_ih: round(&gates(&gru.weight_ih))?,
                weight_hh: round(&gates(&gru.weight_hh))?,
                bias: round(&gru.bias.concat())?,
            },
            Layer::Dense(Dense { weight, bias, .. }) => Self::Dense {
                shape: DenseShape { input_size: weight.cols(), output_size: weight.rows(), order: Order::F32 },
                weight: round(weight.as_slice())?,
                bias: round(bias)?,
            },
        })
    }
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

fn gates(weights: &[Matrix; 3]) -> Vec<f64> {
    weights.each_ref().map(Matrix::as_slice).concat()
}

fn rounded(layer: &str, values: &[f64]) -> Result<Vec<f32>> {
    let beyond = |value: f64| Error::new(format!("layer {}: {value:e} is beyond the range of f32", quoted(layer)));
    let round = |&value: &f64| Some(value as f32).filter(|rounded| rounded.is_finite()).ok_or_else(|| beyond(value));
    values.iter().map(round).collect()
}

/// The f32 kernels of `gru-core` on a model's packed weights.
#[derive(Debug, Clone)]
pub struct FloatRunner {
    layers: Vec<Packed>,
    /// What each layer gave last; for a GRU also its state.
    outputs: Vec<Vec<f32>>,
}

#[derive(Debug, Clone)]
enum Packed {
    Embedding { size: usize, table: Vec<f32> },
    Gru { shape: GruShape, lanes: Vec<F32Lane>, bias: Vec<[F32Lane; 4]> },
    Dense { shape: DenseShape, lanes: Vec<F32Lane>, bias: Vec<[F32Lane; 1]> },
}

impl FloatRunner {
    /// Packs the weights; the state is zero.
    pub fn new(model: &FloatModel) -> Self {
        let layers: Vec<_> = model.layers.iter().map(Packed::new).collect();
        let outputs = layers.iter().map(|layer| vec![0.0; layer.output_size()]).collect();
        Self { layers, outputs }
    }
}

impl Shipped for FloatRunner {
    fn reset(&mut self) {
        self.outputs.iter_mut().for_each(|output| output.fill(0.0));
    }

    fn step(&mut self, sample: Sample<'_>) {
        let raw: Vec<f32>;
        let mut input = match sample {
            Sample::Symbol(symbol) => GruInput::OneHot(symbol),
            Sample::Vector(values) => {
                raw = values.iter().map(|&x| x as f32).collect();
                GruInput::Dense(&raw)
            }
        };
        for (layer, output) in self.layers.iter().zip(&mut self.outputs) {
            layer.step(input, output);
            input = GruInput::Dense(output);
        }
    }

    fn output(&self, index: usize) -> Vec<f64> {
        self.outputs[index].iter().map(|&y| f64::from(y)).collect()
    }
}

impl Packed {
    fn new(layer: &FloatLayer) -> Self {
        match layer {
            FloatLayer::Embedding { size, table, .. } => Self::Embedding { size: *size, table: table.clone() },
            FloatLayer::Gru { shape, weight_ih, weight_hh, bias, .. } => {
                let mut lanes = vec![[0.0; UNITS]; shape.lanes()];
                shape.pack(weight_ih, weight_hh, lanes.as_flattened_mut());
                Self::Gru { shape: *shape, lanes, bias: rows(bias, shape.hidden_size) }
            }
            FloatLayer::Dense { shape, weight, bias } => {
                let mut lanes = vec![[0.0; UNITS]; shape.lanes()];
                shape.pack(weight, lanes.as_flattened_mut());
                Self::Dense { shape: *shape, lanes, bias: rows(bias, shape.output_size) }
            }
        }
    }

    fn output_size(&self) -> usize {
        match self {
            Self::Embedding { size, .. } => *size,
            Self::Gru { shape, .. } => shape.hidden_size,
            Self::Dense { shape, .. } => shape.output_size,
        }
    }

    fn step(&self, input: GruInput<'_>, output: &mut [f32]) {
        let done = match self {
            Self::Embedding { size, table } => {
                let GruInput::OneHot(symbol) = input else { panic!("expected a symbol, found a vector") };
                output.copy_from_slice(&table[symbol * size..][..*size]);
                Ok(())
            }
            Self::Gru { shape, lanes, bias } => {
                let (mut first, mut second) = (vec![0.0; output.len()], vec![0.0; output.len()]);
                GruSlice { shape: *shape, lanes, bias }.step::<Rational>(input, output, [&mut first, &mut second])
            }
            Self::Dense { shape, lanes, bias } => {
                let GruInput::Dense(input) = input else { panic!("expected a vector, found a symbol") };
                DenseSlice { shape: *shape, lanes, bias }.step(input, output)
            }
        };
        done.expect("lengths come from the shapes");
    }
}

fn rows<const G: usize>(values: &[f32], units: usize) -> Vec<[F32Lane; G]> {
    let mut packed = vec![[[0.0; UNITS]; G]; blocks(units)];
    pack_rows(values, units, &mut packed);
    packed
}
