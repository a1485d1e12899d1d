//! The layers that are compared, each with random weights and inputs: what a peer reads of them as files, and as the modules that
//! `gru-export` makes of the same weights.
//!
//! Here and not beside the peers, so that the packing of weights at compile time is done once.

/// Steps of a window, and of inputs.
pub const WINDOW: usize = 100;

/// Windows of [`Files::reference`], one after the other with the same inputs.
pub const REFERENCE_WINDOWS: usize = 3;

/// Raw units per count of an input.
pub const INPUT_LSB: f32 = 1.0 / 64.0;

/// A layer as files.
#[derive(Debug, Clone, Copy)]
pub struct Files {
    /// Inputs of a step.
    pub input: usize,
    /// Units.
    pub hidden: usize,
    /// Safetensors of PyTorch's `nn.GRU`.
    pub weights: &'static [u8],
    /// [`WINDOW`] × `input` counts, i16 of the lower byte first.
    pub counts: &'static [u8],
    /// Hidden states computed in f64, [`REFERENCE_WINDOWS`] × [`WINDOW`] × `hidden`, f32 of the lower byte first.
    pub reference: &'static [u8],
}

include!(concat!(env!("OUT_DIR"), "/models.rs"));
