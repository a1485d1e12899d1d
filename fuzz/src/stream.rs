//! Calls of the streaming API in any order, against one step after the other of the specification: int8 equal bit for bit, f32 within a bound.

use std::fmt::Debug;
use std::ops::RangeInclusive;

use arbitrary::{Result, Unstructured};
use gru_core::backend::scalar::Scalar;
use gru_core::{
    Dense, DenseWeights, Gru, GruState, GruWeights, Layer, QDense, QDenseWeights, QGru, QGruWeights, ResetAfter,
    ResetBefore, Stream, Wide, layout,
};

use super::layer::{BIAS, BLOCKS, H, I, LANES, MULTIPLIER, QBIAS, QLANES, REQUANTIZATION, SHIFT, float, int8, near};
use super::random::Random;

/// Outputs of a model.
const O: usize = 3;

type State<L> = <L as Layer>::State;
type Real = (Gru<I, H, ResetBefore>, Dense<H, O>);
type Integer = (Wide<QGru<I, H, ResetAfter>>, QDense<H, O>);

static F32: GruWeights<I, H, ResetBefore, LANES, BLOCKS> =
    GruWeights::pack(&float::<I, 3>(0), &float::<H, 3>(1000), &BIAS);
static F32_HEAD: DenseWeights<H, O, { layout::dense_f32_lanes(H, O) }, { layout::blocks(O) }> =
    DenseWeights::pack(&[[0.1; H], [-0.2; H], [0.3; H]], &[0.0, 0.1, 0.2]);
static REAL: Real = (Gru::new(&F32), Dense::new(&F32_HEAD));

static INT8: QGruWeights<I, H, ResetAfter, QLANES, BLOCKS> =
    QGruWeights::pack(&int8::<I, 3>(0), &int8::<H, 3>(1000), &QBIAS, &MULTIPLIER, &SHIFT, REQUANTIZATION);
static INT8_HEAD: QDenseWeights<H, O, { layout::dense_int8_lanes(H, O) }, { layout::blocks(O) }> =
    QDenseWeights::pack(&[[10; H], [-20; H], [30; H]], &[0, 100, 200], &[20_000; O], &[9; O]);
static INTEGER: Integer = (Wide(QGru::new(&INT8)), QDense::new(&INT8_HEAD));

/// Largest difference of an f32 output to that of the specification: the head adds up to 0.3 of the 2e-6 of each unit.
const OUTPUT_BOUND: f32 = 0.3 * H as f32 * 2e-6;

/// Streams that are followed at once: whole passes of every backend, and some over.
const STREAMS: usize = 11;

/// Most calls.
const CALLS: usize = 200;

/// Most steps of a window: whole passes, and some over.
const WINDOW: usize = 19;

/// Makes the calls that the bytes describe of a layer, in int8 or in f32, on the active backend.
pub fn layers(bytes: &[u8]) {
    let mut bytes = Unstructured::new(bytes);
    let done = if bytes.arbitrary().unwrap_or_default() {
        let same = |a: &[f32; H], b: &[f32; H]| near(a, b);
        let same_state = |a: &GruState<H>, b: &GruState<H>| near(a.hidden(), b.hidden());
        Calls { model: &REAL.0, input: real, same, same_state }.make(&mut bytes)
    } else {
        Calls { model: &INTEGER.0, input: integer, same: PartialEq::eq, same_state: PartialEq::eq }.make(&mut bytes)
    };
    done.expect("zeros follow the last byte");
}

/// Makes the calls that the bytes describe of a layer with a head, in int8 or in f32, on the active backend.
#[allow(dead_code, reason = "the tests have those of tuples elsewhere: what this calls takes long to compile")]
pub fn stacks(bytes: &[u8]) {
    let mut bytes = Unstructured::new(bytes);
    let done = if bytes.arbitrary().unwrap_or_default() {
        let same = |a: &[f32; O], b: &[f32; O]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < OUTPUT_BOUND);
        let same_state = |(a, _): &State<Real>, (b, _): &State<Real>| near(a.hidden(), b.hidden());
        Calls { model: &REAL, input: real, same, same_state }.make(&mut bytes)
    } else {
        Calls { model: &INTEGER, input: integer, same: PartialEq::eq, same_state: PartialEq::eq }.make(&mut bytes)
    };
    done.expect("zeros follow the last byte");
}

fn real(random: &mut Random) -> [f32; I] {
    [(); I].map(|()| random.unit())
}

fn integer(random: &mut Random) -> [i16; I] {
    [(); I].map(|()| (random.unit() * 127.9 * 128.0) as i16)
}

/// Calls of a model: how an input is drawn, and which outputs and states are the same.
struct Calls<L: Layer + 'static> {
    model: &'static L,
    input: fn(&mut Random) -> L::Input,
    same: fn(&L::Output, &L::Output) -> bool,
    same_state: fn(&L::State, &L::State) -> bool,
}

