//! What is known of a graph's values.

use super::layout::{Layout, Over};
use super::proto;
use super::size::Size;
use super::tensor::Tensor;

/// One value of the graph.
#[derive(Clone)]
pub enum Value<'a> {
    /// A constant that nothing has read yet.
    Constant(&'a proto::Tensor),
    /// Floats.
    Numbers(Tensor),
    /// A number or a list of integers: sizes, axes, indices.
    Sizes(Sizes),
    /// The data.
    Stream(Stream<'a>),
    /// An initial state.
    Initial(Initial),
    /// The final states of several layers, stacked along the first axis.
    Finals(Vec<Stream<'a>>),
}

impl Value<'_> {
    /// What it is, for errors.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Constant(_) | Self::Numbers(_) => "a constant",
            Self::Sizes(_) => "a list of sizes",
            Self::Stream(_) => "a value computed from the model's input",
            Self::Initial(_) => "an initial state",
            Self::Finals(_) => "final states of several layers",
        }
    }
}

/// An integer or a list of them.
#[derive(Clone)]
pub struct Sizes {
    pub list: Vec<Size>,
    pub is_list: bool,
}

/// An initial state: zeros, or an input of the graph.
#[derive(Clone)]
pub struct Initial {
    /// Where nothing was cut from it or joined to it.
    pub shape: Option<Vec<Size>>,
}

/// The data after some layers.
#[derive(Clone)]
pub struct Stream<'a> {
    /// The graph's input that it comes from.
    pub input: &'a str,
    /// Number of layers.
    pub depth: usize,
    pub layout: Layout,
    pub steps: Steps,
    /// Of a bidirectional layer, the one direction.
    pub direction: Option<usize>,
    /// Whether it is the final state of a layer as the GRU node gives it.
    pub is_state: bool,
}

/// Of which steps a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Steps {
    All,
    Last,
    /// Each direction's own last.
    Ends,
}

impl Stream<'_> {
    /// Whether it has the directions of a bidirectional layer apart, or one of them.
    pub fn is_apart(&self) -> bool {
        self.direction.is_some() || self.layout.contains(Over::Direction)
    }

    /// The final state of each direction, where the first axis is over them.
    pub fn directions(self) -> Vec<Self> {
        if self.layout.find(Over::Direction) != Some(0) {
            return vec![self];
        }
        let one = |direction| {
            let mut state = Stream { direction: Some(direction), ..self.clone() };
            state.layout.collapse(0);
            state
        };
        vec![one(0), one(1)]
    }

    /// The axis of the features, where the input's is its last.
    pub fn feature_axis(&self) -> Option<usize> {
        match self.depth {
            0 => self.layout.rank().checked_sub(1),
            _ => self.layout.find(Over::Feature),
        }
    }
}
