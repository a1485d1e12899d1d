//! The firmware, the same for every board and precision.

use core::hint::black_box;

use gru_bench_mcu::board::{Timer, entry, spin};
use gru_bench_mcu::{Random, model};
use gru_core::Layer;
use gru_core::layout::blocks;
use semihosting::{print, println, process};

/// Steps of each shape, from the zero state.
const STEPS: usize = 16;

macro_rules! shapes {
    ($($input:literal x $hidden:literal),+) => {
        /// How many shapes this firmware holds.
        #[cfg_attr(feature = "f32", expect(dead_code, reason = "int8 alone has other layers"))]
        const SHAPES: usize = [$($input),+].len();

        /// Every shape that this firmware holds.
        fn count_all(timer: &mut Timer) {
            $({
                #[allow(long_running_const_eval)]
                static WEIGHTS: model::Weights<$input, $hidden, { model::lanes($input, $hidden) }, { blocks($hidden) }> =
                    model::random();
                static LAYER: model::Layer<$input, $hidden> = model::Layer::new(&WEIGHTS);
                print!("steps {} {}", $input, $hidden);
                count_steps(&LAYER, timer, model::input);
            })+
        }
    };
}

include!(concat!(env!("OUT_DIR"), "/shapes.rs"));

#[entry]
fn main() -> ! {
    let mut timer = Timer::start().expect("main is entered once");
    println!("backend {}", gru_core::backend::active());
    println!("loop {} {}", timer.ticks(|| spin(0)), timer.ticks(|| spin(250)));
    println!("empty {}", timer.ticks(|| ()));
    count_all(&mut timer);
    // A layer that fills a flash is alone there.
    #[cfg(not(feature = "f32"))]
    if SHAPES > 1 {
        crate::layers::count_all(&mut timer);
    }
    process::exit(0)
}

/// Prints the ticks of steps on random inputs.
pub fn count_steps<L: Layer>(layer: &'static L, timer: &mut Timer, input: fn(&mut Random) -> L::Input) {
    let (mut random, mut state) = (Random::new(2), L::State::default());
    for _ in 0..STEPS {
        let input = black_box(input(&mut random));
        print!(" {}", timer.ticks(|| step(layer, &input, &mut state)));
    }
    println!();
}

#[inline(never)]
fn step<L: Layer>(layer: &'static L, input: &L::Input, state: &mut L::State) {
    black_box(layer.step(input, state));
}
