//! Random models of odd sizes; `tests/golden/random_models.py` says how weights and inputs are drawn.

use gru_export::dataset::{Array, Sample};
use gru_export::float::{FloatModel, FloatRunner};
use gru_export::verify::Shipped;
use gru_export::{Source, load};
use safetensors::Dtype;
use safetensors::tensor::TensorView;

use crate::{F32_BOUND, golden};

const STEPS: usize = 500;
const UNITS_PER_STEP: usize = 8;

struct SplitMix64(u64);

impl SplitMix64 {
    /// A multiple of 2⁻²³ in [−1, 1).
    fn draw(&mut self) -> f32 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^= z >> 31;
        ((z >> 40) as i32 - (1 << 23)) as f32 / (1 << 23) as f32
    }
}

/// The state_dict's bytes, and the generator at the inputs.
fn model(i: usize, h: usize, layers: usize, bias: bool) -> (Vec<u8>, SplitMix64) {
    let mut random = SplitMix64((i as u64) << 32 | (h as u64) << 16 | (layers as u64) << 8 | u64::from(bias));
    let scale = libm::pow(h as f64, -0.5) as f32;
    let mut tensors = Vec::new();
    for layer in 0..layers {
        let inputs = if layer == 0 { i } else { h };
        let mut shapes = vec![("weight_ih", vec![3 * h, inputs]), ("weight_hh", vec![3 * h, h])];
        if bias {
            shapes.extend([("bias_ih", vec![3 * h]), ("bias_hh", vec![3 * h])]);
        }
        for (kind, shape) in shapes {
            let len: usize = shape.iter().product();
            let bytes: Vec<u8> = (0..len).flat_map(|_| (random.draw() * scale).to_le_bytes()).collect();
            tensors.push((format!("{kind}_l{layer}"), shape, bytes));
        }
    }
    let views =
        tensors.iter().map(|(name, shape, bytes)| (name, TensorView::new(Dtype::F32, shape.clone(), bytes).unwrap()));
    (safetensors::serialize(views, None).unwrap(), random)
}

/// Largest error over all steps of the units that the golden file holds.
fn largest_error(i: usize, h: usize, layers: usize, bias: bool) -> f64 {
    let (bytes, mut random) = model(i, h, layers, bias);
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&file, bytes).unwrap();
    let model = load(&Source::read(&file).unwrap(), None).unwrap();
    assert_eq!(model.layers().len(), layers);
    let runner = FloatRunner::new(&FloatModel::new(&model).unwrap());

    let name = format!("{i}x{h}_layers{layers}_{}", if bias { "bias" } else { "nobias" });
    let expected = Array::read(golden(&format!("random.npz:{name}"))).unwrap();
    assert_eq!(expected.shape, [STEPS, UNITS_PER_STEP]);
    let inputs: Vec<Vec<f64>> = (0..STEPS).map(|_| (0..i).map(|_| f64::from(random.draw())).collect()).collect();
    let samples: Vec<_> = inputs.iter().map(|x| Sample::Vector(x)).collect();
    let outputs = runner.play(&samples);
    let mut largest: f64 = 0.0;
    for (t, expected) in expected.values().chunks_exact(UNITS_PER_STEP).enumerate() {
        for (j, expected) in expected.iter().enumerate() {
            largest = largest.max((outputs[layers - 1][t][(t * UNITS_PER_STEP + j) % h] - expected).abs());
        }
    }
    largest
}

fn check(i: usize, h: usize) {
    for layers in 1..=4 {
        for bias in [true, false] {
            let error = largest_error(i, h, layers, bias);
            assert!(error <= F32_BOUND, "({i}, {h}), {layers} layers, bias {bias}: {error:e}");
        }
    }
}

#[test]
fn sizes_1_1() {
    check(1, 1);
}

#[test]
fn sizes_3_2() {
    check(3, 2);
}

#[test]
fn sizes_6_17() {
    check(6, 17);
}

#[test]
fn sizes_28_128() {
    check(28, 128);
}

#[test]
fn sizes_300_9() {
    check(300, 9);
}

#[test]
fn sizes_7_333() {
    check(7, 333);
}
