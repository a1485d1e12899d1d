//! The specification against the equations in f64. `backends.rs` holds the other backends against it.

use gru_core::backend::{Prepared, scalar::Scalar};
use gru_core::layout::{self, DenseShape, Gates, GruShape, INT8_DEPTH, Order, Placement, Scales, UNITS};
use gru_core::math::{Activation, Rational};
use gru_core::slices::{
    DenseSlice, GruInput, GruSlice, LengthMismatch, QDenseSlice, QGruInput, QGruScratch, QGruSlice,
};
use gru_core::{Requantization, quant};

mod random;
use random::Random;
mod room;
use room::Room;

const SHAPES: [(usize, usize); 9] = [(1, 1), (3, 2), (2, 4), (6, 17), (4, 16), (9, 48), (28, 33), (40, 96), (7, 130)];

/// A GRU layer in f64 with PyTorch's row-major weights of the gates that it has.
struct Reference {
    gates: Gates,
    input_size: usize,
    hidden_size: usize,
    weight_ih: Vec<f64>,
    weight_hh: Vec<f64>,
    /// `[4, H]`: r, z, n of the input half, n of the recurrent half.
    bias: Vec<f64>,
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

impl Reference {
    /// The next state, where the matrices read `view(v)` in place of the state `v`.
    fn step(&self, x: &[f64], h: &[f64], view: impl Fn(f64) -> f64) -> Vec<f64> {
        let size = self.hidden_size;
        let input = |place: usize, unit: usize| {
            dot(&self.weight_ih[(place * size + unit) * self.input_size..][..self.input_size], x)
        };
        let hidden =
            |place: usize, unit: usize, h: &[f64]| dot(&self.weight_hh[(place * size + unit) * size..][..size], h);
        let seen: Vec<f64> = h.iter().map(|&v| view(v)).collect();
        let gate = |place: usize, unit: usize| {
            let bias = self.bias[self.gates.gate(place) * size + unit];
            sigmoid(input(place, unit) + hidden(place, unit, &seen) + bias)
        };
        let candidate = self.gates.count() - 1;
        let r = |unit: usize| if self.gates.reset.is_some() { gate(0, unit) } else { 1.0 };
        let gated: Vec<f64> = (0..size).map(|unit| view(r(unit) * h[unit])).collect();
        (0..size)
            .map(|unit| {
                let (bias_input, bias_hidden) = (self.bias[2 * size + unit], self.bias[3 * size + unit]);
                let recurrent = match self.gates.reset {
                    Some(Placement::Before) => hidden(candidate, unit, &gated) + bias_hidden,
                    _ => r(unit) * (hidden(candidate, unit, &seen) + bias_hidden),
                };
                let z = if self.gates.update { gate(candidate - 1, unit) } else { 0.0 };
                let n = (input(candidate, unit) + bias_input + recurrent).tanh();
                (1.0 - z) * n + z * h[unit]
            })
            .collect()
    }
}

fn float_error<A: Activation>(gates: Gates, input_size: usize, hidden_size: usize, steps: usize) -> f64 {
    let mut random = Random(0x5EED ^ (input_size * 1000 + hidden_size) as u64);
    let scale = 1.0 / (hidden_size as f32).sqrt();
    let mut weights = |n: usize| (0..n).map(|_| random.unit() * scale).collect::<Vec<f32>>();
    let (weight_ih, weight_hh, bias) = (
        weights(gates.count() * hidden_size * input_size),
        weights(gates.count() * hidden_size * hidden_size),
        weights(4 * hidden_size),
    );
    let shape = GruShape { input_size, hidden_size, order: Order::F32, gates };
    let mut lanes = vec![[0.0; UNITS]; shape.lanes()];
    shape.pack(&weight_ih, &weight_hh, lanes.as_flattened_mut());
    let mut packed_bias = vec![[[0.0; UNITS]; 4]; layout::blocks(hidden_size)];
    layout::pack_rows(&bias, hidden_size, &mut packed_bias);
    let layer = GruSlice { shape, lanes: &lanes, bias: &packed_bias };

    let wide = |values: &[f32]| values.iter().map(|&v| f64::from(v)).collect::<Vec<f64>>();
    let reference = Reference {
        gates,
        input_size,
        hidden_size,
        weight_ih: wide(&weight_ih),
        weight_hh: wide(&weight_hh),
        bias: wide(&bias),
    };
    let (mut h, mut exact) = (vec![0.0f32; hidden_size], vec![0.0; hidden_size]);
    let mut scratch = [vec![0.0; hidden_size], vec![0.0; hidden_size]];
    let mut worst = 0.0f64;
    for _ in 0..steps {
        let x: Vec<f32> = (0..input_size).map(|_| random.unit()).collect();
        let [first, second] = &mut scratch;
        layer.step_on::<_, A>(Scalar, GruInput::Dense(&x), &mut h, [first, second]).unwrap();
        exact = reference.step(&wide(&x), &exact, |v| v);
        worst = h.iter().zip(&exact).fold(worst, |worst, (h, exact)| worst.max((f64::from(*h) - exact).abs()));
    }
    worst
}

#[test]
fn f32_stays_with_f64() {
    for gates in Gates::ALL {
        for (input_size, hidden_size) in SHAPES {
            let error = float_error::<Rational>(gates, input_size, hidden_size, 100);
            assert!(error < 2e-6, "{gates:?} ({input_size}, {hidden_size}): {error:e}");
        }
    }
}

#[cfg(any(feature = "libm", feature = "std"))]
#[test]
fn f32_with_exact_activations_stays_with_f64() {
    for gates in Gates::ALL {
        let error = float_error::<gru_core::math::Exact>(gates, 28, 33, 100);
        assert!(error < 1e-6, "{gates:?}: {error:e}");
    }
}

#[cfg(feature = "micromath")]
#[test]
fn f32_with_micromath_keeps_three_digits() {
    let error = float_error::<gru_core::math::Micromath>(Gates::ALL[0], 28, 33, 100);
    assert!(error < 2e-3, "{error:e}");
}

/// Random int8 rows and what they mean: `preactivation = accumulator · scale`.
struct Quantised {
    shape: GruShape,
    weight_ih: Vec<i8>,
    weight_hh: Vec<i8>,
    /// Without the rounding term.
    bias: Vec<i32>,
    multiplier: Vec<i16>,
    shift: Vec<u8>,
    requantization: Requantization,
}

impl Quantised {
    fn random(random: &mut Random, gates: Gates, input_size: usize, hidden_size: usize, extreme: bool) -> Self {
        let mut weight = |n: usize| -> Vec<i8> {
            (0..n)
                .map(|_| {
                    if extreme {
                        [-127, 127][(random.next() >> 40) as usize & 1]
                    } else {
                        (random.unit() * 127.0).round() as i8
                    }
                })
                .collect()
        };
        let (weight_ih, weight_hh) =
            (weight(gates.count() * hidden_size * input_size), weight(gates.count() * hidden_size * hidden_size));
        // One unit of pre-activation is a few hundred shifted accumulator units: gates move through their whole range.
        let shift =
            (127.0 * 60.0 * ((input_size + hidden_size) as f64).sqrt() / 8192.0).log2().ceil().clamp(2.0, 20.0) as u8;
        Self {
            shape: GruShape { input_size, hidden_size, order: Order::INT8, gates },
            weight_ih,
            weight_hh,
            bias: (0..4 * hidden_size).map(|_| (random.unit() * 4096.0) as i32 * (1 << (shift - 1))).collect(),
            multiplier: (0..4 * hidden_size).map(|_| 16384 + (random.unit() * 16000.0) as i16).collect(),
            shift: (0..4 * hidden_size).map(|row| shift + 7 + u8::from(row % 3 == 0)).collect(),
            requantization: Requantization { input_shift: 1, view: 150 },
        }
    }

