//! Every kind of int8 step, as `cargo xtask test` compiles it for each target to see that the code calls nothing that panics, and no float.

#![no_std]

use gru_core::{
    Bidirectional, Embedding, Ends, Layer, Lookup, OneHot, Product, QActivate, QDense, QDenseWeights, QGru,
    QGruWeights, QLayerNorm, QSoftmax, Quantize, Requantization, ResetAfter, ResetBefore, Steps, Stream, Wide, Window,
    argmax, layout, math, softmax_q15,
};

// Sizes that are no multiple of a block or of a group of columns.
const I: usize = 6;
const H: usize = 33;
const O: usize = 5;
/// Units of a layer that batches and windows share the weights of.
const SHARED: usize = 99;

type Weights<R> = QGruWeights<I, H, R, { layout::gru_int8_lanes(I, H) }, { layout::blocks(H) }>;
type SharedWeights<R> = QGruWeights<I, SHARED, R, { layout::gru_int8_lanes(I, SHARED) }, { layout::blocks(SHARED) }>;

const REQUANTIZATION: Requantization = Requantization { input_shift: 1, view: 127 };
static AFTER: Weights<ResetAfter> =
    Weights::pack(&[[[1; I]; H]; 3], &[[[2; H]; H]; 3], &[[3; H]; 4], &[[4; H]; 4], &[[5; H]; 4], REQUANTIZATION);
static BEFORE: Weights<ResetBefore> =
    Weights::pack(&[[[1; I]; H]; 3], &[[[2; H]; H]; 3], &[[3; H]; 4], &[[4; H]; 4], &[[5; H]; 4], REQUANTIZATION);
static SHARED_AFTER: SharedWeights<ResetAfter> = SharedWeights::pack(
    &[[[1; I]; SHARED]; 3],
    &[[[2; SHARED]; SHARED]; 3],
    &[[3; SHARED]; 4],
    &[[4; SHARED]; 4],
    &[[5; SHARED]; 4],
    REQUANTIZATION,
);
static SHARED_BEFORE: SharedWeights<ResetBefore> = SharedWeights::pack(
    &[[[1; I]; SHARED]; 3],
    &[[[2; SHARED]; SHARED]; 3],
    &[[3; SHARED]; 4],
    &[[4; SHARED]; 4],
    &[[5; SHARED]; 4],
    REQUANTIZATION,
);
static HEAD: QDenseWeights<H, O, { layout::dense_int8_lanes(H, O) }, { layout::blocks(O) }> =
    QDenseWeights::pack(&[[1; H]; O], &[2; O], &[3; O], &[2; O]);
static TABLE: [[i8; I]; 9] = [[5; I]; 9];

type Model = (Quantize<I>, QGru<I, H>, QDense<H, O>);
type WideModel = (Quantize<I, i16>, Wide<QGru<I, H, ResetBefore>>, QDense<H, O>);

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
#[path = "int8_steps/cells.rs"]
pub mod cells;

/// Reset after, the class, and what was outside of the range.
#[inline(never)]
pub fn step_after(counts: &[i16; I], state: &mut <Model as Layer>::State) -> (usize, usize) {
    static MODEL: Model = (Quantize::new([1; I], [2; I], [3; I]), QGru::new(&AFTER), QDense::new(&HEAD));
    (argmax(MODEL.step(counts, state)), MODEL.outside(counts))
}

/// Reset before, a wide input, and the probabilities.
#[inline(never)]
pub fn step_before(counts: &[i16; I], state: &mut <WideModel as Layer>::State) -> [i16; O] {
    static MODEL: WideModel = (Quantize::new([1; I], [2; I], [3; I]), Wide(QGru::new(&BEFORE)), QDense::new(&HEAD));
    softmax_q15(MODEL.step(counts, state), 10)
}

/// One column of the input weights.
#[inline(never)]
pub fn step_symbol(symbol: u16, state: &mut <QGru<I, H> as Layer>::State) -> i8 {
    static MODEL: OneHot<QGru<I, H>> = OneHot(QGru::new(&AFTER));
    MODEL.step(&symbol, state)[0]
}

/// A row of a table.
#[inline(never)]
pub fn step_embedding(symbol: u16, state: &mut <(Embedding<i8, 9, I>, QGru<I, H>) as Layer>::State) -> i8 {
    static MODEL: (Embedding<i8, 9, I>, QGru<I, H>) = (Embedding::new(&TABLE), QGru::new(&AFTER));
    MODEL.step(&symbol, state)[0]
}

/// A stream, and its reset.
#[inline(never)]
pub fn step_stream<'s>(stream: &'s mut Stream<'static, QGru<I, H>>, x: &[i8; I]) -> &'s [i8; H] {
    static MODEL: QGru<I, H> = QGru::new(&AFTER);
    if stream.outside(x) > 0 {
        stream.reset();
    } else if x == &[0; I] {
        *stream = Stream::new(&MODEL);
    }
    stream.step(x)
}

