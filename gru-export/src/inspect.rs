//! What a model is and what it costs on a microcontroller.

mod costs;
mod equations;

use std::fmt;

use gru_core::F16;
use gru_core::layout::{DenseShape, GruShape, Order};
use serde::Serialize;

use crate::ir::{Activation, Gru, Input, Layer, Model, Reset, Standardization};
use crate::precision::Precision;
use crate::source::Source;
use crate::weights::Weights;

/// Everything that [`load`](crate::load) understood of a file.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// The file's name.
    pub file: String,
    /// SHA-256 of the file.
    pub sha256: String,
    /// What the model takes at each step.
    pub input: Input,
    /// What comes between the raw input and the first layer.
    pub standardization: Option<Standardization>,
    /// First to last.
    pub layers: Vec<LayerReport>,
    /// What a user should know of how the file was read.
    pub notes: Vec<String>,
    /// Sum over the layers.
    pub parameters: usize,
    /// Sum over the layers, with f32 weights.
    pub f32: Footprint,
    /// Sum over the layers, in f32 with f16 weights.
    pub f16: Footprint,
    /// Sum over the layers, with int8 weights.
    pub int8: Footprint,
    /// What layers in f32 store their weights as.
    pub weights: Weights,
}

/// One layer of a [`Report`].
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct LayerReport {
    /// As the source names it.
    pub name: String,
    /// What kind of layer.
    pub kind: &'static str,
    /// Values or symbols in.
    pub input: Input,
    /// Values out.
    pub output_size: usize,
    /// Where the reset gate acts, for a GRU.
    pub reset: Option<Reset>,
    /// What kind of its kind it is.
    pub form: String,
    /// What it computes.
    pub equations: Vec<String>,
    /// Trained numbers.
    pub parameters: usize,
    /// With f32 weights.
    pub f32: Footprint,
    /// In f32 with f16 weights.
    pub f16: Footprint,
    /// With int8 weights.
    pub int8: Footprint,
    /// As [asked for](Report::in_precisions), with what brings its output to the next layer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chosen: Option<Chosen>,
}

/// A layer in its own precision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Chosen {
    /// Which.
    pub precision: Precision,
    /// In it.
    #[serde(flatten)]
    pub footprint: Footprint,
}

/// Bytes on a microcontroller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct Footprint {
    /// Packed weights, biases and scales, padding included.
    pub flash: usize,
    /// State of one stream.
    pub ram: usize,
}

impl Report {
    /// Describes a model that was loaded from `source`.
    pub fn new(model: &Model, source: &Source) -> Self {
        let mut words = false;
        let following = model.layers().iter().skip(1).map(Some).chain([None]);
        let layers = model.layers().iter().zip(following).map(|(layer, next)| {
            let before = words;
            words = match layer {
                Layer::Dense(_) | Layer::LayerNorm(_) => true,
                Layer::Activation(_) => before,
                _ => false,
            };
            let narrowed = words && next.is_some_and(|next| !matches!(next, Layer::Activation(_)));
            LayerReport::new(layer, Words { before, narrowed })
        });
        let layers: Vec<_> = layers.collect();
        let sum = |of: fn(&LayerReport) -> Footprint| {
            let all = || layers.iter().map(of);
            Footprint { flash: all().map(|f| f.flash).sum(), ram: all().map(|f| f.ram).sum() }
        };
        Self {
            file: source.file_name(),
            sha256: source.sha256(),
            input: model.input(),
            standardization: model.standardization().cloned(),
            parameters: layers.iter().map(|layer| layer.parameters).sum(),
            f32: sum(|layer| layer.f32),
            f16: sum(|layer| layer.f16),
            int8: sum(|layer| layer.int8),
            weights: model.weights(),
            notes: model.notes().to_vec(),
            layers,
        }
    }
}

impl Report {
    /// With the cost of each layer in its own precision in place of all in f32 and all in int8.
    #[must_use]
    pub fn in_precisions(mut self, precisions: &[Precision]) -> Self {
        let following = precisions.iter().skip(1).copied().map(Some).chain([None]);
        let weights = self.weights;
        for ((layer, &precision), next) in self.layers.iter_mut().zip(precisions).zip(following) {
            let footprint = layer.in_precision(precision, weights) + layer.bridge(precision, next.unwrap_or(precision));
            layer.chosen = Some(Chosen { precision, footprint });
        }
        self
    }
}

impl Report {
    /// In f32, weights stored as in the model.
    pub(crate) fn in_f32(&self) -> Footprint {
        match self.weights {
            Weights::F32 => self.f32,
            Weights::F16 => self.f16,
        }
    }
}

