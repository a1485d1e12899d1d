//! Every kind of layer in f32 against the `f64` reference: random models, each of them with a dense layer and softmax behind.

use gru_export::Precision;
use gru_export::calibrate::Calibration;
use gru_export::dataset::{Dataset, Sample};
use gru_export::float::{FloatModel, FloatRunner};
use gru_export::int8::Int8Runner;
use gru_export::ir::{
    Activated, Activation, Affine, Bidirectional, Cell, Dense, Gru, Layer, LayerNorm, Matrix, Merge, Model, Reset,
};
use gru_export::quantise::{mixed, quantise};
use gru_export::reference::play;
use gru_export::verify::{Shipped, verify};

const STEPS: usize = 40;
const BOUND: f64 = 2e-6;

/// splitmix64.
struct Random(u64);

impl Random {
    /// Uniform in [−1, 1).
    fn draw(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    }

    fn vector(&mut self, len: usize) -> Vec<f64> {
        (0..len).map(|_| self.draw()).collect()
    }

    fn matrix(&mut self, rows: usize, cols: usize) -> Matrix {
        let scale = libm::pow(cols as f64, -0.5);
        Matrix::new(rows, cols, self.vector(rows * cols).iter().map(|w| w * scale).collect())
    }

    fn gru(&mut self, input_size: usize, hidden_size: usize, cell: Cell) -> Gru {
        let mut bias: [Vec<f64>; 4] = std::array::from_fn(|_| self.vector(hidden_size));
        if cell.reset != Reset::After {
            bias[3].fill(0.0);
        }
        Gru {
            name: "gru".to_owned(),
            one_hot: false,
            cell,
            weight_ih: std::array::from_fn(|_| self.matrix(hidden_size, input_size)),
            weight_hh: std::array::from_fn(|_| self.matrix(hidden_size, hidden_size)),
            bias,
        }
    }

    fn dense(&mut self, input_size: usize, output_size: usize) -> Layer {
        let (weight, bias) = (self.matrix(output_size, input_size), self.vector(output_size));
        Layer::Dense(Dense { name: "dense".to_owned(), weight, bias })
    }
}

fn activation(size: usize, activation: Activation) -> Layer {
    Layer::Activation(Activated { name: "activation".to_owned(), size, activation })
}

/// Fails where a layer's output at any step is further off than the bound, relative to what is above 1.
fn check(what: &str, random: &mut Random, layers: Vec<Layer>) {
    let model = Model::new(layers, None).unwrap();
    let gru_export::ir::Input::Vector(size) = model.input() else { panic!("{what}: expected a vector") };
    let inputs: Vec<Vec<f64>> =
        (0..STEPS).map(|_| random.vector(size).iter().map(|x| f64::from(*x as f32)).collect()).collect();
    let samples: Vec<_> = inputs.iter().map(|x| Sample::Vector(x)).collect();
    let (expected, found) =
        (play(&model, &samples), FloatRunner::new(&FloatModel::new(&model).unwrap()).play(&samples));
    assert_eq!(expected.layers.len(), found.len());
    for (layer, (expected, found)) in expected.layers.iter().zip(&found).enumerate() {
        let (expected, found) = (expected.outputs.concat(), found.concat());
        assert_eq!(expected.len(), found.len());
        let worst = expected.iter().zip(&found).map(|(e, f)| (e - f).abs() / e.abs().max(1.0)).fold(0.0, f64::max);
        assert!(worst <= BOUND, "{what}: layer {layer} is off by {worst:e}");
    }
}

const HARD: Activation = Activation::HardSigmoid { slope: 1.0 / 6.0, offset: 0.5 };
const SKEWED: Activation = Activation::HardSigmoid { slope: 0.3, offset: 0.4 };

#[test]
fn activations() {
    let mut random = Random(1);
    for kind in [Activation::Tanh, Activation::Sigmoid, HARD, SKEWED, Activation::Relu, Activation::Linear] {
        let gru = Layer::Gru(random.gru(3, 5, Cell::default()));
        let layers = vec![
            gru,
            activation(5, kind),
            random.dense(5, 19),
            activation(19, kind),
            random.dense(19, 4),
            activation(4, Activation::Softmax),
        ];
        check(&format!("{kind:?}"), &mut random, layers);
    }
}

