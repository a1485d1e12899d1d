//! Every kind of int8 step, as `cargo xtask test` compiles it for each target to see that the code calls nothing that panics, and no float.

#![no_std]

use gru_core::{
    Embedding, Layer, OneHot, QDense, QDenseWeights, QGru, QGruWeights, Quantize, Requantization, ResetAfter,
    ResetBefore, Wide, argmax, layout, softmax_q15,
};

// Sizes that are no multiple of a block or of a group of columns.
const I: usize = 6;
const H: usize = 33;
const O: usize = 5;

type Weights<R> = QGruWeights<I, H, R, { layout::gru_int8_lanes(I, H) }, { layout::blocks(H) }>;

const REQUANTIZATION: Requantization = Requantization { input_shift: 1, view: 127 };
static AFTER: Weights<ResetAfter> =
    Weights::pack(&[[[1; I]; H]; 3], &[[[2; H]; H]; 3], &[[3; H]; 4], &[[4; H]; 4], &[[5; H]; 4], REQUANTIZATION);
static BEFORE: Weights<ResetBefore> =
    Weights::pack(&[[[1; I]; H]; 3], &[[[2; H]; H]; 3], &[[3; H]; 4], &[[4; H]; 4], &[[5; H]; 4], REQUANTIZATION);
static HEAD: QDenseWeights<H, O, { layout::dense_int8_lanes(H, O) }, { layout::blocks(O) }> =
    QDenseWeights::pack(&[[1; H]; O], &[2; O], &[3; O], &[2; O]);
static TABLE: [[i8; I]; 9] = [[5; I]; 9];

type Model = (Quantize<I>, QGru<I, H>, QDense<H, O>);
type WideModel = (Quantize<I, i16>, Wide<QGru<I, H, ResetBefore>>, QDense<H, O>);

/// Reset after, and the class.
#[inline(never)]
pub fn step_after(counts: &[i16; I], state: &mut <Model as Layer>::State) -> usize {
    static MODEL: Model = (Quantize::new([1; I], [2; I], [3; I]), QGru::new(&AFTER), QDense::new(&HEAD));
    argmax(MODEL.step(counts, state))
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

/// A whole window, and the reset.
#[inline(never)]
pub fn step_window(inputs: &[[i8; I]], outputs: &mut [[i8; H]], state: &mut <QGru<I, H> as Layer>::State) {
    static MODEL: QGru<I, H> = QGru::new(&AFTER);
    MODEL.window(inputs, outputs, state);
    MODEL.reset(state);
}
