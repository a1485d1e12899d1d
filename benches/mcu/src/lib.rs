//! What the firmwares of this crate share.
//!
//! | firmware | does |
//! |---|---|
//! | `steps` | counts the ticks of steps through the public types; `cargo xtask bench-mcu` makes instructions of them |
//! | `conformance` | prints digests of what the backend of the core computes, and on a host the specification; compared by `cargo xtask conformance` |
//! | `size-6-32`, `size-28-128` | steps a whole model and nothing else: what `cargo xtask size` measures |

#![cfg_attr(target_os = "none", no_std)]

#[cfg(target_os = "none")]
pub mod board;
pub mod model;
mod random;
mod row_scale;

pub use random::Random;
pub use row_scale::RowScale;
