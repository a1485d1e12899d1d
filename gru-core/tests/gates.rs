//! Every choice of gates: const-generic cells against the slice kernels, and windows and batches against single steps.

use std::fmt::Debug;

use gru_core::backend::scalar::Scalar;
use gru_core::layout::{self, GruShape, INT8_DEPTH, Order, Scales, UNITS};
use gru_core::math::Rational;
use gru_core::slices::{GruInput, GruSlice, QGruInput, QGruSlice};
use gru_core::{
    Gating, Gru, GruWeights, Layer, NoReset, NoUpdate, QGru, QGruState, QGruWeights, Quantized, ResetAfter,
    ResetBefore, Wide,
};

mod layer;
mod random;
mod room;
use layer::{
    BIAS, BLOCKS, H, I, LANES, MULTIPLIER, QBIAS, QLANES, REQUANTIZATION, SHIFT, STEPS, float, inputs, int8, near,
};
use room::Room;

fn f32_cells_are_their_slice<R: Gating, const G: usize>(cell: &Gru<I, H, R>) {
    let (weight_ih, weight_hh) = (float::<I, G>(0), float::<H, G>(1000));
    let shape = GruShape { input_size: I, hidden_size: H, order: Order::F32, gates: R::GATES };
    let mut lanes = vec![[0.0; UNITS]; shape.lanes()];
    shape.pack(
        weight_ih.as_flattened().as_flattened(),
        weight_hh.as_flattened().as_flattened(),
        lanes.as_flattened_mut(),
    );
    let mut bias = vec![[[0.0; UNITS]; 4]; BLOCKS];
    layout::pack_rows(BIAS.as_flattened(), H, &mut bias);
    let slice = GruSlice { shape, lanes: &lanes, bias: &bias };
    let (mut state, mut h) = (Default::default(), [0.0; H]);
    let xs = inputs().map(|x| x.map(|x| f32::from(x) / 16384.0));
    let window = cell.forward_window::<_, STEPS>(Scalar, xs.each_ref(), &mut Default::default());
    let mut states = [(); 2].map(|()| Default::default());
    for (t, x) in xs.iter().enumerate() {
        let scratch = [&mut [0.0; H][..], &mut [0.0; H]];
        slice.step_on::<Scalar, Rational>(Scalar, GruInput::Dense(x), &mut h, scratch).unwrap();
        assert_eq!(cell.forward(Scalar, x, &mut state), &h);
        assert!(near(&window[t], &h), "step {t} of a window");
        let batch = cell.forward_batch(Scalar, [x, x], states.each_mut());
        assert!(batch.iter().all(|stream| near(*stream, &h)), "step {t} of a batch");
    }
}

fn int8_cells_are_their_slice<R: Gating, V: Quantized + PartialEq + Debug, const G: usize>(cell: QGru<I, H, R, V>) {
    let (weight_ih, weight_hh) = (int8::<I, G>(0), int8::<H, G>(1000));
    let shape = GruShape { input_size: I, hidden_size: H, order: Order::INT8, gates: R::GATES };
    let mut lanes = vec![[[0; INT8_DEPTH]; UNITS]; shape.lanes()];
    shape.pack_int8(weight_ih.as_flattened().as_flattened(), weight_hh.as_flattened().as_flattened(), &mut lanes);
    let mut scales = vec![Scales::ZERO; BLOCKS];
    Scales::pack(H, QBIAS.as_flattened(), MULTIPLIER.as_flattened(), SHIFT.as_flattened(), &mut scales);
    let slice = QGruSlice { shape, lanes: &lanes, scales: &scales, requantization: REQUANTIZATION };
    let (mut state, mut h, mut view) = (QGruState::default(), [0; H], [V::default(); H]);
    let mut room = Room::new(I, H);
    let (xs, wide) = (inputs(), Wide(cell));
    let window = wide.forward_window::<_, STEPS>(Scalar, xs.each_ref(), &mut Default::default());
    let mut states = [(); 2].map(|()| Default::default());
    for (t, x) in xs.iter().enumerate() {
        let [high, low] = [x.map(|x| gru_core::quant::split(x).0), x.map(|x| gru_core::quant::split(x).1)];
        let input = QGruInput::Wide { high: &high, low: &low };
        slice.step_on(Scalar, input, &mut h, &mut view, room.borrow()).unwrap();
        assert_eq!(wide.forward(Scalar, x, &mut state), &view);
        assert_eq!(state.hidden(), &h);
        assert_eq!(window[t], view, "step {t} of a window");
        assert_eq!(wide.forward_batch(Scalar, [x, x], states.each_mut()), [&view, &view], "step {t} of a batch");
    }
}

macro_rules! gatings {
    ($($name:ident: $gating:ty, $gates:literal gates;)+) => {$(
        mod $name {
            use super::*;

            pub static F32: GruWeights<I, H, $gating, { LANES / 3 * $gates }, BLOCKS> =
                GruWeights::pack(&float::<I, $gates>(0), &float::<H, $gates>(1000), &BIAS);
            pub static INT8: QGruWeights<I, H, $gating, { QLANES / 3 * $gates }, BLOCKS> = QGruWeights::pack(
                &int8::<I, $gates>(0),
                &int8::<H, $gates>(1000),
                &QBIAS,
                &MULTIPLIER,
                &SHIFT,
                REQUANTIZATION,
            );

            #[test]
            fn in_f32() {
                f32_cells_are_their_slice::<$gating, $gates>(&Gru::new(&F32));
            }

            #[test]
            fn in_int8() {
                int8_cells_are_their_slice::<$gating, i8, $gates>(QGru::new(&INT8));
            }
        }
    )+};
}

gatings! {
    reset_after: ResetAfter, 3 gates;
    reset_before: ResetBefore, 3 gates;
    no_reset: NoReset, 2 gates;
    no_update: NoUpdate, 2 gates;
    no_update_with_the_reset_before: NoUpdate<ResetBefore>, 2 gates;
    plain_rnn: NoUpdate<NoReset>, 1 gates;
}

/// A wide view is the same kernels with another product: of one pass and of two.
#[test]
fn wide_views_of_the_state() {
    int8_cells_are_their_slice::<_, i16, 3>(QGru::<I, H, ResetAfter, _>::new(&reset_after::INT8));
    int8_cells_are_their_slice::<_, i16, 3>(QGru::<I, H, ResetBefore, _>::new(&reset_before::INT8));
}
