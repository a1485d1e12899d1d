//! Counts the ticks of single steps of a GRU layer: through the public types, reset after, plain input, full-range random weights.
//!
//! ```text
//! backend NAME
//! loop TICKS TICKS                                the board's loop of known length, for 0 and for 250 turns
//! empty TICKS                                     no step at all
//! steps INPUT HIDDEN TICKS TICKS …                one step after the other
//! layer NAME TICKS TICKS …                        the same of other int8 layers
//! ```

#![cfg_attr(target_os = "none", no_std, no_main)]

#[cfg(target_os = "none")]
mod firmware;
#[cfg(all(target_os = "none", not(feature = "f32")))]
mod layers;

#[cfg(not(target_os = "none"))]
fn main() {
    eprintln!("steps are counted on a board: cargo xtask bench-mcu");
}
