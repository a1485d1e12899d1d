//! Turns trained GRU weights into static Rust arrays for [`gru_core`], and verifies them.
//!
//! [`Export`] does the whole job, from a build script or from the `gru-export` program; the modules are its stages:
//! [`load`] → [`ir`] → [`calibrate`] → [`float`] → [`emit`], with [`reference`](mod@reference) as the measure of all arithmetic.

pub mod calibrate;
pub mod dataset;
pub mod emit;
mod error;
mod export;
pub mod float;
pub mod inspect;
pub mod ir;
mod load;
pub mod output;
pub mod reference;
mod source;
pub mod spec;

pub use error::{Error, Result};
pub use export::{Export, Precision};
pub use load::load;
pub use source::{MAX_FILE_LEN, Source};
