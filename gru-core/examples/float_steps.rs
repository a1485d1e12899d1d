//! Every kind of f32 step, as `cargo xtask test` compiles it for each target to see that the code calls nothing that panics.

#![no_std]

use gru_core::{
    Activate, Bidirectional, Dense, DenseWeights, Dequantize, Embedding, Ends, F16, Gru, GruWeights, Layer, LayerNorm,
    OneHot, Product, QuantizeReal, ResetAfter, ResetBefore, Softmax, Steps, Stream, Window, argmax, layout, math,
    math::{Activation, Rational},
    softmax,
};

// Sizes that are no multiple of a block or of a group of columns.
const I: usize = 6;
const H: usize = 33;
const O: usize = 5;
/// Units of a layer whose f16 weights batches and windows share, and whose blocks backends with pairs of them take by two.
const SHARED: usize = 57;
/// Units of two blocks, which backends with pairs of them take at once, where a block has 16.
const TWO: usize = 20;

type Weights<R> = GruWeights<I, H, R, { layout::gru_f32_lanes(I, H) }, { layout::blocks(H) }>;

static AFTER: Weights<ResetAfter> = Weights::pack(&[[[0.1; I]; H]; 3], &[[[0.2; H]; H]; 3], &[[0.3; H]; 4]);
static BEFORE: Weights<ResetBefore> = Weights::pack(&[[[0.1; I]; H]; 3], &[[[0.2; H]; H]; 3], &[[0.3; H]; 4]);
static TWO_AFTER: GruWeights<I, TWO, ResetAfter, { layout::gru_f32_lanes(I, TWO) }, { layout::blocks(TWO) }> =
    GruWeights::pack(&[[[0.1; I]; TWO]; 3], &[[[0.2; TWO]; TWO]; 3], &[[0.3; TWO]; 4]);
static HEAD: DenseWeights<H, O, { layout::dense_f32_lanes(H, O) }, { layout::blocks(O) }> =
    DenseWeights::pack(&[[0.1; H]; O], &[0.2; O]);
static TABLE: [[f32; I]; 9] = [[0.5; I]; 9];

#[path = "float_steps/cells.rs"]
pub mod cells;

/// Reset before, and the probabilities.
#[inline(never)]
pub fn step_before(x: &[f32; I], state: &mut <(Gru<I, H, ResetBefore>, Dense<H, O>) as Layer>::State) -> [f32; O] {
    static MODEL: (Gru<I, H, ResetBefore>, Dense<H, O>) = (Gru::new(&BEFORE), Dense::new(&HEAD));
    let mut probabilities = *MODEL.step(x, state);
    softmax::<Rational>(&mut probabilities);
    probabilities
}

type Activated<A> = (Gru<I, H, ResetAfter, A>, Dense<H, O>);

/// Reset after, and the probabilities, by an activation.
#[inline(always)]
fn probabilities<A: Activation>(x: &[f32; I], state: &mut <Activated<A> as Layer>::State) -> [f32; O] {
    let model: Activated<A> = (Gru::new(&AFTER), Dense::new(&HEAD));
    let mut probabilities = *model.step(x, state);
    softmax::<A>(&mut probabilities);
    probabilities
}

/// The functions of libm.
#[inline(never)]
pub fn step_exact(x: &[f32; I], state: &mut <Activated<math::Exact> as Layer>::State) -> [f32; O] {
    probabilities::<math::Exact>(x, state)
}

/// Those of micromath.
#[inline(never)]
pub fn step_micromath(x: &[f32; I], state: &mut <Activated<math::Micromath> as Layer>::State) -> [f32; O] {
    probabilities::<math::Micromath>(x, state)
}

/// One column of the input weights.
#[inline(never)]
pub fn step_symbol(symbol: u16, state: &mut <Gru<I, TWO> as Layer>::State) -> f32 {
    static MODEL: OneHot<Gru<I, TWO>> = OneHot(Gru::new(&TWO_AFTER));
    MODEL.step(&symbol, state)[0]
}

type Symbols = (Embedding<f32, 9, I>, Gru<I, H>, Dense<H, O>);

/// A stream of symbols, and its reset: a row of a table, the reset after, and the class.
#[inline(never)]
pub fn step_stream(stream: &mut Stream<'static, Symbols>, symbol: u16) -> usize {
    static MODEL: Symbols = (Embedding::new(&TABLE), Gru::new(&AFTER), Dense::new(&HEAD));
    if stream.outside(&symbol) > 0 {
        stream.reset();
    } else if symbol == 0 {
        *stream = Stream::new(&MODEL);
    }
    argmax(stream.step(&symbol))
}

/// A whole window, and the reset.
#[inline(never)]
pub fn step_window(inputs: &[[f32; I]], outputs: &mut [[f32; H]], state: &mut <Gru<I, H> as Layer>::State) {
    static MODEL: Gru<I, H> = Gru::new(&AFTER);
    MODEL.window(inputs, outputs, state);
    MODEL.reset(state);
}

/// Several streams.
#[inline(never)]
pub fn step_batch(inputs: &[[f32; I]], outputs: &mut [[f32; H]], states: &mut [<Gru<I, H> as Layer>::State]) {
    static MODEL: Gru<I, H> = Gru::new(&AFTER);
    MODEL.step_batch(inputs, outputs, states);
}

