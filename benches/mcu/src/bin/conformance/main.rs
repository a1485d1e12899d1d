//! Steps of layers of many shapes, on a core on its backend, on a host on the specification. In int8 they print digests, for each layer one of
//! all its states, which `cargo xtask conformance` compares.
//!
//! With the feature `f32` a core compares f32 with the specification within a bound, and hostile values with what is documented; it ends with
//! status 1 at the first difference.

#![cfg_attr(target_os = "none", no_std, no_main)]

mod cases;
#[cfg(target_os = "none")]
mod firmware;
#[cfg(all(target_os = "none", feature = "f32"))]
mod float;
#[cfg(all(target_os = "none", feature = "f32"))]
#[path = "../../../../../gru-core/tests/hostile/float.rs"]
mod hostile;
mod int8;

#[cfg(not(target_os = "none"))]
fn main() {
    let ram = std::env::args().nth(1).and_then(|ram| ram.parse().ok());
    let mut layer = int8::Layer::ZERO;
    layer.print(ram.expect("the bytes of RAM of a board: see cargo xtask conformance"));
}
