//! The int8 model: integers in the canonical order of `gru-core`'s `pack` functions, and the kernels run on them.

use gru_core::Requantization;
use gru_core::backend::{Int8Lane, Prepared};
use gru_core::layout::{DenseShape, GruShape, INT8_DEPTH, Scales, UNITS, blocks};
use gru_core::quant::{STATE_BITS, quantize, saturate_i8, saturate_wide, split};
use gru_core::slices::{QDenseSlice, QGruInput, QGruScratch, QGruSlice};

use crate::dataset::Sample;
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
    /// See [`gru_core::QGruWeights::pack`].
    Gru {
        /// Whether the input is a symbol.
        one_hot: bool,
        /// With [`Order::INT8`](gru_core::layout::Order::INT8).
        shape: GruShape,
        /// `[3, H, I]`.
        weight_ih: Vec<i8>,
        /// `[3, H, H]`.
        weight_hh: Vec<i8>,
        /// `[4, H]`.
        bias: Vec<i32>,
        /// `[4, H]`.
        multiplier: Vec<i16>,
        /// `[4, H]`.
        shift: Vec<u8>,
        /// Of all rows.
        requantization: Requantization,
    },
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

/// The int8 kernels of `gru-core` on a model's packed weights.
#[derive(Debug, Clone)]
pub struct Int8Runner {
    input: Option<InputQuantization>,
    layers: Vec<Packed>,
    states: Vec<State>,
}

#[derive(Debug, Clone)]
enum Packed {
    Embedding { size: usize, table: Vec<i8>, scale: f64 },
    Gru { shape: GruShape, lanes: Vec<Int8Lane>, scales: Vec<Scales<4>>, requantization: Requantization },
    Dense { shape: DenseShape, lanes: Vec<Int8Lane>, scales: Vec<Scales<1>>, frac_bits: u8 },
}

/// What a layer gave last.
#[derive(Debug, Clone, Default)]
struct State {
    /// What the next layer reads.
    view: Vec<i8>,
    /// Hidden state of a GRU, Q1.30.
    hidden: Vec<i32>,
    /// Output of a dense layer.
    logits: Vec<i16>,
}

impl Int8Runner {
    /// Packs the weights; the state is zero.
    pub fn new(model: &Int8Model) -> Self {
        let layers: Vec<_> = model.layers.iter().map(Packed::new).collect();
        Self { input: model.input.clone(), states: layers.iter().map(Packed::state).collect(), layers }
    }

    /// What the last layer gave last, as it ships: logits, or where a GRU is last its int8 view.
    pub fn raw_output(&self) -> Vec<i16> {
        match self.states.last() {
            Some(State { logits, .. }) if !logits.is_empty() => logits.clone(),
            Some(State { view, .. }) => view.iter().map(|&q| i16::from(q)).collect(),
            None => Vec::new(),
        }
    }
}

impl Shipped for Int8Runner {
    fn reset(&mut self) {
        self.states = self.layers.iter().map(Packed::state).collect();
    }

    fn step(&mut self, sample: Sample<'_>) {
        let (high, low): (Vec<i8>, Vec<i8>);
        let mut input = match (sample, &self.input) {
            (Sample::Symbol(symbol), _) => QGruInput::OneHot(symbol),
            (Sample::Vector(raw), Some(quantization)) if quantization.wide => {
                (high, low) = quantization.apply(raw).map(|q| split(saturate_wide(q))).unzip();
                QGruInput::Wide { high: &high, low: &low }
            }
            (Sample::Vector(raw), quantization) => {
                high = quantization.iter().flat_map(|by| by.apply(raw)).map(saturate_i8).collect();
                QGruInput::Dense(&high)
            }
        };
        for (layer, state) in self.layers.iter().zip(&mut self.states) {
            layer.step(input, state);
            input = QGruInput::Dense(&state.view);
        }
    }

    fn output(&self, index: usize) -> Vec<f64> {
        let state = &self.states[index];
        match &self.layers[index] {
            Packed::Embedding { scale, .. } => state.view.iter().map(|&q| f64::from(q) * scale).collect(),
            Packed::Gru { .. } => state.hidden.iter().map(|&h| f64::from(h) / f64::from(1 << STATE_BITS)).collect(),
            Packed::Dense { frac_bits, .. } => {
                state.logits.iter().map(|&y| f64::from(y) / f64::from(1 << frac_bits)).collect()
            }
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
            Int8Layer::Gru { shape, weight_ih, weight_hh, bias, multiplier, shift, requantization, .. } => {
                let mut lanes = vec![[[0; INT8_DEPTH]; UNITS]; shape.lanes()];
                shape.pack_int8(weight_ih, weight_hh, &mut lanes);
                let scales = scales(shape.hidden_size, bias, multiplier, shift);
                Self::Gru { shape: *shape, lanes, scales, requantization: *requantization }
            }
            Int8Layer::Dense { shape, weight, bias, multiplier, shift, frac_bits } => {
                let mut lanes = vec![[[0; INT8_DEPTH]; UNITS]; shape.lanes()];
                shape.pack_int8(weight, &mut lanes);
                let scales = scales(shape.output_size, bias, multiplier, shift);
                Self::Dense { shape: *shape, lanes, scales, frac_bits: *frac_bits }
            }
        }
    }

    fn state(&self) -> State {
        match self {
            Self::Embedding { size, .. } => State { view: vec![0; *size], ..State::default() },
            Self::Gru { shape, .. } => {
                State { view: vec![0; shape.hidden_size], hidden: vec![0; shape.hidden_size], ..State::default() }
            }
            Self::Dense { shape, .. } => State { logits: vec![0; shape.output_size], ..State::default() },
        }
    }

    fn step(&self, input: QGruInput<'_>, state: &mut State) {
        let done = match self {
            Self::Embedding { size, table, .. } => {
                let QGruInput::OneHot(symbol) = input else { panic!("expected a symbol, found a vector") };
                state.view.copy_from_slice(&table[symbol * size..][..*size]);
                Ok(())
            }
            Self::Gru { shape, lanes, scales, requantization } => {
                let (inputs, units) = (shape.input_size, shape.hidden_size);
                let (mut view, mut update) = (vec![0; units], vec![0; units]);
                let prepared = |columns| vec![Prepared::default(); columns];
                let (mut high, mut low, mut hidden) = (prepared(inputs), prepared(inputs), prepared(units));
                let scratch = QGruScratch {
                    view: &mut view,
                    update: &mut update,
                    input: [&mut high, &mut low],
                    hidden: &mut hidden,
                };
                let layer = QGruSlice { shape: *shape, lanes, scales, requantization: *requantization };
                layer.step(input, &mut state.hidden, &mut state.view, scratch)
            }
            Self::Dense { shape, lanes, scales, .. } => {
                let QGruInput::Dense(input) = input else { panic!("expected a vector of int8") };
                QDenseSlice { shape: *shape, lanes, scales }.step(
                    input,
                    &mut state.logits,
                    &mut vec![Prepared::default(); shape.input_size],
                )
            }
        };
        done.expect("lengths come from the shapes");
    }
}

fn scales<const G: usize>(units: usize, bias: &[i32], multiplier: &[i16], shift: &[u8]) -> Vec<Scales<G>> {
    let mut packed = vec![Scales::ZERO; blocks(units)];
    Scales::pack(units, bias, multiplier, shift, &mut packed);
    packed
}
