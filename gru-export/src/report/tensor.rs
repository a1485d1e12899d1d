//! The tensors of an int8 model: where their values are in the reference, and which of them its integers hold.

use gru_core::quant::{PREACTIVATION_BITS, STATE_BITS, WIDE_BITS};

use crate::binary::power_of_two;
use crate::calibrate::Range;
use crate::int8::{InputQuantization, Int8Gru, Int8Layer, Int8Model, Step};
use crate::ir::{Cell, Layer, Model};
use crate::reference::Trace;

/// What rounds to the last step is not clipped.
const HALF: f64 = 0.5;

/// Steps of an int8 value on either side of zero.
const BYTE: f64 = 127.0 + HALF;

/// Values that are quantised alike, or each in its own way.
pub(super) struct Tensor {
    /// The layer that they belong to; `None` for the model's input.
    pub(super) layer: Option<usize>,
    /// What they are to that layer.
    pub(super) name: String,
    /// What the integers hold of each value.
    pub(super) limits: Vec<Range>,
    /// Bits of the integers.
    pub(super) bits: u32,
    place: Place,
}

/// Where the values are.
enum Place {
    /// One channel, in raw units.
    Channel(usize),
    /// Outputs of a layer.
    Outputs(usize),
    /// Sums of a layer, from this one on.
    Sums { layer: usize, start: usize },
}

impl Tensor {
    /// All tensors of a model, in the order of its computation.
    pub(super) fn all(model: &Model, int8: &Int8Model) -> Vec<Self> {
        let mut tensors = Vec::new();
        if let Some(input) = &int8.input {
            tensors.extend((0..input.lsb.len()).map(|channel| Self::channel(input, channel)));
        }
        for (index, (layer, &end)) in model.layers().iter().zip(&int8.ends).enumerate() {
            match (layer, &int8.layers[end]) {
                (Layer::Gru(gru), Int8Layer::Gru(int8)) => {
                    tensors.extend(Self::sums(index, 0, "", gru.cell, int8));
                    tensors.push(Self::view(index, int8, layer.output_size()));
                }
                (Layer::Bidirectional(both), given @ Int8Layer::Bidirectional { forward, backward, .. }) => {
                    let half = 4 * forward.shape.hidden_size;
                    tensors.extend(Self::sums(index, 0, "forward ", both.forward.cell, forward));
                    tensors.extend(Self::sums(index, half, "backward ", both.backward.cell, backward));
                    if both.gives_states() {
                        tensors.push(Self::view(index, forward, layer.output_size()));
                    } else {
                        tensors.extend(held(given).map(|held| Self::output(index, held, layer.output_size())));
                    }
                }
                (_, given) => {
                    let own = |at: &usize| !int8.ends.contains(at);
                    let narrowed = Some(end + 1).filter(own).and_then(|next| int8.layers.get(next));
                    let held = narrowed.and_then(held).or_else(|| held(given));
                    tensors.extend(held.map(|held| Self::output(index, held, layer.output_size())));
                }
            }
        }
        tensors
    }

    fn output(layer: usize, (bits, limits): (u32, Vec<Range>), size: usize) -> Self {
        let limits = spread(limits, size);
        Self { layer: Some(layer), name: "output".to_owned(), limits, bits, place: Place::Outputs(layer) }
    }

    fn channel(input: &InputQuantization, channel: usize) -> Self {
        let bits = bits(input.wide);
        let steps = f64::from((1 << (bits - 1)) - 1) + HALF;
        let counts_per_step = power_of_two(input.shift[channel]) / f64::from(input.multiplier[channel]);
        let zero = f64::from(input.zero[channel]);
        let count = |q: f64| (zero + q * counts_per_step).clamp(f64::from(i16::MIN), f64::from(i16::MAX));
        let lsb = input.lsb[channel];
        Self {
            layer: None,
            name: format!("channel {channel}"),
            limits: vec![Range { min: count(-steps) * lsb, max: count(steps) * lsb }],
            bits,
            place: Place::Channel(channel),
        }
    }

