//! What a contender can do.

use std::fmt;

use anyhow::{Result, bail};
use gru_peers_models::WINDOW;
use serde::{Deserialize, Serialize};

/// The arithmetic of a contender.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// Single precision.
    F32,
    /// Weights of 8 bits.
    Int8,
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::F32 => "f32",
            Self::Int8 => "int8",
        })
    }
}

/// One stream through a layer, with the inputs of its [`Case`] prepared in the form in which this library takes a new sample.
///
/// The state goes on from step to step and from window to window.
pub trait Peer {
    /// Puts the state back to zero.
    fn reset(&mut self) -> Result<()>;

    /// One step with the input of that number; its result can be read.
    fn step(&mut self, at: usize) -> Result<()>;

    /// The hidden state after the last step.
    fn state(&self) -> Result<Vec<f32>>;

    /// The [`WINDOW`] inputs in one call; its results can be read.
    fn window(&mut self) -> Result<()> {
        bail!("it takes no windows")
    }

    /// The hidden states after each step of the last window.
    fn outputs(&self) -> Result<Vec<f32>> {
        bail!("it takes no windows")
    }

    /// So many times [`WINDOW`] steps.
    fn steps(&mut self, windows: usize) -> Result<()> {
        (0..windows).try_for_each(|_| (0..WINDOW).try_for_each(|at| self.step(at)))
    }

    /// So many windows.
    fn windows(&mut self, windows: usize) -> Result<()> {
        (0..windows).try_for_each(|_| self.window())
    }
}
