//! A 6-axis IMU on an I²C bus through the smartwatch's model: what the boards have in common. A board adds its pins, its clock and its log.
//!
//! | module | holds |
//! |---|---|
//! | [`lsm6ds`] | the sensor's driver, over `embedded-hal` |
//! | [`counts`] | its readings in the counts that the model was calibrated for |
//! | [`monitor`] | one decision a sample, and what is done when the sensor fails |
//!
//! Integers alone, and no allocation; what goes wrong is an [`Event`] like every decision.

#![no_std]

pub mod counts;
#[cfg(target_os = "none")]
mod log;
pub mod lsm6ds;
pub mod monitor;

#[cfg(target_os = "none")]
pub use log::log;
pub use monitor::{Decision, Event, Monitor, PERIOD_MS, run};

/// The exported model.
pub mod model {
    include!(concat!(env!("OUT_DIR"), "/motion.rs"));
}
