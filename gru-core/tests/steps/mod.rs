//! Whole steps of every shape on one backend: int8 equal to the specification bit for bit, f32 within a bound of an f64 reference.

use super::random::Random;
use super::room::Room;
use gru_core::backend::{Backend, scalar::Scalar};
use gru_core::layout::{self, Gates, GruShape, INT8_DEPTH, Order, Placement, Scales, UNITS};
use gru_core::math::Rational;
use gru_core::slices::{GruInput, GruSlice, QGruInput, QGruSlice};
use gru_core::{Quantized, Requantization, quant};
use std::hash::Hasher;

use fnv::FnvHasher;

const STEPS: usize = if cfg!(miri) { 2 } else { 50 };

/// Of all states of the layers of [`int8`]: what the specification gives, on every machine.
const INT8_DIGEST: u64 = 0xb959_c68f_a867_4b20;

/// Largest difference of an f32 state to f64 over [`STEPS`] steps.
const F32_BOUND: f64 = 2e-6;

/// All small shapes, and the large ones that are benchmarked.
pub fn shapes() -> impl Iterator<Item = (usize, usize)> {
    let large = [(64, 64), (40, 96), (28, 128), (28, 256)];
    let small: &[usize] = if cfg!(miri) { &[17] } else { &const { first::<40>() } };
    let squares = small.iter().flat_map(move |&i| small.iter().map(move |&h| (i, h)));
    squares.chain(large.into_iter().filter(|_| !cfg!(miri)))
}

/// Both GRUs of every shape, and for the shapes of one diagonal the ablated cells too: they are the same kernels with fewer gates.
pub fn gates(input_size: usize, hidden_size: usize) -> impl Iterator<Item = Gates> {
    let all = (input_size + hidden_size).is_multiple_of(8) || hidden_size > 40;
    Gates::ALL.into_iter().take(if all { Gates::ALL.len() } else { 2 })
}

const fn first<const N: usize>() -> [usize; N] {
    let mut numbers = [0; N];
    let mut at = 0;
    while at < N {
        numbers[at] = at + 1;
        at += 1;
    }
    numbers
}

/// Random and extreme weights, all kinds of input. The specification steps beside the backend only to find where their digests part, and under
/// Miri, which has no time for as many steps.
pub fn int8<B: Backend>(backend: B) {
    if cfg!(miri) {
        int8_layers(backend, Some(Scalar));
        return;
    }
    let found = int8_layers(backend, None);
    if found != INT8_DIGEST {
        int8_layers(backend, Some(Scalar));
        panic!("the specification gives the digest {found:#x}, expected {INT8_DIGEST:#x}");
    }
}

/// The digest of all states.
fn int8_layers<B: Backend>(backend: B, specification: Option<Scalar>) -> u64 {
    let mut random = Random(5);
    let mut hasher = FnvHasher::default();
    for (input_size, hidden_size) in shapes() {
        for gates in gates(input_size, hidden_size) {
            for extreme in [false, true] {
                let shape = GruShape { input_size, hidden_size, order: Order::INT8, gates };
                int8_shape(backend, specification, &mut random, shape, extreme, &mut hasher);
            }
        }
    }
    hasher.finish()
}

fn int8_shape<B: Backend>(
    backend: B,
    specification: Option<Scalar>,
    random: &mut Random,
    shape: GruShape,
    extreme: bool,
    hasher: &mut FnvHasher,
) {
    let GruShape { input_size, hidden_size, gates, .. } = shape;
    let mut weight = || {
        let weight = (random.unit() * 127.9) as i8;
        if !extreme {
            weight
        } else if weight < 0 {
            -127
        } else {
            127
        }
    };
    let weight_ih: Vec<i8> = (0..gates.count() * hidden_size * input_size).map(|_| weight()).collect();
    let weight_hh: Vec<i8> = (0..gates.count() * hidden_size * hidden_size).map(|_| weight()).collect();
    let mut lanes = vec![[[0; INT8_DEPTH]; UNITS]; shape.lanes()];
    shape.pack_int8(&weight_ih, &weight_hh, &mut lanes);
    // Sums of some thousands become pre-activations of some units, with enough of them beyond.
    let rows = 4 * hidden_size;
    let bias: Vec<i32> = (0..rows).map(|_| (random.unit() * 30_000.0) as i32).collect();
    let multiplier: Vec<i16> = (0..rows).map(|_| (random.next() >> 49) as i16).collect();
    let shift: Vec<u8> = (0..rows).map(|_| 5 + (random.next() % 9) as u8).collect();
    let mut scales = vec![Scales::ZERO; layout::blocks(hidden_size)];
    Scales::pack(hidden_size, &bias, &multiplier, &shift, &mut scales);
    let view = [100, 127, 128, 400][random.next() as usize % 4];
    let requantization = Requantization { input_shift: (random.next() % 3) as u8, view };
    let layer = QGruSlice { shape, lanes: &lanes, scales: &scales, requantization };

    int8_views::<B, i8>(backend, specification, random, layer, STEPS, hasher);
    int8_views::<B, i16>(backend, specification, random, layer, STEPS / 5, hasher);
}

