//! What int8 costs: random models, and one so slow that a narrow state would stall.

mod random;

use gru_export::Precision;
use gru_export::calibrate::Calibration;
use gru_export::dataset::Dataset;
use gru_export::float::{FloatModel, FloatRunner};
use gru_export::int8::Int8Runner;
use gru_export::ir::{Activated, Activation, Cell, Dense, Input, Layer, LayerNorm, Model, Reset};
use gru_export::quantise::{mixed, quantise};
use gru_export::verify::{Verification, verify};

use self::random::{Random, data};

fn verified(model: &Model, calibration: &Dataset, test: &Dataset, wide: bool) -> Verification {
    let calibration = Calibration::measure(model, calibration, &());
    let quantised = quantise(model, &calibration, None, wide).unwrap();
    verify(model, &Int8Runner::new(&quantised), test, None, &()).unwrap()
}

/// RMS error of the hidden state over 256 steps of full-scale input.
fn random_model_error(input_size: usize, hidden_size: usize, cell: Cell, wide: bool) -> f64 {
    let mut random = Random(input_size as u64 * 1000 + hidden_size as u64);
    let model = Model::new(vec![Layer::Gru(random.gru(input_size, hidden_size, cell))], None).unwrap();
    let mut noise = |steps| data(steps, input_size, |_, _| random.draw());
    let (calibration, test) = (noise(256), noise(256));
    let rms = verified(&model, &calibration, &test, wide).reference.errors.rms;
    println!("({input_size}, {hidden_size}) {cell:?}, wide {wide}: RMS {rms:.2e}");
    rms
}

/// Noise to calibrate by and to test with.
fn noises(model: &Model, steps: usize, random: &mut Random) -> (Calibration, Dataset) {
    let Input::Vector(size) = model.input() else { panic!("expected a vector") };
    let mut noise = || data(steps, size, |_, _| random.draw());
    (Calibration::measure(model, &noise(), &()), noise())
}

fn verified_in(precisions: &[Precision], model: &Model, (calibration, test): &(Calibration, Dataset)) -> Verification {
    let lowered = mixed(model, precisions, calibration, None, false).unwrap();
    verify(model, &Int8Runner::new(&lowered), test, None, &()).unwrap()
}

#[test]
fn errors_fall_from_int8_to_w8a16_to_f32() {
    for (cell, layers) in [Reset::After, Reset::Before, Reset::None].map(gated).into_iter().zip(1..) {
        for hidden_size in [6, 20, 64] {
            let mut random = Random(hidden_size as u64);
            let gru = |layer| {
                let input_size = if layer == 0 { 5 } else { hidden_size };
                Layer::Gru(random.gru(input_size, hidden_size, cell))
            };
            let mut chain: Vec<_> = (0..layers).map(gru).collect();
            let weight = random.matrix(4, hidden_size, libm::pow(hidden_size as f64, -0.5));
            chain.push(Layer::Dense(Dense { name: "head".to_owned(), weight, bias: vec![0.1; 4] }));
            let model = Model::new(chain, None).unwrap();
            let data = noises(&model, 256, &mut random);
            let [int8, w8a16] = [Precision::Int8, Precision::W8a16]
                .map(|precision| verified_in(&vec![precision; layers + 1], &model, &data).reference.errors.rms);
            let float = FloatRunner::new(&FloatModel::new(&model).unwrap());
            let f32 = verify(&model, &float, &data.1, None, &()).unwrap().reference.errors.rms;
            println!("{cell:?}, {layers} × {hidden_size}: int8 {int8:.2e}, w8a16 {w8a16:.2e}, f32 {f32:.2e}");
            assert!(w8a16 < 0.9 * int8, "{cell:?}, {layers} × {hidden_size}: int8 {int8:e}, w8a16 {w8a16:e}");
            assert!(f32 < 1e-6, "{cell:?}, {layers} × {hidden_size}: f32 {f32:e}");
        }
    }
}

#[test]
fn every_order_of_precisions_works() {
    let mut random = Random(11);
    let layers = vec![
        Layer::Gru(random.gru(3, 7, Cell::default())),
        Layer::Gru(random.gru(7, 5, gated(Reset::Before))),
        Layer::Dense(Dense { name: "a".to_owned(), weight: random.matrix(6, 5, 0.5), bias: vec![0.1; 6] }),
        Layer::Activation(Activated { name: "tanh".to_owned(), size: 6, activation: Activation::Tanh }),
        Layer::LayerNorm(LayerNorm { name: "n".to_owned(), weight: vec![1.0; 6], bias: vec![0.0; 6], epsilon: 1e-5 }),
        Layer::Dense(Dense { name: "b".to_owned(), weight: random.matrix(2, 6, 0.5), bias: vec![0.0; 2] }),
    ];
    let model = Model::new(layers, None).unwrap();
    let data = noises(&model, 50, &mut random);
    let count = Precision::ALL.len().pow(6);
    let mut worst = 0.0f64;
    // All in f32 is no int8 model.
    for code in 0..count - 1 {
        let precisions: Vec<_> = (0..6).map(|layer| Precision::ALL[code / 3usize.pow(layer) % 3]).collect();
        let verification = verified_in(&precisions, &model, &data);
        let found: Vec<_> = verification.layers.iter().map(|layer| layer.precision).collect();
        assert_eq!(found, precisions);
        let errors = verification.reference.errors;
        assert!(errors.max < 0.05, "{precisions:?}: {errors:?}");
        worst = worst.max(errors.max);
    }
    println!("{count} models, at most {worst:.2e}");
}

