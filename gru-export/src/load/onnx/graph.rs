//! Runs a graph on symbols and collects its layers.

use std::collections::{HashMap, HashSet};

use crate::error::{Error, Result, listed, quoted};
use crate::ir::Layer;
use crate::source::Source;

use super::layers::merge_biases;
use super::layout::{Layout, Over, Part};
use super::node::Node;
use super::proto;
use super::size::Size;
use super::tensor::{Reader, Tensor};
use super::value::{Initial, Sizes, Steps, Stream, Value};

const BRANCH: &str = "a model here is one chain of layers; export the part from the input to one output alone";

/// What is known while the nodes are run in order.
pub struct Graph<'a> {
    pub(super) reader: Reader<'a>,
    pub(super) opset: i64,
    pub(super) from_pytorch: bool,
    pub(super) layers: Vec<Layer>,
    pub(super) notes: Vec<String>,
    /// The axis of the input that is time, once a GRU has told.
    pub(super) time: Option<usize>,
    input: Option<&'a str>,
    values: HashMap<&'a str, Value<'a>>,
}

impl<'a> Graph<'a> {
    pub fn new(source: &'a Source, graph: &'a proto::Graph, opset: i64, producer: &str) -> Result<Self> {
        let constants: HashMap<_, _> =
            graph.initializer.iter().map(|tensor| (&tensor.name[..], Value::Constant(tensor))).collect();
        let states = initial_states(&graph.node);
        let mut inputs = Vec::new();
        for input in graph.input.iter().filter(|input| !constants.contains_key(&input.name[..])) {
            inputs.push((&input.name[..], input_value(input, states.contains(&input.name[..]))?));
        }
        let mut values = constants;
        values.extend(inputs);
        let from_pytorch = producer == "pytorch";
        let reader = Reader::new(source);
        Ok(Self { reader, opset, from_pytorch, layers: Vec::new(), notes: Vec::new(), time: None, input: None, values })
    }

