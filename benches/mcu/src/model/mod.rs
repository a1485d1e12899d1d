//! Layers over random weights, which are the same in every run, of the precision that the feature `f32` chooses.

#[cfg(feature = "f32")]
mod float;
#[cfg(not(feature = "f32"))]
mod int8;

#[cfg(feature = "f32")]
pub use float::{
    Head, HeadWeights, Layer, Model, Weights, head, head_lanes, input, input as reading, lanes, model, random,
};
#[cfg(not(feature = "f32"))]
pub use int8::{Head, HeadWeights, Layer, Model, Weights, head, head_lanes, input, lanes, model, random, reading};