/// Steps of a layer that sees its state as `V`.
fn int8_views<B: Backend, V: Quantized + PartialEq>(
    backend: B,
    specification: Option<Scalar>,
    random: &mut Random,
    layer: QGruSlice<'_>,
    steps: usize,
    hasher: &mut FnvHasher,
) {
    let GruShape { input_size, hidden_size, .. } = layer.shape;
    let mut room = Room::new(input_size, hidden_size);
    let mut states = [(); 2].map(|()| (vec![0; hidden_size], vec![V::default(); hidden_size]));
    for step in 0..steps {
        let x: Vec<i16> = (0..input_size).map(|_| (random.unit() * 127.9 * 128.0) as i16).collect();
        let (high, low): (Vec<i8>, Vec<i8>) = x.iter().map(|&x| quant::split(x)).unzip();
        let input = match step % 4 {
            2 => QGruInput::Wide { high: &high, low: &low },
            3 => QGruInput::OneHot((random.next() % (input_size as u64 + 2)) as usize),
            _ => QGruInput::Dense(&high),
        };
        let [(h, seen), (expected_h, expected)] = &mut states;
        layer.step_on(backend, input, h, seen, room.borrow()).unwrap();
        h.iter().for_each(|&h| hasher.write_i32(h));
        seen.iter().for_each(|&seen| hasher.write_i32(seen.into()));
        if let Some(specification) = specification {
            layer.step_on(specification, input, expected_h, expected, room.borrow()).unwrap();
            assert!(h == expected_h && seen == expected, "{layer:?}, step {step}, {input:?}");
        }
    }
}

/// Random weights as layers begin with, and inputs of up to 2.
pub fn float<B: Backend>(backend: B) {
    let mut random = Random(6);
    let mut worst = 0.0f64;
    for (input_size, hidden_size) in shapes() {
        for gates in gates(input_size, hidden_size) {
            worst = worst.max(float_shape(backend, &mut random, input_size, hidden_size, gates));
        }
    }
    assert!(worst < F32_BOUND, "{worst:e}");
}

fn float_shape<B: Backend>(
    backend: B,
    random: &mut Random,
    input_size: usize,
    hidden_size: usize,
    gates: Gates,
) -> f64 {
    let shape = GruShape { input_size, hidden_size, order: Order::F32, gates };
    let scale = 1.0 / (hidden_size as f32).sqrt();
    let mut values = |len: usize, scale: f32| -> Vec<f32> { (0..len).map(|_| random.unit() * scale).collect() };
    let weight_ih = values(gates.count() * hidden_size * input_size, scale);
    let weight_hh = values(gates.count() * hidden_size * hidden_size, scale);
    let bias = values(4 * hidden_size, scale);
    let mut lanes = vec![[0.0; UNITS]; shape.lanes()];
    shape.pack(&weight_ih, &weight_hh, lanes.as_flattened_mut());
    let mut packed_bias = vec![[[0.0; UNITS]; 4]; layout::blocks(hidden_size)];
    layout::pack_rows(&bias, hidden_size, &mut packed_bias);
    let layer = GruSlice { shape, lanes: &lanes, bias: &packed_bias };

    let wide = |weights: &[f32]| -> Vec<f64> { weights.iter().map(|&w| f64::from(w)).collect() };
    let (weight_ih, weight_hh) = (wide(&weight_ih), wide(&weight_hh));
    let dot = |weights: &[f64], row: usize, x: &[f64]| -> f64 {
        weights[row * x.len()..][..x.len()].iter().zip(x).map(|(w, x)| w * x).sum()
    };
    let bias_of = |gate: usize, unit: usize| f64::from(bias[gate * hidden_size + unit]);
    let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
    let (mut h, mut scratch) = (vec![0.0; hidden_size], [vec![0.0; hidden_size], vec![0.0; hidden_size]]);
    let mut exact = vec![0.0f64; hidden_size];
    let mut worst = 0.0f64;
    for step in 0..STEPS {
        let (x, input);
        let dense = values(input_size, 2.0);
        if step % 4 == 3 {
            let symbol = step % (input_size + 1);
            x = (0..input_size).map(|column| if column == symbol { 1.0 } else { 0.0 }).collect();
            input = GruInput::OneHot(symbol);
        } else {
            x = dense.iter().map(|&x| f64::from(x)).collect::<Vec<_>>();
            input = GruInput::Dense(&dense);
        }
        let [first, second] = &mut scratch;
        layer.step_on::<B, Rational>(backend, input, &mut h, [first, second]).unwrap();

        let row = |place: usize, unit: usize| place * hidden_size + unit;
        let gate = |place: usize, unit: usize| {
            let row = row(place, unit);
            sigmoid(dot(&weight_ih, row, &x) + dot(&weight_hh, row, &exact) + bias_of(gates.gate(place), unit))
        };
        let candidate = gates.count() - 1;
        let r: Vec<f64> =
            (0..hidden_size).map(|unit| if gates.reset.is_some() { gate(0, unit) } else { 1.0 }).collect();
        let gated: Vec<f64> = r.iter().zip(&exact).map(|(r, h)| r * h).collect();
        let next = (0..hidden_size).map(|unit| {
            let row = row(candidate, unit);
            let input = dot(&weight_ih, row, &x) + bias_of(2, unit);
            let n = match gates.reset {
                Some(Placement::Before) => input + dot(&weight_hh, row, &gated) + bias_of(3, unit),
                _ => input + r[unit] * (dot(&weight_hh, row, &exact) + bias_of(3, unit)),
            };
            let z = if gates.update { gate(candidate - 1, unit) } else { 0.0 };
            (1.0 - z) * n.tanh() + z * exact[unit]
        });
        exact = next.collect();
        for (found, exact) in h.iter().zip(&exact) {
            worst = worst.max((f64::from(*found) - exact).abs());
        }
    }
    worst
}
