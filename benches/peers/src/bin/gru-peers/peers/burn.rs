//! burn on its backend for processors, flex, with SIMD up to AVX-512.

use anyhow::{Context, Result};
use burn::module::Param;
use burn::nn::gru::{Gru, GruConfig};
use burn::tensor::{Device, Tensor, TensorData};
use gru_peers_case::{Case, Peer, Shape, Weights};
use gru_peers_models::WINDOW;

struct Burn {
    layer: Gru,
    device: Device,
    shape: Shape,
    inputs: Vec<f32>,
    state: Tensor<2>,
    outputs: Option<Tensor<3>>,
}

/// Transposed, as burn lays out what it loads: its linear layers have one column per output.
pub fn load(case: &Case) -> Result<Box<dyn Peer>> {
    let (Weights { weight_ih, weight_hh, bias_ih, bias_hh }, device) = (case.weights()?, Device::flex());
    let Shape { input, hidden } = case.shape;
    let mut layer = GruConfig::new(input, hidden, true).init(&device);
    let matrix = |values: &[f32], columns| {
        let transposed = tensor::<2>(values, [hidden, columns], &device).transpose();
        Param::from_data(transposed.into_data(), &device)
    };
    let vector = |values: &[f32]| Some(Param::from_tensor(tensor::<1>(values, [hidden], &device)));
    for (gate, at) in [(&mut layer.reset_gate, 0), (&mut layer.update_gate, 1), (&mut layer.new_gate, 2)] {
        gate.input_transform.weight = matrix(&weight_ih[at * hidden * input..][..hidden * input], input);
        gate.hidden_transform.weight = matrix(&weight_hh[at * hidden * hidden..][..hidden * hidden], hidden);
        gate.input_transform.bias = vector(&bias_ih[at * hidden..][..hidden]);
        gate.hidden_transform.bias = vector(&bias_hh[at * hidden..][..hidden]);
    }
    let state = Tensor::zeros([1, hidden], &device);
    Ok(Box::new(Burn { layer, device, shape: case.shape, inputs: case.inputs(), state, outputs: None }))
}

fn tensor<const D: usize>(values: &[f32], shape: [usize; D], device: &Device) -> Tensor<D> {
    Tensor::from_data(TensorData::new(values.to_vec(), shape), device)
}

fn values<const D: usize>(tensor: &Tensor<D>) -> Result<Vec<f32>> {
    tensor.clone().into_data().try_to_vec().ok().context("burn gives no f32")
}

impl Burn {
    /// So many steps from that input on.
    fn forward(&mut self, at: usize, steps: usize) -> Tensor<3> {
        let Shape { input, hidden } = self.shape;
        let x = tensor(&self.inputs[at * input..][..steps * input], [1, steps, input], &self.device);
        let outputs = self.layer.forward(x, Some(self.state.clone()));
        let last = if steps == 1 { outputs.clone() } else { outputs.clone().narrow(1, steps - 1, 1) };
        self.state = last.reshape([1, hidden]);
        outputs
    }
}

impl Peer for Burn {
    fn reset(&mut self) -> Result<()> {
        self.state = Tensor::zeros([1, self.shape.hidden], &self.device);
        Ok(())
    }

    fn step(&mut self, at: usize) -> Result<()> {
        self.forward(at, 1);
        Ok(())
    }

    fn state(&self) -> Result<Vec<f32>> {
        values(&self.state)
    }

    fn window(&mut self) -> Result<()> {
        self.outputs = Some(self.forward(0, WINDOW));
        Ok(())
    }

    fn outputs(&self) -> Result<Vec<f32>> {
        values(self.outputs.as_ref().context("no window was run")?)
    }
}
