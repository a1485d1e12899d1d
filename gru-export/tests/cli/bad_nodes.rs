//! ONNX nodes that must be refused for what they are given.

use crate::bad_onnx::transcript;
use crate::onnx_files::{GRU_INPUTS, Graph, Message, float, floats, int, ints, list, node, raw_tensor, texts};

/// After the GRU, whose outputs `[T, 1, 3]` are `steps` and whose final states are `final`.
fn after(nodes: impl IntoIterator<Item = Message>, constants: impl IntoIterator<Item = Message>) -> Vec<u8> {
    Graph::ending(nodes, constants)
}

/// `y = OP(INPUTS)`.
fn last(op: &str, inputs: &[&str], attributes: &[Message]) -> Message {
    node(op, inputs, &["y"], attributes)
}

/// The one node after the GRU.
fn only(op: &str, inputs: &[&str], attributes: &[Message], constants: &[Message]) -> Vec<u8> {
    after([last(op, inputs, attributes)], constants.to_vec())
}

/// `s`, the shape of the model's input.
fn shape() -> Message {
    node("Shape", &["x"], &["s"], &[])
}

/// `finals`, the final states of two layers, as far as the graph tells.
fn finals(axis: i64) -> Message {
    node("Concat", &["final", "final"], &["finals"], &[int("axis", axis)])
}

#[test]
fn bad_sizes() {
    let reshaped = || last("Reshape", &["steps", "t"], &[]);
    let constant = |attributes: &[Message]| after([node("Constant", &[], &["t"], attributes), reshaped()], []);
    let sizes = |op: &str, inputs: &[&str], constants: &[Message]| {
        after([shape(), node(op, inputs, &["t"], &[int("axis", 0)]), reshaped()], constants.to_vec())
    };
    let value = Message::new().bytes(1, "value").message(5, &floats("", &[1]));
    let zeros = [node("ConstantOfShape", &["one"], &["h"], &[value]), last("Add", &["steps", "h"], &[])];
    let large = || ints("large", &[1 << 40, 1 << 40]);
    let zero = || ints("zero", &[0]);
    let text = transcript([
        ("a constant of nothing", constant(&[])),
        ("a constant of one float", constant(&[float("value_float", 1.0)])),
        ("a state that is not zero", after(zeros, [])),
        ("the shape of a shape", sizes("Shape", &["s"], &[])),
        ("the product of two and three sizes", sizes("Mul", &["two", "s"], &[ints("two", &[1, 2])])),
        ("a product beyond 64 bits", sizes("Mul", &["large", "large"], &[large()])),
        ("the product of all sizes beyond 64 bits", sizes("ReduceProd", &["large"], &[large()])),
        ("three sizes as one", sizes("Squeeze", &["s"], &[])),
        ("sizes along their second axis", sizes("Slice", &["s", "zero", "one", "one"], &[zero()])),
        ("a size as an index of sizes", {
            let first = node("Gather", &["s", "zero"], &["first"], &[]);
            after([shape(), first, node("Gather", &["s", "first"], &["t"], &[]), reshaped()], [zero()])
        }),
        ("65 sizes", sizes("Concat", &["many", "many", "many", "many", "one"], &[ints("many", &[1; 16])])),
        ("a size as an axis", after([shape(), last("Squeeze", &["steps", "s"], &[])], [])),
        ("data as a shape", only("Reshape", &["steps", "x"], &[], &[])),
    ]);
    insta::assert_snapshot!(text);
}

