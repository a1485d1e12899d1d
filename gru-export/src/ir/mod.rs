//! A model as numbers and shapes, whatever file it came from: `f64`, row-major, one convention.
//!
//! Gates stand in the order r, z, n and the update is `h' = (1 − z) ⊙ n + z ⊙ h`. Loaders convert to this.

mod check;
mod fold;
mod layer;
mod matrix;
mod model;

pub use layer::{
    Activated, Activation, Affine, Bidirectional, Cell, Dense, Embedding, Gru, Input, Layer, LayerNorm, Merge, Reset,
};
pub use matrix::Matrix;
pub use model::{Model, Standardization};
