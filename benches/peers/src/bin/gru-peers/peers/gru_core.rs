//! This project: the modules that gru-export writes, their weights packed at compile time.

use std::hint::black_box;

use anyhow::{Result, bail};
use gru_core::Layer;
use gru_peers_case::{Case, Peer};
use gru_peers_models::{WINDOW, s6x32, s28x128, s28x256, s40x96, s64x64};

/// The stream through the module of a case's shape, fed with `$inputs`; a unit of its outputs has `$view` steps.
macro_rules! stream {
    ($case:expr, $module:ident, $inputs:expr, $view:expr) => {
        stream!($case, $module, $inputs, $view; (6, 32) => s6x32, (28, 128) => s28x128, (28, 256) => s28x256, (64, 64) => s64x64, (40, 96) => s40x96)
    };
    ($case:expr, $module:ident, $inputs:expr, $view:expr; $($shape:pat => $name:ident),*) => {
        match ($case.shape.input, $case.shape.hidden) {
            $($shape => {
                use $name::$module::*;
                boxed(&MODEL, $inputs, $view)
            })*
            _ => bail!("no module has the shape {}", $case.shape),
        }
    };
}

/// In f32, fed with raw units.
pub fn float(case: &Case) -> Result<Box<dyn Peer>> {
    Ok(stream!(case, float, &case.inputs(), 1.0))
}

/// In integers, fed with counts.
pub fn int8(case: &Case) -> Result<Box<dyn Peer>> {
    Ok(stream!(case, int8, case.counts(), VIEW))
}

struct Core<L: Layer + 'static> {
    model: &'static L,
    inputs: Vec<L::Input>,
    state: L::State,
    /// After the last step.
    last: L::Output,
    /// After each step of the last window.
    outputs: Vec<L::Output>,
    /// Steps of an output per unit.
    view: f32,
}

/// A stream through a module, fed with these inputs; a unit of its outputs has `view` steps.
pub fn boxed<L, X, V, const I: usize, const H: usize>(model: &'static L, inputs: &[X], view: f32) -> Box<dyn Peer>
where
    L: Layer<Input = [X; I], Output = [V; H]> + 'static,
    X: Copy + 'static,
    V: Copy + Default + 'static,
    f32: From<V>,
{
    let zero = [V::default(); H];
    let inputs = inputs.as_chunks().0.to_vec();
    Box::new(Core { model, inputs, state: L::State::default(), last: zero, outputs: vec![zero; WINDOW], view })
}

impl<L, X, V, const I: usize, const H: usize> Peer for Core<L>
where
    L: Layer<Input = [X; I], Output = [V; H]> + 'static,
    X: Copy + 'static,
    V: Copy + Default + 'static,
    f32: From<V>,
{
    fn reset(&mut self) -> Result<()> {
        self.model.reset(&mut self.state);
        Ok(())
    }

    fn step(&mut self, at: usize) -> Result<()> {
        self.last = *self.model.step(&self.inputs[at], &mut self.state);
        Ok(())
    }

    fn state(&self) -> Result<Vec<f32>> {
        Ok(self.last.iter().map(|&value| f32::from(value) / self.view).collect())
    }

    fn window(&mut self) -> Result<()> {
        self.model.window(black_box(&self.inputs), &mut self.outputs, &mut self.state);
        black_box(&self.outputs);
        Ok(())
    }

    fn outputs(&self) -> Result<Vec<f32>> {
        Ok(self.outputs.as_flattened().iter().map(|&value| f32::from(value) / self.view).collect())
    }

    /// The result of a step is read where it is: what [`Peer::step`] copies is for the comparison of outputs alone.
    fn steps(&mut self, windows: usize) -> Result<()> {
        for _ in 0..windows {
            for input in &self.inputs {
                black_box(self.model.step(black_box(input), &mut self.state));
            }
        }
        Ok(())
    }
}
