//! What a step costs on a microcontroller, estimated from the steps that were counted there.
//!
//! For each core and precision `per_mac · MACs + per_unit · units + per_layer` is fitted to the counted GRU steps, by least squares of the relative error.

use csv::ReaderBuilder;
use serde::Deserialize;

use crate::ir::{Activation, Gru, Layer, Reset};
use crate::precision::Precision;

/// Counted steps of one GRU layer, reset after.
const COUNTED: &str = include_str!("instructions.csv");

/// Beside a GRU's three gates and update, a dense row's requantisation and store.
const DENSE_ROW: f64 = 0.25;

/// A line of `instructions.csv`.
#[derive(Deserialize)]
struct Counted {
    core: String,
    precision: String,
    input: u32,
    hidden: u32,
    instructions: f64,
}

/// What a step costs on one core.
pub(super) struct Core {
    pub(super) name: String,
    pub(super) int8: Option<Fit>,
    /// Only cores with a floating point unit were counted in f32.
    pub(super) float: Option<Fit>,
}

/// The cost of a step in instructions.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Fit {
    /// For each multiply-accumulate, each unit of a GRU, and each layer.
    coefficients: [f64; 3],
    /// The largest relative error of any counted step.
    pub(super) error: f64,
}

/// What a layer does in a step.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Work {
    macs: f64,
    units: f64,
    layers: f64,
}

/// How often a layer's weights are read in a step.
#[derive(Clone, Copy)]
struct Passes {
    /// Those of its input,
    input: f64,
    /// and those of its state.
    state: f64,
}

impl Core {
    /// Of a whole step, with each layer in its precision and perhaps a wide input; none where the core was not counted in one of them.
    pub(super) fn instructions(&self, layers: &[Layer], precisions: &[Precision], wide_input: bool) -> Option<f64> {
        let of = |index: usize| {
            let twice = |twice: bool| if twice { 2.0 } else { 1.0 };
            let (fit, wide) = match precisions[index] {
                Precision::F32 => {
                    return Some(self.float?.instructions(&layers[index], Passes { input: 1.0, state: 1.0 }));
                }
                Precision::Int8 => (self.int8?, false),
                Precision::W8a16 => (self.int8?, true),
            };
            let passes = Passes { input: twice(wide || wide_input && index == 0), state: twice(wide) };
            Some(fit.instructions(&layers[index], passes))
        };
        (0..layers.len()).map(of).sum()
    }

    /// All cores that steps were counted on.
    pub(super) fn all() -> Vec<Self> {
        let mut reader = ReaderBuilder::new().comment(Some(b'#')).from_reader(COUNTED.as_bytes());
        let counted: Vec<Counted> = reader.deserialize().map(|row| row.expect("a sound table")).collect();
        let mut names: Vec<&str> = counted.iter().map(|row| row.core.as_str()).collect();
        names.dedup();
        let fit = |core: &str, precision: &str| {
            let rows: Vec<_> = counted.iter().filter(|row| row.core == core && row.precision == precision).collect();
            (rows.len() > 3).then(|| Fit::new(&rows))
        };
        let mut cores = Vec::new();
        for name in names {
            cores.push(Self { name: name.to_owned(), int8: fit(name, "int8"), float: fit(name, "f32") });
        }
        cores
    }
}

impl Fit {
    fn new(rows: &[&Counted]) -> Self {
        let work = |row: &Counted| {
            let (input, hidden) = (f64::from(row.input), f64::from(row.hidden));
            [3.0 * hidden * (input + hidden), hidden, 1.0]
        };
        let relative: Vec<[f64; 3]> = rows.iter().map(|row| work(row).map(|value| value / row.instructions)).collect();
        let mut normal = [[0.0; 4]; 3];
        for (at, equation) in normal.iter_mut().enumerate() {
            for other in 0..3 {
                equation[other] = relative.iter().map(|row| row[at] * row[other]).sum();
            }
            equation[3] = relative.iter().map(|row| row[at]).sum();
        }
        let coefficients = solve(normal);
        let product = |row: &[f64; 3]| row.iter().zip(coefficients).map(|(a, b)| a * b).sum::<f64>();
        let error = relative.iter().map(|row| (product(row) - 1.0).abs()).fold(0.0, f64::max);
        Self { coefficients, error }
    }

    /// Of a step of one layer, which passes over its weights once or twice.
    fn instructions(&self, layer: &Layer, passes: Passes) -> f64 {
        let [per_mac, per_unit, per_layer] = self.coefficients;
        let work = Work::of(layer, passes);
        per_mac * work.macs + per_unit * work.units + per_layer * work.layers
    }
}

impl Work {
    fn of(layer: &Layer, passes: Passes) -> Self {
        let size = layer.output_size() as f64;
        let row = |macs: f64| Self { macs, units: DENSE_ROW * size, layers: 1.0 };
        match layer {
            Layer::Gru(gru) => Self::of_gru(gru, passes),
            Layer::Bidirectional(both) => {
                let [forward, backward] = [&both.forward, &both.backward].map(|gru| Self::of_gru(gru, passes));
                Self {
                    macs: forward.macs + backward.macs,
                    units: forward.units + backward.units,
                    layers: forward.layers + backward.layers,
                }
            }
            Layer::Dense(layer) => row(passes.input * layer.weight.as_slice().len() as f64),
            Layer::Activation(layer) if layer.activation == Activation::Linear => Self::default(),
            Layer::Embedding(_) => Self::default(),
            Layer::Activation(_) | Layer::LayerNorm(_) | Layer::Affine(_) => row(0.0),
        }
    }

    fn of_gru(gru: &Gru, passes: Passes) -> Self {
        let gates = gru.cell.gates().into_iter().filter(|&there| there).count() as f64;
        let (input, hidden) = (gru.input_size() as f64, gru.hidden_size() as f64);
        // Of a symbol's matrix one column is added.
        let columns = if gru.one_hot { 1.0 } else { passes.input * input };
        let share = if gru.cell.reset == Reset::None { 0.75 } else { 1.0 };
        Self {
            macs: gates * hidden * (columns + passes.state * hidden),
            units: share * gates / 3.0 * hidden,
            layers: 1.0,
        }
    }
}

/// Three equations, the right side last, by Gauss and Jordan; the least squares' matrix needs no pivot.
fn solve(mut rows: [[f64; 4]; 3]) -> [f64; 3] {
    for pivot in 0..3 {
        let divisor = rows[pivot][pivot];
        let scaled = rows[pivot].map(|value| value / divisor);
        for (at, row) in rows.iter_mut().enumerate() {
            let factor = if at == pivot { row[pivot] - 1.0 } else { row[pivot] };
            row.iter_mut().zip(scaled).for_each(|(value, scaled)| *value -= factor * scaled);
        }
        rows[pivot] = scaled;
    }
    rows.map(|row| row[3])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equations_are_solved() {
        let found = solve([[2.0, 1.0, 0.0, 4.0], [1.0, 3.0, 1.0, 10.0], [0.0, 1.0, 4.0, 14.0]]);
        for (found, expected) in found.into_iter().zip([1.0, 2.0, 3.0]) {
            assert!((found - expected).abs() < 1e-12, "{found}");
        }
    }

    #[test]
    fn counted_steps_are_met_within_a_twentieth() {
        let cores = Core::all();
        assert!(cores.len() > 4);
        for core in cores {
            let fits = [core.int8, core.float];
            assert!(fits[0].is_some(), "{}", core.name);
            fits.into_iter().flatten().for_each(|fit| assert!(fit.error < 0.05, "{}: {}", core.name, fit.error));
        }
    }
}
