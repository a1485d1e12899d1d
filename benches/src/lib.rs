//! Layers with random weights, to be timed.

pub mod layer;
