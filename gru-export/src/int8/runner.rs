//! The kernels of an int8 model.

use gru_core::backend::{Int8Lane, Prepared, scalar::Scalar};
use gru_core::layout::{DenseShape, GruShape, INT8_DEPTH, Scales, UNITS, blocks};
use gru_core::quant::{STATE_BITS, nearest, quantize, saturate_i8, saturate_wide, split};
use gru_core::slices::{GruInput, LengthMismatch, QDenseSlice, QGruInput, QGruScratch, QGruSlice};
use gru_core::{Quantized, Requantization, layer_norm_int8, softmax_int8};

use super::{InputQuantization, Int8Gru, Int8Layer, Int8Model, Step};
use crate::binary::power_of_two;
use crate::dataset::Sample;
use crate::float::{self, Kernels};
use crate::ir::Merge;
use crate::precision::Precision;
use crate::reference::Steps;
use crate::verify::Shipped;

/// The int8 kernels of `gru-core` on a model's packed weights.
#[derive(Debug, Clone)]
pub struct Int8Runner {
    input: Option<InputQuantization>,
    layers: Vec<Packed>,
    ends: Vec<usize>,
    precisions: Vec<Precision>,
    /// Of the layers in f32; int8 is the same on all.
    kernels: Kernels,
}

/// What runs without packing stays as it is.
#[derive(Debug, Clone)]
enum Packed {
    Gru(PackedGru),
    Bidirectional { forward: PackedGru, backward: PackedGru, merge: Merge, ends: bool, step: Step },
    Dense { shape: DenseShape, lanes: Vec<Int8Lane>, scales: Vec<Scales<1>>, step: Step },
    Real(float::Packed),
    Other(Int8Layer),
}

#[derive(Debug, Clone)]
struct PackedGru {
    shape: GruShape,
    lanes: Vec<Int8Lane>,
    scales: Vec<Scales<4>>,
    requantization: Requantization,
    wide_view: bool,
}

/// What a layer gives at one step.
#[derive(Debug, Clone)]
struct Output {
    raw: Raw,
    /// In the units of the reference.
    real: Vec<f64>,
}

/// As it ships.
#[derive(Debug, Clone)]
enum Raw {
    Symbol(usize),
    Bytes(Vec<i8>),
    Words(Vec<i16>),
    Reals(Vec<f32>),
}

impl Int8Runner {
    /// Packs the weights.
    pub fn new(model: &Int8Model) -> Self {
        Self::on(Kernels::Active, model)
    }

    pub(crate) fn on(kernels: Kernels, model: &Int8Model) -> Self {
        let layers = model.layers.iter().map(Packed::new).collect();
        Self {
            input: model.input.clone(),
            layers,
            ends: model.ends.clone(),
            precisions: model.precisions.clone(),
            kernels,
        }
    }