    /// The rows as real numbers, for inputs and views that are integers: `x` counts 1, the state `view` counts.
    fn reference(&self) -> Reference {
        let GruShape { input_size, hidden_size, gates, .. } = self.shape;
        let Requantization { input_shift, view } = self.requantization;
        let scale = |row: usize| {
            let gate = row / hidden_size;
            let halved = if gate < 2 { 2.0 } else { 1.0 };
            f64::from(self.multiplier[row]) / 32768.0 / f64::from(1 << (self.shift[row] - 7)) / 4096.0 * halved
        };
        // The rows of the scales of a weight's row: the recurrent half of the candidate has the last ones.
        let gate = |row: usize| gates.gate(row / hidden_size);
        let input_row = |row: usize| gate(row) * hidden_size + row % hidden_size;
        let hidden_row = |row: usize| input_row(row) + if gate(row) == 2 { hidden_size } else { 0 };
        let weight_ih = self.weight_ih.iter().enumerate().map(|(at, &w)| {
            let row = at / input_size;
            let count = if gate(row) < 2 { f64::from(1 << input_shift) } else { 1.0 };
            f64::from(w) * count * scale(input_row(row))
        });
        let weight_hh = self
            .weight_hh
            .iter()
            .enumerate()
            .map(|(at, &w)| f64::from(w) * f64::from(view) * scale(hidden_row(at / hidden_size)));
        Reference {
            gates,
            input_size,
            hidden_size,
            weight_ih: weight_ih.collect(),
            weight_hh: weight_hh.collect(),
            bias: self.bias.iter().enumerate().map(|(row, &b)| f64::from(b) * scale(row)).collect(),
        }
    }

