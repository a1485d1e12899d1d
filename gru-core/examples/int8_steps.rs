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
/// Whether there are several backends, which share weights in batches and windows and take blocks in pairs: elsewhere size changes nothing.
const SEVERAL: bool = cfg!(any(target_arch = "x86_64", target_arch = "aarch64"));
/// Units of a layer whose weights batches and windows share, and of whose blocks there are two pairs.
const SHARED: usize = if SEVERAL { 73 } else { H };
/// Units of one whose weights are more than a first-level cache holds.
const FAR: usize = if SEVERAL { 99 } else { H };

const REQUANTIZATION: Requantization = Requantization { input_shift: 1, view: 127 };

/// Weights of one number, as everything else.
macro_rules! weights {
    ($($name:ident: $units:ident, $gating:ty;)+) => {$(
        static $name: QGruWeights<
            I, $units, $gating, { layout::gru_int8_lanes(I, $units) }, { layout::blocks($units) }
        > = QGruWeights::pack(
            &[[[1; I]; $units]; 3],
            &[[[2; $units]; $units]; 3],
            &[[3; $units]; 4],
            &[[4; $units]; 4],
            &[[5; $units]; 4],
            REQUANTIZATION,
        );
    )+};
}

weights! {
    AFTER: H, ResetAfter;
    SHARED_AFTER: SHARED, ResetAfter;
    SHARED_BEFORE: SHARED, ResetBefore;
    FAR_AFTER: FAR, ResetAfter;
}
static HEAD: QDenseWeights<H, O, { layout::dense_int8_lanes(H, O) }, { layout::blocks(O) }> =
    QDenseWeights::pack(&[[1; H]; O], &[2; O], &[3; O], &[2; O]);
static TABLE: [[i8; I]; 9] = [[5; I]; 9];
static WIDE_TABLE: [[i16; I]; 9] = [[500; I]; 9];
static HALVES: [i8; 256] = [64; 256];
static GAINS: [i16; H] = [3; H];
static BIASES: [i32; H] = [4; H];

#[path = "int8_steps/cells.rs"]
pub mod cells;

/// One column of the input weights.
#[inline(never)]
pub fn step_symbol(symbol: u16, state: &mut <QGru<I, SHARED> as Layer>::State) -> i8 {
    static MODEL: OneHot<QGru<I, SHARED>> = OneHot(QGru::new(&SHARED_AFTER));
    MODEL.step(&symbol, state)[0]
}

type Chain = (
    Embedding<i8, 9, I>,
    QGru<I, H>,
    Lookup<H>,
    QLayerNorm<H>,
    Quantize<H>,
    QDense<H, O>,
    QActivate<math::Tanh, O>,
    QSoftmax<O>,
);

/// A stream of symbols, and its reset: a row of a table, the reset after, the layers without a matrix, and the class.
#[inline(never)]
pub fn step_stream(stream: &mut Stream<'static, Chain>, symbol: u16) -> usize {
    static MODEL: Chain = (
        Embedding::new(&TABLE),
        QGru::new(&AFTER),
        Lookup::new(&HALVES),
        QLayerNorm::new(&GAINS, &BIASES, 5, 6),
        Quantize::new([1; H], [2; H], [3; H]),
        QDense::new(&HEAD),
        QActivate::new(),
        QSoftmax::new(15),
    );
    if stream.outside(&symbol) > 0 {
        stream.reset();
    } else if symbol == 0 {
        *stream = Stream::new(&MODEL);
    }
    argmax(stream.step(&symbol))
}

/// A whole window, reset after, and the reset.
#[inline(never)]
pub fn step_window(inputs: &[[i8; I]], outputs: &mut [[i8; FAR]], state: &mut <QGru<I, FAR> as Layer>::State) {
    static MODEL: QGru<I, FAR> = QGru::new(&FAR_AFTER);
    MODEL.window(inputs, outputs, state);
    MODEL.reset(state);
}

type SharedModel = (Quantize<I, i16>, Wide<QGru<I, SHARED, ResetBefore>>, QDense<SHARED, O>);