    /// The sums of the gates that there are, each row with the limit before its multiplier.
    fn sums<'a>(
        layer: usize,
        first: usize,
        direction: &'a str,
        cell: Cell,
        gru: &'a Int8Gru,
    ) -> impl Iterator<Item = Self> + 'a {
        let hidden = gru.shape.hidden_size;
        let [r, z, _] = cell.gates();
        // r and z are halved.
        let one = f64::from(1 << PREACTIVATION_BITS);
        let rows = [
            ("sum of r", r, one / 2.0),
            ("sum of z", z, one / 2.0),
            ("sum of n, input", true, one),
            ("sum of n, state", true, one),
        ];
        rows.into_iter().enumerate().filter(|(_, (_, there, _))| *there).map(move |(gate, (name, _, unit))| {
            let multipliers = &gru.multiplier[gate * hidden..][..hidden];
            let limit = |&multiplier: &i16| symmetric(f64::from(i16::MAX) * f64::from(multiplier) / 32768.0 / unit);
            Self {
                layer: Some(layer),
                name: format!("{direction}{name}"),
                limits: multipliers.iter().map(limit).collect(),
                bits: 16,
                place: Place::Sums { layer, start: first + gate * hidden },
            }
        })
    }

    /// The state as matrices read it.
    fn view(layer: usize, gru: &Int8Gru, size: usize) -> Self {
        let limit = symmetric(BYTE / f64::from(gru.requantization.view));
        let (bits, place) = (bits(gru.wide_view), Place::Outputs(layer));
        Self { layer: Some(layer), name: "state".to_owned(), limits: vec![limit; size], bits, place }
    }

    /// The values at each step, of raw input and what the reference made of it.
    pub(super) fn values<'a>(&self, raw: &'a [&[f64]], trace: &'a Trace) -> impl Iterator<Item = &'a [f64]> {
        let (place, len) = (&self.place, self.limits.len());
        (0..raw.len()).map(move |step| match *place {
            Place::Channel(channel) => &raw[step][channel..][..1],
            Place::Outputs(layer) => &trace.layers[layer].outputs[step][..],
            Place::Sums { layer, start } => &trace.layers[layer].preactivations[step][start..][..len],
        })
    }

    /// Whether it is a sum that an activation takes, flat where the sum saturates.
    pub(super) fn is_sum(&self) -> bool {
        matches!(self.place, Place::Sums { .. })
    }

    /// The narrowest and the widest limits of any value.
    pub(super) fn extremes(&self) -> [Range; 2] {
        let fold =
            |from: f64, pick: fn(f64, f64) -> f64, of: fn(&Range) -> f64| self.limits.iter().map(of).fold(from, pick);
        let (min, max) = (|range: &Range| range.min, |range: &Range| range.max);
        [
            Range { min: fold(f64::NEG_INFINITY, f64::max, min), max: fold(f64::INFINITY, f64::min, max) },
            Range { min: fold(f64::INFINITY, f64::min, min), max: fold(f64::NEG_INFINITY, f64::max, max) },
        ]
    }
}

/// Bits and limits of what a layer without a state gives; none for a row of an embedding, which holds whatever it is.
fn held(layer: &Int8Layer) -> Option<(u32, Vec<Range>)> {
    let words = |multipliers: &[i16], step: Step| {
        let limit = |&multiplier: &i16| around(step, f64::from(i16::MAX) * f64::from(multiplier) / 32768.0);
        (16, multipliers.iter().map(limit).collect())
    };
    let fixed = |frac_bits: u8| {
        let step = Step { worth: power_of_two(-i32::from(frac_bits)), zero: 0.0 };
        (16, vec![around(step, f64::from(i16::MAX))])
    };
    match layer {
        Int8Layer::Dense { multiplier, step, .. } => Some(words(multiplier, *step)),
        Int8Layer::Activation { frac_bits, .. } | Int8Layer::LayerNorm { frac_bits, .. } => Some(fixed(*frac_bits)),
        Int8Layer::Softmax { .. } => Some(fixed(STATE_BITS as u8)),
        Int8Layer::Narrow { wide, steps, .. } | Int8Layer::Quantize { wide, steps } => {
            Some((bits(*wide), steps.iter().map(|&step| around(step, most(*wide))).collect()))
        }
        Int8Layer::Bidirectional { forward, step, .. } => {
            Some((bits(forward.wide_view), vec![around(*step, most(forward.wide_view))]))
        }
        Int8Layer::Lookup { step, .. } => Some((8, vec![around(*step, BYTE)])),
        _ => None,
    }
}

/// Bits of an integer that is a byte, or that has the bits of a wide one besides.
const fn bits(wide: bool) -> u32 {
    if wide { 8 + WIDE_BITS } else { 8 }
}

/// The value beyond which such an integer saturates, in its steps.
fn most(wide: bool) -> f64 {
    f64::from((1 << (bits(wide) - 1)) - 1) + HALF
}

/// One limit for all values, or one for each.
fn spread(limits: Vec<Range>, size: usize) -> Vec<Range> {
    if limits.len() == size { limits } else { vec![limits[0]; size] }
}

fn symmetric(limit: f64) -> Range {
    Range { min: -limit, max: limit }
}

fn around(Step { worth, zero }: Step, steps: f64) -> Range {
    Range { min: zero - worth * steps, max: zero + worth * steps }
}
