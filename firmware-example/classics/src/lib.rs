//! The classic systems of the GRU, trained by the scripts in `training` and exported by `build.rs`, each in a module of its own.

#![cfg_attr(target_os = "none", no_std)]

/// The modules `int8` and `float` of a model, those of them that are compiled in.
macro_rules! exported {
    ($name:expr) => {
        #[cfg(int8)]
        #[allow(dead_code, reason = "it says more of itself than is asked here")]
        pub(super) mod int8 {
            include!(concat!(env!("OUT_DIR"), "/", $name, "_int8.rs"));
        }

        #[cfg(float)]
        #[allow(dead_code, reason = "it says more of itself than is asked here")]
        pub(super) mod float {
            include!(concat!(env!("OUT_DIR"), "/", $name, "_float.rs"));
        }
    };
}

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