/// States, and those that the specification reaches by the same steps.
struct Streams<L: Layer> {
    found: Vec<L::State>,
    expected: Vec<L::State>,
}

impl<L: Layer<Output: Clone + PartialEq + Debug, State: Debug>> Calls<L> {
    fn make(&self, bytes: &mut Unstructured<'_>) -> Result<()> {
        let mut random = Random(bytes.arbitrary()?);
        let mut streams = Streams::<L> { found: Vec::new(), expected: Vec::new() };
        streams.found.resize(STREAMS, L::State::default());
        streams.expected.resize(STREAMS, L::State::default());
        let (mut stream, mut after) = (Stream::new(self.model), L::State::default());
        for _ in 0..CALLS {
            if bytes.is_empty() {
                break;
            }
            let slot = bytes.choose_index(STREAMS)?;
            match bytes.int_in_range(0..=7)? {
                0 => self.window(bytes, &mut random, &mut streams, slot)?,
                1 => self.batch(bytes, &mut random, &mut streams)?,
                2 => {
                    self.model.reset(&mut streams.found[slot]);
                    streams.expected[slot] = L::State::default();
                }
                3 => {
                    let from = bytes.choose_index(STREAMS)?;
                    streams.found[slot] = streams.found[from].clone();
                    streams.expected[slot] = streams.expected[from].clone();
                }
                4 => {
                    let x = (self.input)(&mut random);
                    let found = self.model.step(&x, &mut streams.found[slot]);
                    self.check(found, self.model.forward(Scalar, &x, &mut streams.expected[slot]));
                }
                5 => {
                    let x = (self.input)(&mut random);
                    self.check(stream.step(&x), self.model.forward(Scalar, &x, &mut after));
                }
                6 => {
                    // What the clone does is not seen by the stream.
                    let mut clone = stream.clone();
                    clone.step(&(self.input)(&mut random));
                    streams.found[slot] = stream.state().clone();
                    streams.expected[slot] = after.clone();
                }
                _ => {
                    stream.reset();
                    after = L::State::default();
                }
            }
            self.check_state(stream.state(), &after);
            self.check_state(&streams.found[slot], &streams.expected[slot]);
        }
        streams.found.iter().zip(&streams.expected).for_each(|(found, expected)| self.check_state(found, expected));
        Ok(())
    }

    /// Inputs and outputs of different numbers: as many steps as both have are made.
    fn window(
        &self,
        bytes: &mut Unstructured<'_>,
        random: &mut Random,
        streams: &mut Streams<L>,
        slot: usize,
    ) -> Result<()> {
        let xs = self.inputs(bytes, random, 0..=WINDOW)?;
        let untouched = self.untouched(random);
        let mut outputs = vec![untouched.clone(); bytes.int_in_range(0..=WINDOW)?];
        self.model.window(&xs, &mut outputs, &mut streams.found[slot]);
        let done = xs.len().min(outputs.len());
        for (x, output) in xs.iter().zip(&outputs) {
            self.check(output, self.model.forward(Scalar, x, &mut streams.expected[slot]));
        }
        assert!(outputs[done..].iter().all(|output| *output == untouched), "an output without an input was written");
        Ok(())
    }

    /// Inputs, outputs and states of different numbers: as many streams as all have make a step.
    fn batch(&self, bytes: &mut Unstructured<'_>, random: &mut Random, streams: &mut Streams<L>) -> Result<()> {
        let xs = self.inputs(bytes, random, 0..=STREAMS)?;
        let untouched = self.untouched(random);
        let mut outputs = vec![untouched.clone(); bytes.int_in_range(0..=STREAMS)?];
        let first = bytes.choose_index(STREAMS)?;
        self.model.step_batch(&xs, &mut outputs, &mut streams.found[first..]);
        let done = xs.len().min(outputs.len()).min(STREAMS - first);
        for ((x, output), state) in xs.iter().zip(&outputs).zip(&mut streams.expected[first..]) {
            self.check(output, self.model.forward(Scalar, x, state));
        }
        assert!(outputs[done..].iter().all(|output| *output == untouched), "an output without a stream was written");
        Ok(())
    }

    fn inputs(
        &self,
        bytes: &mut Unstructured<'_>,
        random: &mut Random,
        count: RangeInclusive<usize>,
    ) -> Result<Vec<L::Input>> {
        Ok((0..bytes.int_in_range(count)?).map(|_| (self.input)(random)).collect())
    }

    /// An output that a call is not likely to give.
    fn untouched(&self, random: &mut Random) -> L::Output {
        self.model.forward(Scalar, &(self.input)(random), &mut L::State::default()).clone()
    }

    fn check(&self, found: &L::Output, expected: &L::Output) {
        assert!((self.same)(found, expected), "{found:?} for {expected:?}");
    }

    fn check_state(&self, found: &L::State, expected: &L::State) {
        assert!((self.same_state)(found, expected), "{found:?} for {expected:?}");
    }
}
