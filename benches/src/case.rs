use std::fmt;
use std::hint::black_box;
use std::str::FromStr;

use gru_bench::layer::{self, INPUTS};
use gru_core::Layer;
use gru_core::backend::products::products;
use gru_core::backend::x86::floor::Floor;
use gru_core::layout::{INT8_DEPTH, blocks, gru_f32_lanes, gru_int8_lanes};
use serde::Serialize;

/// Steps of a window.
const WINDOW: usize = 100;

/// The layer whose windows and batches are timed too.
const LARGEST: (usize, usize) = (28, 256);

/// Input and hidden size of a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Columns of `weight_ih`.
    pub input: usize,
    /// Units.
    pub hidden: usize,
}

impl Shape {
    /// Registers of 64 bytes that the weights fill, where a value has `size` bytes and columns come in groups of `depth`.
    const fn registers(self, size: usize, depth: usize) -> usize {
        let columns = self.input.next_multiple_of(depth) + self.hidden.next_multiple_of(depth);
        (3 * self.hidden * columns * size).div_ceil(64)
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}x{}", self.input, self.hidden))
    }
}

impl FromStr for Shape {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.split_once('x')
            .and_then(|(input, hidden)| Some(Self { input: input.parse().ok()?, hidden: hidden.parse().ok()? }))
            .ok_or_else(|| "expected input and hidden size, as 6x32".to_owned())
    }
}

/// The arithmetic of a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// Single precision.
    F32,
    /// Integers only.
    Int8,
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::F32 => "f32",
            Self::Int8 => "int8",
        })
    }
}

/// How steps are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// One at a time, each with another input than the last.
    Step,
    /// The same without their gates.
    Products,
    /// A hundred of one stream.
    Window,
    /// One of each of sixteen streams.
    Batch,
}

/// Something to time.
pub struct Work {
    /// Steps that one run of it does.
    pub steps: usize,
    /// Does so many runs.
    pub run: Box<dyn FnMut(usize)>,
}

/// A layer with random weights, and what is timed of it.
pub struct Case {
    /// Of the layer.
    pub shape: Shape,
    /// Of the layer.
    pub precision: Precision,
    /// One pass over the weights, without their padding.
    pub floor: Work,
    /// The same, block by block, every other pass backwards.
    pub turning: Work,
    /// The steps.
    pub forms: Vec<(Form, Work)>,
}

macro_rules! shapes {
    ($(($input:literal, $hidden:literal)),*) => {
        impl Shape {
            /// All that are measured.
            pub const ALL: [Self; [$($input),*].len()] = [$(Self { input: $input, hidden: $hidden }),*];
        }

        /// The layers whose shape is `wanted`.
        pub fn cases(wanted: impl Fn(Shape) -> bool) -> Vec<Case> {
            let mut cases = Vec::new();
            $(if wanted(Shape { input: $input, hidden: $hidden }) {
                const BLOCKS: usize = blocks($hidden);
                cases.push(float::<$input, $hidden, { gru_f32_lanes($input, $hidden) }, BLOCKS>());
                cases.push(int8::<$input, $hidden, { gru_int8_lanes($input, $hidden) }, BLOCKS>());
            })*
            cases
        }
    };
}

shapes!((4, 4), (8, 16), (6, 32), (9, 48), (64, 64), (40, 96), (28, 128), (28, 256));

/// In f32.
fn float<const I: usize, const H: usize, const LANES: usize, const BLOCKS: usize>() -> Case {
    let (layer, inputs) = layer::float::<I, H, LANES, BLOCKS>();
    let shape = Shape { input: I, hidden: H };
    let lanes = &layer.lanes()[..shape.registers(size_of::<f32>(), 1)];
    let floor = Floor::detect();
    let block = lanes.len().div_ceil(BLOCKS);
    let pass = move |block, backwards| floor.f32(black_box(lanes), block, backwards);
    let mut forms = vec![(Form::Step, steps(layer, inputs)), (Form::Products, gateless(layer, inputs))];
    if const { I == LARGEST.0 && H == LARGEST.1 } {
        forms.extend([
            (Form::Window, windows(layer, inputs, [0.0; H])),
            (Form::Batch, batches(layer, inputs, [0.0; H])),
        ]);
    }
    Case { shape, precision: Precision::F32, floor: one_way(lanes.len(), pass), turning: turning(block, pass), forms }
}

