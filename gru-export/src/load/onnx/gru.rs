//! The GRU node: `W [D, 3·H, I]`, `R [D, 3·H, H]`, `B [D, 6·H]` with the gates in the order z, r, h.

use crate::error::{Result, quoted};
use crate::ir::{Activation, Bidirectional, Cell, Gru, Layer, Matrix, Merge, Reset};
use crate::spec::GateOrder;

use super::super::gru::{merge_biases, split, split_rows};
use super::graph::Graph;
use super::layers::layer_name;
use super::layout::{Layout, Over, Part};
use super::node::Node;
use super::size::Size;
use super::tensor::Tensor;
use super::value::{Steps, Stream, Value};

impl<'a> Graph<'a> {
    /// All steps' outputs, and the final state.
    pub(super) fn gru(&mut self, node: Node<'a>) -> Result<Vec<Value<'a>>> {
        let directions = match &node.text("direction", "forward")[..] {
            "forward" => 1,
            "bidirectional" => 2,
            "reverse" => {
                return Err(node
                    .error("runs from the last step to the first, which a stream cannot")
                    .help("train it forward, or bidirectional for whole windows"));
            }
            other => return Err(node.error(format!("expected a direction, found {}", quoted(other)))),
        };
        if !matches!(node.int("layout", 0), 0 | 1) {
            return Err(node.error(format!("expected layout 0 or 1, found {}", node.int("layout", 0))));
        }
        if node.input(4).is_some() {
            return Err(node
                .error("takes the sequences' lengths, which a stream does not have")
                .help("export the model without padding and sequence lengths"));
        }
        self.check_initial(node)?;
        let stream = self.stream(node, 0)?;
        let gate = Gates::read(self, node, directions)?;
        let layer = self.gru_layer(node, &gate, directions)?;
        let axes = self.gru_axes(node, &stream, gate.input_size)?;
        let stream = self.push(node, stream, layer)?;
        Ok(outputs(node, &stream, axes, directions, gate.hidden_size))
    }

    fn check_initial(&self, node: Node<'a>) -> Result<()> {
        let is_zero = match self.optional(node, 5)? {
            None | Some(Value::Initial(_)) => true,
            Some(Value::Constant(_) | Value::Numbers(_)) => self.numbers(node, 5)?.is_zero(),
            Some(_) => false,
        };
        if is_zero {
            return Ok(());
        }
        Err(node
            .error(format!(
                "expected {} to be zero or an input of the model: it is the state at the first step",
                quoted(node.input(5).unwrap_or_default())
            ))
            .help("a learned or computed initial state is not supported: start from zeros and train again"))
    }

    fn gru_layer(&mut self, node: Node<'a>, gates: &Gates, directions: usize) -> Result<Layer> {
        let cells = cells(node, directions)?;
        if self.from_pytorch && cells[0].reset == Reset::Before {
            self.notes.push(format!(
                "{}: linear_before_reset is 0, so the reset gate acts before the recurrent product, as the file says; PyTorch's own GRU \
                 resets after it, and some of its exporters wrote 0 by mistake: compare with the framework's outputs (verify --reference)",
                quoted(node.name())
            ));
        }
        let name = layer_name(node);
        Ok(if directions == 1 {
            Layer::Gru(gates.direction(0, cells[0], name))
        } else {
            let [forward, backward] = ["forward", "backward"].map(|direction| format!("{name}.{direction}"));
            Layer::Bidirectional(Box::new(Bidirectional {
                forward: gates.direction(0, cells[0], forward),
                backward: gates.direction(1, cells[1], backward),
                name,
                merge: Merge::Concat,
                ends: false,
            }))
        })
    }

    /// The parts of the time and batch axes.
    fn gru_axes(&mut self, node: Node<'a>, stream: &Stream<'a>, input_size: usize) -> Result<[Vec<Part>; 2]> {
        let misfit = |expected: &str| node.error(format!("expected the axes {expected}, found {}", stream.layout));
        let order = if node.int("layout", 0) == 1 { "[batch, time, features]" } else { "[time, batch, features]" };
        if stream.layout.rank() != 3 {
            return Err(misfit(order));
        }
        self.expect_features(node, stream, 2, input_size)?;
        let [mut time, mut batch] = [stream.layout.axis(0).to_vec(), stream.layout.axis(1).to_vec()];
        if node.int("layout", 0) == 1 {
            std::mem::swap(&mut time, &mut batch);
        }
        let axis = match (&time[..], &batch[..]) {
            ([Part { over: Over::Input(time), .. }], [] | [Part { over: Over::Input(_), .. }]) => Some(*time),
            ([], [] | [Part { over: Over::Input(_), .. }]) => None,
            _ => return Err(misfit(order)),
        };
        if stream.steps != Steps::All {
            return Err(node
                .error("takes the last step of another layer as its input")
                .help("give it every step of the layer before it"));
        }
        if self.layers.iter().any(|layer| matches!(layer, Layer::Gru(_) | Layer::Bidirectional(_))) && self.time != axis
        {
            return Err(misfit(order).help("every GRU must run along the same axis of the model's input"));
        }
        self.time = axis;
        Ok([time, batch])
    }
}

/// The weights of a node, checked.
struct Gates {
    input_size: usize,
    hidden_size: usize,
    w: Tensor,
    r: Tensor,
    b: Option<Tensor>,
}

impl Gates {
    fn read<'a>(graph: &Graph<'a>, node: Node<'a>, directions: usize) -> Result<Self> {
        let (w, r) = (graph.numbers(node, 1)?, graph.numbers(node, 2)?);
        let b = if node.input(3).is_some() { Some(graph.numbers(node, 3)?) } else { None };
        let (input_size, hidden_size) = match (&w.shape[..], &r.shape[..]) {
            (&[.., i], &[.., h]) => (i, h),
            _ => return Err(node.error("expected W and R of three axes, found a single number")),
        };
        let rows = hidden_size.saturating_mul(3);
        let expected =
            [("W", Some(&w), vec![directions, rows, input_size]), ("R", Some(&r), vec![directions, rows, hidden_size])];
        let bias = ("B", b.as_ref(), vec![directions, rows.saturating_mul(2)]);
        for (name, tensor, shape) in expected.into_iter().chain([bias]) {
            if let Some(tensor) = tensor.filter(|tensor| tensor.shape != shape) {
                return Err(node.error(format!("expected {name} of shape {shape:?}, found {:?}", tensor.shape)));
            }
        }
        match node.attribute("hidden_size") {
            Some(attribute) if usize::try_from(attribute.i) != Ok(hidden_size) => {
                Err(node.error(format!("expected hidden_size {hidden_size} as in R, found {}", attribute.i)))
            }
            _ => Ok(Self { input_size, hidden_size, w, r, b }),
        }
    }

