//! ONNX files, as the exporters of PyTorch and tf2onnx write them.
//!
//! A graph is not a list of layers: between two layers stand transpositions, reshapes, and arithmetic on shapes. [`graph`] runs it on symbols
//! instead of numbers, so that each value is known as a constant, a list of sizes, the zero state, or the data after so many layers
//! with its axes in such an order ([`layout`]). What is not one chain of layers from the input to the output is an error.

mod graph;
mod gru;
mod layers;
mod layout;
mod movement;
mod node;
mod proto;
mod selection;
mod size;
mod sizes;
mod tensor;
mod value;

use crate::error::{Error, Result};
use crate::ir::Model;
use crate::source::Source;

use super::{Format, Load};
use graph::Graph;

/// A file `….onnx`, its weights in it or in a file beside it.
pub(super) const FORMAT: Format = Format {
    recognise: |source| source.file_name().ends_with(".onnx") || is_model(source.bytes()),
    load: Load::Model(load),
};

/// Whether a file begins with a small IR version and then another field of a model.
fn is_model(bytes: &[u8]) -> bool {
    matches!(bytes, [0x08, 1..=0x3F, 0x12 | 0x1A | 0x22 | 0x28 | 0x32 | 0x3A | 0x42, ..])
}

fn load(source: &Source) -> Result<Model> {
    let model = proto::Model::parse(source.bytes())?;
    let graph = model.graph.as_deref().ok_or_else(|| {
        Error::new("expected a graph in the ONNX file, found none")
            .help("copy the file again, or export the model again")
    })?;
    let default = model.opset_import.iter().find(|set| matches!(&set.domain[..], "" | "ai.onnx"));
    let opset = match default.map(|set| set.version) {
        Some(version) if version >= 7 => version,
        Some(version) => {
            return Err(Error::new(format!("expected operators of version 7 or later, found {version}"))
                .help("export again with a later opset_version, or convert the file with onnx.version_converter"));
        }
        None => return Err(Error::new("expected the version of its operators in the ONNX file, found none")),
    };
    let (layers, notes) = Graph::new(source, graph, opset, &model.producer_name)?.run(graph)?;
    Ok(notes.into_iter().fold(Model::new(layers, None)?, Model::with_note))
}
