//! nexus-inference: f32, one step at a time; has no windows.

use anyhow::Result;
use gru_peers_case::{Case, Peer, Weights};
use nexus_inference::TinyGru;

struct Nexus {
    model: TinyGru,
    inputs: Vec<f32>,
}

/// The layer always has a dense one after it, which here has one output.
pub fn load(case: &Case) -> Result<Box<dyn Peer>> {
    let Weights { weight_ih, weight_hh, bias_ih, bias_hh } = case.weights()?;
    let (input, hidden) = (case.shape.input, case.shape.hidden);
    let head = vec![0.0; hidden];
    let model = TinyGru::from_parts(input, hidden, 1, &weight_ih, &weight_hh, &bias_ih, &bias_hh, &head, &[0.0])?;
    Ok(Box::new(Nexus { model, inputs: case.inputs() }))
}

impl Peer for Nexus {
    fn reset(&mut self) -> Result<()> {
        self.model.reset();
        Ok(())
    }

    fn step(&mut self, at: usize) -> Result<()> {
        let size = self.model.n_inputs();
        std::hint::black_box(self.model.predict(&self.inputs[at * size..][..size]));
        Ok(())
    }

    fn state(&self) -> Result<Vec<f32>> {
        Ok(self.model.hidden_state().to_vec())
    }
}
