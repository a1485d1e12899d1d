//! How layers in f32 store their weights.

use std::fmt;
use std::str::FromStr;

use gru_core::F16;
use half::f16;

use crate::binary::power_of_two;
use crate::error::{Error, Result, quoted};
use crate::inspect::flash_in_f32;
use crate::ir::Model;
use crate::precision::Precision;

/// What layers in f32 store their weights as. Biases, state and arithmetic are f32 in both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Weights {
    /// As they are.
    #[default]
    F32,
    /// Rounded to the nearest [`F16`], ties to even: an error of up to 2⁻¹² of a weight above 2⁻¹⁴, of 2⁻²⁵ below. In half the bytes.
    F16,
}

impl Weights {
    /// As on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::F16 => "f16",
        }
    }

    /// What it saves of layers in these precisions; nothing to say where it is f32.
    pub(crate) fn note(self, model: &Model, precisions: &[Precision]) -> Option<String> {
        let [float, half] = [Self::F32, Self::F16].map(|weights| flash_in_f32(model, precisions, weights));
        let note =
            format!("weights of layers in f32 are stored in f16: these take {half} bytes of flash in place of {float}");
        (self == Self::F16 && half < float).then_some(note)
    }

    /// A sentence where there is no layer that stores its weights so.
    pub(crate) fn idle(self, precisions: &[Precision]) -> Option<String> {
        (self == Self::F16 && !precisions.contains(&Precision::F32))
            .then(|| "weights in f16 have no effect: no layer is in f32".to_owned())
    }

    /// Fails if there is no layer that stores its weights so.
    ///
    /// # Errors
    /// f16 of a model without a layer in f32.
    pub fn check(self, precisions: &[Precision]) -> Result<()> {
        if self.idle(precisions).is_none() {
            return Ok(());
        }
        Err(Error::new("weights in f16 are those of layers in f32, and no layer is in f32")
            .help("leave out --weights f16, or bring layers to f32: --precision f32, --layer LAYER=f32"))
    }

    /// The numbers of a layer's `tensor` as they are stored, row by row.
    pub(crate) fn rounded<'a>(
        self,
        layer: &str,
        tensor: &str,
        rows: impl IntoIterator<Item = &'a [f64]>,
    ) -> Result<Vec<f32>> {
        let mut rounded = Vec::new();
        for (row, values) in rows.into_iter().enumerate() {
            for &value in values {
                let stored = match self {
                    Self::F32 => value as f32,
                    Self::F16 => nearest_f16(value) as f32,
                };
                if !stored.is_finite() || self == Self::F16 && value.abs() > f16::MAX.to_f64() {
                    return Err(self.beyond(layer, tensor, row, value));
                }
                rounded.push(stored);
            }
        }
        Ok(rounded)
    }

    fn beyond(self, layer: &str, tensor: &str, row: usize, value: f64) -> Error {
        let layer = quoted(layer);
        match self {
            Self::F32 => Error::new(format!("layer {layer}: {value:e} is beyond the range of f32")),
            Self::F16 => Error::new(format!(
                "layer {layer}: row {row} of its {tensor} holds {value}, and f16 ends at 65504"
            ))
            .help("leave out --weights f16; or give the model an input that varies more, as an input_std divides the first layer's weights"),
        }
    }
}

impl FromStr for Weights {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        [Self::F32, Self::F16].into_iter().find(|weights| weights.name() == name).ok_or_else(|| {
            Error::new(format!("weights cannot be stored in {}", quoted(name))).help("it is one of f32, f16")
        })
    }
}

impl fmt::Display for Weights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The nearest number of 11 significant bits above 2⁻¹⁴, and of steps of 2⁻²⁴ below; ties to even.
fn nearest_f16(value: f64) -> f64 {
    const FRACTION_BITS: i32 = 10;
    const LEAST_EXPONENT: i32 = -14;
    let exponent = (value.to_bits() >> 52 & 0x7ff) as i32 - 1023;
    let step = power_of_two(exponent.max(LEAST_EXPONENT) - FRACTION_BITS);
    (value / step).round_ties_even() * step
}

/// The same numbers, of which each is an f16.
pub(crate) fn halves(values: &[f32]) -> Vec<F16> {
    values.iter().map(|&value| F16(f16::from_f32(value).to_bits())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every finite f16 above zero but the largest, and the one after it.
    fn neighbours() -> impl Iterator<Item = [(u16, f64); 2]> {
        let number = |bits| (bits, f64::from(F16(bits).to_f32()));
        (0..0x7bff).map(move |bits| [number(bits), number(bits + 1)])
    }

    #[test]
    fn rounds_to_the_nearest_and_ties_to_even() {
        for [(bits, low), (_, high)] in neighbours() {
            let middle = f64::midpoint(low, high);
            let even = if bits % 2 == 0 { low } else { high };
            for (value, expected) in [(low, low), (middle.next_down(), low), (middle, even), (middle.next_up(), high)] {
                assert_eq!(nearest_f16(value).to_bits(), expected.to_bits(), "{value:e}");
                assert_eq!(nearest_f16(-value).to_bits(), (-expected).to_bits(), "-{value:e}");
            }
        }
    }

    #[test]
    fn halves_are_the_same_numbers() {
        for [(bits, low), _] in neighbours() {
            assert_eq!(halves(&[low as f32, -low as f32]), [F16(bits), F16(bits | 0x8000)]);
        }
    }

    #[test]
    fn the_largest_is_kept_and_no_larger_one() {
        let rounded = |value: f64| Weights::F16.rounded("gru", "weight_ih", [&[0.0][..], &[value]]);
        assert_eq!(rounded(-65504.0).unwrap(), [0.0, -65504.0]);
        let error = rounded(65504.0f64.next_up()).unwrap_err();
        assert!(error.problem().contains("row 1 of its weight_ih"), "{error}");
    }
}
