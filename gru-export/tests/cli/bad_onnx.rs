//! ONNX files that must be refused.

use crate::onnx_files::{
    GRU_INPUTS, Graph, Message, external, float, floats, int, ints, list, node, raw_tensor, text, texts,
};
use crate::program::{Bench, Transcript};

const EXPORT: &str = "export model.onnx --precision f32 -o out.rs";

pub fn transcript(cases: impl IntoIterator<Item = (&'static str, Vec<u8>)>) -> String {
    let mut transcript = Transcript::default();
    for (case, bytes) in cases {
        let bench = Bench::new();
        bench.put("model.onnx", &bytes);
        bench.put("weights.data", &[0; 100]);
        transcript.add(case, &bench.refusal(EXPORT));
    }
    transcript.text().to_owned()
}

#[test]
fn sound() {
    let bench = Bench::new();
    bench.put("model.onnx", &Graph::sound().file());
    let run = bench.run(EXPORT);
    assert_eq!(run.code, 0, "{}", run.stderr);
}

#[test]
fn not_onnx() {
    let sound = Graph::sound().file();
    let deep = [0x0B; 200];
    let long = [0x3A, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01];
    let many = Message::new().each(0..3000, |m, _| m.bytes(1, b""));
    let text = transcript([
        ("empty", vec![]),
        ("text", b"this is not a model".to_vec()),
        ("cut within the graph", sound[..sound.len() / 2].to_vec()),
        ("no version of operators", sound[..sound.len() - 4].to_vec()),
        ("groups nested 200 deep", deep.to_vec()),
        ("a length of 2^64 − 1", long.to_vec()),
        ("3000 empty nodes", Message::new().message(7, &many).0),
        ("no graph", Message::new().int(1, 8).bytes(2, "test").0),
        ("operators of version 6", Graph::changed(|graph| graph.opset = 6)),
    ]);
    insta::assert_snapshot!(text);
}

#[test]
fn bad_constants() {
    let weights = |kind: i64, dims: &[i64], bytes: &[u8]| Graph::with_constant(0, raw_tensor("W", kind, dims, bytes));
    let beside = |entries: &[(&str, &str)]| Graph::with_constant(0, external("W", &[1, 9, 2], entries));
    let text = transcript([
        ("8-bit integers", weights(3, &[1, 9, 2], &[0; 18])),
        ("NaN", weights(1, &[1, 9, 2], &[0xFF; 72])),
        ("too few bytes", weights(1, &[1, 9, 2], &[0; 71])),
        ("too few floats", Graph::with_constant(0, raw_tensor("W", 1, &[1, 9, 2], &[]).float(4, 0.5))),
        ("too many integers", Graph::with_constant(3, raw_tensor("one", 7, &[1], &[]).int(7, 1).int(7, 1))),
        ("shape whose product overflows", weights(1, &[1 << 40, 1 << 40], &[0; 72])),
        ("negative size", weights(1, &[1, -9, 2], &[0; 72])),
        ("larger than the file by far", weights(1, &[1 << 40], &[0; 72])),
        ("joined to much more than the file", {
            Graph::changed(|graph| {
                let names = ["W", "W1", "W2", "W3", "W4", "W5"];
                let joins = names.windows(2).map(|pair| node("Concat", &[pair[0]; 16], &[pair[1]], &[int("axis", 0)]));
                graph.nodes.splice(0..0, joins);
                graph.nodes[5] = node("GRU", &["x", "W5", "R", "B"], &["gru"], &[]);
            })
        }),
        ("indices as floats", Graph::with_constant(3, floats("one", &[1]))),
        ("100 indices", Graph::with_constant(3, ints("one", &[1; 100]))),
        ("data file missing", beside(&[("location", "missing.data")])),
        ("data file in another directory", beside(&[("location", "../weights.data")])),
        ("absolute path", beside(&[("location", "/etc/passwd")])),
        ("no location", beside(&[])),
        ("offset beyond the data file", beside(&[("location", "weights.data"), ("offset", "64")])),
        ("offset of 2^64 − 1", beside(&[("location", "weights.data"), ("offset", "18446744073709551615")])),
        ("length of another shape", beside(&[("location", "weights.data"), ("length", "71")])),
        ("offset not a number", beside(&[("location", "weights.data"), ("offset", "-1")])),
    ]);
    insta::assert_snapshot!(text);
}

#[test]
fn bad_cells() {
    let gru = |attributes: &[Message]| Graph::with_gru(&GRU_INPUTS, attributes, []);
    let activations = |names: &[&str]| gru(&[texts("activations", names)]);
    let text = transcript([
        ("LSTM", Graph::changed(|graph| graph.nodes[0] = node("LSTM", &GRU_INPUTS, &["gru"], &[]))),
        ("reverse", gru(&[text("direction", "reverse")])),
        ("unknown direction", gru(&[text("direction", "up")])),
        ("bidirectional with weights of one direction", gru(&[text("direction", "bidirectional")])),
        ("another hidden size", gru(&[int("hidden_size", 4)])),
        ("three activations", activations(&["Sigmoid", "Tanh", "Tanh"])),
        ("unsupported activation", activations(&["Sigmoid", "Softsign"])),
        ("Affine without alpha and beta", activations(&["Sigmoid", "Affine"])),
        ("clip below zero", gru(&[float("clip", -1.0)])),
        ("clip NaN", gru(&[float("clip", f32::NAN)])),
        ("W of another size", Graph::with_constant(0, floats("W", &[1, 6, 2]))),
        ("W a vector", Graph::with_constant(0, floats("W", &[18]))),
        ("B of another size", Graph::with_constant(2, floats("B", &[1, 9]))),
        ("W for other inputs", Graph::with_constant(0, floats("W", &[1, 9, 5]))),
        ("W computed from the input", Graph::with_gru(&["x", "x", "R", "B"], &[], [])),
        ("W missing", Graph::with_gru(&["x", "", "R", "B"], &[], [])),
        ("sequence lengths", Graph::with_gru(&["x", "W", "R", "B", "one"], &[], [])),
        ("learned initial state", Graph::with_gru(&["x", "W", "R", "B", "", "h"], &[], [floats("h", &[1, 1, 3])])),
        ("unknown layout", gru(&[int("layout", 2)])),
        ("input of two axes", Graph::changed(|graph| graph.inputs[0].1 = vec![0, 2])),
    ]);
    insta::assert_snapshot!(text);
}

#[test]
fn bad_graphs() {
    let after = |op: &str, inputs: &[&str], attributes: &[Message], constants: Vec<Message>| {
        Graph::ending([node(op, inputs, &["y"], attributes)], constants)
    };
    let bidirectional = |nodes: Vec<Message>| {
        Graph::changed(|graph| {
            graph.nodes = vec![node("GRU", &GRU_INPUTS, &["gru", "final"], &[text("direction", "bidirectional")])];
            graph.nodes.extend(nodes);
            graph.constants[..3].clone_from_slice(&[
                floats("W", &[2, 9, 2]),
                floats("R", &[2, 9, 3]),
                floats("B", &[2, 18]),
            ]);
        })
    };
    let domain = node("Swish", &["steps"], &["y"], &[]).bytes(7, "com.example");
    let text = transcript([
        ("unsupported operator", after("Conv", &["steps", "weight"], &[], vec![])),
        ("mean, as in an unfused layer normalization", after("ReduceMean", &["steps"], &[], vec![])),
        ("class instead of values", after("ArgMax", &["steps"], &[], vec![])),
        ("operator of another domain", Graph::ending([domain], [])),
        ("a name that would move the cursor", after("\u{1b}[2Jevil\n", &["steps"], &[], vec![])),
        ("loop", after("Loop", &["steps"], &[], vec![])),
        ("residual connection", after("Add", &["steps", "x"], &[], vec![])),
        ("difference of two values", after("Sub", &["steps", "x"], &[], vec![])),
        ("two values side by side", after("Concat", &["steps", "steps"], &[int("axis", 2)], vec![])),
        ("two layers on one value", {
            let heads = ["a", "y"].map(|name| node("MatMul", &["steps", "weight"], &[name], &[]));
            Graph::changed(|graph| {
                graph.nodes.splice(2.., heads);
                graph.outputs.push("a");
            })
        }),
        ("output before the last layer", Graph::changed(|graph| graph.outputs.push("steps"))),
        ("constant output", Graph::changed(|graph| graph.outputs.push("one"))),
        ("output of no node", Graph::changed(|graph| graph.outputs.push("z"))),
        ("no output", Graph::changed(|graph| graph.outputs.clear())),
        ("no GRU", {
            Graph::changed(|graph| {
                graph.nodes = vec![node("Relu", &["x"], &["y"], &[])];
            })
        }),
        ("input of a negative size", Graph::changed(|graph| graph.inputs[0].1[0] = -1)),
        ("input of no node", after("Relu", &["nothing"], &[], vec![])),
        ("matrix of another size", Graph::with_constant(4, floats("weight", &[5, 4]))),
        ("matrix of three axes", Graph::with_constant(4, floats("weight", &[1, 3, 4]))),
        ("product of two matrices", Graph::ending([node("MatMul", &["weight", "steps"], &["y"], &[])], [])),
        ("softmax over the batch", after("Softmax", &["steps"], &[int("axis", 1)], vec![])),
        ("axis beyond the axes", after("Softmax", &["steps"], &[int("axis", 3)], vec![])),
        ("axis of −2^63", after("Softmax", &["steps"], &[int("axis", i64::MIN)], vec![])),
        ("not a permutation", after("Transpose", &["steps"], &[list("perm", &[0, 0, 2])], vec![])),
        ("the first step", after("Gather", &["steps", "zero"], &[], vec![ints("zero", &[0])])),
        ("part of the features", {
            let constants = [("a", 0), ("b", 2), ("c", 2)].map(|(name, value)| ints(name, &[value]));
            after("Slice", &["steps", "a", "b", "c"], &[], constants.to_vec())
        }),
        ("time and features in one axis", after("Reshape", &["steps", "two"], &[], vec![ints("two", &[3, -1])])),
        ("two open sizes", after("Reshape", &["steps", "two"], &[], vec![ints("two", &[-1, -1])])),
        ("batch normalization in training", {
            after("BatchNormalization", &["steps"; 5], &[int("training_mode", 1)], vec![])
        }),
        ("one direction alone", {
            let index = node("Gather", &["gru", "one"], &["back"], &[int("axis", 1)]);
            let head = node("MatMul", &["back", "weight"], &["y"], &[]);
            bidirectional(vec![index, head])
        }),
        ("directions apart in the output", bidirectional(vec![node("Identity", &["gru"], &["y"], &[])])),
        ("final states of both directions", { bidirectional(vec![node("MatMul", &["final", "weight"], &["y"], &[])]) }),
        ("final states of both directions as output", bidirectional(vec![node("Identity", &["final"], &["y"], &[])])),
        ("learned initial state, expanded", {
            Graph::changed(|graph| {
                graph.nodes.insert(0, node("Expand", &["h", "shape"], &["h0"], &[]));
                graph.nodes[1] = node("GRU", &["x", "W", "R", "B", "", "h0"], &["gru", "final"], &[]);
                graph.constants.extend([floats("h", &[1, 1, 3]), ints("shape", &[1, 1, 3])]);
            })
        }),
        ("an input of 2^40 values", {
            Graph::changed(|graph| {
                graph.inputs[0].1 = vec![0, 1, 1 << 40];
                graph.nodes = vec![node("Add", &["x", "half"], &["y"], &[])];
                graph.constants.push(floats("half", &[1]));
            })
        }),
        ("a second input", {
            Graph::changed(|graph| {
                graph.inputs.push(("z", vec![0, 1, 3]));
                graph.nodes[2] = node("MatMul", &["z", "weight"], &["y"], &[]);
                graph.outputs.push("steps");
            })
        }),
    ]);
    insta::assert_snapshot!(text);
}
