//! States and inputs that no model makes, on one backend.

use super::random::Random;
use super::room::Room;
use gru_core::backend::{Backend, scalar::Scalar};
use gru_core::layout::{self, Gates, GruShape, INT8_DEPTH, Order, Scales, UNITS};
use gru_core::math::Rational;
use gru_core::slices::{GruInput, GruSlice, QGruInput, QGruSlice};
use gru_core::{Quantized, Requantization, quant};

const I: usize = 7;
/// No whole number of blocks.
const H: usize = 37;

/// Steps after which a layer whose state contracts by [`CONTRACTION`] has forgotten what it was: 2 · (3/4)³² is 2e-4.
const FORGOTTEN: usize = 32;
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

/// NaN stays until the reset, ±∞ saturates and is forgotten, and what is too small to be a normal number counts for nothing.
pub fn float<B: Backend>(backend: B) {
    let mut random = Random(8);
    for gates in Gates::ALL {
        let shape = GruShape { input_size: I, hidden_size: H, order: Order::F32, gates };
        // None is zero, of which the product with ∞ is NaN.
        let mut weights = |len: usize| -> Vec<f32> {
            (0..len).map(|_| random.unit() * 0.01).map(|w| if w < 0.0 { w - 1e-4 } else { w + 1e-4 }).collect()
        };
        let (weight_ih, weight_hh) = (weights(gates.count() * H * I), weights(gates.count() * H * H));
        let bias: Vec<f32> = [0.0, -0.5, 0.1, 0.0].into_iter().flat_map(|bias| [bias; H]).collect();
        let mut lanes = vec![[0.0; UNITS]; shape.lanes()];
        shape.pack(&weight_ih, &weight_hh, lanes.as_flattened_mut());
        let mut packed_bias = vec![[[0.0; UNITS]; 4]; layout::blocks(H)];
        layout::pack_rows(&bias, H, &mut packed_bias);
        let layer = GruSlice { shape, lanes: &lanes, bias: &packed_bias };
        let step = |x: &[f32; I], h: &mut [f32]| {
            let scratch = [&mut [0.0; H][..], &mut [0.0; H]];
            layer.step_on::<B, Rational>(backend, GruInput::Dense(x), h, scratch).unwrap();
        };

        for (hostile, channel) in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX, f32::MIN].into_iter().zip(0..)
        {
            let mut x = [0.5; I];
            let (mut found, mut clean) = ([0.25; H], [0.25; H]);
            step(&x, &mut clean);
            x[channel] = hostile;
            step(&x, &mut found);
            x[channel] = 0.5;
            for _ in 0..FORGOTTEN {
                if hostile.is_nan() {
                    assert!(found.iter().all(|h| h.is_nan()), "{gates:?}: {found:?}");
                } else {
                    assert!(found.iter().all(|h| h.abs() <= 1.0), "{gates:?}, {hostile}: {found:?}");
                }
                step(&x, &mut found);
                step(&x, &mut clean);
            }
            if hostile.is_nan() {
                (found, clean) = ([0.0; H], [0.0; H]);
                step(&x, &mut found);
                step(&x, &mut clean);
            }
            for (found, clean) in found.iter().zip(&clean) {
                assert!((found - clean).abs() < 1e-6, "{gates:?}, {hostile}: {found} for {clean}");
            }
        }

        // Whether they are flushed to zero or not.
        let (mut tiny, mut zero) = ([1e-40; H], [0.0; H]);
        for _ in 0..3 {
            step(&[-1e-42; I], &mut tiny);
            step(&[0.0; I], &mut zero);
            assert_eq!(tiny, zero, "{gates:?}");
        }
    }
}
