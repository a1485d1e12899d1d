//! Turns trained GRU weights into static Rust arrays for [`gru_core`], and verifies them.
//!
//! [`Export`] does the whole job, from a build script or from the `gru-export` program; the modules are its stages:
//! [`load`] → [`ir`] → [`calibrate`] → [`precision`] → [`float`] or [`quantise`](mod@quantise) → [`emit`], with [`reference`](mod@reference) as the measure of all arithmetic.

mod binary;
pub mod calibrate;
pub mod dataset;
pub mod emit;
mod error;
mod export;
pub mod float;
pub mod function;
pub mod inspect;
pub mod int8;
pub mod ir;
mod load;
mod lowered;
pub mod output;
pub mod precision;
pub mod progress;
pub mod quantise;
pub mod reference;
pub mod report;
mod source;
pub mod spec;
pub mod verify;
mod weights;

pub use error::{Error, Result};
pub use export::{Export, InputUnit, Written};
pub use load::{load, spec_template};
pub use precision::{LayerPrecision, Precision};
pub use source::{MAX_FILE_LEN, Source};
pub use weights::Weights;