#[test]
fn bad_movements() {
    let unsqueezed = |axes: &[i64]| only("Unsqueeze", &["steps", "axes"], &[], &[ints("axes", axes)]);
    let reshaped = |sizes: &[i64]| only("Reshape", &["steps", "sizes"], &[], &[ints("sizes", sizes)]);
    let text = transcript([
        ("data to integers", only("Cast", &["steps"], &[int("to", 7)], &[])),
        ("a transposed shape", after([shape(), last("Transpose", &["s"], &[])], [])),
        ("squeezed final states", after([finals(0), last("Squeeze", &["finals"], &[])], [])),
        ("a squeezed axis of three", only("Squeeze", &["steps", "two"], &[], &[ints("two", &[2])])),
        ("an unsqueezed shape", after([shape(), last("Unsqueeze", &["s", "one"], &[])], [])),
        ("unsqueezed nowhere", only("Unsqueeze", &["steps"], &[], &[])),
        ("nine axes by Unsqueeze", unsqueezed(&[0, 1, 2, 3, 4, 5])),
        ("one axis twice", unsqueezed(&[1, 1])),
        ("nine axes by Reshape", reshaped(&[1; 9])),
        ("the size of a fourth axis", reshaped(&[0, 0, 0, 0])),
        ("a constant in another shape", {
            let matrix = node("Reshape", &["weight", "five"], &["w"], &[]);
            after([matrix, last("MatMul", &["steps", "w"], &[])], [ints("five", &[5])])
        }),
        ("two axes of 2^40 as one", {
            Graph::changed(|graph| {
                graph.inputs[0].1 = vec![1 << 40, 1 << 40, 2];
                graph.nodes = vec![last("Flatten", &["x"], &[int("axis", 2)])];
            })
        }),
    ]);
    insta::assert_snapshot!(text);
}

#[test]
fn bad_parts() {
    let (zero, two) = (ints("zero", &[0]), ints("two", &[0, 0]));
    let slice = |inputs: &[&str]| only("Slice", inputs, &[], &[zero.clone(), two.clone(), ints("every", &[2])]);
    let text = transcript([
        ("a slice without ends", slice(&["steps", "zero"])),
        ("a slice of two starts and one end", slice(&["steps", "two", "one"])),
        ("a slice of every second step", slice(&["steps", "zero", "one", "zero", "every"])),
        ("an empty slice of a constant", {
            let matrix = node("Slice", &["weight", "one", "one"], &["w"], &[]);
            after([matrix, last("MatMul", &["steps", "w"], &[])], [])
        }),
        ("both final states", {
            after([finals(0), last("Slice", &["finals", "zero", "two"], &[])], [zero.clone(), ints("two", &[2])])
        }),
        ("a size as an index", {
            let first = node("Gather", &["s", "zero"], &["first"], &[]);
            after([shape(), first, last("Gather", &["steps", "first"], &[])], [zero.clone()])
        }),
        ("two indices", only("Gather", &["steps", "two"], &[], std::slice::from_ref(&two))),
        ("a part of each final state", {
            after([finals(0), last("Gather", &["finals", "zero"], &[int("axis", 1)])], [zero.clone()])
        }),
        ("a part of joined axes", {
            let joined = node("Reshape", &["steps", "all"], &["joined"], &[]);
            after([joined, last("Gather", &["joined", "zero"], &[])], [zero.clone(), ints("all", &[-1])])
        }),
        ("constants that do not fit together", {
            let matrix = node("Concat", &["weight", "wide"], &["w"], &[int("axis", 0)]);
            after([matrix, last("MatMul", &["steps", "w"], &[])], [floats("wide", &[3, 5])])
        }),
        ("final states side by side", after([finals(1), last("Relu", &["finals"], &[])], [])),
    ]);
    insta::assert_snapshot!(text);
}