/// Flash of the layers in f32 among these.
pub(crate) fn flash_in_f32(model: &Model, precisions: &[Precision], weights: Weights) -> usize {
    let layers = model.layers().iter().zip(precisions).filter(|(_, precision)| **precision == Precision::F32);
    layers.map(|(layer, _)| Footprint::of(layer, Element::Real(weights)).flash).sum()
}

impl LayerReport {
    fn in_f32(&self, weights: Weights) -> Footprint {
        match weights {
            Weights::F32 => self.f32,
            Weights::F16 => self.f16,
        }
    }

    /// In w8a16 a state has a view of two bytes in place of one, and a table of symbols is of i16.
    pub(crate) fn in_precision(&self, precision: Precision, weights: Weights) -> Footprint {
        match (precision, self.kind) {
            (Precision::F32, _) => self.in_f32(weights),
            (Precision::W8a16, "embedding") => Footprint { flash: 2 * self.int8.flash, ..self.int8 },
            (Precision::W8a16, _) if self.reset.is_some() => {
                Footprint { ram: self.int8.ram + self.output_size, ..self.int8 }
            }
            _ => self.int8,
        }
    }

    /// Two f32 a value to cross between f32 and integers, or a [`gru_core::Quantize`] from i16 to int8.
    fn bridge(&self, from: Precision, to: Precision) -> Footprint {
        let values = self.output_size;
        let crossing = 2 * size_of::<f32>() * values;
        match (from, to) {
            (Precision::F32, Precision::Int8) => Footprint { flash: crossing, ram: values },
            (Precision::F32, Precision::W8a16) => Footprint { flash: crossing, ram: values * size_of::<i16>() },
            (Precision::Int8 | Precision::W8a16, Precision::F32) => {
                Footprint { flash: crossing, ram: values * size_of::<f32>() }
            }
            (Precision::W8a16, Precision::Int8) => {
                Footprint { flash: values * (2 * size_of::<i16>() + size_of::<u8>()), ram: values }
            }
            _ => Footprint::default(),
        }
    }

    fn new(layer: &Layer, words: Words) -> Self {
        let (form, equations) = equations::of(layer);
        Self {
            form,
            equations,
            name: layer.name().to_owned(),
            kind: match layer {
                Layer::Embedding(_) => "embedding",
                Layer::Gru(gru) if gru.one_hot => "one-hot GRU",
                Layer::Gru(_) => "GRU",
                Layer::Bidirectional(_) => "two-way GRU",
                Layer::Dense(_) => "dense",
                Layer::Activation(layer) => match layer.activation {
                    Activation::Tanh => "tanh",
                    Activation::Sigmoid => "sigmoid",
                    Activation::HardSigmoid { .. } => "hard sigmoid",
                    Activation::Relu => "ReLU",
                    Activation::Linear => "linear",
                    Activation::Softmax => "softmax",
                },
                Layer::LayerNorm(_) => "layer norm",
                Layer::Affine(_) => unreachable!("Model::new folds it"),
            },
            input: layer.input(),
            output_size: layer.output_size(),
            reset: match layer {
                Layer::Gru(gru) => Some(gru.cell.reset),
                Layer::Bidirectional(layer) => Some(layer.forward.cell.reset),
                _ => None,
            },
            parameters: layer.parameters(),
            f32: Footprint::of(layer, Element::Real(Weights::F32)),
            f16: Footprint::of(layer, Element::Real(Weights::F16)),
            int8: Footprint::of(layer, Element::Int8) + Footprint::of_words(layer, words),
            chosen: None,
        }
    }
}

/// The i16 around an int8 layer.
#[derive(Clone, Copy)]
struct Words {
    /// Whether it takes them.
    before: bool,
    /// Whether what it gives is brought to int8 for the next layer.
    narrowed: bool,
}

/// What a weight is on the target.
#[derive(Clone, Copy)]
enum Element {
    /// In f32 arithmetic.
    Real(Weights),
    Int8,
}

/// Units of a block on every microcontroller, where [`gru_core::layout::UNITS`] is the host's.
const UNITS: usize = 4;

impl std::ops::Add for Footprint {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { flash: self.flash + other.flash, ram: self.ram + other.ram }
    }
}

impl Footprint {
    /// What an int8 layer needs besides, where i16 go in or out.
    fn of_words(layer: &Layer, words: Words) -> Self {
        let size = layer.output_size();
        let own = match layer {
            Layer::Activation(_) if words.before => Self { flash: 0, ram: size },
            Layer::Activation(_) => Self { flash: 256, ram: 0 },
            _ => Self::default(),
        };
        let narrow = Self { flash: size * (2 * size_of::<i16>() + size_of::<u8>()), ram: size };
        if words.narrowed { own + narrow } else { own }
    }