/// A whole window, and the reset.
#[inline(never)]
pub fn step_window(inputs: &[[i8; I]], outputs: &mut [[i8; SHARED]], state: &mut <QGru<I, SHARED> as Layer>::State) {
    static MODEL: QGru<I, SHARED> = QGru::new(&SHARED_AFTER);
    MODEL.window(inputs, outputs, state);
    MODEL.reset(state);
}

type SharedModel = (Quantize<I, i16>, Wide<QGru<I, SHARED, ResetBefore>>, QDense<SHARED, O>);

static SHARED_HEAD: QDenseWeights<SHARED, O, { layout::dense_int8_lanes(SHARED, O) }, { layout::blocks(O) }> =
    QDenseWeights::pack(&[[1; SHARED]; O], &[2; O], &[3; O], &[2; O]);

/// Several streams.
#[inline(never)]
pub fn step_batch(counts: &[[i16; I]], outputs: &mut [[i16; O]], states: &mut [<SharedModel as Layer>::State]) {
    static MODEL: SharedModel =
        (Quantize::new([1; I], [2; I], [3; I]), Wide(QGru::new(&SHARED_BEFORE)), QDense::new(&SHARED_HEAD));
    MODEL.step_batch(counts, outputs, states);
}

type Chain = (
    Quantize<I>,
    QGru<I, H>,
    Lookup<H>,
    QLayerNorm<H>,
    Quantize<H>,
    QDense<H, O>,
    QActivate<math::Tanh, O>,
    QSoftmax<O>,
);

/// int8 weights, 16 bits between the layers.
type WideChain = (
    Quantize<I, i16>,
    Wide<QGru<I, H, ResetAfter, i16>>,
    QLayerNorm<H, i16>,
    Quantize<H, i16>,
    Wide<QDense<H, O>>,
    Quantize<O, i16>,
    Wide<QGru<O, H, ResetBefore, i16>>,
);

static HALVES: [i8; 256] = [64; 256];
static GAINS: [i16; H] = [3; H];
static BIASES: [i32; H] = [4; H];

static FROM_HEAD: QGruWeights<O, H, ResetBefore, { layout::gru_int8_lanes(O, H) }, { layout::blocks(H) }> =
    QGruWeights::pack(&[[[1; O]; H]; 3], &[[[2; H]; H]; 3], &[[3; H]; 4], &[[4; H]; 4], &[[5; H]; 4], REQUANTIZATION);

/// The layers without a matrix, and those of 16 bits.
#[inline(never)]
pub fn step_chain(
    counts: &[i16; I],
    state: &mut <Chain as Layer>::State,
    wide: &mut <WideChain as Layer>::State,
) -> usize {
    static WIDE: WideChain = (
        Quantize::new([1; I], [2; I], [3; I]),
        Wide(QGru::new(&AFTER)),
        QLayerNorm::new(&GAINS, &BIASES, 5, 6),
        Quantize::new([1; H], [2; H], [3; H]),
        Wide(QDense::new(&HEAD)),
        Quantize::new([1; O], [2; O], [3; O]),
        Wide(QGru::new(&FROM_HEAD)),
    );
    static MODEL: Chain = (
        Quantize::new([1; I], [2; I], [3; I]),
        QGru::new(&AFTER),
        Lookup::new(&HALVES),
        QLayerNorm::new(&GAINS, &BIASES, 5, 6),
        Quantize::new([1; H], [2; H], [3; H]),
        QDense::new(&HEAD),
        QActivate::new(),
        QSoftmax::new(15),
    );
    argmax(MODEL.step(counts, state)) + argmax(WIDE.step(counts, wide))
}

/// A window from both ends.
#[inline(never)]
pub fn step_both(inputs: &[[i16; I]; 7]) -> [[i8; 2 * H]; 7] {
    static MODEL: (Steps<Quantize<I>>, Bidirectional<QGru<I, H>, QGru<I, H>, { 2 * H }>) =
        (Steps(Quantize::new([1; I], [2; I], [3; I])), Bidirectional::new(QGru::new(&AFTER), QGru::new(&AFTER)));
    MODEL.window(inputs)
}

/// One output of a window, from both ends.
#[inline(never)]
pub fn step_ends(inputs: &[[i8; I]; 7]) -> [[i8; H]; 7] {
    static MODEL: Ends<Bidirectional<QGru<I, H>, QGru<I, H>, H, Product>> =
        Ends(Bidirectional::new(QGru::new(&AFTER), QGru::new(&AFTER)));
    MODEL.window(inputs)
}
