//! Next year's sunspot number: a GRU of 24 units and a dense layer follow the years from 1700 on, and are tested on those that they were not
//! trained on.

use std::array;

use gru_core::{Layer, Stream};

use crate::results::Row;

include!(concat!(env!("OUT_DIR"), "/sunspots_test.rs"));

exported!("sunspots");

/// Of the series.
pub const FIRST_YEAR: usize = 1700;
/// Whose number no model has been trained on.
pub const FIRST_TESTED: usize = 1921;
/// Of the series.
pub const YEARS: usize = TENTHS.len();

/// What each year's number lets expect of the next year.
pub type Forecasts = [f32; YEARS];

/// The numbers themselves.
#[must_use]
pub fn numbers() -> [f32; YEARS] {
    TENTHS.map(|tenths| f32::from(tenths) * 0.1)
}

/// PyTorch's forecasts.
#[must_use]
pub fn pytorch() -> Forecasts {
    PYTORCH
}

/// Next year will be like this.
#[must_use]
pub fn persistence() -> Forecasts {
    numbers()
}

/// Forecasts in f32.
#[must_use]
pub fn float() -> Forecasts {
    follow(&float::MODEL, |tenths| [f32::from(tenths) * 0.1], |&[number]| number)
}

/// Forecasts in int8, of numbers in tenths.
#[must_use]
pub fn int8() -> Forecasts {
    let unit = 1.0 / f32::from(1_u16 << int8::OUTPUT_FRAC_BITS);
    follow(&int8::MODEL, |tenths| [tenths], |&[number]| f32::from(number) * unit)
}

fn follow<L: Layer>(model: &L, input: impl Fn(i16) -> L::Input, output: impl Fn(&L::Output) -> f32) -> Forecasts {
    let mut stream = Stream::new(model);
    TENTHS.map(|tenths| output(stream.step(&input(tenths))))
}

/// How far forecasts are off, in sunspot numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Errors {
    /// The root of the mean square.
    pub rms: f64,
    /// The mean magnitude.
    pub mean: f64,
}

impl Errors {
    /// Over the tested years.
    #[must_use]
    pub fn of(forecasts: &Forecasts) -> Self {
        let first = FIRST_TESTED - FIRST_YEAR;
        let errors: [f64; YEARS - (FIRST_TESTED - FIRST_YEAR)] =
            array::from_fn(|year| f64::from(forecasts[first - 1 + year] - numbers()[first + year]));
        let mean = |of: fn(f64) -> f64| errors.map(of).iter().sum::<f64>() / errors.len() as f64;
        Self { rms: mean(|error| error * error).sqrt(), mean: mean(f64::abs) }
    }
}

/// Of the table of all classics.
#[must_use]
pub fn row() -> Row {
    let rms = |forecasts| format!("RMS error {:.2}", Errors::of(&forecasts).rms);
    Row {
        classic: format!("Next year's sunspot number ({} by persistence)", rms(persistence())),
        framework: rms(pytorch()),
        float: rms(float()),
        int8: rms(int8()),
        program: "sunspots",
    }
}
