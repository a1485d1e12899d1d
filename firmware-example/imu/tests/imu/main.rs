//! The driver, and everything between it and a decision, against a simulated sensor on a simulated bus.

mod driver;
mod monitor;
mod recordings;
mod simulated;
