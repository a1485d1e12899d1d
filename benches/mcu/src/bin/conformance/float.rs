//! f32: within a bound; over f16 weights the same bits as over the f32 that they are.

use gru_bench_mcu::Random;
use gru_core::F16;
use gru_core::backend::{F16Lane, F32Lane, scalar::Scalar};
use gru_core::layout::{self, GruShape, Order, UNITS};
use gru_core::math::Rational;
use gru_core::slices::{GruInput, GruSlice};
use semihosting::{println, process};

use crate::cases::{Case, LENGTHS, MAX_MATRIX, MAX_UNITS, MAX_WEIGHTS};
use crate::hostile::{self, H};

/// Largest difference of a state after one step from the same state: the order of a sum, and whether a product is rounded before it.
const BOUND: f32 = 1e-6;

/// How much larger extreme weights are than usual ones.
const EXTREME: f32 = 16.0;

/// How much larger the bound is with them: the error of a reset gate's sum, times the slope of the sigmoid, times what the gate multiplies.
const EXTREME_BOUND: f32 = EXTREME / 4.0 * EXTREME;

/// Steps of a layer. Each starts from the same state for both backends, so that more would show nothing new.
pub const STEPS: usize = 10;

/// Of them, those over f16 weights.
const HALF_STEPS: usize = 2;

/// Lanes of the largest layer; blocks that are not full are padded.
const LANES: usize = MAX_WEIGHTS / UNITS;

/// Values that are read from different places, so that not every layer has the same.
const PLACES: usize = 1 << 10;

/// Uniform in [−1, 1).
#[allow(long_running_const_eval)]
static VALUES: [f32; MAX_MATRIX + PLACES] = values();

const fn values<const N: usize>() -> [f32; N] {
    let (mut values, mut random, mut at) = ([0.0; N], Random::new(6), 0);
    while at < N {
        values[at] = random.unit();
        at += 1;
    }
    values
}

/// Room for a layer and the states of both backends.
pub struct Layer {
    lanes: [F32Lane; LANES],
    halves: [F16Lane; LANES],
    bias: [[F32Lane; 4]; layout::blocks(MAX_UNITS)],
    expected: [f32; MAX_UNITS],
    found: [f32; MAX_UNITS],
    scratch: [[f32; MAX_UNITS]; 2],
}

impl Layer {
    pub const ZERO: Self = Self {
        lanes: [[0.0; UNITS]; LANES],
        halves: [[F16(0); UNITS]; LANES],
        bias: [[[0.0; UNITS]; 4]; layout::blocks(MAX_UNITS)],
        expected: [0.0; MAX_UNITS],
        found: [0.0; MAX_UNITS],
        scratch: [[0.0; MAX_UNITS]; 2],
    };

    /// Steps of a random layer on both backends. Returns the largest difference as a part of its bound.
    pub fn compare(&mut self, case: &Case, random: &mut Random) -> f32 {
        let &Case { input_size, hidden_size, gates, extreme } = case;
        let (factor, bound) = if extreme { (EXTREME, EXTREME_BOUND * BOUND) } else { (1.0, BOUND) };
        let values = |random: &mut Random, len| {
            let start = random.bits() as usize % PLACES;
            &VALUES[start..start + len]
        };
        let shape = GruShape { input_size, hidden_size, order: Order::F32, gates };
        let lanes = &mut self.lanes[..shape.lanes()];
        lanes.fill([0.0; UNITS]);
        let weight_ih = values(random, gates.count() * hidden_size * input_size);
        let weight_hh = values(random, gates.count() * hidden_size * hidden_size);
        shape.pack(weight_ih, weight_hh, lanes.as_flattened_mut());
        // A product of two values in ±1 deviates by 1/3: one deviation of a usual pre-activation is 1.
        let scale = factor * 3.0 / (input_size + hidden_size).isqrt() as f32;
        lanes.as_flattened_mut().iter_mut().for_each(|weight| *weight *= scale);
        let bias = &mut self.bias[..layout::blocks(hidden_size)];
        bias.fill([[0.0; UNITS]; 4]);
        layout::pack_rows(values(random, 4 * hidden_size), hidden_size, bias);
        let layer = GruSlice { shape, lanes, bias };

        let (expected, found) = (&mut self.expected[..hidden_size], &mut self.found[..hidden_size]);
        let [first, second] = &mut self.scratch;
        let (first, second) = (&mut first[..hidden_size], &mut second[..hidden_size]);
        expected.fill(0.0);
        let mut largest = 0.0;
        for step in 0..STEPS {
            let x = match random.bits() % 8 {
                0 => GruInput::OneHot(random.bits() as usize % (input_size + 1)),
                _ => GruInput::Dense(values(random, input_size)),
            };
            found.copy_from_slice(expected);
            layer.step_on::<_, Rational>(Scalar, x, expected, [first, second]).expect(LENGTHS);
            layer.step::<Rational>(x, found, [first, second]).expect(LENGTHS);
            compare(case, step, "state", expected, found, |expected: f32, found| (expected - found).abs() <= bound);
            largest = expected.iter().zip(&*found).map(|(e, f)| (e - f).abs() / bound).fold(largest, f32::max);
        }
        self.compare_halves(case, random);
        largest
    }

