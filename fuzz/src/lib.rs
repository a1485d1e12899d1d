//! What the fuzz targets do with an input, and what must hold then. Each module is also a part of tests on stable Rust, which bring what it takes from here.

pub mod backends;
#[path = "../../gru-export/tests/allocation/bound.rs"]
mod bound;
pub mod calibration;
#[path = "../../gru-core/tests/layer/mod.rs"]
#[allow(dead_code, missing_docs, reason = "a part of tests")]
mod layer;
pub mod loaders;
#[path = "../../gru-core/tests/random/mod.rs"]
#[allow(dead_code, missing_docs, reason = "a part of tests")]
mod random;
#[path = "../../gru-core/tests/room/mod.rs"]
#[allow(dead_code, missing_docs, reason = "a part of tests")]
mod room;
pub mod stream;
