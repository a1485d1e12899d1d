//! Six channels of a smartwatch's motion sensor through a GRU, one decision a sample.
//!
//! | module | holds |
//! |---|---|
//! | `app` | the application, which knows no board: samples in, decisions out, and what it does where samples are missing |
//! | `sensor` | the sensor's side: the queue, and what did not get into it |
//! | `monitor`, `watchdog` | channels that do not move, a main loop that hangs |
//! | `model`, `recordings` | what `build.rs` generates: the exported models, the recorded signal |
//! | `report` | the lines that are printed, the same from a board and on the host |
//! | `firmware`, `board` | the microcontrollers: a timer interrupt fills the queue |
//! | `host` | the terminal: recordings, a CSV file or standard input fill the queue |

#![cfg_attr(target_os = "none", no_std, no_main)]

mod app;
mod model;
mod monitor;
mod recordings;
mod report;
mod sensor;

#[cfg(target_os = "none")]
mod board;
#[cfg(target_os = "none")]
mod faults;
#[cfg(target_os = "none")]
mod firmware;
#[cfg(not(target_os = "none"))]
mod host;
#[cfg(any(target_os = "none", test))]
mod watchdog;

#[cfg(not(target_os = "none"))]
fn main() -> std::process::ExitCode {
    host::main()
}
