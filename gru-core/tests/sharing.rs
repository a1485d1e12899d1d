//! Windows and batches, which share a pass over the weights, against single steps: on the backend of this machine.

use std::array;

use gru_core::backend::scalar::Scalar;
use gru_core::{Gru, GruWeights, Layer, QGru, QGruWeights, ResetAfter, ResetBefore, Wide};

mod layer;
mod random;
use layer::{
    BIAS, BLOCKS, H, I, LANES, MULTIPLIER, QBIAS, QLANES, REQUANTIZATION, SHIFT, STEPS, float, inputs, int8, near,
};

static F32: GruWeights<I, H, ResetBefore, LANES, BLOCKS> =
    GruWeights::pack(&float::<I, 3>(0), &float::<H, 3>(1000), &BIAS);
static INT8: QGruWeights<I, H, ResetAfter, QLANES, BLOCKS> =
    QGruWeights::pack(&int8::<I, 3>(0), &int8::<H, 3>(1000), &QBIAS, &MULTIPLIER, &SHIFT, REQUANTIZATION);

/// Of several blocks, in whole passes and what is left over.
#[test]
fn windows_and_batches_are_single_steps() {
    let (layer, xs) = (Wide(QGru::<I, H, ResetAfter>::new(&INT8)), inputs());
    let before = Gru::<I, H, ResetBefore>::new(&F32);
    let (mut outputs, mut state, mut expected) = ([[0; H]; STEPS], Default::default(), Default::default());
    layer.window(&xs, &mut outputs, &mut state);
    for (x, output) in xs.iter().zip(&outputs) {
        assert_eq!(layer.forward(Scalar, x, &mut expected), output);
    }
    assert_eq!(state, expected);

    let (mut outputs, mut states) = ([[0; H]; STEPS], array::from_fn::<_, STEPS, _>(|_| Default::default()));
    layer.step_batch(&xs, &mut outputs, &mut states);
    for (x, output) in xs.iter().zip(&outputs) {
        assert_eq!(layer.forward(Scalar, x, &mut Default::default()), output);
    }

    let xs = xs.map(|x| x.map(|x| f32::from(x) / 16384.0));
    let (mut outputs, mut expected) = ([[0.0; H]; STEPS], Default::default());
    before.window(&xs, &mut outputs, &mut Default::default());
    for (x, output) in xs.iter().zip(&outputs) {
        assert!(near(before.forward(Scalar, x, &mut expected), output));
    }

    let mut states = array::from_fn::<_, STEPS, _>(|_| Default::default());
    before.step_batch(&xs, &mut outputs, &mut states);
    for (x, output) in xs.iter().zip(&outputs) {
        assert!(near(before.forward(Scalar, x, &mut Default::default()), output));
    }
}
