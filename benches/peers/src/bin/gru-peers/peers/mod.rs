//! The contenders of this process, one file each.
//!
//! A library is added by a file here, its name in [`Contender::ALL`], and a program in `..`; one of Python's by a file in `python/contenders`.

mod burn;
mod candle;
mod gru_core;
mod nexus;
mod rten;
mod tract;

use anyhow::Result;
use gru_peers_case::{Case, Peer, Precision};

/// Who takes part.
#[derive(Clone, Copy)]
pub struct Contender {
    /// For people.
    pub name: &'static str,
    /// Its package in `Cargo.lock`.
    pub package: &'static str,
    /// Its arithmetic.
    pub precision: Precision,
    /// Whether it takes windows.
    pub windows: bool,
    /// The program that does nothing but one step of it.
    pub program: &'static str,
    /// Loads a layer.
    pub load: fn(&Case) -> Result<Box<dyn Peer>>,
}

impl Contender {
    /// This project in f32.
    pub const CORE_F32: Self = Self {
        name: OURS,
        package: "gru-core",
        precision: Precision::F32,
        windows: true,
        program: "start-gru-core-f32",
        load: gru_core::float,
    };
    /// This project in integers.
    pub const CORE_INT8: Self =
        Self { precision: Precision::Int8, program: "start-gru-core-int8", load: gru_core::int8, ..Self::CORE_F32 };
    /// The crate `nexus-inference`.
    pub const NEXUS: Self = Self {
        name: "nexus-inference",
        package: "nexus-inference",
        windows: false,
        program: "start-nexus",
        load: nexus::load,
        ..Self::CORE_F32
    };
    /// The crate `tract-onnx`.
    pub const TRACT: Self =
        Self { name: "tract", package: "tract-onnx", program: "start-tract", load: tract::load, ..Self::CORE_F32 };
    /// The crate `rten`.
    pub const RTEN: Self =
        Self { name: "rten", package: "rten", program: "start-rten", load: rten::load, ..Self::CORE_F32 };
    /// The crate `candle-nn`.
    pub const CANDLE: Self =
        Self { name: "candle", package: "candle-nn", program: "start-candle", load: candle::load, ..Self::CORE_F32 };
    /// The crate `burn`.
    pub const BURN: Self =
        Self { name: "burn (flex)", package: "burn", program: "start-burn", load: burn::load, ..Self::CORE_F32 };

    /// All.
    pub const ALL: [Self; 7] =
        [Self::CORE_F32, Self::CORE_INT8, Self::NEXUS, Self::TRACT, Self::RTEN, Self::CANDLE, Self::BURN];
}

/// How this project is called among the contenders.
pub const OURS: &str = "gru-core";
