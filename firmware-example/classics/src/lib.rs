//! The classic systems of the GRU, trained by the scripts in `training`, exported by `build.rs`, each in a module of its own.

#![cfg_attr(target_os = "none", no_std)]

pub mod digits;