    /// Steps over the weights as f16, and over the same numbers as f32.
    fn compare_halves(&mut self, case: &Case, random: &mut Random) {
        let &Case { input_size, hidden_size, gates, .. } = case;
        let shape = GruShape { input_size, hidden_size, order: Order::F32, gates };
        let (halves, lanes) = (&mut self.halves[..shape.lanes()], &mut self.lanes[..shape.lanes()]);
        for (half, weight) in halves.as_flattened_mut().iter_mut().zip(lanes.as_flattened_mut()) {
            *half = beside(*weight);
            *weight = half.to_f32();
        }
        let bias = &self.bias[..layout::blocks(hidden_size)];
        let (half, float) = (GruSlice { shape, lanes: halves, bias }, GruSlice { shape, lanes, bias });
        let (expected, found) = (&mut self.expected[..hidden_size], &mut self.found[..hidden_size]);
        let [first, second] = &mut self.scratch;
        let (first, second) = (&mut first[..hidden_size], &mut second[..hidden_size]);
        found.copy_from_slice(expected);
        for step in 0..HALF_STEPS {
            let start = random.bits() as usize % PLACES;
            let x = GruInput::Dense(&VALUES[start..start + input_size]);
            float.step::<Rational>(x, expected, [first, second]).expect(LENGTHS);
            half.step::<Rational>(x, found, [first, second]).expect(LENGTHS);
            let same = |expected: f32, found: f32| expected.to_bits() == found.to_bits();
            compare(case, step, "state over f16 weights", expected, found, same);
        }
    }
}

/// Stops with a message if two states differ after a step.
fn compare(case: &Case, step: usize, values: &str, expected: &[f32], found: &[f32], equal: impl Fn(f32, f32) -> bool) {
    for (unit, (&expected, &found)) in expected.iter().zip(found).enumerate() {
        if !equal(expected, found) {
            println!("f32 {case}: step {step}, {values}, unit {unit}: expected {expected:?}, found {found:?}");
            process::exit(1);
        }
    }
}

/// Hostile values in a layer on the backend.
pub fn check_hostile(random: &mut Random) {
    hostile::check(
        |layer, x, h| {
            let scratch = [&mut [0.0; H][..], &mut [0.0; H]];
            layer.step::<Rational>(GruInput::Dense(x), h, scratch).expect(LENGTHS);
        },
        || random.unit(),
    );
}

/// The f16 next to a value towards zero; of those too small to be a normal one, another small one.
fn beside(value: f32) -> F16 {
    const BIASES: u32 = 112 << 10;
    let bits = value.to_bits();
    let magnitude = ((bits & 0x7fff_ffff) >> 13).saturating_sub(BIASES);
    F16((bits >> 16 & 0x8000) as u16 | magnitude as u16)
}
