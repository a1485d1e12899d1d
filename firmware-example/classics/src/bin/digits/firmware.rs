//! The firmware: every Cortex-M.

use cortex_m_rt::entry;
use semihosting::{println, process};

#[entry]
fn main() -> ! {
    #[cfg(int8)]
    println!("{}", classics::digits::int8());
    #[cfg(float)]
    println!("{}", classics::digits::float());
    process::exit(0)
}
