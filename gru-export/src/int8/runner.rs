//! The kernels of an int8 model.

use gru_core::backend::{Int8Lane, Prepared};
use gru_core::layout::{DenseShape, GruShape, INT8_DEPTH, Scales, UNITS, blocks};
use gru_core::quant::{STATE_BITS, quantize, saturate_i8, saturate_wide, split};
use gru_core::slices::{QDenseSlice, QGruInput, QGruScratch, QGruSlice};
use gru_core::{Requantization, layer_norm_int8, softmax_int8};

use super::{InputQuantization, Int8Gru, Int8Layer, Int8Model, Step};
use crate::dataset::Sample;
use crate::reference::Steps;
use crate::verify::Shipped;

/// The int8 kernels of `gru-core` on a model's packed weights.
#[derive(Debug, Clone)]
pub struct Int8Runner {
    input: Option<InputQuantization>,
    layers: Vec<Packed>,
    ends: Vec<usize>,
}

/// What runs without packing stays as it is.
#[derive(Debug, Clone)]
enum Packed {
    Gru(PackedGru),
    Bidirectional { forward: PackedGru, backward: PackedGru },
    Dense { shape: DenseShape, lanes: Vec<Int8Lane>, scales: Vec<Scales<1>>, step: Step },
    Other(Int8Layer),
}

#[derive(Debug, Clone)]
struct PackedGru {
    shape: GruShape,
    lanes: Vec<Int8Lane>,
    scales: Vec<Scales<4>>,
    requantization: Requantization,
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
    /// Of a wide input.
    Halves(Vec<i8>, Vec<i8>),
    Words(Vec<i16>),
}

impl Int8Runner {
    /// Packs the weights.
    pub fn new(model: &Int8Model) -> Self {
        let layers = model.layers.iter().map(Packed::new).collect();
        Self { input: model.input.clone(), layers, ends: model.ends.clone() }
    }

