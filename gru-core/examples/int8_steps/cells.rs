//! The cells and functions that the other steps leave out. On processors of one backend: it would take minutes to compile all of them for
//! each of several.

use gru_core::{
    Bidirectional, Embedding, Gating, Layer, Mean, NoReset, NoUpdate, OneHot, QActivate, QGru, QGruWeights, Quantize,
    ResetAfter, ResetBefore, Stream, Sum, Wide, Window, layout, math,
};

use crate::{AFTER, H, I, REQUANTIZATION, WIDE_TABLE};

#[macro_use]
#[path = "../streams/mod.rs"]
mod streams;

/// Weights of a cell of so many gates.
macro_rules! ablated {
    ($($name:ident: $gates:literal, $gating:ty;)+) => {$(
        static $name: QGruWeights<I, H, $gating, { layout::gru_int8_lanes(I, H) / 3 * $gates }, { layout::blocks(H) }> =
            ablated::<_, $gates, _>();
    )+};
}

const fn ablated<R: Gating, const G: usize, const LANES: usize>() -> QGruWeights<I, H, R, LANES, { layout::blocks(H) }>
{
    QGruWeights::pack(&[[[1; I]; H]; G], &[[[2; H]; H]; G], &[[3; H]; 4], &[[4; H]; 4], &[[5; H]; 4], REQUANTIZATION)
}

ablated! {
    NO_RESET: 2, NoReset;
    NO_UPDATE: 2, NoUpdate;
    NO_UPDATE_BEFORE: 2, NoUpdate<ResetBefore>;
    PLAIN: 1, NoUpdate<NoReset>;
}

weights! {
    BEFORE: H, ResetBefore;
}

streams! {
    before: QGru<I, H, ResetBefore> = QGru::new(&BEFORE);
    after_wide_output: QGru<I, H, ResetAfter, i16> = QGru::new(&AFTER);
    before_wide_output: QGru<I, H, ResetBefore, i16> = QGru::new(&BEFORE);
    no_reset: QGru<I, H, NoReset> = QGru::new(&NO_RESET);
    no_reset_wide: Wide<QGru<I, H, NoReset, i16>> = Wide(QGru::new(&NO_RESET));
    no_update: QGru<I, H, NoUpdate> = QGru::new(&NO_UPDATE);
    no_update_wide: Wide<QGru<I, H, NoUpdate, i16>> = Wide(QGru::new(&NO_UPDATE));
    no_update_before: QGru<I, H, NoUpdate<ResetBefore>> = QGru::new(&NO_UPDATE_BEFORE);
    no_update_before_wide: Wide<QGru<I, H, NoUpdate<ResetBefore>, i16>> = Wide(QGru::new(&NO_UPDATE_BEFORE));
    plain: QGru<I, H, NoUpdate<NoReset>> = QGru::new(&PLAIN);
    plain_wide: Wide<QGru<I, H, NoUpdate<NoReset>, i16>> = Wide(QGru::new(&PLAIN));
    symbol_before: OneHot<QGru<I, H, ResetBefore>> = OneHot(QGru::new(&BEFORE));
    symbol_no_reset: OneHot<QGru<I, H, NoReset, i16>> = OneHot(QGru::new(&NO_RESET));
    embedding_wide: (Embedding<i16, 9, I>, Wide<QGru<I, H>>) = (Embedding::new(&WIDE_TABLE), Wide(QGru::new(&AFTER)));
    sigmoid: QActivate<math::Sigmoid, H> = QActivate::new();
    hard_sigmoid: QActivate<math::HardSigmoid<0, 0>, H> = QActivate::new();
    relu: QActivate<math::Relu, H> = QActivate::new();
}

/// Windows from both ends whose halves are added or averaged.
#[inline(never)]
pub fn merges(inputs: &[[i16; I]; 7]) -> ([[i8; I]; 7], [[i16; I]; 7]) {
    type Both<M, V> = Bidirectional<Quantize<I, V>, Quantize<I, V>, I, M>;
    const fn quantize<V>() -> Quantize<I, V> {
        Quantize::new([1; I], [2; I], [3; I])
    }
    static SUM: Both<Sum, i8> = Bidirectional::new(quantize(), quantize());
    static MEAN: Both<Mean, i16> = Bidirectional::new(quantize(), quantize());
    (SUM.window(inputs), MEAN.window(inputs))
}
