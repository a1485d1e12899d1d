//! What the contenders share. None of them is a dependency: a program of one is to link nothing of another.

mod case;
mod peer;
pub mod start;

pub use case::{Case, Shape, Weights, floats};
pub use peer::{Peer, Precision};