    /// What the model gives at each step as it ships: i16, or where a GRU is last its int8 view.
    pub fn raw_outputs(&self, sequence: &[Sample<'_>]) -> Vec<Vec<i16>> {
        let last = self.outputs(sequence).pop().unwrap_or_default();
        let words = |output: Output| match output.raw {
            Raw::Bytes(bytes) => bytes.into_iter().map(i16::from).collect(),
            Raw::Words(words) => words,
            Raw::Symbol(_) | Raw::Halves(..) => unreachable!("no layer gives these"),
        };
        last.into_iter().map(words).collect()
    }

    /// What each integer layer gives at each step.
    fn outputs(&self, sequence: &[Sample<'_>]) -> Vec<Vec<Output>> {
        let mut played: Vec<Vec<Output>> = Vec::new();
        let first: Vec<Raw> = sequence.iter().map(|sample| self.input(*sample)).collect();
        for layer in &self.layers {
            let outputs = match played.last() {
                None => layer.play(&first.iter().collect::<Vec<_>>()),
                Some(before) => layer.play(&before.iter().map(|output| &output.raw).collect::<Vec<_>>()),
            };
            played.push(outputs);
        }
        played
    }

    fn input(&self, sample: Sample<'_>) -> Raw {
        match (sample, &self.input) {
            (Sample::Symbol(symbol), _) => Raw::Symbol(symbol),
            (Sample::Vector(raw), Some(by)) if by.wide => {
                let (high, low) = by.apply(raw).map(|q| split(saturate_wide(q))).unzip();
                Raw::Halves(high, low)
            }
            (Sample::Vector(raw), Some(by)) => Raw::Bytes(by.apply(raw).map(saturate_i8).collect()),
            (Sample::Vector(_), None) => panic!("expected a symbol, found a vector"),
        }
    }
}

impl Shipped for Int8Runner {
    fn play(&self, sequence: &[Sample<'_>]) -> Vec<Steps> {
        let outputs = self.outputs(sequence);
        let real = |&end: &usize| outputs[end].iter().map(|output| output.real.clone()).collect();
        self.ends.iter().map(real).collect()
    }
}

impl Raw {
    fn as_input(&self) -> QGruInput<'_> {
        match self {
            Self::Symbol(symbol) => QGruInput::OneHot(*symbol),
            Self::Bytes(bytes) => QGruInput::Dense(bytes),
            Self::Halves(high, low) => QGruInput::Wide { high, low },
            Self::Words(_) => panic!("expected int8"),
        }
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
            Int8Layer::Bidirectional { forward, backward } => {
                Self::Bidirectional { forward: PackedGru::new(forward), backward: PackedGru::new(backward) }
            }
            Int8Layer::Dense { shape, weight, bias, multiplier, shift, step, .. } => {
                let mut lanes = vec![[[0; INT8_DEPTH]; UNITS]; shape.lanes()];
                shape.pack_int8(weight, &mut lanes);
                let scales = scales(shape.output_size, bias, multiplier, shift);
                Self::Dense { shape: *shape, lanes, scales, step: *step }
            }
            other => Self::Other(other.clone()),
        }
    }

    fn play(&self, inputs: &[&Raw]) -> Vec<Output> {
        match self {
            Self::Gru(gru) => gru.play(inputs.iter().copied()),
            Self::Bidirectional { forward, backward } => {
                let (ahead, back) = (forward.play(inputs.iter().copied()), backward.play(inputs.iter().rev().copied()));
                ahead.into_iter().zip(back.into_iter().rev()).map(|(ahead, back)| ahead.concat(back)).collect()
            }
            Self::Dense { shape, lanes, scales, step } => {
                let layer = QDenseSlice { shape: *shape, lanes, scales };
                let [mut first, mut second] = [(); 2].map(|()| vec![Prepared::default(); shape.input_size]);
                let mut play = |input: &Raw| {
                    let mut y = vec![0; shape.output_size];
                    let scratch = [&mut first[..], &mut second];
                    layer.step(input.as_input(), &mut y, scratch).expect("lengths come from the shapes");
                    Output { real: y.iter().map(|&q| step.real(q)).collect(), raw: Raw::Words(y) }
                };
                inputs.iter().map(|&input| play(input)).collect()
            }
            Self::Other(layer) => inputs.iter().map(|&input| layer.step(input)).collect(),
        }
    }
}

impl Int8Layer {
    /// One step of a layer without packed weights.
    fn step(&self, input: &Raw) -> Output {
        let bytes = |q: Vec<i8>, step: &dyn Fn(usize) -> Step| Output {
            real: q.iter().enumerate().map(|(unit, &q)| step(unit).real(q)).collect(),
            raw: Raw::Bytes(q),
        };
        let words = |y: Vec<i16>, frac_bits: u8| Output { real: fixed(&y, frac_bits.into()), raw: Raw::Words(y) };
        match (self, input) {
            (Self::Embedding { size, table, scale, .. }, &Raw::Symbol(symbol)) => {
                bytes(table[symbol * size..][..*size].to_vec(), &|_| Step { worth: *scale, zero: 0.0 })
            }
            (Self::Lookup { table, step, .. }, Raw::Bytes(x)) => {
                bytes(x.iter().map(|q| table[usize::from(q.cast_unsigned())]).collect(), &|_| *step)
            }
            (Self::Narrow { zero, multiplier, shift, steps }, Raw::Words(x)) => {
                let narrow = |unit: usize| saturate_i8(quantize(x[unit], zero[unit], multiplier[unit], shift[unit]));
                bytes((0..x.len()).map(narrow).collect(), &|unit| steps[unit])
            }
            (Self::Activation { function, frac_bits, .. }, Raw::Words(x)) => {
                words(x.iter().map(|&x| function.fixed(x)).collect(), *frac_bits)
            }
            (Self::Softmax { frac_bits, .. }, Raw::Words(x)) => {
                let mut y = x.clone();
                softmax_int8(&mut y, *frac_bits);
                words(y, 15)
            }
            (Self::LayerNorm { multiplier, bias, shift, epsilon, frac_bits }, Raw::Bytes(x)) => {
                let mut y = vec![0; x.len()];
                layer_norm_int8(x, multiplier, bias, *shift, *epsilon, &mut y);
                words(y, *frac_bits)
            }
            _ => panic!("expected another kind of input"),
        }
    }
}

impl Output {
    /// Of two directions.
    fn concat(self, back: Self) -> Self {
        let (Raw::Bytes(ahead), Raw::Bytes(back_bytes)) = (self.raw, back.raw) else { panic!("a GRU gives int8") };
        Self { raw: Raw::Bytes([ahead, back_bytes].concat()), real: [self.real, back.real].concat() }
    }
}

impl PackedGru {
    fn new(gru: &Int8Gru) -> Self {
        let Int8Gru { shape, weight_ih, weight_hh, bias, multiplier, shift, requantization, .. } = gru;
        let mut lanes = vec![[[0; INT8_DEPTH]; UNITS]; shape.lanes()];
        shape.pack_int8(weight_ih, weight_hh, &mut lanes);
        let scales = scales(shape.hidden_size, bias, multiplier, shift);
        Self { shape: *shape, lanes, scales, requantization: *requantization }
    }

    fn play<'a>(&self, inputs: impl Iterator<Item = &'a Raw>) -> Vec<Output> {
        let Self { shape, lanes, scales, requantization } = self;
        let layer = QGruSlice { shape: *shape, lanes, scales, requantization: *requantization };
        let (columns, units) = (shape.input_size, shape.hidden_size);
        let (mut view, mut hidden) = (vec![0i8; units], vec![0; units]);
        let (mut next_view, mut update) = (vec![0; units], vec![0; units]);
        let [mut high, mut low] = [(); 2].map(|()| vec![0; units]);
        let prepared = |columns| [vec![Prepared::default(); columns], vec![Prepared::default(); columns]];
        let ([mut x, mut x_rest], [mut h, mut h_rest]) = (prepared(columns), prepared(units));
        let step = |input: &Raw| {
            let scratch = QGruScratch {
                view: &mut next_view,
                halves: [&mut high, &mut low],
                update: &mut update,
                input: [&mut x, &mut x_rest],
                hidden: [&mut h, &mut h_rest],
            };
            layer.step(input.as_input(), &mut hidden, &mut view, scratch).expect("lengths come from the shapes");
            Output { real: fixed(&hidden, STATE_BITS), raw: Raw::Bytes(view.clone()) }
        };
        inputs.map(step).collect()
    }
}

/// What fixed-point values stand for.
fn fixed<T: Copy + Into<f64>>(values: &[T], frac_bits: u32) -> Vec<f64> {
    values.iter().map(|&value| value.into() / f64::from(frac_bits).exp2()).collect()
}

fn scales<const G: usize>(units: usize, bias: &[i32], multiplier: &[i16], shift: &[u8]) -> Vec<Scales<G>> {
    let mut packed = vec![Scales::ZERO; blocks(units)];
    Scales::pack(units, bias, multiplier, shift, &mut packed);
    packed
}
