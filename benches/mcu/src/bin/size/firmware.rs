//! A whole firmware around one model: no logging, no interrupt, no console. A debugger looks at it from outside.

use core::hint::{black_box, spin_loop};
use core::panic::PanicInfo;

use gru_bench_mcu::board::{entry, singleton};
use gru_bench_mcu::{Random, model};
use gru_core::Layer;

use crate::network::{MODEL, Model};

type State = <Model as Layer>::State;

/// What `cargo xtask size` reads.
static STATE_BYTES: usize = size_of::<State>();

#[entry]
fn main() -> ! {
    black_box(&STATE_BYTES);
    let mut random = Random::new(2);
    if let Some(state) = singleton!(: State = State::default()) {
        loop {
            let reading = black_box(model::reading(&mut random));
            model_step(&reading, state);
        }
    }
    halt()
}

/// What is measured: its code and constants, all that it reaches, and its stack.
#[inline(never)]
fn model_step(reading: &<Model as Layer>::Input, state: &mut State) {
    black_box(MODEL.step(reading, state));
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    halt()
}

fn halt() -> ! {
    loop {
        spin_loop();
    }
}