    /// The layers in order, and what a user should know of them.
    pub fn run(mut self, graph: &'a proto::Graph) -> Result<(Vec<Layer>, Vec<String>)> {
        let mut needed: HashSet<&str> = graph.output.iter().map(|output| &output.name[..]).collect();
        let mut nodes: Vec<_> = graph.node.iter().collect();
        let mut is_needed = |node: &&'a proto::Node| {
            let needed_here = node.output.iter().any(|name| needed.contains(&name[..]));
            needed.extend(node.input.iter().map(String::as_str).filter(|_| needed_here));
            needed_here
        };
        nodes = nodes.into_iter().rev().filter(&mut is_needed).collect();
        // What explains the others goes first.
        if let Some(node) =
            nodes.iter().find(|node| matches!(&node.op_type[..], "Loop" | "Scan" | "If" | "LSTM" | "RNN"))
        {
            return Err(unsupported(Node(node), "not supported"));
        }
        for node in nodes.into_iter().rev() {
            let values = self.operate(Node(node))?;
            self.values.extend(node.output.iter().map(String::as_str).zip(values));
        }
        self.check_outputs(&graph.output)?;
        Ok((merge_biases(self.layers), self.notes))
    }

    /// The values that a node computes.
    fn operate(&mut self, node: Node<'a>) -> Result<Vec<Value<'a>>> {
        if !matches!(&node.0.domain[..], "" | "ai.onnx") {
            return Err(unsupported(node, &format!("of the domain {}", quoted(&node.0.domain))));
        }
        let value = match node.op() {
            "GRU" => return self.gru(node),
            "MatMul" | "Gemm" => self.dense(node)?,
            "Relu" | "Sigmoid" | "Tanh" | "HardSigmoid" | "Softmax" => self.activation(node)?,
            "BatchNormalization" => self.batch_norm(node)?,
            "LayerNormalization" => self.layer_norm(node)?,
            "Add" | "Sub" | "Mul" | "Div" => self.arithmetic(node)?,
            "Constant" => self.constant(node)?,
            "ConstantOfShape" => self.constant_of_shape(node)?,
            "Expand" => self.expand(node)?,
            "Shape" => self.shape(node)?,
            "ReduceProd" => self.reduce_product(node)?,
            "Identity" => self.value(node, 0)?,
            "Cast" => self.cast(node)?,
            "Transpose" => self.transpose(node)?,
            "Squeeze" => self.squeeze(node)?,
            "Unsqueeze" => self.unsqueeze(node)?,
            "Reshape" | "Flatten" => self.reshape(node)?,
            "Slice" => self.slice(node)?,
            "Gather" => self.gather(node)?,
            "Concat" => self.concat(node)?,
            _ => return Err(unsupported(node, "not supported")),
        };
        Ok(vec![value])
    }

    /// An input that must be there.
    pub(super) fn value(&self, node: Node<'a>, index: usize) -> Result<Value<'a>> {
        self.optional(node, index)?.ok_or_else(|| node.error(format!("expected an input {index}, found none")))
    }

    pub(super) fn optional(&self, node: Node<'a>, index: usize) -> Result<Option<Value<'a>>> {
        let Some(name) = node.input(index) else { return Ok(None) };
        match self.values.get(name) {
            Some(value) => Ok(Some(value.clone())),
            None => Err(node.error(format!("its input {} is neither computed before it nor a constant", quoted(name)))),
        }
    }

    /// An input of the data.
    pub(super) fn stream(&self, node: Node<'a>, index: usize) -> Result<Stream<'a>> {
        match self.value(node, index)? {
            Value::Stream(stream) => Ok(stream),
            found => Err(node.error(format!(
                "expected {} to be computed from the model's input, found {}",
                quoted(node.input(index).unwrap_or_default()),
                found.kind()
            ))),
        }
    }

    /// An input of constant floats.
    pub(super) fn numbers(&self, node: Node<'a>, index: usize) -> Result<Tensor> {
        match self.value(node, index)? {
            Value::Constant(tensor) => self.reader.floats(tensor),
            Value::Numbers(tensor) => Ok(tensor),
            found => Err(node.error(format!(
                "expected {} to be a constant, found {}",
                quoted(node.input(index).unwrap_or_default()),
                found.kind()
            ))),
        }
    }

    /// Where a layer's input must be: the end of the chain.
    pub(super) fn push(&mut self, node: Node<'a>, mut stream: Stream<'a>, layer: Layer) -> Result<Stream<'a>> {
        if stream.depth != self.layers.len() {
            let taken = self.layers[stream.depth].name();
            let problem = match self.input {
                Some(input) if stream.depth == 0 && input != stream.input => {
                    format!("starts from {}, but the model's input is {} already", quoted(stream.input), quoted(input))
                }
                _ => format!("its input goes to {} as well", quoted(taken)),
            };
            return Err(node.error(problem).help(BRANCH));
        }
        if stream.is_apart() {
            return Err(node
                .error("reads the two directions of a bidirectional GRU apart")
                .help("join them along the features, as PyTorch and Keras do, or add, multiply or average them"));
        }
        self.settle_ends(&mut stream);
        self.input = Some(stream.input);
        self.layers.push(layer);
        stream.depth += 1;
        stream.is_state = false;
        Ok(stream)
    }

    /// Has the last layer give its final states, where the value is these: both directions', joined.
    pub(super) fn settle_ends(&mut self, stream: &mut Stream<'a>) {
        if let (Steps::Ends, Some(Layer::Bidirectional(layer))) = (stream.steps, self.layers.last_mut()) {
            layer.ends = true;
            stream.steps = Steps::Last;
        }
    }

    /// Fails unless `axis` can hold `size` features.
    pub(super) fn expect_features(&self, node: Node<'a>, stream: &Stream<'a>, axis: usize, size: usize) -> Result<()> {
        let fits = match stream.layout.axis(axis) {
            [Part { over: Over::Input(_), size: found }] if stream.depth == 0 => {
                found.number().is_none() || found.positive() == Some(size)
            }
            [Part { over: Over::Feature, size: found }] => found.positive() == Some(size),
            [] => stream.depth == 0 && size == 1,
            _ => false,
        };
        if fits {
            return Ok(());
        }
        Err(node.error(format!("expected {size} features in axis {axis}, found the axes {}", stream.layout)))
    }

    /// Fails unless some output is the last layer's, and the others are states.
    fn check_outputs(&mut self, outputs: &[proto::ValueInfo]) -> Result<()> {
        let (mut ends, mut last, mut joined) = (Vec::new(), None, None);
        for output in outputs {
            let name = &output.name[..];
            match self.values.get(name) {
                Some(Value::Stream(stream)) if stream.depth == self.layers.len() && stream.steps != Steps::Ends => {
                    if stream.is_apart() {
                        let problem =
                            format!("output {}: the directions of a bidirectional GRU are apart", quoted(name));
                        return Err(Error::new(problem).help("join them along the features"));
                    }
                    last = last.max(Some(stream.steps == Steps::All));
                }
                Some(Value::Stream(stream)) if stream.is_state => {
                    if stream.depth == self.layers.len() && !stream.is_apart() {
                        joined = Some(stream.clone());
                    }
                    ends.push(name);
                }
                Some(Value::Finals(_) | Value::Initial(_)) => ends.push(name),
                Some(Value::Stream(stream)) => {
                    let problem = format!(
                        "output {} leaves the chain before {}",
                        quoted(name),
                        quoted(self.layers[stream.depth].name())
                    );
                    return Err(Error::new(problem).help(BRANCH));
                }
                Some(_) => return Err(Error::new(format!("output {} is a constant", quoted(name)))),
                None => return Err(Error::new(format!("output {} is computed by no node", quoted(name)))),
            }
        }
        if let (None, Some(mut stream)) = (last, joined) {
            self.settle_ends(&mut stream);
            last = Some(false);
        }
        match last {
            None => Err(Error::new(format!(
                "expected an output of the last layer, found {}",
                listed(ends.iter().map(|name| format!("the final state {}", quoted(name))))
            ))
            .help("export the GRU's outputs as well")),
            Some(false) => {
                self.notes.push(
                    "the file gives the last step's output alone, the exported model gives every step's".to_owned(),
                );
                Ok(())
            }
            Some(true) => Ok(()),
        }
    }
}

fn unsupported(node: Node<'_>, what: &str) -> Error {
    let error = node.error(format!("the operator is {what}"));
    match node.op() {
        "LSTM" | "RNN" => error.help("train a GRU instead"),
        "ReduceMean" => error.help(
            "if it is part of a layer normalization, export again with opset_version 17 or later, which has a node for it; \
             a stream has no mean over time",
        ),
        "ArgMax" | "LogSoftmax" => error.help("end the export at the values that go into it"),
        "Loop" | "Scan" | "If" => error.help(
            "the exporter wrote a layer as a loop; save the model in the framework's own format instead: \
             a state_dict as safetensors, or a .keras file",
        ),
        _ => error.help("leave pre- and post-processing out of the export: between GRUs, dense layers, activations and normalization are understood"),
    }
}

/// A graph's input before any layer.
fn input_value<'a>(input: &'a proto::ValueInfo, is_state: bool) -> Result<Value<'a>> {
    let name = &input.name[..];
    let shape = input.r#type.tensor.as_ref().map(|tensor| &tensor.shape.dim[..]).unwrap_or_default();
    let sizes = shape.iter().enumerate().map(|(axis, dim)| match (&dim.name[..], dim.value) {
        ("", number) if number > 0 => Ok(Size::known(number)),
        ("", 0) => Ok(Size::named(&format!("{name}:{axis}"))),
        ("", number) => {
            Err(Error::new(format!("input {}: expected sizes above zero, found {number} in axis {axis}", quoted(name))))
        }
        (varying, _) => Ok(Size::named(varying)),
    });
    let sizes = sizes.collect::<Result<Vec<_>>>()?;
    Ok(if is_state {
        Value::Initial(Initial { shape: Some(sizes) })
    } else {
        let layout = Layout::of_input(sizes);
        Value::Stream(Stream { input: name, depth: 0, layout, steps: Steps::All, direction: None, is_state: false })
    })
}

