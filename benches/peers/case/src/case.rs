//! A layer that all contenders run: read from files, so that each pays for loading its model as its users do.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Context, Result};
use gru_peers_models::{Files, INPUT_LSB};
use safetensors::SafeTensors;

/// Input and hidden size of a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Inputs of a step.
    pub input: usize,
    /// Units.
    pub hidden: usize,
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.input, self.hidden)
    }
}

impl Shape {
    /// Of files.
    pub fn of(files: &Files) -> Self {
        Self { input: files.input, hidden: files.hidden }
    }
}

impl FromStr for Shape {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.split_once('x')
            .and_then(|(input, hidden)| Some(Self { input: input.parse().ok()?, hidden: hidden.parse().ok()? }))
            .ok_or_else(|| "expected input and hidden size, as 6x32".to_owned())
    }
}

/// A layer in a directory of files, each of which is called after its shape.
#[derive(Debug, Clone)]
pub struct Case {
    directory: PathBuf,
    /// Of the layer.
    pub shape: Shape,
    /// Inputs of a window in counts, step by step.
    counts: Vec<i16>,
}

impl Case {
    /// Reads the inputs.
    ///
    /// # Errors
    /// There is no such file.
    pub fn read(directory: &Path, shape: Shape) -> Result<Self> {
        let mut case = Self { directory: directory.to_owned(), shape, counts: Vec::new() };
        let bytes = case.bytes("counts")?;
        case.counts = bytes.as_chunks().0.iter().map(|&bytes| i16::from_le_bytes(bytes)).collect();
        Ok(case)
    }

    /// Reads the weights.
    pub fn weights(&self) -> Result<Weights> {
        Weights::parse(&self.bytes("safetensors")?)
    }

    /// Reads an ONNX model of so many steps, 1 or those of a window.
    pub fn onnx(&self, steps: usize) -> Result<Vec<u8>> {
        self.bytes(if steps == 1 { "step.onnx" } else { "window.onnx" })
    }

    /// The inputs of a window in counts, step by step.
    pub fn counts(&self) -> &[i16] {
        &self.counts
    }

    /// The inputs of a window in raw units, step by step.
    pub fn inputs(&self) -> Vec<f32> {
        self.counts.iter().map(|&count| f32::from(count) * INPUT_LSB).collect()
    }

    fn path(&self, extension: &str) -> PathBuf {
        self.directory.join(format!("{}.{extension}", self.shape))
    }

    fn bytes(&self, extension: &str) -> Result<Vec<u8>> {
        let path = self.path(extension);
        fs::read(&path).with_context(|| format!("cannot read {}", path.display()))
    }
}

/// As PyTorch has them: gates r, z, n, row-major.
#[derive(Debug, Clone)]
pub struct Weights {
    /// `[3·hidden, input]`.
    pub weight_ih: Vec<f32>,
    /// `[3·hidden, hidden]`.
    pub weight_hh: Vec<f32>,
    /// `[3·hidden]`.
    pub bias_ih: Vec<f32>,
    /// `[3·hidden]`.
    pub bias_hh: Vec<f32>,
}

impl Weights {
    /// Of a safetensors file.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let tensors = SafeTensors::deserialize(bytes)?;
        let tensor = |name| tensors.tensor(name).map(|tensor| floats(tensor.data()));
        Ok(Self {
            weight_ih: tensor("weight_ih_l0")?,
            weight_hh: tensor("weight_hh_l0")?,
            bias_ih: tensor("bias_ih_l0")?,
            bias_hh: tensor("bias_hh_l0")?,
        })
    }
}

/// f32 of the lower byte first.
pub fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes.as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect()
}