fn gated(reset: Reset) -> Cell {
    Cell { reset, ..Cell::default() }
}

const SHAPES: [(usize, usize); 6] = [(4, 4), (6, 32), (6, 17), (28, 128), (64, 64), (40, 96)];

#[test]
fn random_models_stay_within_1e_3_rms() {
    for cell in [Reset::After, Reset::Before].map(gated) {
        for (input_size, hidden_size) in SHAPES {
            let rms = random_model_error(input_size, hidden_size, cell, true);
            assert!(rms <= 1e-3, "({input_size}, {hidden_size}) {cell:?}: {rms:e}");
        }
    }
}

#[test]
fn a_cell_with_fewer_gates_keeps_its_state_to_less_than_a_step_of_the_view() {
    for reset in [Reset::After, Reset::Before, Reset::None] {
        for update in [true, false].into_iter().filter(|&update| !update || reset == Reset::None) {
            for (input_size, hidden_size) in SHAPES {
                let rms = random_model_error(input_size, hidden_size, Cell { update, ..gated(reset) }, true);
                // No reset gate halves the rounding of the view, which is up to half of 1/127, and no update gate averages it.
                let bound = if update { 1.5e-3 } else { 3e-3 };
                assert!(rms <= bound, "({input_size}, {hidden_size}) {reset:?}, update {update}: {rms:e}");
            }
        }
    }
}

#[test]
fn an_int8_input_costs_most_where_there_are_as_many_inputs_as_units() {
    for cell in [Reset::After, Reset::Before].map(gated) {
        for (input_size, hidden_size) in SHAPES {
            let rms = random_model_error(input_size, hidden_size, cell, false);
            let bound = if input_size == hidden_size { 1.3e-3 } else { 1e-3 };
            assert!(rms <= bound, "({input_size}, {hidden_size}) {cell:?}: {rms:e}");
        }
    }
}

#[test]
fn a_slow_unit_keeps_up_over_10_000_steps() {
    let mut random = Random(42);
    for reset in [Reset::After, Reset::Before] {
        let mut gru = random.gru(2, 16, gated(reset));
        // σ(6.9) ≈ 0.999: a time constant of 1000 steps.
        gru.bias[1].fill(6.9);
        let model = Model::new(vec![Layer::Gru(gru)], None).unwrap();
        // A slow square wave moves the target, and noise rides on it.
        let wave = |random: &mut Random, steps| {
            data(steps, 2, |step, _| if step / 2500 % 2 == 0 { 0.7 } else { -0.7 } + 0.3 * random.draw())
        };
        let (calibration, test) = (wave(&mut random, 10_000), wave(&mut random, 10_000));
        let verification = verified(&model, &calibration, &test, false);
        let errors = verification.reference.errors;
        println!("reset {reset:?}: max {:.2e}, peak {:.2}", errors.max, errors.peak);
        assert!(errors.peak > 0.3, "the wave must move the state: {errors:?}");
        assert!(errors.max <= 5e-3, "reset {reset:?}: {errors:?}");

        let outputs: Vec<&[f32]> = verification.outputs.chunks_exact(16).collect();
        let moved = |from: usize, to: usize| outputs[from].iter().zip(outputs[to]).any(|(a, b)| (a - b).abs() > 1e-4);
        assert!((0..99).all(|hundred| moved(hundred * 100, hundred * 100 + 99)), "the state stalls");
    }
}

#[test]
fn what_int8_cannot_hold_is_an_error() {
    let refused = |weight: f64, input: f64, head: f64| {
        let mut random = Random(7);
        let mut gru = random.gru(3, 5, Cell::default());
        gru.weight_ih = gru.weight_ih.map(|w| w.map(|_, w| w * weight));
        let head = Dense { name: "head".to_owned(), weight: random.matrix(2, 5, head), bias: vec![0.0; 2] };
        let model = Model::new(vec![Layer::Gru(gru), Layer::Dense(head)], None).unwrap();
        let calibration = Calibration::measure(&model, &data(20, 3, |_, _| random.draw() * input), &());
        [false, true]
            .map(|wide| quantise(&model, &calibration, None, wide).err().map(|error| error.problem().to_owned()))
    };
    assert_eq!(refused(1.0, 1.0, 1.0), [None, None]);
    for (weight, input, head, word) in [
        (1e4, 1.0, 1.0, "too steep for int8"),
        (1e30, 1.0, 1.0, "too steep for int8"),
        (1e300, 1e9, 1.0, "too steep for int8"),
        (1.0, 1e30, 1.0, "too steep for int8"),
        (1.0, 1e300, 1.0, "beyond the range of f32"),
        (1.0, 1.0, 1e6, "more than 16 bits hold"),
    ] {
        for problem in refused(weight, input, head) {
            let problem = problem.unwrap_or_default();
            assert!(problem.contains(word), "weights × {weight:e}, inputs × {input:e}, head × {head:e}: {problem}");
        }
    }
}