#[test]
fn bad_layers() {
    let norm = |variance: f32, bias: &[i64]| {
        let variance: Vec<u8> = [variance; 3].iter().flat_map(|value| value.to_le_bytes()).collect();
        let constants = [floats("scale", &[3]), floats("bias", bias), raw_tensor("variance", 1, &[3], &variance)];
        // The features of `[T, 1, 3]` in axis 1.
        let turned = node("Transpose", &["steps"], &["turned"], &[list("perm", &[0, 2, 1])]);
        let inputs = ["turned", "scale", "bias", "scale", "variance"];
        after([turned, last("BatchNormalization", &inputs, &[])], constants)
    };
    let layer_norm =
        |attribute: Message| only("LayerNormalization", &["steps", "scale"], &[attribute], &[floats("scale", &[3])]);
    let gather = |table: &[i64], axis: i64| {
        Graph::changed(|graph| {
            graph.constants.push(floats("table", table));
            graph.nodes = vec![last("Gather", &["table", "x"], &[int("axis", axis)])];
        })
    };
    let text = transcript([
        ("Gemm of three axes", only("Gemm", &["steps", "weight"], &[], &[])),
        ("batch normalization of one axis", {
            Graph::changed(|graph| {
                graph.inputs[0].1 = vec![3];
                graph.constants.push(floats("scale", &[3]));
                graph.nodes = vec![last("BatchNormalization", &["x", "scale", "scale", "scale", "scale"], &[])];
            })
        }),
        ("a variance below zero", norm(-1.0, &[3])),
        ("a bias of another size", norm(1.0, &[2])),
        ("layer normalization over the batch", layer_norm(int("axis", 1))),
        ("an epsilon of zero", layer_norm(float("epsilon", 0.0))),
        ("an embedding's table of one axis", gather(&[4], 0)),
        ("an embedding by columns", gather(&[4, 2], 1)),
        ("an embedding of outputs", only("Gather", &["weight", "steps"], &[], &[])),
        ("a sum of constants", {
            after([node("Add", &["weight", "weight"], &["w"], &[]), last("MatMul", &["steps", "w"], &[])], [])
        }),
        ("division by zero", only("Div", &["steps", "zero"], &[], &[raw_tensor("zero", 1, &[1], &[0; 4])])),
        ("division by the data", only("Div", &["half", "steps"], &[], &[floats("half", &[1])])),
        ("a constant of two axes", only("Add", &["steps", "wide"], &[], &[floats("wide", &[3, 3])])),
        ("features among other values", {
            let joined = node("Reshape", &["steps", "all"], &["joined"], &[]);
            after([joined, last("Relu", &["joined"], &[])], [ints("all", &[-1])])
        }),
    ]);
    insta::assert_snapshot!(text);
}

#[test]
fn bad_grus() {
    let second = |before: Message, constants: &[Message]| {
        let gru = node("GRU", &["then", "W2", "R", "B"], &["y"], &[]);
        after([before, gru], [&[floats("W2", &[1, 9, 3])], constants].concat())
    };
    let nan = Message::new().bytes(1, "activation_alpha").float(7, f32::NAN);
    let activations = [texts("activations", &["HardSigmoid", "Tanh"]), nan];
    let text = transcript([
        ("of the last step", { second(node("Gather", &["steps", "end"], &["then"], &[]), &[ints("end", &[-1])]) }),
        ("along the batch", second(node("Transpose", &["steps"], &["then"], &[list("perm", &[1, 0, 2])]), &[])),
        ("along time and batch as one", {
            Graph::changed(|graph| {
                graph.inputs[0].1 = vec![0, 4, 2];
                graph.constants.push(ints("rows", &[-1, 1, 2]));
                graph.nodes.insert(0, node("Reshape", &["x", "rows"], &["then"], &[]));
                graph.nodes[1] = node("GRU", &["then", "W", "R", "B"], &["gru"], &[]);
            })
        }),
        ("of two axes, batch first", {
            Graph::changed(|graph| {
                graph.inputs[0].1 = vec![0, 2];
                graph.nodes[0] = node("GRU", &GRU_INPUTS, &["gru"], &[int("layout", 1)]);
            })
        }),
        ("W a number", Graph::with_constant(0, floats("W", &[]))),
        ("alpha NaN", Graph::with_gru(&GRU_INPUTS, &activations, [])),
    ]);
    insta::assert_snapshot!(text);
}
