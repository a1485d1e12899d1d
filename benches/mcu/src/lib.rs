//! What the two firmwares of this crate share.
//!
//! | firmware | does |
//! |---|---|
//! | `steps` | counts the ticks of steps through the public types; `cargo xtask bench-mcu` makes instructions of them |
//! | `conformance` | compares the backend of the core with the specification; run by `cargo xtask conformance` |

#![cfg_attr(target_os = "none", no_std)]

#[cfg(target_os = "none")]
pub mod board;
mod random;
mod row_scale;

pub use random::Random;
pub use row_scale::RowScale;
