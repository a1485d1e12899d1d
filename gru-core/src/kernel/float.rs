//! f32: one step of a GRU layer, and a dense layer.

use super::{blocks, copy, load, split, split_columns, store};
use crate::{
    backend::{Backend, F32Lane},
    layout::{Placement, UNITS},
    math::Activation,
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
    pub placement: Placement,
    pub input_size: usize,
    pub bias: &'a [[F32Lane; 4]],
    pub lanes: &'a [F32Lane],
}

/// One step: `h` becomes the new state. Each of `scratch` is as long as `h`.
#[inline(always)]
pub(crate) fn gru<B: Backend, A: Activation>(
    backend: B,
    weights: GruView<'_>,
    x: Input<'_>,
    h: &mut [f32],
    scratch: [&mut [f32]; 2],
) {
    match weights.placement {
        Placement::After => reset_after::<B, A>(backend, weights, x, h, scratch),
        Placement::Before => reset_before::<B, A>(backend, weights, x, h, scratch),
    }
}

#[inline(always)]
fn reset_after<B: Backend, A: Activation>(
    backend: B,
    weights: GruView<'_>,
    x: Input<'_>,
    h: &mut [f32],
    [next, _]: [&mut [f32]; 2],
) {
    let columns = weights.input_size + h.len();
    let state = h.chunks(UNITS).zip(next.chunks_mut(UNITS));
    for ((bias, lanes), (h_block, next)) in weights.bias.iter().zip(blocks(weights.lanes, 3 * columns)).zip(state) {
        let (input, hidden) = split_columns(lanes, weights.input_size);
        let [r, z, n_input, n_hidden] = *bias;
        let mut sums = [r, z, n_input];
        accumulate(backend, &mut sums, input, x);
        let [r, z, n_input] = sums;
        let mut sums = [r, z, n_hidden];
        backend.accumulate_f32(&mut sums, hidden, h);
        let [r, z, n_hidden] = sums;
        let gated = backend.reset_f32::<A>(&r, &n_hidden);
        let n = array::from_fn(|u| n_input[u] + gated[u]);
        store(backend.update_f32::<A>(&z, &n, &load(h_block)), next);
    }
    copy(next, h);
}

#[inline(always)]
fn reset_before<B: Backend, A: Activation>(
    backend: B,
    weights: GruView<'_>,
    x: Input<'_>,
    h: &mut [f32],
    [gated, update]: [&mut [f32]; 2],
) {
    let columns = weights.input_size + h.len();
    let state = h.chunks(UNITS).zip(gated.chunks_mut(UNITS)).zip(update.chunks_mut(UNITS));
    for ((bias, lanes), ((h_block, gated), update)) in
        weights.bias.iter().zip(blocks(weights.lanes, 3 * columns)).zip(state)
    {
        let (input, hidden) = split_columns(split(lanes, 2 * columns).0, weights.input_size);
        let mut sums = [bias[0], bias[1]];
        accumulate(backend, &mut sums, input, x);
        backend.accumulate_f32(&mut sums, hidden, h);
        let [r, z] = sums;
        store(backend.reset_f32::<A>(&r, &load(h_block)), gated);
        store(z, update);
    }
    let state = h.chunks_mut(UNITS).zip(update.chunks(UNITS));
    for ((bias, lanes), (h, update)) in weights.bias.iter().zip(blocks(weights.lanes, 3 * columns)).zip(state) {
        let (input, hidden) = split_columns(split(lanes, 2 * columns).1, weights.input_size);
        let mut sums = [array::from_fn(|u| bias[2][u] + bias[3][u])];
        accumulate(backend, &mut sums, input, x);
        backend.accumulate_f32(&mut sums, hidden, gated);
        store(backend.update_f32::<A>(&load(update), &sums[0], &load(h)), h);
    }
}

/// `y = W x + b`: `bias` and `lanes` block by block.
#[inline(always)]
pub(crate) fn dense<B: Backend>(backend: B, bias: &[[F32Lane; 1]], lanes: &[F32Lane], x: &[f32], y: &mut [f32]) {
    for ((bias, lanes), y) in bias.iter().zip(blocks(lanes, x.len())).zip(y.chunks_mut(UNITS)) {
        let mut sums = *bias;
        backend.accumulate_f32(&mut sums, lanes.as_chunks().0, x);
        store(sums[0], y);
    }
}

#[inline(always)]
fn accumulate<B: Backend, const G: usize>(backend: B, sums: &mut [F32Lane; G], weights: &[[F32Lane; G]], x: Input<'_>) {
    match x {
        Input::Dense(x) => backend.accumulate_f32(sums, weights, x),
        Input::OneHot(symbol) => backend.accumulate_f32(sums, weights.get(symbol..).unwrap_or_default(), &[1.0]),
    }
}