#[test]
fn cells() {
    let mut random = Random(2);
    let candidates = [Activation::Tanh, Activation::Sigmoid, HARD, Activation::Relu, Activation::Linear];
    let gates = [Activation::Sigmoid, HARD, SKEWED, Activation::Tanh, Activation::Relu, Activation::Linear];
    for reset in [Reset::After, Reset::Before] {
        for activation in candidates {
            for recurrent_activation in gates {
                for clip in [None, Some(0.6)] {
                    // Unbounded gates and candidates diverge by themselves.
                    let bounded = |kind| !matches!(kind, Activation::Relu | Activation::Linear);
                    if clip.is_none()
                        && !(bounded(activation) && bounded(recurrent_activation))
                        && !bounded(recurrent_activation)
                    {
                        continue;
                    }
                    let cell = Cell { reset, update: true, activation, recurrent_activation, clip };
                    let layers = vec![Layer::Gru(random.gru(3, 18, cell)), random.dense(18, 2)];
                    check(&format!("{cell:?}"), &mut random, layers);
                }
            }
        }
    }
}

#[test]
fn both_directions() {
    let mut random = Random(3);
    for (merge, ends) in merges() {
        let first = both(&mut random, [3, 6], merge, false);
        let second = both(&mut random, [first.output_size(), 6], merge, ends);
        let head = random.dense(first.output_size(), 3);
        let layers = vec![first, second, head, activation(3, Activation::Softmax)];
        check(&format!("{merge:?}, ends {ends}"), &mut random, layers);
    }
}

fn merges() -> impl Iterator<Item = (Merge, bool)> {
    [Merge::Concat, Merge::Sum, Merge::Mul, Merge::Ave].into_iter().flat_map(|merge| [(merge, false), (merge, true)])
}

fn both(random: &mut Random, [inputs, hidden]: [usize; 2], merge: Merge, ends: bool) -> Layer {
    let [forward, backward] = [(); 2].map(|()| random.gru(inputs, hidden, Cell::default()));
    Layer::Bidirectional(Box::new(Bidirectional { name: "both".to_owned(), forward, backward, merge, ends }))
}

#[test]
fn a_normalization_beside_no_matrix_is_not_squared_without_bound() {
    let layers = |size: usize| {
        let mut random = Random(8);
        let affine = Affine { name: "norm".to_owned(), scale: vec![2.0; size], shift: vec![1.0; size] };
        let gru = Layer::Gru(random.gru(3, size, Cell::default()));
        vec![gru, activation(size, Activation::Relu), Layer::Affine(affine), activation(size, Activation::Tanh)]
    };
    let model = Model::new(layers(5), None).unwrap();
    assert!(matches!(&model.layers()[2], Layer::Dense(dense) if dense.weight.row(3) == [0.0, 0.0, 0.0, 2.0, 0.0]));
    assert_eq!(model.notes(), ["`norm` has no matrix beside it and runs as a dense layer"]);
    let error = Model::new(layers(1025), None).unwrap_err();
    assert_eq!(
        error.to_string(),
        "layer `norm`: batch normalization of 1025 values has no matrix beside it to be folded into\n  \
         help: put a dense layer or a GRU beside it, or have at most 1024 values"
    );
}

#[test]
fn layer_norms() {
    let mut random = Random(4);
    for size in [1, 2, 5, 16, 33, 300] {
        let norm = LayerNorm {
            name: "norm".to_owned(),
            weight: random.vector(size),
            bias: random.vector(size),
            epsilon: 1e-5,
        };
        let layers = vec![
            Layer::Gru(random.gru(3, 7, Cell::default())),
            random.dense(7, size),
            Layer::LayerNorm(norm),
            random.dense(size, 2),
        ];
        check(&format!("{size}"), &mut random, layers);
    }
}

