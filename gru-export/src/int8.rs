//! The int8 model: integers in the canonical order of `gru-core`'s `pack` functions, and the kernels run on them.

use gru_core::Requantization;
use gru_core::backend::{Int8Lane, Prepared};
use gru_core::layout::{DenseShape, GruShape, INT8_DEPTH, Scales, UNITS, blocks};
use gru_core::quant::{STATE_BITS, quantize, saturate_i8, saturate_wide, split};
use gru_core::slices::{QDenseSlice, QGruInput, QGruScratch, QGruSlice};

use crate::dataset::Sample;
use crate::reference::Steps;
use crate::verify::Shipped;

/// A quantized model; made from a calibrated [`Model`](crate::ir::Model).
#[derive(Debug, Clone)]
pub struct Int8Model {
    /// How sensor counts become int8; `None` for a symbol input.
    pub input: Option<InputQuantization>,
    /// First to last.
    pub layers: Vec<Int8Layer>,
}

/// Counts to the model's input, per channel. See [`gru_core::Quantize`].
#[derive(Debug, Clone)]
pub struct InputQuantization {
    /// Whether the first layer is [`gru_core::Wide`].
    pub wide: bool,
    /// Raw units per count.
    pub lsb: Vec<f64>,
    /// The count that becomes 0.
    pub zero: Vec<i16>,
    /// Multiplier.
    pub multiplier: Vec<i16>,
    /// Right shift.
    pub shift: Vec<u8>,
}

/// One layer of an [`Int8Model`].
#[derive(Debug, Clone)]
pub enum Int8Layer {
    /// A table of `[symbols, size]`.
    Embedding {
        /// Rows.
        symbols: usize,
        /// Columns.
        size: usize,
        /// Row-major.
        table: Vec<i8>,
        /// Value of one step.
        scale: f64,
    },
    /// Recurrent.
    Gru(Int8Gru),
    /// See [`gru_core::QDenseWeights::pack`].
    Dense {
        /// With [`Order::INT8`](gru_core::layout::Order::INT8).
        shape: DenseShape,
        /// `[O, I]`.
        weight: Vec<i8>,
        /// `[O]`.
        bias: Vec<i32>,
        /// `[O]`.
        multiplier: Vec<i16>,
        /// `[O]`.
        shift: Vec<u8>,
        /// Fraction bits of an output.
        frac_bits: u8,
    },
}

/// A GRU layer of an [`Int8Model`]. See [`gru_core::QGruWeights::pack`].
#[derive(Debug, Clone)]
pub struct Int8Gru {
    /// Whether the input is a symbol.
    pub one_hot: bool,
    /// With [`Order::INT8`](gru_core::layout::Order::INT8).
    pub shape: GruShape,
    /// `[3, H, I]`.
    pub weight_ih: Vec<i8>,
    /// `[3, H, H]`.
    pub weight_hh: Vec<i8>,
    /// `[4, H]`.
    pub bias: Vec<i32>,
    /// `[4, H]`.
    pub multiplier: Vec<i16>,
    /// `[4, H]`.
    pub shift: Vec<u8>,
    /// Of all rows.
    pub requantization: Requantization,
}

/// The int8 kernels of `gru-core` on a model's packed weights.
#[derive(Debug, Clone)]
pub struct Int8Runner {
    input: Option<InputQuantization>,
    layers: Vec<Packed>,
}

#[derive(Debug, Clone)]
enum Packed {
    Embedding { size: usize, table: Vec<i8>, scale: f64 },
    Gru(PackedGru),
    Dense { shape: DenseShape, lanes: Vec<Int8Lane>, scales: Vec<Scales<1>>, frac_bits: u8 },
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
    Bytes(Vec<i8>),
    Words(Vec<i16>),
}

impl Int8Runner {
    /// Packs the weights.
    pub fn new(model: &Int8Model) -> Self {
        Self { input: model.input.clone(), layers: model.layers.iter().map(Packed::new).collect() }
    }