/// Names of inputs that go into a GRU as its initial state, as they are or cut.
fn initial_states(nodes: &[proto::Node]) -> HashSet<&str> {
    let producers: HashMap<&str, Node<'_>> =
        nodes.iter().flat_map(|node| node.output.iter().map(move |name| (&name[..], Node(node)))).collect();
    let movements = ["Slice", "Gather", "Squeeze", "Unsqueeze", "Reshape", "Transpose", "Identity", "Cast"];
    let origin = |mut name| {
        // A path longer than the graph is a circle.
        for _ in nodes {
            match producers.get(name) {
                Some(node) if movements.contains(&node.op()) => name = node.input(0)?,
                Some(_) => return None,
                None => return Some(name),
            }
        }
        None
    };
    nodes.iter().map(Node).filter(|node| node.op() == "GRU").filter_map(|node| origin(node.input(5)?)).collect()
}

impl<'a> Graph<'a> {
    /// An input of integers.
    pub(super) fn sizes(&self, node: Node<'a>, index: usize) -> Result<Sizes> {
        match self.value(node, index)? {
            Value::Sizes(sizes) => Ok(sizes),
            Value::Constant(tensor) => Sizes::read(tensor, &self.reader),
            found => Err(node.error(format!(
                "expected {} to be a list of sizes or indices, found {}",
                quoted(node.input(index).unwrap_or_default()),
                found.kind()
            ))),
        }
    }

    /// An input of integers that never vary.
    pub(super) fn ints(&self, node: Node<'a>, index: usize) -> Result<Vec<i64>> {
        let sizes = self.sizes(node, index)?;
        sizes.list.iter().map(Size::number).collect::<Option<_>>().ok_or_else(|| {
            let name = quoted(node.input(index).unwrap_or_default());
            node.error(format!("expected {name} to be constant, found [{}]", listed(&sizes.list)))
        })
    }

    /// Integers that are an attribute in old versions of an operator and an input in new ones.
    pub(super) fn ints_or(&self, node: Node<'a>, attribute: &str, index: usize) -> Result<Option<Vec<i64>>> {
        match node.attribute(attribute) {
            Some(attribute) => Ok(Some(attribute.ints.to_vec())),
            None if node.input(index).is_none() => Ok(None),
            None => self.ints(node, index).map(Some),
        }
    }
}