    fn direction(&self, direction: usize, cell: Cell, name: String) -> Gru {
        let (i, h) = (self.input_size, self.hidden_size);
        let rows = |tensor: &Tensor, cols: usize| {
            let len = 3 * h * cols;
            split_rows(&Matrix::new(3 * h, cols, tensor.values[direction * len..][..len].to_vec()), GateOrder::ZRN)
        };
        let bias = |half: usize| match &self.b {
            Some(b) => split(&b.values[(2 * direction + half) * 3 * h..][..3 * h], GateOrder::ZRN),
            None => [(); 3].map(|()| vec![0.0; h]),
        };
        Gru {
            name,
            one_hot: false,
            cell,
            weight_ih: rows(&self.w, i),
            weight_hh: rows(&self.r, h),
            bias: merge_biases(bias(0), bias(1), cell.reset),
        }
    }
}

/// The equations of each direction.
fn cells(node: Node<'_>, directions: usize) -> Result<Vec<Cell>> {
    let reset = if node.int("linear_before_reset", 0) == 0 { Reset::Before } else { Reset::After };
    let clip = match node.attribute("clip") {
        None => None,
        Some(_) => Some(node.float("clip", 0.0)?),
    };
    if let Some(clip) = clip.filter(|&clip| clip <= 0.0) {
        return Err(node.error(format!("expected a clip above zero, found {clip}")));
    }
    let activations = activations(node, directions)?;
    let pairs = activations.as_chunks().0.iter();
    Ok(pairs
        .map(|&[recurrent_activation, activation]| Cell { reset, update: true, activation, recurrent_activation, clip })
        .collect())
}