type Halves<R> = GruWeights<I, SHARED, R, { layout::gru_f32_lanes(I, SHARED) }, { layout::blocks(SHARED) }, F16>;
type HalfGru<R = ResetAfter> = Gru<I, SHARED, R, Rational, F16>;
type HalfModel = (HalfGru<ResetBefore>, Dense<SHARED, O, F16>);

/// 0.1.
const TENTH: F16 = F16(0x2e66);
static HALF_AFTER: Halves<ResetAfter> =
    Halves::pack(&[[[TENTH; I]; SHARED]; 3], &[[[TENTH; SHARED]; SHARED]; 3], &[[0.3; SHARED]; 4]);
static HALF_BEFORE: Halves<ResetBefore> =
    Halves::pack(&[[[TENTH; I]; SHARED]; 3], &[[[TENTH; SHARED]; SHARED]; 3], &[[0.3; SHARED]; 4]);
static HALF_HEAD: DenseWeights<SHARED, O, { layout::dense_f32_lanes(SHARED, O) }, { layout::blocks(O) }, F16> =
    DenseWeights::pack(&[[TENTH; SHARED]; O], &[0.2; O]);

/// Weights in f16, reset before.
#[inline(never)]
pub fn step_f16(x: &[f32; I], state: &mut <HalfModel as Layer>::State) -> usize {
    static MODEL: HalfModel = (Gru::new(&HALF_BEFORE), Dense::new(&HALF_HEAD));
    argmax(MODEL.step(x, state))
}

/// Symbols, windows and batches over weights in f16, reset after.
#[inline(never)]
pub fn step_f16_each(
    symbol: u16,
    inputs: &[[f32; I]],
    outputs: &mut [[f32; SHARED]],
    states: &mut [<HalfGru as Layer>::State],
) {
    static MODEL: HalfGru = Gru::new(&HALF_AFTER);
    static SYMBOLS: OneHot<HalfGru> = OneHot(Gru::new(&HALF_AFTER));
    MODEL.step_batch(inputs, outputs, states);
    if let Some(state) = states.first_mut() {
        MODEL.window(inputs, outputs, state);
        SYMBOLS.step(&symbol, state);
    }
}

type Hard = math::HardSigmoid<{ 0.2f32.to_bits() }, { 0.5f32.to_bits() }>;
type Clipped = math::Clipped<math::Relu, { 3f32.to_bits() }>;
type Chain = (
    Gru<I, H, ResetAfter, math::Cell<Hard, Clipped>>,
    Activate<math::Tanh, H>,
    (QuantizeReal<H>, Dequantize<H>),
    (QuantizeReal<H, i16>, Dequantize<H, i16>),
    LayerNorm<H>,
    Dense<H, O>,
    Activate<Hard, O>,
    Softmax<O>,
);

static ONES: [f32; H] = [1.0; H];

/// Other functions than σ and tanh, the layers without a matrix, and the ways to integers and back.
#[inline(never)]
pub fn step_chain(x: &[f32; I], state: &mut <Chain as Layer>::State) -> usize {
    static MODEL: Chain = (
        Gru::new(&AFTER),
        Activate::new(),
        (QuantizeReal::new([0.5; H], [9.0; H]), Dequantize::new([0.5; H], [0.1; H])),
        (QuantizeReal::new([0.5; H], [9.0; H]), Dequantize::new([0.5; H], [0.1; H])),
        LayerNorm::new(&ONES, &ONES, 1e-5),
        Dense::new(&HEAD),
        Activate::new(),
        Softmax::new(),
    );
    argmax(MODEL.step(x, state))
}

/// A window from both ends.
#[inline(never)]
pub fn step_both(inputs: &[[f32; I]; 7]) -> [[f32; 2 * H]; 7] {
    static MODEL: (Bidirectional<Gru<I, H>, Gru<I, H>, { 2 * H }>, Steps<Activate<math::Relu, { 2 * H }>>) =
        (Bidirectional::new(Gru::new(&AFTER), Gru::new(&AFTER)), Steps(Activate::new()));
    MODEL.window(inputs)
}

/// One output of a window, from both ends.
#[inline(never)]
pub fn step_ends(inputs: &[[f32; I]; 7]) -> [[f32; H]; 7] {
    static MODEL: Ends<Bidirectional<Gru<I, H>, Gru<I, H>, H, Product>> =
        Ends(Bidirectional::new(Gru::new(&AFTER), Gru::new(&AFTER)));
    MODEL.window(inputs)
}

/// What is outside of the range of each kind of input.
#[inline(never)]
pub fn outside(x: &[f32; I], symbol: u16) -> [usize; 5] {
    static CELL: (Gru<I, H>, Dense<H, O>) = (Gru::new(&AFTER), Dense::new(&HEAD));
    static SYMBOL: OneHot<Gru<I, H>> = OneHot(Gru::new(&AFTER));
    static ROW: Embedding<f32, 9, I> = Embedding::new(&TABLE);
    static NARROW: QuantizeReal<I> = QuantizeReal::new([0.5; I], [9.0; I]);
    static WIDE: QuantizeReal<I, i16> = QuantizeReal::new([0.5; I], [9.0; I]);
    [CELL.outside(x), SYMBOL.outside(&symbol), ROW.outside(&symbol), NARROW.outside(x), WIDE.outside(x)]
}
