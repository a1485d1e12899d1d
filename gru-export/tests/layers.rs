//! Every kind of layer in f32 against the `f64` reference: random models, each of them with a dense layer and softmax behind.

use gru_export::dataset::Sample;
use gru_export::float::{FloatModel, FloatRunner};
use gru_export::ir::{
    Activated, Activation, Bidirectional, Cell, Dense, Gru, Layer, LayerNorm, Matrix, Merge, Model, Reset,
};
use gru_export::reference::play;
use gru_export::verify::Shipped;

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
        let scale = (cols as f64).powf(-0.5);
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
    for merge in [Merge::Concat, Merge::Sum, Merge::Mul, Merge::Ave] {
        let mut both = |input| {
            let [forward, backward] = [(); 2].map(|()| random.gru(input, 6, Cell::default()));
            Layer::Bidirectional(Box::new(Bidirectional { name: "both".to_owned(), forward, backward, merge }))
        };
        let first = both(3);
        let second = both(first.output_size());
        let head = random.dense(first.output_size(), 3);
        check(&format!("{merge:?}"), &mut random, vec![first, second, head, activation(3, Activation::Softmax)]);
    }
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
