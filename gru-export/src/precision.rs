//! The arithmetic of a model, layer by layer.

mod auto;

use std::str::FromStr;

use crate::error::{Error, Result, listed, quoted};
use crate::ir::Model;

pub(crate) use auto::Search;
pub use auto::{Choice, LayerChoice, Raise};

/// The arithmetic of a layer: of its weights, of its state, and of what it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, serde::Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Precision {
    /// int8 weights and inputs, integers alone in a step, sensor counts in.
    Int8,
    /// int8 weights, and 15 bits of inputs and of the state that the weights see: integers alone. A second pass over the weights.
    W8a16,
    /// f32 weights and state, raw units in.
    #[default]
    F32,
}

impl Precision {
    /// All, the least precise first.
    pub const ALL: [Self; 3] = [Self::Int8, Self::W8a16, Self::F32];

    /// As on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Int8 => "int8",
            Self::W8a16 => "w8a16",
            Self::F32 => "f32",
        }
    }

    /// The next better one.
    pub(crate) fn raised(self) -> Option<Self> {
        Self::ALL.into_iter().find(|&other| other > self)
    }
}

impl FromStr for Precision {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|precision| precision.name() == name).ok_or_else(|| {
            Error::new(format!("{} is no precision", quoted(name))).help(format!("it is one of {}", names()))
        })
    }
}

fn names() -> String {
    listed(Precision::ALL.map(Precision::name))
}

/// The precision of one layer, `LAYER=PRECISION` as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerPrecision {
    /// As `inspect` names it.
    pub layer: String,
    /// Which.
    pub precision: Precision,
}

impl FromStr for LayerPrecision {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let (layer, precision) = text.rsplit_once('=').ok_or_else(|| {
            Error::new(format!("expected LAYER=PRECISION, found {}", quoted(text)))
                .help(format!("a layer as `inspect` names it, and one of {}", names()))
        })?;
        Ok(Self { layer: layer.to_owned(), precision: precision.parse()? })
    }
}

/// Of each layer: what is said of it, the last time it is named, or what is said of all.
///
/// # Errors
/// A name that no layer has.
pub fn of_layers(model: &Model, all: Precision, layers: &[LayerPrecision]) -> Result<Vec<Precision>> {
    let mut precisions = vec![all; model.layers().len()];
    for LayerPrecision { layer: name, precision } in layers {
        let Some(at) = model.layers().iter().position(|layer| layer.name() == name) else {
            let names = listed(model.layers().iter().map(|layer| quoted(layer.name())));
            return Err(Error::new(format!("the model has no layer {}", quoted(name))).help(format!("it has {names}")));
        };
        precisions[at] = *precision;
    }
    Ok(precisions)
}

/// Whether each layer's precision is given by name.
pub(crate) fn given(model: &Model, layers: &[LayerPrecision]) -> Vec<bool> {
    model.layers().iter().map(|layer| layers.iter().any(|by| by.layer == layer.name())).collect()
}

/// The same of all layers, or each with its name.
pub(crate) fn described(model: &Model, precisions: &[Precision]) -> String {
    match precisions {
        [first, rest @ ..] if rest.iter().any(|precision| precision != first) => {
            let layers = model.layers().iter().zip(precisions);
            let each = layers.map(|(layer, precision)| format!("{} {}", layer.name().escape_debug(), precision.name()));
            each.collect::<Vec<_>>().join(", ")
        }
        [all, ..] => all.name().to_owned(),
        [] => String::new(),
    }
}
