//! The f32 model: standardization folded into the first layer, every weight rounded once from `f64`.

use gru_core::backend::F32Lane;
use gru_core::layout::{DenseShape, GruShape, Order, UNITS, blocks, pack_rows};
use gru_core::math::Rational;
use gru_core::slices::{DenseSlice, GruInput, GruSlice};

use crate::dataset::Sample;
use crate::error::{Error, Result, quoted};
use crate::function::{Chosen, Function, Functions};
use crate::ir::{Activation, Cell, Dense, Gru, Layer, LayerNorm, Matrix, Merge, Model, Standardization};
use crate::reference::Steps;
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
    /// A number is beyond the range of f32, or the first layer has no matrix to take the standardization.
    pub fn new(model: &Model) -> Result<Self> {
        let mut layers = model.layers().to_vec();
        if let Some(standardization) = model.standardization() {
            match &mut layers[0] {
                Layer::Gru(gru) => fold_into_gru(gru, standardization),
                Layer::Bidirectional(layer) => {
                    fold_into_gru(&mut layer.forward, standardization);
                    fold_into_gru(&mut layer.backward, standardization);
                }
                Layer::Dense(dense) => (dense.weight, dense.bias) = folded(&dense.weight, &dense.bias, standardization),
                other => {
                    let problem =
                        format!("layer {} has no weights to take the input's mean and std", quoted(other.name()));
                    return Err(Error::new(problem).help("standardize the input before the model is fed"));
                }
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
            Layer::Gru(gru) => Self::Gru(FloatGru::new(gru)?),
            Layer::Bidirectional(both) => Self::Bidirectional {
                forward: FloatGru::new(&both.forward)?,
                backward: FloatGru::new(&both.backward)?,
                merge: both.merge,
                output_size: layer.output_size(),
            },
            Layer::Dense(Dense { weight, bias, .. }) => Self::Dense {
                shape: DenseShape { input_size: weight.cols(), output_size: weight.rows(), order: Order::F32 },
                weight: round(weight.as_slice())?,
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
    fn new(gru: &Gru) -> Result<Self> {
        let round = |values: &[f64]| rounded(&gru.name, values);
        let cell = gru.cell;
        let function = |activation| function(&gru.name, activation)?.ok_or_else(|| Error::new("softmax in a cell"));
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
            weight_ih: round(&gates(cell, &gru.weight_ih))?,
            weight_hh: round(&gates(cell, &gru.weight_hh))?,
            bias: round(&gru.bias.concat())?,
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

fn gates(cell: Cell, weights: &[Matrix; 3]) -> Vec<f64> {
    cell.present(weights.each_ref().map(Matrix::as_slice)).concat()
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
}

/// What runs without packing stays as it is.
#[derive(Debug, Clone)]
enum Packed {
    Gru(PackedGru),
    Bidirectional { forward: PackedGru, backward: PackedGru, merge: Merge },
    Dense { shape: DenseShape, lanes: Vec<F32Lane>, bias: Vec<[F32Lane; 1]> },
    Other(FloatLayer),
}

#[derive(Debug, Clone)]
struct PackedGru {
    functions: Functions,
    shape: GruShape,
    lanes: Vec<F32Lane>,
    bias: Vec<[F32Lane; 4]>,
}

impl FloatRunner {
    /// Packs the weights.
    pub fn new(model: &FloatModel) -> Self {
        Self { layers: model.layers.iter().map(Packed::new).collect() }
    }
}

impl Shipped for FloatRunner {
    fn play(&self, sequence: &[Sample<'_>]) -> Vec<Steps> {
        let raw = |sample: &Sample<'_>| match sample {
            Sample::Vector(values) => values.iter().map(|&x| x as f32).collect(),
            Sample::Symbol(_) => Vec::new(),
        };
        let raw: Vec<Vec<f32>> = sequence.iter().map(raw).collect();
        let first = sequence.iter().zip(&raw).map(|(sample, raw)| match *sample {
            Sample::Vector(_) => GruInput::Dense(raw),
            Sample::Symbol(symbol) => GruInput::OneHot(symbol),
        });
        let first: Vec<_> = first.collect();
        let mut played: Vec<Vec<Vec<f32>>> = Vec::new();
        for layer in &self.layers {
            let outputs = match played.last() {
                None => layer.play(&first),
                Some(before) => layer.play(&before.iter().map(|x| GruInput::Dense(x)).collect::<Vec<_>>()),
            };
            played.push(outputs);
        }
        let real = |y: Vec<f32>| y.into_iter().map(f64::from).collect();
        played.into_iter().map(|outputs| outputs.into_iter().map(real).collect()).collect()
    }
}

impl Packed {
    fn new(layer: &FloatLayer) -> Self {
        match layer {
            FloatLayer::Gru(gru) => Self::Gru(PackedGru::new(gru)),
            FloatLayer::Bidirectional { forward, backward, merge, .. } => Self::Bidirectional {
                forward: PackedGru::new(forward),
                backward: PackedGru::new(backward),
                merge: *merge,
            },
            FloatLayer::Dense { shape, weight, bias } => {
                let mut lanes = vec![[0.0; UNITS]; shape.lanes()];
                shape.pack(weight, lanes.as_flattened_mut());
                Self::Dense { shape: *shape, lanes, bias: rows(bias, shape.output_size) }
            }
            other => Self::Other(other.clone()),
        }
    }

    fn play(&self, inputs: &[GruInput<'_>]) -> Vec<Vec<f32>> {
        match self {
            Self::Gru(gru) => gru.play(inputs),
            Self::Bidirectional { forward, backward, merge } => {
                let ahead = forward.play(inputs);
                let reversed: Vec<_> = inputs.iter().rev().copied().collect();
                let back = backward.play(&reversed);
                ahead.iter().zip(back.iter().rev()).map(|(ahead, back)| merged(*merge, ahead, back)).collect()
            }
            Self::Dense { shape, lanes, bias } => {
                let layer = DenseSlice { shape: *shape, lanes, bias };
                let step = |x: &[f32]| {
                    let mut y = vec![0.0; shape.output_size];
                    layer.step(x, &mut y).expect("lengths come from the shapes");
                    y
                };
                inputs.iter().map(|&x| step(vector(x))).collect()
            }
            Self::Other(layer) => inputs.iter().map(|&x| layer.step(x)).collect(),
        }
    }
}

impl FloatLayer {
    /// One step of a layer without packed weights.
    fn step(&self, input: GruInput<'_>) -> Vec<f32> {
        if let (Self::Embedding { size, table, .. }, GruInput::OneHot(symbol)) = (self, input) {
            return table[symbol * size..][..*size].to_vec();
        }
        let mut y = vector(input).to_vec();
        match self {
            Self::Activation { function, .. } => {
                Chosen::set(Functions { candidate: *function, ..Functions::DEFAULT });
                gru_core::activate::<Chosen>(&mut y);
            }
            Self::Softmax { .. } => gru_core::softmax::<Rational>(&mut y),
            Self::LayerNorm { weight, bias, epsilon } => gru_core::layer_norm(&mut y, weight, bias, *epsilon),
            Self::Embedding { .. } | Self::Gru(_) | Self::Bidirectional { .. } | Self::Dense { .. } => {
                unreachable!("needs a symbol, or is packed")
            }
        }
        y
    }
}

impl PackedGru {
    fn new(gru: &FloatGru) -> Self {
        let FloatGru { functions, shape, weight_ih, weight_hh, bias, .. } = gru;
        let mut lanes = vec![[0.0; UNITS]; shape.lanes()];
        shape.pack(weight_ih, weight_hh, lanes.as_flattened_mut());
        Self { functions: *functions, shape: *shape, lanes, bias: rows(bias, shape.hidden_size) }
    }

    fn play(&self, inputs: &[GruInput<'_>]) -> Vec<Vec<f32>> {
        let layer = GruSlice { shape: self.shape, lanes: &self.lanes, bias: &self.bias };
        let [mut h, mut first, mut second] = [(); 3].map(|()| vec![0.0; self.shape.hidden_size]);
        let mut step = |input| {
            let scratch = [&mut first[..], &mut second[..]];
            let done = if self.functions == Functions::DEFAULT {
                layer.step::<Rational>(input, &mut h, scratch)
            } else {
                Chosen::set(self.functions);
                layer.step::<Chosen>(input, &mut h, scratch)
            };
            done.expect("lengths come from the shapes");
            h.clone()
        };
        inputs.iter().map(|&input| step(input)).collect()
    }
}

fn vector(input: GruInput<'_>) -> &[f32] {
    match input {
        GruInput::Dense(x) => x,
        GruInput::OneHot(_) => panic!("expected a vector, found a symbol"),
    }
}

fn merged(merge: Merge, ahead: &[f32], back: &[f32]) -> Vec<f32> {
    use gru_core::{Concat, Mean, Merge as _, Product, Sum};
    let mut y = vec![0.0; if merge == Merge::Concat { 2 } else { 1 } * ahead.len()];
    match merge {
        Merge::Concat => Concat::merge(ahead, back, &mut y),
        Merge::Sum => Sum::merge(ahead, back, &mut y),
        Merge::Mul => Product::merge(ahead, back, &mut y),
        Merge::Ave => Mean::merge(ahead, back, &mut y),
    }
    y
}

fn rows<const G: usize>(values: &[f32], units: usize) -> Vec<[F32Lane; G]> {
    let mut packed = vec![[[0.0; UNITS]; G]; blocks(units)];
    pack_rows(values, units, &mut packed);
    packed
}