    /// What the model gives at each step as it ships: logits, or where a GRU is last its int8 view.
    pub fn raw_outputs(&self, sequence: &[Sample<'_>]) -> Vec<Vec<i16>> {
        let last = self.outputs(sequence).pop().unwrap_or_default();
        let words = |output: Output| match output.raw {
            Raw::Bytes(bytes) => bytes.into_iter().map(i16::from).collect(),
            Raw::Words(words) => words,
        };
        last.into_iter().map(words).collect()
    }

    /// What each layer gives at each step.
    fn outputs(&self, sequence: &[Sample<'_>]) -> Vec<Vec<Output>> {
        let steps = |sample: &Sample<'_>| match (sample, &self.input) {
            (Sample::Vector(raw), Some(by)) if by.wide => by.apply(raw).map(|q| split(saturate_wide(q))).unzip(),
            (Sample::Vector(raw), Some(by)) => (by.apply(raw).map(saturate_i8).collect(), Vec::new()),
            _ => Default::default(),
        };
        let steps: Vec<(Vec<i8>, Vec<i8>)> = sequence.iter().map(steps).collect();
        let first = sequence.iter().zip(&steps).map(|(sample, (high, low))| match sample {
            Sample::Symbol(symbol) => QGruInput::OneHot(*symbol),
            Sample::Vector(_) if low.is_empty() => QGruInput::Dense(high),
            Sample::Vector(_) => QGruInput::Wide { high, low },
        });
        let first: Vec<QGruInput<'_>> = first.collect();
        let mut played: Vec<Vec<Output>> = Vec::new();
        for layer in &self.layers {
            let outputs = match played.last() {
                None => layer.play(&first),
                Some(before) => layer.play(&before.iter().map(Output::bytes).collect::<Vec<_>>()),
            };
            played.push(outputs);
        }
        played
    }
}

impl Shipped for Int8Runner {
    fn play(&self, sequence: &[Sample<'_>]) -> Vec<Steps> {
        let real = |outputs: Vec<Output>| outputs.into_iter().map(|output| output.real).collect();
        self.outputs(sequence).into_iter().map(real).collect()
    }
}

impl Output {
    fn bytes(&self) -> QGruInput<'_> {
        match &self.raw {
            Raw::Bytes(bytes) => QGruInput::Dense(bytes),
            Raw::Words(_) => panic!("expected a vector of int8"),
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
            Int8Layer::Embedding { size, table, scale, .. } => {
                Self::Embedding { size: *size, table: table.clone(), scale: *scale }
            }
            Int8Layer::Gru(gru) => Self::Gru(PackedGru::new(gru)),
            Int8Layer::Dense { shape, weight, bias, multiplier, shift, frac_bits } => {
                let mut lanes = vec![[[0; INT8_DEPTH]; UNITS]; shape.lanes()];
                shape.pack_int8(weight, &mut lanes);
                let scales = scales(shape.output_size, bias, multiplier, shift);
                Self::Dense { shape: *shape, lanes, scales, frac_bits: *frac_bits }
            }
        }
    }

    fn play(&self, inputs: &[QGruInput<'_>]) -> Vec<Output> {
        match self {
            Self::Gru(gru) => gru.play(inputs),
            other => inputs.iter().map(|&input| other.step(input)).collect(),
        }
    }

    fn step(&self, input: QGruInput<'_>) -> Output {
        match (self, input) {
            (Self::Embedding { size, table, scale }, QGruInput::OneHot(symbol)) => {
                let row = table[symbol * size..][..*size].to_vec();
                Output { real: row.iter().map(|&q| f64::from(q) * scale).collect(), raw: Raw::Bytes(row) }
            }
            (Self::Dense { shape, lanes, scales, frac_bits }, QGruInput::Dense(input)) => {
                let mut y = vec![0; shape.output_size];
                let mut prepared = vec![Prepared::default(); shape.input_size];
                let done = QDenseSlice { shape: *shape, lanes, scales }.step(input, &mut y, &mut prepared);
                done.expect("lengths come from the shapes");
                Output { real: fixed(&y, u32::from(*frac_bits)), raw: Raw::Words(y) }
            }
            _ => panic!("expected another kind of input"),
        }
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

    fn play(&self, inputs: &[QGruInput<'_>]) -> Vec<Output> {
        let Self { shape, lanes, scales, requantization } = self;
        let layer = QGruSlice { shape: *shape, lanes, scales, requantization: *requantization };
        let (columns, units) = (shape.input_size, shape.hidden_size);
        let (mut view, mut hidden) = (vec![0; units], vec![0; units]);
        let (mut next_view, mut update) = (vec![0; units], vec![0; units]);
        let prepared = |columns| vec![Prepared::default(); columns];
        let (mut high, mut low, mut recurrent) = (prepared(columns), prepared(columns), prepared(units));
        let mut step = |input| {
            let scratch = QGruScratch {
                view: &mut next_view,
                update: &mut update,
                input: [&mut high, &mut low],
                hidden: &mut recurrent,
            };
            layer.step(input, &mut hidden, &mut view, scratch).expect("lengths come from the shapes");
            Output { real: fixed(&hidden, STATE_BITS), raw: Raw::Bytes(view.clone()) }
        };
        inputs.iter().map(|&input| step(input)).collect()
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