/// RMS error of the model's outputs in int8 on other input than it was calibrated on, beside the largest output where that is below 1; in w8a16
/// it must not be larger by more than a quarter, which only the tables of hard sigmoids make it.
fn int8_error(what: &str, random: &mut Random, layers: Vec<Layer>) -> f64 {
    let model = Model::new(layers, None).unwrap();
    let file = tempfile::Builder::new().suffix(".csv").tempfile().unwrap();
    let mut noise = || {
        let text: String = (0..512)
            .map(|_| random.vector(3).iter().map(f64::to_string).collect::<Vec<_>>().join(",") + "\n")
            .collect();
        std::fs::write(file.path(), text).unwrap();
        Dataset::read(file.path(), model.input()).unwrap()
    };
    let (calibration, test) = (Calibration::measure(&model, &noise(), &()), noise());
    let [int8, w8a16] = [Precision::Int8, Precision::W8a16].map(|precision| {
        let quantised = mixed(&model, &vec![precision; model.layers().len()], &calibration, None, false).unwrap();
        let errors = verify(&model, &Int8Runner::new(&quantised), &test, None, &()).unwrap().reference.errors;
        println!("{what}, {precision:?}: max {:.1e}, RMS {:.1e}, peak {:.2}", errors.max, errors.rms, errors.peak);
        errors.rms / errors.peak.min(1.0)
    });
    assert!(w8a16 <= 1.25 * int8, "{what}: int8 {int8:e}, w8a16 {w8a16:e}");
    int8
}

#[test]
fn chains_in_int8() {
    let mut random = Random(5);
    for kind in [Activation::Tanh, Activation::Sigmoid, HARD, SKEWED, Activation::Relu, Activation::Linear] {
        let gru = Layer::Gru(random.gru(3, 16, Cell::default()));
        let chain = vec![
            gru,
            random.dense(16, 19),
            activation(19, kind),
            random.dense(19, 8),
            activation(8, kind),
            Layer::Gru(random.gru(8, 16, Cell::default())),
            activation(16, kind),
            random.dense(16, 4),
        ];
        let softmax = activation(4, Activation::Softmax);
        for layers in [chain.clone(), [chain.clone(), vec![softmax]].concat(), chain[..3].to_vec(), chain[..7].to_vec()]
        {
            let what = format!("{kind:?}, {} layers", layers.len());
            let error = int8_error(&what, &mut random, layers);
            assert!(error < 8e-3, "{what}: {error:e}");
        }
    }
}

#[test]
fn layer_norms_in_int8() {
    let mut random = Random(6);
    for size in [2, 5, 16, 33, 300] {
        let mut norm = |size| LayerNorm {
            name: "norm".to_owned(),
            weight: random.vector(size),
            bias: random.vector(size),
            epsilon: 1e-5,
        };
        let [first, second] = [Layer::LayerNorm(norm(16)), Layer::LayerNorm(norm(size))];
        let gru = Layer::Gru(random.gru(3, 16, Cell::default()));
        let layers = vec![gru, first, random.dense(16, size), second, random.dense(size, 3)];
        let error = int8_error(&format!("norm of {size}"), &mut random, layers);
        assert!(error < 2e-2, "{size}: {error:e}");
    }
}

#[test]
fn both_directions_in_int8() {
    let mut random = Random(7);
    for (merge, ends) in merges() {
        let first = both(&mut random, [3, 12], merge, false);
        let second = both(&mut random, [first.output_size(), 12], merge, ends);
        let head = random.dense(first.output_size(), 3);
        let error = int8_error(&format!("{merge:?}, ends {ends}"), &mut random, vec![first, second, head]);
        assert!(error < 8e-3, "{merge:?}, ends {ends}: {error:e}");
    }
}

#[test]
fn what_int8_lacks_is_named() {
    let mut random = Random(8);
    let refused = |layers: Vec<Layer>| {
        let model = Model::new(layers, None).unwrap();
        let mut calibration = Calibration { input: Vec::new(), outputs: Vec::new(), preactivations: Vec::new() };
        let range = gru_export::calibrate::Range { min: -1.0, max: 1.0 };
        calibration.input = vec![range; 3];
        calibration.outputs = model.layers().iter().map(|layer| vec![range; layer.output_size()]).collect();
        calibration.preactivations = calibration.outputs.iter().map(|outputs| vec![range; 4 * outputs.len()]).collect();
        quantise(&model, &calibration, None, false).unwrap_err().to_string()
    };
    let relu = Cell { activation: Activation::Relu, ..Cell::default() };
    let clipped = Cell { clip: Some(3.0), ..Cell::default() };
    for cell in [relu, clipped] {
        let error = refused(vec![Layer::Gru(random.gru(3, 4, cell))]);
        assert!(error.contains("`gru`") && error.contains("f32"), "{error}");
    }
    let error = refused(vec![Layer::Gru(random.gru(3, 4, Cell::default())), activation(4, Activation::Softmax)]);
    assert!(error.contains("`activation`") && error.contains("largest"), "{error}");
}
