//! The firmware, the same for every board.

#[cfg(feature = "f32")]
use gru_bench_mcu::Random;
use gru_bench_mcu::board::{entry, singleton};
use gru_core::backend::{self, Backend, scalar::Scalar};
use semihosting::{println, process};

use crate::cases;
#[cfg(feature = "f32")]
use crate::float;
use crate::int8;

#[entry]
fn main() -> ! {
    println!("backend {}", backend::active());
    if backend::active() == Scalar::NAME {
        println!("expected a backend of this core, found the specification: nothing to compare");
        process::exit(1)
    }
    let layer = singleton!(: int8::Layer = int8::Layer::ZERO).expect("main is entered once");
    layer.print(cases::RAM);

    #[cfg(feature = "f32")]
    {
        let layer = singleton!(: float::Layer = float::Layer::ZERO).expect("main is entered once");
        let mut random = Random::new(7);
        let layers = cases::all(cases::RAM).count();
        let largest = cases::all(cases::RAM).map(|case| layer.compare(&case, &mut random)).fold(0.0, f32::max);
        println!("f32: {layers} layers, {} steps each: within the bound, at most {largest:.2} of it", float::STEPS);
        float::check_hostile(&mut random);
        println!("f32: NaN, infinities, overflow and subnormals do what is documented");
    }
    process::exit(0)
}
