//! f32: one step of a GRU layer, and a dense layer, for `S` streams at once.

use super::{block, block_mut, copy, lanes, split, sweep};
use crate::{
    backend::{Backend, F32, F32Lane, Lanes},
    layout::{GruShape, Placement},
    math::{Activation, Real},
};
use core::array;

/// The input of a layer.
#[derive(Clone, Copy, Debug)]
pub enum Input<'a> {
    /// A vector.
    Dense(&'a [f32]),
    /// The one-hot vector of a symbol; one without a column is the zero vector.
    OneHot(usize),
}

/// The packed weights of a layer: biases (r, z, n of the input half, n of the recurrent half) and lanes, block by block.
#[derive(Clone, Copy)]
pub(crate) struct GruView<'a> {
    pub shape: GruShape,
    pub bias: &'a [[F32Lane; 4]],
    pub lanes: &'a [F32Lane],
}

/// What one stream brings to a step: the state `h`, and scratch as long as it.
pub(crate) struct Stream<'a> {
    pub x: Input<'a>,
    pub h: &'a mut [f32],
    pub scratch: [&'a mut [f32]; 2],
}

/// One step: each `h` becomes the new state.
#[inline(always)]
pub(crate) fn gru<B: Backend, A: Activation, const S: usize>(
    backend: B,
    weights: GruView<'_>,
    streams: &mut [Stream<'_>; S],
    backwards: bool,
) {
    match weights.shape.placement {
        Placement::After => reset_after::<B, A, S>(backend, weights, streams, backwards),
        Placement::Before => reset_before::<B, A, S>(backend, weights, streams, backwards),
    }
}

#[inline(always)]
fn reset_after<B: Backend, A: Activation, const S: usize>(
    backend: B,
    weights: GruView<'_>,
    streams: &mut [Stream<'_>; S],
    backwards: bool,
) {
    let registers = backend.lanes();
    let x = streams.each_ref().map(|stream| stream.x);
    for b in sweep(weights.bias.len(), backwards) {
        let (Some(bias), Some(panels)) = (weights.bias.get(b), lanes(weights.lanes, weights.shape.block_lanes(), b))
        else {
            continue;
        };
        let (input, hidden) = split(panels, weights.shape.panels(3).0);
        let [r, z, n_input, n_hidden] = bias.each_ref().map(|bias| registers.load_f32(bias));
        let sums = product(backend, [[r, z, n_input]; S], input, x);
        let n_input = sums.map(|[_, _, n]| n);
        let h = streams.each_ref().map(|stream| &*stream.h);
        let sums = backend.product_f32(sums.map(|[r, z, _]| [r, z, n_hidden]), hidden, h);
        for (s, stream) in streams.iter_mut().enumerate() {
            let [r, z, n_hidden] = sums[s];
            let n = registers.reset_f32::<A>(r, n_hidden).add(n_input[s]);
            let h = registers.load_f32(block(stream.h, b));
            registers.store_f32(registers.update_f32::<A>(z, n, h), block_mut(stream.scratch[0], b));
        }
    }
    for stream in streams {
        copy(stream.scratch[0], stream.h);
    }
}

#[inline(always)]
fn reset_before<B: Backend, A: Activation, const S: usize>(
    backend: B,
    weights: GruView<'_>,
    streams: &mut [Stream<'_>; S],
    backwards: bool,
) {
    let registers = backend.lanes();
    let x = streams.each_ref().map(|stream| stream.x);
    let (input_gates, hidden_gates) = weights.shape.panels(2);
    for b in sweep(weights.bias.len(), backwards) {
        let (Some(bias), Some(panels)) = (weights.bias.get(b), lanes(weights.lanes, weights.shape.block_lanes(), b))
        else {
            continue;
        };
        let (input, rest) = split(panels, input_gates);
        let [r, z, _, _] = bias.each_ref().map(|bias| registers.load_f32(bias));
        let sums = product(backend, [[r, z]; S], input, x);
        let h = streams.each_ref().map(|stream| &*stream.h);
        let sums = backend.product_f32(sums, split(rest, hidden_gates).0, h);
        for (stream, [r, z]) in streams.iter_mut().zip(sums) {
            let h = registers.load_f32(block(stream.h, b));
            registers.store_f32(registers.reset_f32::<A>(r, h), block_mut(stream.scratch[0], b));
            registers.store_f32(z, block_mut(stream.scratch[1], b));
        }
    }
    for b in sweep(weights.bias.len(), !backwards) {
        let (Some(bias), Some(panels)) = (weights.bias.get(b), lanes(weights.lanes, weights.shape.block_lanes(), b))
        else {
            continue;
        };
        let (input, hidden) = split(split(panels, input_gates + hidden_gates).1, weights.shape.panels(1).0);
        let [_, _, n_input, n_hidden] = bias.each_ref().map(|bias| registers.load_f32(bias));
        let sums = product(backend, [[n_input.add(n_hidden)]; S], input, x);
        let gated = streams.each_ref().map(|stream| &*stream.scratch[0]);
        let sums = backend.product_f32(sums, hidden, gated);
        for (stream, [n]) in streams.iter_mut().zip(sums) {
            let z = registers.load_f32(block(stream.scratch[1], b));
            let h = registers.load_f32(block(stream.h, b));
            registers.store_f32(registers.update_f32::<A>(z, n, h), block_mut(stream.h, b));
        }
    }
}

/// `y = W x + b`: `bias` and `lanes` block by block.
#[inline(always)]
pub(crate) fn dense<B: Backend>(backend: B, bias: &[[F32Lane; 1]], packed: &[F32Lane], x: &[f32], y: &mut [f32]) {
    let registers = backend.lanes();
    for (b, [bias]) in bias.iter().enumerate() {
        let panel = lanes(packed, x.len(), b).unwrap_or_default();
        let [[sum]] = backend.product_f32([[registers.load_f32(bias)]], panel, [x]);
        registers.store_f32(sum, block_mut(y, b));
    }
}

/// Adds the product of a panel and the inputs.
#[inline(always)]
fn product<B: Backend, const G: usize, const S: usize>(
    backend: B,
    mut sums: [[F32<B>; G]; S],
    panel: &[F32Lane],
    x: [Input<'_>; S],
) -> [[F32<B>; G]; S] {
    let vectors = x.map(|x| match x {
        Input::Dense(x) => x,
        Input::OneHot(_) => &[],
    });
    if let Input::Dense(_) = x[0] {
        return backend.product_f32(sums, panel, vectors);
    }
    let registers = backend.lanes();
    for (sums, x) in sums.iter_mut().zip(x) {
        if let Input::OneHot(symbol) = x
            && let Some(column) = panel.as_chunks::<G>().0.get(symbol)
        {
            *sums = array::from_fn(|g| sums[g].add(registers.load_f32(&column[g])));
        }
    }
    sums
}
