//! The classic systems of the GRU, trained by the scripts in `training` and exported by `build.rs`, each in a module of its own.

#![cfg_attr(target_os = "none", no_std)]

#[cfg(not(target_os = "none"))]
pub mod characters;
pub mod digits;
#[cfg(not(target_os = "none"))]
pub mod languages;
#[cfg(not(target_os = "none"))]
pub mod numpy_cell;
#[cfg(not(target_os = "none"))]
pub mod results;
#[cfg(not(target_os = "none"))]
pub mod sunspots;
