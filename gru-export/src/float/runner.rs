//! The kernels of an f32 model.

use gru_core::backend::F32Lane;
use gru_core::backend::scalar::Scalar;
use gru_core::layout::{DenseShape, GruShape, UNITS, blocks, pack_rows};
use gru_core::math::{Function as _, Rational};
use gru_core::slices::{DenseSlice, GruInput, GruSlice};
use gru_core::{Concat, Mean, Merge as _, Product, Sum};

use super::{FloatGru, FloatLayer, FloatModel};
use crate::dataset::Sample;
use crate::function::{Chosen, Functions};
use crate::ir::Merge;
use crate::precision::Precision;
use crate::reference::Steps;
use crate::verify::Shipped;

/// The f32 kernels of `gru-core` on a model's packed weights.
#[derive(Debug, Clone)]
pub struct FloatRunner {
    layers: Vec<Packed>,
    kernels: Kernels,
}

/// Which kernels run: f32 sums differ between them in their last bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kernels {
    /// Those of this machine.
    Active,
    /// Those that are the same on every machine.
    Scalar,
}

/// What runs without packing stays as it is.
#[derive(Debug, Clone)]
pub(crate) enum Packed {
    Gru(PackedGru),
    Bidirectional { forward: PackedGru, backward: PackedGru, merge: Merge, ends: bool },
    Dense { shape: DenseShape, lanes: Vec<F32Lane>, bias: Vec<[F32Lane; 1]> },
    Other(FloatLayer),
}

#[derive(Debug, Clone)]
pub(crate) struct PackedGru {
    functions: Functions,
    shape: GruShape,
    lanes: Vec<F32Lane>,
    bias: Vec<[F32Lane; 4]>,
}

impl FloatRunner {
    /// Packs the weights.
    pub fn new(model: &FloatModel) -> Self {
        Self::on(Kernels::Active, model)
    }

    pub(crate) fn on(kernels: Kernels, model: &FloatModel) -> Self {
        Self { layers: model.layers.iter().map(Packed::new).collect(), kernels }
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
                None => layer.play(&first, self.kernels),
                Some(before) => {
                    layer.play(&before.iter().map(|x| GruInput::Dense(x)).collect::<Vec<_>>(), self.kernels)
                }
            };
            played.push(outputs);
        }
        let real = |y: Vec<f32>| y.into_iter().map(f64::from).collect();
        played.into_iter().map(|outputs| outputs.into_iter().map(real).collect()).collect()
    }

    fn precisions(&self) -> Vec<Precision> {
        vec![Precision::F32; self.layers.len()]
    }
}

impl Packed {
    pub(crate) fn new(layer: &FloatLayer) -> Self {
        match layer {
            FloatLayer::Gru(gru) => Self::Gru(PackedGru::new(gru)),
            FloatLayer::Bidirectional { forward, backward, merge, ends, .. } => Self::Bidirectional {
                forward: PackedGru::new(forward),
                backward: PackedGru::new(backward),
                merge: *merge,
                ends: *ends,
            },
            FloatLayer::Dense { shape, weight, bias } => {
                let mut lanes = vec![[0.0; UNITS]; shape.lanes()];
                shape.pack(weight, lanes.as_flattened_mut());
                Self::Dense { shape: *shape, lanes, bias: rows(bias, shape.output_size) }
            }
            other => Self::Other(other.clone()),
        }
    }

    /// What it gives at each step.
    pub(crate) fn play(&self, inputs: &[GruInput<'_>], kernels: Kernels) -> Vec<Vec<f32>> {
        match self {
            Self::Gru(gru) => gru.play(inputs, kernels),
            Self::Bidirectional { forward, backward, merge, ends } => {
                let ahead = forward.play(inputs, kernels);
                let reversed: Vec<_> = inputs.iter().rev().copied().collect();
                let back = backward.play(&reversed, kernels);
                match (ahead.last(), back.last()) {
                    (Some(ahead), Some(back)) if *ends => vec![merged(*merge, ahead, back); inputs.len()],
                    _ => ahead.iter().zip(back.iter().rev()).map(|(ahead, back)| merged(*merge, ahead, back)).collect(),
                }
            }
            Self::Dense { shape, lanes, bias } => {
                let layer = DenseSlice { shape: *shape, lanes, bias };
                let step = |x: &[f32]| {
                    let mut y = vec![0.0; shape.output_size];
                    let done = match kernels {
                        Kernels::Active => layer.step(x, &mut y),
                        Kernels::Scalar => layer.step_on(Scalar, x, &mut y),
                    };
                    done.expect("lengths come from the shapes");
                    y
                };
                inputs.iter().map(|&x| step(vector(x))).collect()
            }
            Self::Other(layer) => inputs.iter().map(|&x| layer.step(x, kernels)).collect(),
        }
    }
}

impl FloatLayer {
    /// One step of a layer without packed weights.
    fn step(&self, input: GruInput<'_>, kernels: Kernels) -> Vec<f32> {
        if let (Self::Embedding { size, table, .. }, GruInput::OneHot(symbol)) = (self, input) {
            return table[symbol * size..][..*size].to_vec();
        }
        let mut y = vector(input).to_vec();
        match self {
            Self::Activation { function, .. } => {
                Chosen::set(Functions { candidate: *function, ..Functions::DEFAULT });
                match kernels {
                    Kernels::Active => gru_core::activate::<Chosen>(&mut y),
                    Kernels::Scalar => y.iter_mut().for_each(|y| *y = Chosen::lanes(*y)),
                }
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

    fn play(&self, inputs: &[GruInput<'_>], kernels: Kernels) -> Vec<Vec<f32>> {
        let layer = GruSlice { shape: self.shape, lanes: &self.lanes, bias: &self.bias };
        let [mut h, mut first, mut second] = [(); 3].map(|()| vec![0.0; self.shape.hidden_size]);
        let mut step = |input| {
            let scratch = [&mut first[..], &mut second[..]];
            Chosen::set(self.functions);
            let done = match (kernels, self.functions) {
                (Kernels::Active, Functions::DEFAULT) => layer.step::<Rational>(input, &mut h, scratch),
                (Kernels::Active, _) => layer.step::<Chosen>(input, &mut h, scratch),
                (Kernels::Scalar, _) => layer.step_on::<Scalar, Chosen>(Scalar, input, &mut h, scratch),
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

/// Of both directions at a step.
pub(crate) fn merged<T: Copy + Default>(merge: Merge, ahead: &[T], back: &[T]) -> Vec<T>
where
    Concat: gru_core::Merge<T>,
    Sum: gru_core::Merge<T>,
    Product: gru_core::Merge<T>,
    Mean: gru_core::Merge<T>,
{
    let mut y = vec![T::default(); if merge == Merge::Concat { 2 } else { 1 } * ahead.len()];
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
