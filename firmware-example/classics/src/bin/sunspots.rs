//! Prints the error of each forecast of next year's sunspot number, and what each says of the year after the last.

use classics::sunspots::{self, Errors, FIRST_TESTED, FIRST_YEAR, YEARS};

fn main() {
    let next = FIRST_YEAR + YEARS;
    println!("{FIRST_TESTED} to {}   RMS error  mean error   {next}", next - 1);
    for (name, forecasts) in [
        ("persistence", sunspots::persistence()),
        ("PyTorch", sunspots::pytorch()),
        ("f32", sunspots::float()),
        ("int8", sunspots::int8()),
    ] {
        let Errors { rms, mean } = Errors::of(&forecasts);
        println!("{name:<12}   {rms:9.2}  {mean:10.2} {:6.1}", forecasts[YEARS - 1]);
    }
}
