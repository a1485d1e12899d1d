//! The boards: how each family starts and counts time.
//!
//! Every family has a `Timer`, whose clock `targets.toml` gives, an attribute `entry`, a `singleton!` and a loop of known length.

#[cfg(target_arch = "arm")]
mod cortex_m;
#[cfg(target_arch = "riscv32")]
mod riscv;

#[cfg(target_arch = "arm")]
pub use cortex_m::{Timer, entry, singleton, spin};
#[cfg(target_arch = "riscv32")]
pub use riscv::{Timer, entry, singleton, spin};