/// Of the gates and of the candidate, for each direction. Those that take an alpha or beta take the next of the list.
fn activations(node: Node<'_>, directions: usize) -> Result<Vec<Activation>> {
    let mut names = node.texts("activations");
    if names.is_empty() {
        names = ["Sigmoid", "Tanh"].repeat(directions).into_iter().map(str::to_owned).collect();
    }
    if names.len() != 2 * directions {
        return Err(node.error(format!("expected {} activations, found {}", 2 * directions, names.len())));
    }
    let list = |name: &str| node.attribute(name).map_or(&[][..], |attribute| &attribute.floats[..]).iter();
    let (mut alphas, mut betas) = (list("activation_alpha"), list("activation_beta"));
    let mut next = || [alphas.next(), betas.next()].map(|value| value.map(|&value| f64::from(value)));
    let mut activation = |name: &String| {
        Ok(match &name.to_lowercase()[..] {
            "sigmoid" => Activation::Sigmoid,
            "tanh" => Activation::Tanh,
            "relu" => Activation::Relu,
            "hardsigmoid" => {
                let [slope, offset] = next();
                let (slope, offset) = (slope.unwrap_or(0.2), offset.unwrap_or(0.5));
                if !(slope.is_finite() && offset.is_finite()) {
                    return Err(node.error(format!("expected a finite alpha and beta, found {slope} and {offset}")));
                }
                Activation::HardSigmoid { slope, offset }
            }
            // Runtimes differ in what it is without alpha and beta.
            "affine" => match next() {
                [Some(1.0), Some(0.0)] => Activation::Linear,
                found => {
                    let [alpha, beta] = found.map(|value| value.map_or("none".to_owned(), |value| value.to_string()));
                    return Err(
                        node.error(format!("expected Affine with alpha 1 and beta 0, found {alpha} and {beta}"))
                    );
                }
            },
            _ => {
                return Err(node
                    .error(format!("the activation {} is not supported", quoted(name)))
                    .help("Sigmoid, Tanh, Relu, HardSigmoid and the identity (Affine) are"));
            }
        })
    };
    names.iter().map(&mut activation).collect()
}

/// `Y` and `Y_h`.
fn outputs<'a>(
    node: Node<'a>,
    stream: &Stream<'a>,
    axes: [Vec<Part>; 2],
    directions: usize,
    hidden_size: usize,
) -> Vec<Value<'a>> {
    let [time, batch] = axes;
    let direction = match directions {
        1 => Vec::new(),
        _ => vec![Part { over: Over::Direction, size: Size::known(2) }],
    };
    let feature = vec![Part { over: Over::Feature, size: Size::known(hidden_size as i64) }];
    let (all, last) = if node.int("layout", 0) == 1 {
        ([batch.clone(), time, direction.clone(), feature.clone()], [batch, direction, feature])
    } else {
        ([time, direction.clone(), batch.clone(), feature.clone()], [direction, batch, feature])
    };
    let steps = if directions == 1 { Steps::Last } else { Steps::Ends };
    vec![
        Value::Stream(Stream { layout: Layout::new(all), ..stream.clone() }),
        Value::Stream(Stream { layout: Layout::new(last), steps, is_state: true, ..stream.clone() }),
    ]
}