static SHARED_HEAD: QDenseWeights<SHARED, O, { layout::dense_int8_lanes(SHARED, O) }, { layout::blocks(O) }> =
    QDenseWeights::pack(&[[1; SHARED]; O], &[2; O], &[3; O], &[2; O]);

/// Several streams: reset before, a wide input, and the probabilities of the first.
#[inline(never)]
pub fn step_batch(
    counts: &[[i16; I]],
    outputs: &mut [[i16; O]],
    states: &mut [<SharedModel as Layer>::State],
) -> Option<[i16; O]> {
    static MODEL: SharedModel =
        (Quantize::new([1; I], [2; I], [3; I]), Wide(QGru::new(&SHARED_BEFORE)), QDense::new(&SHARED_HEAD));
    MODEL.step_batch(counts, outputs, states);
    outputs.first().map(|&first| softmax_q15(&first, 10))
}

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

static FROM_HEAD: QGruWeights<O, H, ResetBefore, { layout::gru_int8_lanes(O, H) }, { layout::blocks(H) }> =
    QGruWeights::pack(&[[[1; O]; H]; 3], &[[[2; H]; H]; 3], &[[3; H]; 4], &[[4; H]; 4], &[[5; H]; 4], REQUANTIZATION);

/// The layers of 16 bits.
#[inline(never)]
pub fn step_chain(counts: &[i16; I], state: &mut <WideChain as Layer>::State) -> usize {
    static MODEL: WideChain = (
        Quantize::new([1; I], [2; I], [3; I]),
        Wide(QGru::new(&AFTER)),
        QLayerNorm::new(&GAINS, &BIASES, 5, 6),
        Quantize::new([1; H], [2; H], [3; H]),
        Wide(QDense::new(&HEAD)),
        Quantize::new([1; O], [2; O], [3; O]),
        Wide(QGru::new(&FROM_HEAD)),
    );
    argmax(MODEL.step(counts, state))
}

/// A window from both ends.
#[inline(never)]
pub fn step_both(inputs: &[[i16; I]; 7]) -> [[i8; 2 * H]; 7] {
    static MODEL: (Steps<Quantize<I>>, Bidirectional<QGru<I, H>, QGru<I, H>, { 2 * H }>) =
        (Steps(Quantize::new([1; I], [2; I], [3; I])), Bidirectional::new(QGru::new(&AFTER), QGru::new(&AFTER)));
    MODEL.window(inputs)
}

/// One output of a window, from both ends. That of a GRU is in `float_steps.rs`.
#[inline(never)]
pub fn step_ends(inputs: &[[i16; I]; 7]) -> [[i8; I]; 7] {
    static MODEL: Ends<Bidirectional<Quantize<I>, Quantize<I>, I, Product>> =
        Ends(Bidirectional::new(Quantize::new([1; I], [2; I], [3; I]), Quantize::new([1; I], [2; I], [3; I])));
    MODEL.window(inputs)
}

/// What is outside of the range of each kind of input.
#[inline(never)]
pub fn outside(counts: &[i16; I], x: &[i8; I], symbol: u16) -> [usize; 7] {
    static COUNTS: (Quantize<I, i16>, Wide<QGru<I, H>>) =
        (Quantize::new([1; I], [2; I], [3; I]), Wide(QGru::new(&AFTER)));
    static NARROW: Quantize<I> = Quantize::new([1; I], [2; I], [3; I]);
    static CELL: QGru<I, H> = QGru::new(&AFTER);
    static WIDE: Wide<QGru<I, H>> = Wide(QGru::new(&AFTER));
    static SYMBOL: OneHot<QGru<I, H>> = OneHot(QGru::new(&AFTER));
    static ROW: Embedding<i8, 9, I> = Embedding::new(&TABLE);
    static WIDE_ROW: Embedding<i16, 9, I> = Embedding::new(&WIDE_TABLE);
    [
        COUNTS.outside(counts),
        NARROW.outside(counts),
        CELL.outside(x),
        WIDE.outside(counts),
        SYMBOL.outside(&symbol),
        ROW.outside(&symbol),
        WIDE_ROW.outside(&symbol),
    ]
}