    /// Largest difference between one integer step and one f64 step from the same state, over a run.
    fn step_error(&self, random: &mut Random, steps: usize, extreme: bool) -> f64 {
        let GruShape { input_size, hidden_size, .. } = self.shape;
        let biased: Vec<i32> = self.bias.iter().zip(&self.shift).map(|(b, shift)| b + (1 << (shift - 8))).collect();
        let mut lanes = vec![[[0; INT8_DEPTH]; UNITS]; self.shape.lanes()];
        self.shape.pack_int8(&self.weight_ih, &self.weight_hh, &mut lanes);
        let mut scales = vec![Scales::ZERO; layout::blocks(hidden_size)];
        Scales::pack(hidden_size, &biased, &self.multiplier, &self.shift, &mut scales);
        let layer =
            QGruSlice { shape: self.shape, lanes: &lanes, scales: &scales, requantization: self.requantization };

        let reference = self.reference();
        let steps_per_unit = f64::from(self.requantization.view);
        let view = |v: f64| (v * steps_per_unit).round().clamp(-127.0, 127.0) / steps_per_unit;
        let (mut h, mut seen) = (vec![0; hidden_size], vec![0; hidden_size]);
        let mut scratch = Room::new(input_size, hidden_size);
        let mut worst = 0.0f64;
        for _ in 0..steps {
            let x: Vec<i8> =
                (0..input_size).map(|_| if extreme { 127 } else { (random.unit() * 127.0) as i8 }).collect();
            let before: Vec<f64> = h.iter().map(|&h| f64::from(h >> 15) / 32768.0).collect();
            let exact = reference.step(&x.iter().map(|&x| f64::from(x)).collect::<Vec<_>>(), &before, view);
            layer.step_on(Scalar, QGruInput::Dense(&x), &mut h, &mut seen, scratch.borrow()).unwrap();
            for (unit, exact) in exact.iter().enumerate() {
                assert!(h[unit].unsigned_abs() <= 1 << quant::STATE_BITS);
                assert_eq!(seen[unit], quant::view(quant::state_q15(h[unit]), self.requantization.view));
                worst = worst.max((f64::from(h[unit]) / f64::from(1 << quant::STATE_BITS) - exact).abs());
            }
        }
        worst
    }
}

#[test]
fn an_int8_step_is_the_f64_step_of_its_rows() {
    for gates in Gates::ALL {
        for (input_size, hidden_size) in SHAPES {
            let mut random = Random((input_size * 1000 + hidden_size) as u64);
            let layer = Quantised::random(&mut random, gates, input_size, hidden_size, false);
            let error = layer.step_error(&mut random, 50, false);
            // A tie in the view of r ⊙ h may fall either way: one weight's worth of difference.
            let bound = if gates.reset == Some(Placement::Before) { 6e-3 } else { 6e-4 };
            assert!(error < bound, "{gates:?} ({input_size}, {hidden_size}): {error:e}");
        }
    }
}

#[test]
fn extreme_weights_and_inputs_keep_the_state_in_range() {
    for gates in Gates::ALL {
        for (input_size, hidden_size) in SHAPES {
            let mut random = Random(hidden_size as u64);
            let layer = Quantised::random(&mut random, gates, input_size, hidden_size, true);
            // Saturated pre-activations differ from the equations, but never by more than the range of the state.
            assert!(layer.step_error(&mut random, 50, true) <= 2.0);
        }
    }
}

#[test]
fn dense_layers_are_the_f64_product() {
    for (input_size, output_size) in SHAPES {
        let mut random = Random(77);
        let weight: Vec<f32> = (0..input_size * output_size).map(|_| random.unit()).collect();
        let (bias, x): (Vec<f32>, Vec<f32>) =
            ((0..output_size).map(|_| random.unit()).collect(), (0..input_size).map(|_| random.unit()).collect());
        let shape = DenseShape { input_size, output_size, order: Order::F32 };
        let mut lanes = vec![[0.0; UNITS]; shape.lanes()];
        shape.pack(&weight, lanes.as_flattened_mut());
        let mut packed = vec![[[0.0; UNITS]; 1]; layout::blocks(output_size)];
        layout::pack_rows(&bias, output_size, &mut packed);
        let mut y = vec![0.0; output_size];
        DenseSlice { shape, lanes: &lanes, bias: &packed }.step_on(Scalar, &x, &mut y).unwrap();
        for (row, y) in y.iter().enumerate() {
            let exact = f64::from(bias[row])
                + (0..input_size).map(|c| f64::from(weight[row * input_size + c]) * f64::from(x[c])).sum::<f64>();
            assert!((f64::from(*y) - exact).abs() < 1e-5);
        }
    }
}

#[test]
fn int8_dense_layers_are_the_integer_product() {
    for (input_size, output_size) in SHAPES {
        let mut random = Random(78);
        let mut int8 = |n: usize| (0..n).map(|_| (random.unit() * 127.0) as i8).collect::<Vec<i8>>();
        let (weight, x) = (int8(input_size * output_size), int8(input_size));
        let (bias, multiplier): (Vec<i32>, Vec<i16>) = (
            (0..output_size as i32).map(|o| o * 1000 - 500).collect(),
            (0..output_size as i16).map(|o| 32767 - o).collect(),
        );
        let shape = DenseShape { input_size, output_size, order: Order::INT8 };
        let mut lanes = vec![[[0; INT8_DEPTH]; UNITS]; shape.lanes()];
        shape.pack_int8(&weight, &mut lanes);
        let mut scales = vec![Scales::ZERO; layout::blocks(output_size)];
        Scales::pack(output_size, &bias, &multiplier, &vec![6; output_size], &mut scales);
        let mut y = vec![0; output_size];
        let layer = QDenseSlice { shape, lanes: &lanes, scales: &scales };
        let [mut first, mut second] = [(); 2].map(|()| vec![Prepared::default(); input_size]);
        layer.step(QGruInput::Dense(&x), &mut y, [&mut first, &mut second]).unwrap();
        let product = |row: usize, x: &[i8]| -> i32 {
            weight[row * input_size..].iter().zip(x).map(|(&w, &x)| i32::from(w) * i32::from(x)).sum()
        };
        for (row, y) in y.iter().enumerate() {
            assert_eq!(*y, quant::requantize(bias[row] + product(row, &x), multiplier[row], 6));
        }
        let low: Vec<i8> = x.iter().map(|x| x / 2).collect();
        layer.step(QGruInput::Wide { high: &x, low: &low }, &mut y, [&mut first, &mut second]).unwrap();
        for (row, y) in y.iter().enumerate() {
            let carry = (product(row, &low) + 64) >> 7;
            assert_eq!(*y, quant::requantize(bias[row] + product(row, &x) + carry, multiplier[row], 6));
        }
    }
}

#[test]
fn a_slice_of_the_wrong_length_is_an_error_and_changes_nothing() {
    let shape = GruShape { input_size: 2, hidden_size: 3, order: Order::F32, gates: Gates::ALL[0] };
    let lanes = vec![[1.0; UNITS]; shape.lanes()];
    let bias = vec![[[1.0; UNITS]; 4]; layout::blocks(3)];
    let layer = GruSlice { shape, lanes: &lanes, bias: &bias };
    let (mut h, mut a, mut b) = ([0.0; 3], [0.0; 3], [0.0; 3]);
    let error = layer.step_on::<_, Rational>(Scalar, GruInput::Dense(&[1.0; 5]), &mut h, [&mut a, &mut b]).unwrap_err();
    let LengthMismatch { name, expected, found, .. } = error;
    assert_eq!((name, expected, found), ("x", 2, 5));
    assert_eq!(error.to_string(), "x must hold 2 values, found 5");
    assert_eq!(h, [0.0; 3]);
}

/// What each layer says of a shape, without weights or anything else.
fn errors(float: Order, int8: Order, hidden_size: usize) -> [LengthMismatch; 4] {
    let gru = |order| GruShape { input_size: 0, hidden_size, order, gates: Gates::ALL[0] };
    let dense = |order| DenseShape { input_size: 0, output_size: hidden_size, order };
    let float_gru = GruSlice::<f32> { shape: gru(float), lanes: &[], bias: &[] };
    let requantization = Requantization { input_shift: 0, view: 127 };
    let int8_gru = QGruSlice { shape: gru(int8), lanes: &[], scales: &[], requantization };
    let scratch = QGruScratch {
        view: &mut [],
        halves: [&mut [], &mut []],
        update: &mut [],
        input: [&mut [], &mut []],
        hidden: [&mut [], &mut []],
    };
    [
        float_gru.step::<Rational>(GruInput::Dense(&[]), &mut [], [&mut [], &mut []]),
        DenseSlice::<f32> { shape: dense(float), lanes: &[], bias: &[] }.step(&[], &mut []),
        int8_gru.step::<i8>(QGruInput::Dense(&[]), &mut [], &mut [], scratch),
        QDenseSlice { shape: dense(int8), lanes: &[], scales: &[] }.step(
            QGruInput::Dense(&[]),
            &mut [],
            [&mut [], &mut []],
        ),
    ]
    .map(Result::unwrap_err)
}

#[test]
fn a_shape_that_no_weights_have_is_an_error() {
    let no_columns = |order| Order { depth: 0, ..order };
    for error in errors(no_columns(Order::F32), no_columns(Order::INT8), 0) {
        assert_eq!((error.name, error.found), ("columns of a lane", 0));
    }
    let too_large = errors(Order::F32, Order::INT8, usize::MAX);
    assert_eq!(too_large.map(|error| error.name), ["h", "y", "h", "y"]);
    assert_eq!(too_large.map(|error| (error.expected, error.found)), [(usize::MAX, 0); 4]);
}
