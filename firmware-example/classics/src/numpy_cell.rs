//! A cell that was written from scratch in NumPy, one matrix a gate over the input and the state side by side: 5 sequences of 4 steps, one of them
//! by itself and all as a batch.

use std::array;

use gru_core::{Layer, QGruState};

use crate::results::Row;

include!(concat!(env!("OUT_DIR"), "/numpy_cell_test.rs"));

exported!("numpy_cell");

/// Sequences of the batch.
pub const BATCH: usize = INPUTS.len();
/// Of each sequence.
pub const STEPS: usize = INPUTS[0].len();
/// Of the cell.
pub const UNITS: usize = float::OUTPUT_SIZE;
const CHANNELS: usize = float::INPUT_SIZE;

/// How far a state in f32 may be from NumPy's.
pub const FLOAT_BOUND: f32 = 2e-6;
/// How far a state in int8 may be from NumPy's.
pub const INT8_BOUND: f32 = 5e-3;

/// The state after each step of a sequence.
pub type Sequence = [[f32; UNITS]; STEPS];

/// What a forward pass gives.
#[derive(Clone, Debug, PartialEq)]
pub struct Forward {
    /// Of the first sequence by itself, step by step.
    pub alone: Sequence,
    /// Of all sequences, of which a batch takes one step at a time.
    pub batch: [Sequence; BATCH],
}

impl Forward {
    /// NumPy's, rounded to f32.
    #[must_use]
    pub fn numpy() -> Self {
        Self { alone: NUMPY[0], batch: NUMPY }
    }

    /// In f32.
    #[must_use]
    pub fn float() -> Self {
        forward(&float::MODEL, |x| x, |state| *state.hidden())
    }

    /// In int8, of inputs in counts of 2⁻¹². States are Q1.30.
    #[must_use]
    pub fn int8() -> Self {
        let counts =
            |x: [f32; CHANNELS]| array::from_fn(|channel| (x[channel] / int8::INPUT_LSB[channel]).round() as i16);
        let real = |q30: &i32| (f64::from(*q30) / f64::from(1 << 30)) as f32;
        forward(&int8::MODEL, counts, |(_, state): &(_, QGruState<UNITS>)| state.hidden().each_ref().map(real))
    }

    /// The largest difference of a state.
    #[must_use]
    pub fn difference(&self, other: &Self) -> f32 {
        let values = |forward: &Self| [&[forward.alone], &forward.batch[..]].concat();
        let (these, those) = (values(self), values(other));
        let pairs = these.as_flattened().as_flattened().iter().zip(those.as_flattened().as_flattened());
        pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
    }
}

fn forward<L>(
    model: &L,
    input: impl Fn([f32; CHANNELS]) -> L::Input,
    hidden: impl Fn(&L::State) -> [f32; UNITS],
) -> Forward
where
    L: Layer<Output: Clone + Default>,
{
    let mut state = L::State::default();
    let alone = INPUTS[0].map(|x| {
        model.step(&input(x), &mut state);
        hidden(&state)
    });

    let mut states: [L::State; BATCH] = array::from_fn(|_| L::State::default());
    let mut outputs: [L::Output; BATCH] = array::from_fn(|_| L::Output::default());
    let steps: [[[f32; UNITS]; BATCH]; STEPS] = array::from_fn(|step| {
        model.step_batch(&INPUTS.map(|sequence| input(sequence[step])), &mut outputs, &mut states);
        states.each_ref().map(&hidden)
    });
    Forward { alone, batch: array::from_fn(|sequence| steps.map(|states| states[sequence])) }
}

/// Passes side by side: the states after each step of the first sequence, and the last state of each in the batch.
#[must_use]
pub fn table(passes: &[(&str, &Forward)]) -> String {
    let line = |name: String, column: &dyn Fn(&(&str, &Forward)) -> String| {
        let columns = passes.iter().map(|pass| format!("  {:>17}", column(pass)));
        format!("{name:<10}{}\n", columns.collect::<String>())
    };
    let numbers = |state: [f32; UNITS]| state.map(|h| format!("{h:8.4}")).join(" ");
    let mut table = line(String::new(), &|(name, _)| (*name).to_owned());
    for step in 0..STEPS {
        table += &line(format!("step {}", step + 1), &|(_, pass)| numbers(pass.alone[step]));
    }
    for sequence in 0..BATCH {
        table += &line(format!("sequence {}", sequence + 1), &|(_, pass)| numbers(pass.batch[sequence][STEPS - 1]));
    }
    table
}

/// Of the table of all classics.
#[must_use]
pub fn row() -> Row {
    let numpy = Forward::numpy();
    let within = |forward: &Forward, bound: f32| {
        let difference = forward.difference(&numpy);
        if difference <= bound { format!("within {bound:e} of it") } else { format!("off by {difference:e}") }
    };
    Row {
        classic: "A cell from scratch, its weights concatenated: a sequence, and a batch of 5".to_owned(),
        framework: "NumPy".to_owned(),
        float: within(&Forward::float(), FLOAT_BOUND),
        int8: within(&Forward::int8(), INT8_BOUND),
        program: "numpy_cell",
    }
}
