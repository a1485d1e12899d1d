//! The boards: how each family starts, measures time, interrupts and waits.
//!
//! Every family has a `Timer` that counts ticks of `TIMER_HZ`, a `Clock` that counts on while it interrupts, a `wait_for_interrupt` and a
//! `singleton!`, and enters `firmware::run`.

#[cfg(target_arch = "arm")]
mod cortex_m;
#[cfg(target_arch = "riscv32")]
mod riscv;

#[cfg(target_arch = "arm")]
pub use cortex_m::{Timer, singleton, wait_for_interrupt};
#[cfg(target_arch = "riscv32")]
pub use riscv::{Timer, singleton, wait_for_interrupt};

include!(concat!(env!("OUT_DIR"), "/board.rs"));
