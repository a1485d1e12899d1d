//! The cells and functions that the other steps leave out. On processors of one backend: it would take minutes to compile all of them for
//! each of several.

use gru_core::{
    Activate, Bidirectional, Embedding, F16, Gating, Gru, GruWeights, Layer, Mean, NoReset, NoUpdate, OneHot,
    ResetBefore, Stream, Sum, Weight, Window, layout, math,
};

use crate::{H, HALF_BEFORE, I, SHARED, TENTH};

#[macro_use]
#[path = "../streams/mod.rs"]
mod streams;

/// Weights of a cell of so many gates.
macro_rules! ablated {
    ($($name:ident: $gates:literal, $gating:ty, $weight:ty = $value:expr;)+) => {$(
        static $name: GruWeights<I, H, $gating, { layout::gru_f32_lanes(I, H) / 3 * $gates }, { layout::blocks(H) }, $weight> =
            ablated::<_, _, $gates, _>($value);
    )+};
}

const fn ablated<R: Gating, W: Weight, const G: usize, const LANES: usize>(
    weight: W,
) -> GruWeights<I, H, R, LANES, { layout::blocks(H) }, W> {
    GruWeights::pack(&[[[weight; I]; H]; G], &[[[weight; H]; H]; G], &[[0.3; H]; 4])
}

ablated! {
    NO_RESET: 2, NoReset, f32 = 0.1;
    NO_RESET_HALF: 2, NoReset, F16 = TENTH;
    NO_UPDATE: 2, NoUpdate, f32 = 0.1;
    NO_UPDATE_BEFORE: 2, NoUpdate<ResetBefore>, f32 = 0.1;
    PLAIN: 1, NoUpdate<NoReset>, f32 = 0.1;
    PLAIN_HALF: 1, NoUpdate<NoReset>, F16 = TENTH;
}

static SYMBOLS: [[F16; I]; 9] = [[TENTH; I]; 9];

streams! {
    no_reset: Gru<I, H, NoReset> = Gru::new(&NO_RESET);
    no_reset_half: Gru<I, H, NoReset, math::Rational, F16> = Gru::new(&NO_RESET_HALF);
    no_update: Gru<I, H, NoUpdate> = Gru::new(&NO_UPDATE);
    no_update_before: Gru<I, H, NoUpdate<ResetBefore>> = Gru::new(&NO_UPDATE_BEFORE);
    plain: Gru<I, H, NoUpdate<NoReset>> = Gru::new(&PLAIN);
    plain_half: Gru<I, H, NoUpdate<NoReset>, math::Rational, F16> = Gru::new(&PLAIN_HALF);
    symbol_before: OneHot<Gru<I, SHARED, ResetBefore, math::Rational, F16>> = OneHot(Gru::new(&HALF_BEFORE));
    symbol_no_reset: OneHot<Gru<I, H, NoReset>> = OneHot(Gru::new(&NO_RESET));
    embedding_half: (Embedding<F16, 9, I>, Activate<math::Sigmoid, I>) = (Embedding::new(&SYMBOLS), Activate::new());
    linear: Activate<math::Linear, H> = Activate::new();
}

/// Windows from both ends whose halves are added or averaged.
#[inline(never)]
pub fn merges(inputs: &[[f32; I]; 7]) -> ([[f32; I]; 7], [[f32; I]; 7]) {
    type Both<M> = Bidirectional<Activate<math::Relu, I>, Activate<math::Relu, I>, I, M>;
    static SUM: Both<Sum> = Bidirectional::new(Activate::new(), Activate::new());
    static MEAN: Both<Mean> = Bidirectional::new(Activate::new(), Activate::new());
    (SUM.window(inputs), MEAN.window(inputs))
}
