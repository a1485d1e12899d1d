//! rten, from ONNX: with weights packed beforehand, and on one thread of its own, which is entered once for many steps.

use std::sync::Arc;

use anyhow::{Context, Result};
use gru_peers_case::{Case, Peer};
use gru_peers_models::WINDOW;
use rten::{Model, ModelOptions, NodeId, RunOptions, ThreadPool, Value, ValueOrView};
use rten_tensor::prelude::*;
use rten_tensor::{NdTensor, NdTensorView, Tensor};

struct Rten {
    pool: Arc<ThreadPool>,
    stream: Stream,
}

struct Stream {
    options: RunOptions,
    case: Case,
    inputs: Vec<f32>,
    step: Graph<1>,
    window: Option<Graph<2>>,
    /// The state that the next call is given.
    hidden: Option<Value>,
    outputs: Option<Value>,
}

/// A model whose last output is the state.
struct Graph<const OUTPUTS: usize> {
    model: Model,
    x: NodeId,
    h: NodeId,
    outputs: [NodeId; OUTPUTS],
}

/// The step; the window is loaded by the first of them.
pub fn load(case: &Case) -> Result<Box<dyn Peer>> {
    let pool = Arc::new(ThreadPool::with_num_threads(1));
    let options = RunOptions::default().with_thread_pool(Some(pool.clone()));
    let stream = Stream {
        options,
        case: case.clone(),
        inputs: case.inputs(),
        step: Graph::load(case.onnx(1)?, ["next"])?,
        window: None,
        hidden: None,
        outputs: None,
    };
    Ok(Box::new(Rten { pool, stream }))
}

impl<const OUTPUTS: usize> Graph<OUTPUTS> {
    /// With what rten's documentation says makes a model faster.
    fn load(bytes: Vec<u8>, outputs: [&str; OUTPUTS]) -> Result<Self> {
        let model = ModelOptions::with_all_ops().prepack_weights(true).load(bytes)?;
        let node = |name| model.node_id(name);
        let (x, h, outputs) = (node("x")?, node("h")?, outputs.map(node));
        let outputs = outputs.into_iter().collect::<Result<Vec<_>, _>>()?;
        let outputs = outputs.try_into().ok().context("as many nodes as names")?;
        Ok(Self { model, x, h, outputs })
    }

    fn run(&self, x: ValueOrView<'_>, h: Value, options: RunOptions) -> Result<[Value; OUTPUTS]> {
        Ok(self.model.run_n(vec![(self.x, x), (self.h, h.into())], self.outputs, Some(options))?)
    }
}

impl Stream {
    fn hidden(&mut self) -> Value {
        let hidden = self.case.shape.hidden;
        self.hidden.take().unwrap_or_else(|| NdTensor::<f32, 3>::zeros([1, 1, hidden]).into())
    }

    fn step(&mut self, at: usize) -> Result<()> {
        let (size, hidden) = (self.case.shape.input, self.hidden());
        let x = NdTensorView::from_data([1, 1, size], &self.inputs[at * size..][..size]);
        let [next] = self.step.run(x.into(), hidden, self.options.clone())?;
        self.hidden = Some(next);
        Ok(())
    }

    fn window(&mut self) -> Result<()> {
        let hidden = self.hidden();
        let x = NdTensorView::from_data([WINDOW, 1, self.case.shape.input], &*self.inputs);
        let window = match &self.window {
            Some(window) => window,
            None => self.window.insert(Graph::load(self.case.onnx(WINDOW)?, ["y", "next"])?),
        };
        let [outputs, next] = window.run(x.into(), hidden, self.options.clone())?;
        (self.hidden, self.outputs) = (Some(next), Some(outputs));
        Ok(())
    }
}

fn values(value: Option<&Value>) -> Result<Vec<f32>> {
    let tensor: Tensor<f32> = value.context("nothing was run")?.clone().try_into()?;
    Ok(tensor.to_vec())
}

impl Peer for Rten {
    fn reset(&mut self) -> Result<()> {
        self.stream.hidden = None;
        Ok(())
    }

    fn step(&mut self, at: usize) -> Result<()> {
        self.stream.step(at)
    }

    fn state(&self) -> Result<Vec<f32>> {
        values(self.stream.hidden.as_ref())
    }

    fn window(&mut self) -> Result<()> {
        self.stream.window()
    }

    fn outputs(&self) -> Result<Vec<f32>> {
        values(self.stream.outputs.as_ref())
    }

    fn steps(&mut self, windows: usize) -> Result<()> {
        let Self { pool, stream } = self;
        pool.run(|| (0..windows).try_for_each(|_| (0..WINDOW).try_for_each(|at| stream.step(at))))
    }

    fn windows(&mut self, windows: usize) -> Result<()> {
        let Self { pool, stream } = self;
        pool.run(|| (0..windows).try_for_each(|_| stream.window()))
    }
}