    /// What the model gives at each step as it ships: i16, where a GRU is last its view, where a layer in f32 is last the bits of that.
    pub fn raw_outputs(&self, sequence: &[Sample<'_>]) -> Vec<Vec<i32>> {
        let last = self.outputs(sequence).pop().unwrap_or_default();
        let words = |output: Output| match output.raw {
            Raw::Reals(reals) => reals.into_iter().map(|y| y.to_bits().cast_signed()).collect(),
            integers => integers.values(),
        };
        last.into_iter().map(words).collect()
    }

    /// As it ships: what goes in at each step, and what each integer layer gives. A symbol is itself.
    pub(crate) fn raw_steps(&self, sequence: &[Sample<'_>]) -> (Steps, Vec<Steps>) {
        let input = sequence.iter().map(|sample| self.input(*sample).numbers()).collect();
        let of = |layer: &Vec<Output>| layer.iter().map(|output| output.raw.numbers()).collect();
        (input, self.outputs(sequence).iter().map(of).collect())
    }

    /// What each integer layer gives at each step.
    fn outputs(&self, sequence: &[Sample<'_>]) -> Vec<Vec<Output>> {
        let mut played: Vec<Vec<Output>> = Vec::new();
        let first: Vec<Raw> = sequence.iter().map(|sample| self.input(*sample)).collect();
        for layer in &self.layers {
            let outputs = match played.last() {
                None => layer.play(&first.iter().collect::<Vec<_>>(), self.kernels),
                Some(before) => layer.play(&before.iter().map(|output| &output.raw).collect::<Vec<_>>(), self.kernels),
            };
            played.push(outputs);
        }
        played
    }

    fn input(&self, sample: Sample<'_>) -> Raw {
        match (sample, &self.input) {
            (Sample::Symbol(symbol), _) => Raw::Symbol(symbol),
            (Sample::Vector(raw), Some(by)) if by.wide => Raw::Words(by.apply(raw).map(saturate_wide).collect()),
            (Sample::Vector(raw), Some(by)) => Raw::Bytes(by.apply(raw).map(saturate_i8).collect()),
            (Sample::Vector(raw), None) => Raw::Reals(raw.iter().map(|&x| x as f32).collect()),
        }
    }
}

impl Shipped for Int8Runner {
    fn play(&self, sequence: &[Sample<'_>]) -> Vec<Steps> {
        let outputs = self.outputs(sequence);
        let real = |&end: &usize| outputs[end].iter().map(|output| output.real.clone()).collect();
        self.ends.iter().map(real).collect()
    }

    fn precisions(&self) -> Vec<Precision> {
        self.precisions.clone()
    }
}

impl Raw {
    /// Of an integer layer; `halves` is room for those of i16.
    fn integers<'a>(&'a self, halves: &'a mut [Vec<i8>; 2]) -> QGruInput<'a> {
        match self {
            Self::Symbol(symbol) => QGruInput::OneHot(*symbol),
            Self::Bytes(bytes) => QGruInput::Dense(bytes),
            Self::Words(words) => {
                let [high, low] = halves;
                (*high, *low) = words.iter().map(|&word| split(word)).unzip();
                QGruInput::Wide { high, low }
            }
            Self::Reals(_) => panic!("expected integers"),
        }
    }

    fn values(&self) -> Vec<i32> {
        match self {
            Self::Bytes(bytes) => bytes.iter().map(|&q| q.into()).collect(),
            Self::Words(words) => words.iter().map(|&q| q.into()).collect(),
            Self::Symbol(_) | Self::Reals(_) => panic!("expected integers"),
        }
    }

    fn numbers(&self) -> Vec<f64> {
        match self {
            Self::Symbol(symbol) => vec![*symbol as f64],
            Self::Reals(reals) => reals.iter().map(|&x| x.into()).collect(),
            Self::Bytes(_) | Self::Words(_) => self.values().into_iter().map(f64::from).collect(),
        }
    }

    /// Of a layer in f32.
    fn reals(&self) -> GruInput<'_> {
        match self {
            Self::Symbol(symbol) => GruInput::OneHot(*symbol),
            Self::Reals(reals) => GruInput::Dense(reals),
            Self::Bytes(_) | Self::Words(_) => panic!("expected f32"),
        }
    }
}

impl From<Vec<f32>> for Output {
    fn from(y: Vec<f32>) -> Self {
        Self { real: y.iter().map(|&y| y.into()).collect(), raw: Raw::Reals(y) }
    }
}

impl InputQuantization {
    /// Raw units to counts, as the sensor rounds them, to steps.
    fn apply(&self, raw: &[f64]) -> impl Iterator<Item = i32> {
        let count = |channel: usize| (raw[channel] / self.lsb[channel]).round() as i16;
        (0..raw.len()).map(move |channel| {
            quantize(count(channel), self.zero[channel], self.multiplier[channel], self.shift[channel])
        })
    }
}

impl Packed {
    fn new(layer: &Int8Layer) -> Self {
        match layer {
            Int8Layer::Gru(gru) => Self::Gru(PackedGru::new(gru)),
            Int8Layer::Bidirectional { forward, backward, merge, ends, step } => Self::Bidirectional {
                forward: PackedGru::new(forward),
                backward: PackedGru::new(backward),
                merge: *merge,
                ends: *ends,
                step: *step,
            },
            Int8Layer::Dense { shape, weight, bias, multiplier, shift, step, .. } => {
                let mut lanes = vec![[[0; INT8_DEPTH]; UNITS]; shape.lanes()];
                shape.pack_int8(weight, &mut lanes);
                let scales = scales(shape.output_size, bias, multiplier, shift);
                Self::Dense { shape: *shape, lanes, scales, step: *step }
            }
            Int8Layer::Real(layer) => Self::Real(float::Packed::new(layer)),
            other => Self::Other(other.clone()),
        }
    }

    fn play(&self, inputs: &[&Raw], kernels: Kernels) -> Vec<Output> {
        match self {
            Self::Gru(gru) => gru.play(inputs.iter().copied()),
            Self::Bidirectional { forward, backward, merge, ends, step } => {
                let (ahead, back) = (forward.play(inputs.iter().copied()), backward.play(inputs.iter().rev().copied()));
                match (ahead.last(), back.last()) {
                    (Some(ahead), Some(back)) if *ends => vec![ahead.merged(back, *merge, *step); inputs.len()],
                    _ => ahead
                        .iter()
                        .zip(back.iter().rev())
                        .map(|(ahead, back)| ahead.merged(back, *merge, *step))
                        .collect(),
                }
            }
            Self::Dense { shape, lanes, scales, step } => {
                let layer = QDenseSlice { shape: *shape, lanes, scales };
                let [mut first, mut second] = [(); 2].map(|()| vec![Prepared::default(); shape.input_size]);
                let mut halves = [Vec::new(), Vec::new()];
                let mut play = |input: &Raw| {
                    let mut y = vec![0; shape.output_size];
                    let scratch = [&mut first[..], &mut second];
                    layer.step(input.integers(&mut halves), &mut y, scratch).expect("lengths come from the shapes");
                    Output { real: y.iter().map(|&q| step.real(q)).collect(), raw: Raw::Words(y) }
                };
                inputs.iter().map(|&input| play(input)).collect()
            }
            Self::Real(layer) => {
                let inputs: Vec<_> = inputs.iter().map(|input| input.reals()).collect();
                layer.play(&inputs, kernels).into_iter().map(Output::from).collect()
            }
            Self::Other(layer) => inputs.iter().map(|&input| layer.step(input)).collect(),
        }
    }
}

impl Int8Layer {
    /// One step of a layer without packed weights.
    fn step(&self, input: &Raw) -> Output {
        let words = |y: Vec<i16>, frac_bits: u8| Output { real: fixed(&y, frac_bits.into()), raw: Raw::Words(y) };
        match (self, input) {
            (Self::Embedding { size, table, scale, wide, .. }, &Raw::Symbol(symbol)) => {
                let row = table[symbol * size..][..*size].iter().map(|&q| q.into());
                Output::stepped(row.collect(), *wide, |_| Step { worth: *scale, zero: 0.0 })
            }
            (Self::Lookup { table, step, .. }, Raw::Bytes(x)) => {
                let looked_up = x.iter().map(|q| table[usize::from(q.cast_unsigned())].into());
                Output::stepped(looked_up.collect(), false, |_| *step)
            }
            (Self::Narrow { wide, zero, multiplier, shift, steps }, Raw::Words(x)) => {
                let narrow = |unit: usize| quantize(x[unit], zero[unit], multiplier[unit], shift[unit]);
                Output::stepped((0..x.len()).map(narrow).collect(), *wide, |unit| steps[unit])
            }
            (Self::Quantize { wide, steps }, Raw::Reals(x)) => {
                let nearest = |(x, step): (&f32, &Step)| nearest((x - step.zero as f32) * step.per_unit());
                Output::stepped(x.iter().zip(steps).map(nearest).collect(), *wide, |unit| steps[unit])
            }
            (Self::Dequantize { steps, .. }, x) => {
                let real = |(q, step): (i32, &Step)| step.zero as f32 + step.worth as f32 * q as f32;
                Output::from(x.values().into_iter().zip(steps).map(real).collect::<Vec<_>>())
            }
            (Self::Activation { function, frac_bits, .. }, Raw::Words(x)) => {
                words(x.iter().map(|&x| function.fixed(x)).collect(), *frac_bits)
            }
            (Self::Softmax { frac_bits, .. }, Raw::Words(x)) => {
                let mut y = x.clone();
                softmax_int8(&mut y, *frac_bits);
                words(y, 15)
            }
            (Self::LayerNorm { multiplier, bias, shift, epsilon, frac_bits, .. }, x) => {
                let mut y = vec![0; multiplier.len()];
                match x {
                    Raw::Bytes(x) => layer_norm_int8(x, multiplier, bias, *shift, *epsilon, &mut y),
                    Raw::Words(x) => layer_norm_int8(x, multiplier, bias, *shift, *epsilon, &mut y),
                    Raw::Symbol(_) | Raw::Reals(_) => panic!("expected integers"),
                }
                words(y, *frac_bits)
            }
            _ => panic!("expected another kind of input"),
        }
    }
}

impl Output {
    /// Integers, saturated, and what they stand for.
    fn stepped(q: Vec<i32>, wide: bool, step: impl Fn(usize) -> Step) -> Self {
        let raw = match wide {
            true => Raw::Words(q.into_iter().map(saturate_wide).collect()),
            false => Raw::Bytes(q.into_iter().map(saturate_i8).collect()),
        };
        Self { real: raw.values().iter().enumerate().map(|(unit, &q)| step(unit).real(q)).collect(), raw }
    }

    /// Of two directions; a merged value has this step.
    fn merged(&self, back: &Self, merge: Merge, step: Step) -> Self {
        let raw = match (&self.raw, &back.raw) {
            (Raw::Bytes(ahead), Raw::Bytes(back)) => Raw::Bytes(float::merged(merge, ahead, back)),
            (Raw::Words(ahead), Raw::Words(back)) => Raw::Words(float::merged(merge, ahead, back)),
            _ => panic!("both directions see their state alike"),
        };
        let real = match merge {
            Merge::Concat => [&self.real[..], &back.real].concat(),
            Merge::Sum | Merge::Mul | Merge::Ave => raw.values().into_iter().map(|q| step.real(q)).collect(),
        };
        Self { raw, real }
    }
}

impl PackedGru {
    fn new(gru: &Int8Gru) -> Self {
        let Int8Gru { shape, weight_ih, weight_hh, bias, multiplier, shift, requantization, wide_view, .. } = gru;
        let mut lanes = vec![[[0; INT8_DEPTH]; UNITS]; shape.lanes()];
        shape.pack_int8(weight_ih, weight_hh, &mut lanes);
        let scales = scales(shape.hidden_size, bias, multiplier, shift);
        Self { shape: *shape, lanes, scales, requantization: *requantization, wide_view: *wide_view }
    }

    fn play<'a>(&self, inputs: impl Iterator<Item = &'a Raw>) -> Vec<Output> {
        let Self { shape, lanes, scales, requantization, .. } = self;
        let layer = QGruSlice { shape: *shape, lanes, scales, requantization: *requantization };
        if self.wide_view {
            // Bit for bit what the other kernels give, of which each would have to be compiled again.
            self.play_seen_as(inputs, |x, h, view, scratch| layer.step_on(Scalar, x, h, view, scratch), Raw::Words)
        } else {
            self.play_seen_as(inputs, |x, h, view, scratch| layer.step(x, h, view, scratch), Raw::Bytes)
        }
    }

    /// By a step of a layer that sees its state as `V`.
    fn play_seen_as<'a, V: Quantized>(
        &self,
        inputs: impl Iterator<Item = &'a Raw>,
        step: impl Fn(QGruInput<'_>, &mut [i32], &mut [V], QGruScratch<'_, V>) -> Result<(), LengthMismatch>,
        raw: fn(Vec<V>) -> Raw,
    ) -> Vec<Output> {
        let shape = self.shape;
        let (columns, units) = (shape.input_size, shape.hidden_size);
        let (mut view, mut hidden) = (vec![V::default(); units], vec![0; units]);
        let (mut next_view, mut update) = (vec![V::default(); units], vec![0; units]);
        let [mut high, mut low] = [(); 2].map(|()| vec![0; units]);
        let prepared = |columns| [vec![Prepared::default(); columns], vec![Prepared::default(); columns]];
        let ([mut x, mut x_rest], [mut h, mut h_rest]) = (prepared(columns), prepared(units));
        let mut halves = [Vec::new(), Vec::new()];
        let play = |input: &Raw| {
            let scratch = QGruScratch {
                view: &mut next_view,
                halves: [&mut high, &mut low],
                update: &mut update,
                input: [&mut x, &mut x_rest],
                hidden: [&mut h, &mut h_rest],
            };
            let input = input.integers(&mut halves);
            step(input, &mut hidden, &mut view, scratch).expect("lengths come from the shapes");
            Output { real: fixed(&hidden, STATE_BITS), raw: raw(view.clone()) }
        };
        inputs.map(play).collect()
    }
}

/// What fixed-point values stand for.
fn fixed<T: Copy + Into<f64>>(values: &[T], frac_bits: u32) -> Vec<f64> {
    values.iter().map(|&value| value.into() / power_of_two(frac_bits)).collect()
}

fn scales<const G: usize>(units: usize, bias: &[i32], multiplier: &[i16], shift: &[u8]) -> Vec<Scales<G>> {
    let mut packed = vec![Scales::ZERO; blocks(units)];
    Scales::pack(units, bias, multiplier, shift, &mut packed);
    packed
}