/// In integers.
fn int8<const I: usize, const H: usize, const LANES: usize, const BLOCKS: usize>() -> Case {
    let (layer, inputs) = layer::int8::<I, H, LANES, BLOCKS>();
    let shape = Shape { input: I, hidden: H };
    let lanes = &layer.lanes()[..shape.registers(size_of::<i8>(), INT8_DEPTH)];
    let floor = Floor::detect();
    let block = lanes.len().div_ceil(BLOCKS);
    let pass = move |block, backwards| floor.int8(black_box(lanes), block, backwards);
    let mut forms = vec![(Form::Step, steps(layer, inputs)), (Form::Products, gateless(layer, inputs))];
    if const { I == LARGEST.0 && H == LARGEST.1 } {
        forms.extend([(Form::Window, windows(layer, inputs, [0; H])), (Form::Batch, batches(layer, inputs, [0; H]))]);
    }
    Case { shape, precision: Precision::Int8, floor: one_way(lanes.len(), pass), turning: turning(block, pass), forms }
}

/// Passes over so many lanes, front to back.
fn one_way(lanes: usize, pass: impl Fn(usize, bool) + 'static) -> Work {
    Work { steps: 1, run: Box::new(move |count| (0..count).for_each(|_| pass(lanes, false))) }
}

/// Passes over blocks of so many lanes, back after each forth.
fn turning(block: usize, pass: impl Fn(usize, bool) + 'static) -> Work {
    Work { steps: 1, run: Box::new(move |count| (0..count).for_each(|at| pass(block, at % 2 == 1))) }
}

/// One step of one stream.
fn steps<L: Model>(layer: L, inputs: [L::Input; INPUTS]) -> Work {
    let mut state = L::State::default();
    let run = move |count| {
        for at in 0..count {
            black_box(layer.step(black_box(&inputs[at % INPUTS]), &mut state));
        }
    };
    Work { steps: 1, run: Box::new(run) }
}

/// One step of one stream, without its gates.
fn gateless<L: Model>(layer: L, inputs: [L::Input; INPUTS]) -> Work {
    let mut state = L::State::default();
    let run = move |count| {
        for at in 0..count {
            products(&layer, black_box(&inputs[at % INPUTS]), &mut state);
            black_box(&state);
        }
    };
    Work { steps: 1, run: Box::new(run) }
}

/// A window of one stream.
fn windows<L: Model>(layer: L, inputs: [L::Input; INPUTS], output: L::Output) -> Work {
    let (mut state, mut outputs) = (L::State::default(), vec![output; WINDOW]);
    let inputs: Vec<_> = inputs.into_iter().cycle().take(WINDOW).collect();
    let run = move |count| {
        for _ in 0..count {
            layer.window(black_box(&inputs), &mut outputs, &mut state);
            black_box(&outputs);
        }
    };
    Work { steps: WINDOW, run: Box::new(run) }
}

/// One step of each of several streams.
fn batches<L: Model>(layer: L, inputs: [L::Input; INPUTS], output: L::Output) -> Work {
    let (mut states, mut outputs) = (vec![L::State::default(); INPUTS], [output; INPUTS]);
    let run = move |count| {
        for _ in 0..count {
            layer.step_batch(black_box(&inputs), &mut outputs, &mut states);
            black_box(&outputs);
        }
    };
    Work { steps: INPUTS, run: Box::new(run) }
}

/// A layer that a piece of work can own.
trait Model: Layer<Input: Copy, Output: Copy, State: 'static> + 'static {}

impl<L: Layer<Input: Copy, Output: Copy, State: 'static> + 'static> Model for L {}
