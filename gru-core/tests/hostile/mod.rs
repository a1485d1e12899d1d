//! States and inputs that no model makes, on one backend.

mod float;

use super::random::Random;
use super::room::Room;
use gru_core::backend::{Backend, scalar::Scalar};
use gru_core::layout::{self, Gates, GruShape, INT8_DEPTH, Order, Scales, UNITS};
use gru_core::math::Rational;
use gru_core::slices::{GruInput, QGruInput, QGruSlice};
use gru_core::{Quantized, Requantization, quant};

use float::{FORGOTTEN, H, I};

/// Of the state, each step.
const CONTRACTION: f64 = 0.75;

/// What remains in int8, in Q0.15: two steps of the int8 view, by whose rounding two states may go on to differ.
const REST: i32 = 2 * (1 << 15) / 127;

/// Q0.15 of the words that a state may be: its ends, the sign alone, anything.
fn words(random: &mut Random) -> impl FnMut() -> i32 {
    const ENDS: [i32; 6] = [i32::MIN, i32::MAX, 1 << 30, -(1 << 30), -1, 0x4000_7fff];
    || match random.next() {
        bits if bits % 3 == 0 => ENDS[(bits >> 8) as usize % ENDS.len()],
        bits => (bits >> 16) as i32,
    }
}

/// Corrupted states and views: the bits of the specification, and forgotten after so many clean steps.
pub fn int8<B: Backend>(backend: B) {
    let mut random = Random(7);
    for gates in Gates::ALL {
        let shape = GruShape { input_size: I, hidden_size: H, order: Order::INT8, gates };
        let mut weights = |len: usize| -> Vec<i8> { (0..len).map(|_| (random.next() % 9) as i8 - 4).collect() };
        let (weight_ih, weight_hh) = (weights(gates.count() * H * I), weights(gates.count() * H * H));
        // The candidate changes by at most 127 · Σ|w| · 2⁻⁵ steps of Q3.12 for a unit of the state, each gate by half its argument's.
        let rows = weight_hh.chunks(H).map(|row| row.iter().map(|w| f64::from(w.abs())).sum::<f64>());
        let gain = rows.fold(0.0, f64::max) * 127.0 / 32.0 / 4096.0;
        assert!(0.5 + 0.5 * gain * (1.0 + gain / 2.0) + gain < CONTRACTION, "{gain}");
        let mut lanes = vec![[[0; INT8_DEPTH]; UNITS]; shape.lanes()];
        shape.pack_int8(&weight_ih, &weight_hh, &mut lanes);
        // z is below a half.
        let bias: Vec<i32> = [0, -(1 << 15), 1 << 14, 0].into_iter().flat_map(|bias| [bias; H]).collect();
        let mut scales = vec![Scales::ZERO; layout::blocks(H)];
        Scales::pack(H, &bias, &[1 << 14; 4 * H], &[11; 4 * H], &mut scales);
        let requantization = Requantization { input_shift: 0, view: 127 };
        let layer = QGruSlice { shape, lanes: &lanes, scales: &scales, requantization };
        forgets::<B, i8>(backend, &mut random, layer, |bits| bits as i8);
        forgets::<B, i16>(backend, &mut random, layer, |bits| bits as i16);
    }
}

fn forgets<B: Backend, V: Quantized + PartialEq>(
    backend: B,
    random: &mut Random,
    layer: QGruSlice<'_>,
    any: impl Fn(u64) -> V,
) {
    let mut room = Room::new(I, H);
    let clean = (vec![0; H], vec![V::default(); H]);
    let mut corrupted = clean.clone();
    corrupted.0.fill_with(words(random));
    corrupted.1.fill_with(|| any(random.next()));
    let mut states = [corrupted.clone(), corrupted, clean];
    for step in 1..=FORGOTTEN {
        let x: Vec<i8> = (0..I).map(|_| (random.unit() * 127.9) as i8).collect();
        let [expected, found, clean] = &mut states;
        layer.step_on(Scalar, QGruInput::Dense(&x), &mut expected.0, &mut expected.1, room.borrow()).unwrap();
        for (h, view) in [&mut *found, clean] {
            layer.step_on(backend, QGruInput::Dense(&x), h, view, room.borrow()).unwrap();
        }
        assert!(found == expected, "{layer:?}, step {step}");
        // In range from the first step on.
        let limit: i32 = V::saturate(i32::MAX).into();
        assert!(found.1.iter().all(|&view| view.into().abs() <= limit), "{layer:?}, step {step}");
    }
    let [_, found, clean] = &states;
    for (found, clean) in found.0.iter().zip(&clean.0) {
        let [found, clean] = [found, clean].map(|&h| i32::from(quant::state_q15(h)));
        assert!((found - clean).abs() <= REST, "{layer:?}: {found} for {clean}");
    }
}

/// [`float::check`].
pub fn float<B: Backend>(backend: B) {
    let mut random = Random(8);
    float::check(
        |layer, x, h| {
            let scratch = [&mut [0.0; H][..], &mut [0.0; H]];
            layer.step_on::<B, Rational>(backend, GruInput::Dense(x), h, scratch).unwrap();
        },
        || random.unit(),
    );
}
