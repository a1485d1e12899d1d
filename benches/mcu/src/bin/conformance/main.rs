//! Steps of layers of many shapes on the backend of the core, each compared with the same step on the specification: int8 bit for bit, state
//! included, and with the feature `f32` f32 within a bound, and hostile values as documented.
//!
//! Ends with status 1 at the first difference.

#![cfg_attr(target_os = "none", no_std, no_main)]

#[cfg(target_os = "none")]
mod cases;
#[cfg(target_os = "none")]
mod firmware;
#[cfg(all(target_os = "none", feature = "f32"))]
mod float;
#[cfg(all(target_os = "none", feature = "f32"))]
#[path = "../../../../../gru-core/tests/hostile/float.rs"]
mod hostile;
#[cfg(target_os = "none")]
mod int8;

#[cfg(not(target_os = "none"))]
fn main() {
    eprintln!("backends are compared on a board: cargo xtask conformance");
}
