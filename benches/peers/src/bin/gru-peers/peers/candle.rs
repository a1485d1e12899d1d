//! candle, from PyTorch's names.

use std::collections::HashMap;

use anyhow::{Context, Result};
use candle_core::{DType, Device, Tensor};
use candle_nn::rnn::{GRU, GRUConfig, GRUState, RNN};
use candle_nn::{VarBuilder, gru};
use gru_peers_case::{Case, Peer, Shape, Weights};
use gru_peers_models::WINDOW;

struct Candle {
    layer: GRU,
    shape: Shape,
    inputs: Vec<f32>,
    state: GRUState,
    outputs: Option<Tensor>,
}

/// On candle's own CPU backend.
pub fn load(case: &Case) -> Result<Box<dyn Peer>> {
    let Weights { weight_ih, weight_hh, bias_ih, bias_hh } = case.weights()?;
    let Shape { input, hidden } = case.shape;
    let tensor = |values, shape: &[usize]| Tensor::from_vec(values, shape, &Device::Cpu);
    let tensors = HashMap::from([
        ("weight_ih_l0".to_owned(), tensor(weight_ih, &[3 * hidden, input])?),
        ("weight_hh_l0".to_owned(), tensor(weight_hh, &[3 * hidden, hidden])?),
        ("bias_ih_l0".to_owned(), tensor(bias_ih, &[3 * hidden])?),
        ("bias_hh_l0".to_owned(), tensor(bias_hh, &[3 * hidden])?),
    ]);
    let layer = gru(input, hidden, GRUConfig::default(), VarBuilder::from_tensors(tensors, DType::F32, &Device::Cpu))?;
    let state = layer.zero_state(1)?;
    Ok(Box::new(Candle { layer, shape: case.shape, inputs: case.inputs(), state, outputs: None }))
}

impl Peer for Candle {
    fn reset(&mut self) -> Result<()> {
        self.state = self.layer.zero_state(1)?;
        Ok(())
    }

    fn step(&mut self, at: usize) -> Result<()> {
        let size = self.shape.input;
        let x = Tensor::from_slice(&self.inputs[at * size..][..size], (1, size), &Device::Cpu)?;
        self.state = self.layer.step(&x, &self.state)?;
        Ok(())
    }

    fn state(&self) -> Result<Vec<f32>> {
        Ok(self.state.h().flatten_all()?.to_vec1()?)
    }

    fn window(&mut self) -> Result<()> {
        let x = Tensor::from_slice(&self.inputs, (1, WINDOW, self.shape.input), &Device::Cpu)?;
        let states = self.layer.seq_init(&x, &self.state)?;
        self.outputs = Some(self.layer.states_to_tensor(&states)?);
        self.state = states.last().context("a window has steps")?.clone();
        Ok(())
    }

    fn outputs(&self) -> Result<Vec<f32>> {
        Ok(self.outputs.as_ref().context("no window was run")?.flatten_all()?.to_vec1()?)
    }
}
