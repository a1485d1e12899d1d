//! The files of a layer, and its ONNX models: one `GRU` node, its state given and returned.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use gru_peers_case::{Shape, Weights};
use gru_peers_models::{Files, WINDOW};
use prost::Message;

/// Of the file format and of the operators: old enough for every reader, new enough for `GRU`.
const IR_VERSION: i64 = 8;
const OPERATORS: i64 = 14;

/// `FLOAT` of `TensorProto` and `INT` of `AttributeProto`.
const FLOAT: i32 = 1;
const INT: i32 = 2;

/// The messages of `onnx.proto`, as far as one node needs them.
mod proto {
    use prost::Message;

    #[derive(Clone, PartialEq, Message)]
    pub struct Model {
        #[prost(int64, tag = "1")]
        pub ir_version: i64,
        #[prost(message, optional, tag = "7")]
        pub graph: Option<Graph>,
        #[prost(message, repeated, tag = "8")]
        pub opset_import: Vec<Operators>,
    }

    #[derive(Clone, PartialEq, Message)]
    pub struct Operators {
        #[prost(int64, tag = "2")]
        pub version: i64,
    }

    #[derive(Clone, PartialEq, Message)]
    pub struct Graph {
        #[prost(message, repeated, tag = "1")]
        pub node: Vec<Node>,
        #[prost(string, tag = "2")]
        pub name: String,
        #[prost(message, repeated, tag = "5")]
        pub initializer: Vec<Tensor>,
        #[prost(message, repeated, tag = "11")]
        pub input: Vec<Value>,
        #[prost(message, repeated, tag = "12")]
        pub output: Vec<Value>,
    }

    #[derive(Clone, PartialEq, Message)]
    pub struct Node {
        #[prost(string, repeated, tag = "1")]
        pub input: Vec<String>,
        #[prost(string, repeated, tag = "2")]
        pub output: Vec<String>,
        #[prost(string, tag = "3")]
        pub name: String,
        #[prost(string, tag = "4")]
        pub op_type: String,
        #[prost(message, repeated, tag = "5")]
        pub attribute: Vec<Attribute>,
    }

    #[derive(Clone, PartialEq, Message)]
    pub struct Attribute {
        #[prost(string, tag = "1")]
        pub name: String,
        #[prost(int64, tag = "3")]
        pub i: i64,
        #[prost(int32, tag = "20")]
        pub kind: i32,
    }

    #[derive(Clone, PartialEq, Message)]
    pub struct Tensor {
        // Not packed, as version 2 of the language has it: rten reads nothing else.
        #[prost(int64, repeated, packed = "false", tag = "1")]
        pub dims: Vec<i64>,
        #[prost(int32, tag = "2")]
        pub data_type: i32,
        #[prost(string, tag = "8")]
        pub name: String,
        #[prost(bytes = "vec", tag = "9")]
        pub raw_data: Vec<u8>,
    }

    #[derive(Clone, PartialEq, Message)]
    pub struct Value {
        #[prost(string, tag = "1")]
        pub name: String,
        #[prost(message, optional, tag = "2")]
        pub kind: Option<Type>,
    }

    #[derive(Clone, PartialEq, Message)]
    pub struct Type {
        #[prost(message, optional, tag = "1")]
        pub tensor: Option<TensorType>,
    }

    #[derive(Clone, PartialEq, Message)]
    pub struct TensorType {
        #[prost(int32, tag = "1")]
        pub elem_type: i32,
        #[prost(message, optional, tag = "2")]
        pub shape: Option<Dimensions>,
    }

    #[derive(Clone, PartialEq, Message)]
    pub struct Dimensions {
        #[prost(message, repeated, tag = "1")]
        pub dim: Vec<Dimension>,
    }

    #[derive(Clone, PartialEq, Message)]
    pub struct Dimension {
        #[prost(int64, tag = "1")]
        pub value: i64,
    }
}

/// Writes the files of a layer: weights, inputs, and ONNX models of a step and of a window.
pub fn write(directory: &Path, files: &Files) -> Result<()> {
    let shape = Shape::of(files);
    fs::create_dir_all(directory).with_context(|| format!("cannot create {}", directory.display()))?;
    let put = |extension: &str, bytes: &[u8]| {
        let path = directory.join(format!("{shape}.{extension}"));
        fs::write(&path, bytes).with_context(|| format!("cannot write {}", path.display()))
    };
    put("safetensors", files.weights)?;
    put("counts", files.counts)?;
    let weights = Weights::parse(files.weights)?;
    put("step.onnx", &gru(shape, &weights, 1))?;
    put("window.onnx", &gru(shape, &weights, WINDOW))
}

/// A model of `steps` steps: `x [steps, 1, input]` and `h [1, 1, hidden]` in, `next [1, 1, hidden]` out, and of more than one step
/// `y [steps, 1, 1, hidden]` before it.
fn gru(shape: Shape, weights: &Weights, steps: usize) -> Vec<u8> {
    let Shape { input, hidden } = shape;
    let bias = [reordered(&weights.bias_ih, hidden), reordered(&weights.bias_hh, hidden)].concat();
    let initializer = vec![
        tensor("w", &[1, 3 * hidden, input], &reordered(&weights.weight_ih, hidden * input)),
        tensor("r", &[1, 3 * hidden, hidden], &reordered(&weights.weight_hh, hidden * hidden)),
        tensor("b", &[1, 6 * hidden], &bias),
    ];
    let y = if steps == 1 { "" } else { "y" };
    let node = proto::Node {
        op_type: "GRU".to_owned(),
        name: "gru".to_owned(),
        input: ["x", "w", "r", "b", "", "h"].map(str::to_owned).into(),
        output: vec![y.to_owned(), "next".to_owned()],
        attribute: vec![integer("hidden_size", hidden as i64), integer("linear_before_reset", 1)],
    };
    let next = value("next", &[1, 1, hidden]);
    let output = if steps == 1 { vec![next] } else { vec![value("y", &[steps, 1, 1, hidden]), next] };
    let input = vec![value("x", &[steps, 1, input]), value("h", &[1, 1, hidden])];
    let graph = proto::Graph { name: "gru".to_owned(), node: vec![node], initializer, input, output };
    let opset_import = vec![proto::Operators { version: OPERATORS }];
    proto::Model { ir_version: IR_VERSION, opset_import, graph: Some(graph) }.encode_to_vec()
}

/// PyTorch's gates r, z, n in the order z, r, n of ONNX; each has `len` values.
fn reordered(values: &[f32], len: usize) -> Vec<f32> {
    [&values[len..2 * len], &values[..len], &values[2 * len..]].concat()
}

fn tensor(name: &str, shape: &[usize], values: &[f32]) -> proto::Tensor {
    proto::Tensor {
        name: name.to_owned(),
        dims: shape.iter().map(|&size| size as i64).collect(),
        data_type: FLOAT,
        raw_data: values.iter().flat_map(|value| value.to_le_bytes()).collect(),
    }
}

fn integer(name: &str, value: i64) -> proto::Attribute {
    proto::Attribute { name: name.to_owned(), kind: INT, i: value }
}

fn value(name: &str, shape: &[usize]) -> proto::Value {
    let dim = shape.iter().map(|&size| proto::Dimension { value: size as i64 }).collect();
    let tensor = proto::TensorType { elem_type: FLOAT, shape: Some(proto::Dimensions { dim }) };
    proto::Value { name: name.to_owned(), kind: Some(proto::Type { tensor: Some(tensor) }) }
}
