//! tract, from ONNX: optimised for the fixed shapes of a step and of a window.

use anyhow::{Context, Result};
use gru_peers_case::{Case, Peer};
use gru_peers_models::WINDOW;
use tract_onnx::prelude::*;

struct Tract {
    case: Case,
    inputs: Vec<f32>,
    step: TypedSimpleState,
    window: Option<TypedSimpleState>,
    /// The state that the next call is given.
    hidden: Option<TValue>,
    /// What the last window gave.
    outputs: Option<TValue>,
}

/// The step; the window is loaded by the first of them.
pub fn load(case: &Case) -> Result<Box<dyn Peer>> {
    let (case, inputs, step) = (case.clone(), case.inputs(), session(case, 1)?);
    Ok(Box::new(Tract { case, inputs, step, window: None, hidden: None, outputs: None }))
}

/// As tract's examples load a model.
fn session(case: &Case, steps: usize) -> Result<TypedSimpleState> {
    let mut bytes: &[u8] = &case.onnx(steps)?;
    onnx().model_for_read(&mut bytes)?.into_optimized()?.into_runnable()?.spawn()
}

impl Tract {
    fn hidden(&mut self) -> Result<TValue> {
        match self.hidden.take() {
            Some(hidden) => Ok(hidden),
            None => Ok(Tensor::zero::<f32>(&[1, 1, self.case.shape.hidden])?.into_tvalue()),
        }
    }

    fn input(&self, at: usize, steps: usize) -> Result<TValue> {
        let size = self.case.shape.input;
        Ok(Tensor::from_shape(&[steps, 1, size], &self.inputs[at * size..][..steps * size])?.into_tvalue())
    }
}

fn values(value: Option<&TValue>) -> Result<Vec<f32>> {
    Ok(value.context("nothing was run")?.to_plain_array_view::<f32>()?.iter().copied().collect())
}

impl Peer for Tract {
    fn reset(&mut self) -> Result<()> {
        self.hidden = None;
        Ok(())
    }

    fn step(&mut self, at: usize) -> Result<()> {
        let inputs = tvec![self.input(at, 1)?, self.hidden()?];
        self.hidden = self.step.run(inputs)?.pop();
        Ok(())
    }

    fn state(&self) -> Result<Vec<f32>> {
        values(self.hidden.as_ref())
    }

    fn window(&mut self) -> Result<()> {
        let inputs = tvec![self.input(0, WINDOW)?, self.hidden()?];
        let window = match &mut self.window {
            Some(window) => window,
            window => window.insert(session(&self.case, WINDOW)?),
        };
        let mut outputs = window.run(inputs)?;
        self.hidden = outputs.pop();
        self.outputs = outputs.pop();
        Ok(())
    }

    fn outputs(&self) -> Result<Vec<f32>> {
        values(self.outputs.as_ref())
    }
}