    /// Lanes of weights as `gru_core::layout` packs them, and per unit its biases (4 bytes) and in int8 their multipliers and shifts (3 bytes).
    fn of(layer: &Layer, element: Element) -> Self {
        let (depth, weight, scaled_bias, state) = match element {
            Element::Real(Weights::F32) => (1, size_of::<f32>(), size_of::<f32>(), size_of::<f32>()),
            Element::Real(Weights::F16) => (1, size_of::<F16>(), size_of::<f32>(), size_of::<f32>()),
            Element::Int8 => {
                let scales = size_of::<i32>() + size_of::<i16>() + size_of::<i8>();
                (4, size_of::<i8>(), scales, size_of::<i32>() + size_of::<i8>())
            }
        };
        let packed = |units: usize, lanes: usize, biases: usize| {
            units.next_multiple_of(UNITS) * (lanes * depth * weight + biases * scaled_bias)
        };
        let output_size = layer.output_size();
        let activation = if depth == 1 { size_of::<f32>() } else { size_of::<i8>() };
        match layer {
            Layer::Embedding(layer) => {
                // A row of f16 is widened for the next layer.
                let ram = if weight == size_of::<F16>() { output_size * activation } else { 0 };
                Self { flash: layer.weight.as_slice().len() * weight, ram }
            }
            Layer::Gru(layer) => {
                Self { flash: packed(output_size, shape(layer, depth).block_lanes(), 4), ram: output_size * state }
            }
            Layer::Bidirectional(layer) => {
                let [forward, backward] =
                    [&layer.forward, &layer.backward].map(|gru| Self::of(&Layer::Gru(gru.clone()), element));
                Self { flash: forward.flash + backward.flash, ram: forward.ram + backward.ram }
            }
            Layer::Activation(_) => Self { flash: 0, ram: output_size * activation },
            Layer::LayerNorm(_) if depth == 1 => {
                Self { flash: 2 * output_size * scaled_bias, ram: output_size * activation }
            }
            Layer::LayerNorm(_) => {
                let flash = output_size * (size_of::<i16>() + size_of::<i32>());
                Self { flash, ram: output_size * size_of::<i16>() }
            }
            Layer::Affine(_) => unreachable!("Model::new folds it"),
            Layer::Dense(layer) => {
                let shape = DenseShape { input_size: layer.weight.cols(), output_size, order: order(depth) };
                let output = if depth == 1 { size_of::<f32>() } else { size_of::<i16>() };
                Self { flash: packed(output_size, shape.block_lanes(), 1), ram: output_size * output }
            }
        }
    }
}

fn shape(layer: &Gru, depth: usize) -> GruShape {
    GruShape {
        input_size: layer.input_size(),
        hidden_size: layer.hidden_size(),
        order: order(depth),
        gates: layer.cell.into(),
    }
}

/// Lanes so deep, in any order: the number of bytes is the same.
const fn order(depth: usize) -> Order {
    Order { depth, interleaved: true, offsets: 0 }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}  sha256 {}", self.file, self.sha256)?;
        writeln!(f, "\ninput: {}", self.input)?;
        if let Some(Standardization { mean, std }) = &self.standardization {
            writeln!(f, "  x' = (x − mean) / std, folded into the first layer")?;
            writeln!(f, "  mean {}", row(mean))?;
            writeln!(f, "  std  {}", row(std))?;
        }
        let width = self.layers.iter().map(|layer| layer.name.chars().count()).max().unwrap_or_default().max(5);
        costs::table(f, self, width)?;
        self.diagram(f, width)?;
        self.equations(f)?;
        for note in &self.notes {
            writeln!(f, "\nnote: {note}")?;
        }
        Ok(())
    }
}

impl Report {
    /// A line for each layer, with the size of what goes from it to the next.
    fn diagram(&self, f: &mut fmt::Formatter<'_>, width: usize) -> fmt::Result {
        writeln!(f, "\nx  {}", self.input)?;
        for layer in &self.layers {
            let arrow = match layer.kind {
                "two-way GRU" => "⇅",
                _ if layer.reset.is_some() => "↻",
                _ => "↓",
            };
            writeln!(f, "{arrow}  {:width$}  {:12}  {} values", layer.name, layer.kind, layer.output_size)?;
        }
        writeln!(f, "y")
    }

    /// Of each form once.
    fn equations(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut left: Vec<&LayerReport> = self.layers.iter().collect();
        while let Some(first) = left.first().copied() {
            let (same, others): (Vec<_>, Vec<_>) =
                left.into_iter().partition(|layer| layer.equations == first.equations);
            let names: Vec<&str> = same.iter().map(|layer| layer.name.as_str()).collect();
            writeln!(f, "\n{}: {}", names.join(", "), first.form)?;
            first.equations.iter().try_for_each(|equation| writeln!(f, "  {equation}"))?;
            left = others;
        }
        Ok(())
    }
}

fn row(values: &[f64]) -> String {
    values.iter().map(|value| format!("{value:>10.4}")).collect()
}
