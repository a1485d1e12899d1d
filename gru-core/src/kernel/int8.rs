//! int8: one step of a GRU layer, and a dense layer. No float anywhere.

use super::{blocks, copy, load, split, split_columns, store};
use crate::{
    backend::{Backend, I16Lane, I32Lane, Int8Lane},
    layout::{INT8_DEPTH, Placement, Scales, UNITS},
    quant,
};
use core::array;

/// The input of a layer.
#[derive(Clone, Copy, Debug)]
pub enum Input<'a> {
    /// A vector.
    Dense(&'a [i8]),
    /// A vector of more resolution: `high + low / 2⁷`, see [`quant::split`].
    Wide {
        /// Whole steps.
        high: &'a [i8],
        /// What remains.
        low: &'a [i8],
    },
    /// The one-hot vector of a symbol, whose 1 is 127 steps; one without a column is the zero vector.
    OneHot(usize),
}

/// The packed weights of a layer.
#[derive(Clone, Copy)]
pub(crate) struct GruView<'a> {
    pub placement: Placement,
    pub input_size: usize,
    /// r, z, n of the input half, n of the recurrent half.
    pub scales: &'a [Scales<4>],
    pub lanes: &'a [Int8Lane],
    /// The input half of r and z counts `2^input_shift` times.
    pub input_shift: u8,
    /// Steps of the int8 view per unit of hidden state.
    pub view: i16,
}

/// One step: `h` (Q1.30) becomes the new state and `view` its int8 view. `scratch` is as long as `h`.
#[inline(always)]
pub(crate) fn gru<B: Backend>(
    backend: B,
    weights: GruView<'_>,
    x: Input<'_>,
    h: &mut [i32],
    view: &mut [i8],
    scratch: (&mut [i8], &mut [i16]),
) {
    match weights.placement {
        Placement::After => reset_after(backend, weights, x, h, view, scratch.0),
        Placement::Before => reset_before(backend, weights, x, h, view, scratch),
    }
}

#[inline(always)]
fn reset_after<B: Backend>(
    backend: B,
    weights: GruView<'_>,
    x: Input<'_>,
    h: &mut [i32],
    view: &mut [i8],
    next_view: &mut [i8],
) {
    let inputs = weights.input_size.div_ceil(INT8_DEPTH);
    let columns = inputs + h.len().div_ceil(INT8_DEPTH);
    let state = h.chunks_mut(UNITS).zip(next_view.chunks_mut(UNITS));
    for ((scales, lanes), (h, next_view)) in weights.scales.iter().zip(blocks(weights.lanes, 3 * columns)).zip(state) {
        let (input, hidden) = split_columns(lanes, inputs);
        let mut sums = [[0; UNITS], [0; UNITS], scales.bias[2]];
        accumulate(backend, &mut sums, input, x);
        let [r, z, n_input] = sums;
        let mut sums = [
            rescale(&r, &scales.bias[0], weights.input_shift),
            rescale(&z, &scales.bias[1], weights.input_shift),
            scales.bias[3],
        ];
        backend.accumulate_int8(&mut sums, hidden, view);
        let [r, z, n_hidden] = sums;
        let t = |sums: &I32Lane, gate: usize| requantize(backend, sums, scales, gate);
        let gated = backend.reset_int8(&t(&r, 0), &t(&n_hidden, 3));
        let n = add(&t(&n_input, 2), &gated);
        advance(backend, &t(&z, 1), &n, h, next_view, weights.view);
    }
    copy(next_view, view);
}

#[inline(always)]
fn reset_before<B: Backend>(
    backend: B,
    weights: GruView<'_>,
    x: Input<'_>,
    h: &mut [i32],
    view: &mut [i8],
    (gated_view, update): (&mut [i8], &mut [i16]),
) {
    let inputs = weights.input_size.div_ceil(INT8_DEPTH);
    let columns = inputs + h.len().div_ceil(INT8_DEPTH);
    let state = h.chunks(UNITS).zip(gated_view.chunks_mut(UNITS)).zip(update.chunks_mut(UNITS));
    for ((scales, lanes), ((h, gated_view), update)) in
        weights.scales.iter().zip(blocks(weights.lanes, 3 * columns)).zip(state)
    {
        let (input, hidden) = split_columns(split(lanes, 2 * columns).0, inputs);
        let mut sums = [[0; UNITS]; 2];
        accumulate(backend, &mut sums, input, x);
        let [r, z] = sums;
        let mut sums =
            [rescale(&r, &scales.bias[0], weights.input_shift), rescale(&z, &scales.bias[1], weights.input_shift)];
        backend.accumulate_int8(&mut sums, hidden, view);
        let [r, z] = sums;
        let gated = backend.reset_int8(&requantize(backend, &r, scales, 0), &load(h).map(quant::state_q15));
        store(backend.view(&gated, weights.view), gated_view);
        store(requantize(backend, &z, scales, 1), update);
    }
    let state = h.chunks_mut(UNITS).zip(view.chunks_mut(UNITS)).zip(update.chunks(UNITS));
    for ((scales, lanes), ((h, view), update)) in
        weights.scales.iter().zip(blocks(weights.lanes, 3 * columns)).zip(state)
    {
        let (input, hidden) = split_columns(split(lanes, 2 * columns).1, inputs);
        let (mut n_input, mut n_hidden) = ([scales.bias[2]], [scales.bias[3]]);
        accumulate(backend, &mut n_input, input, x);
        backend.accumulate_int8(&mut n_hidden, hidden, gated_view);
        let n = add(&requantize(backend, &n_input[0], scales, 2), &requantize(backend, &n_hidden[0], scales, 3));
        advance(backend, &load(update), &n, h, view, weights.view);
    }
}

/// `y = W x + b` in the fixed-point format that `scales` lead to.
#[inline(always)]
pub(crate) fn dense<B: Backend>(backend: B, scales: &[Scales<1>], lanes: &[Int8Lane], x: &[i8], y: &mut [i16]) {
    let blocks = blocks(lanes, x.len().div_ceil(INT8_DEPTH));
    for ((scales, lanes), y) in scales.iter().zip(blocks).zip(y.chunks_mut(UNITS)) {
        let mut sums = scales.bias;
        backend.accumulate_int8(&mut sums, lanes.as_chunks().0, x);
        store(requantize(backend, &sums[0], scales, 0), y);
    }
}

/// The sums of one gate as fixed-point values.
#[inline(always)]
fn requantize<B: Backend, const G: usize>(backend: B, sums: &I32Lane, scales: &Scales<G>, gate: usize) -> I16Lane {
    backend.requantize(sums, &scales.multiplier[gate], &scales.shift[gate])
}

/// Updates a block of the state from its pre-activations, and the view of it.
#[inline(always)]
fn advance<B: Backend>(backend: B, z: &I16Lane, n: &I16Lane, h: &mut [i32], view: &mut [i8], multiplier: i16) {
    let next = backend.update_int8(z, n, &load(h));
    store(backend.view(&next.map(quant::state_q15), multiplier), view);
    store(next, h);
}

/// Brings the sums of the input half to the scale of the recurrent half and adds the bias.
#[inline(always)]
fn rescale(sums: &I32Lane, bias: &I32Lane, shift: u8) -> I32Lane {
    array::from_fn(|u| (sums[u] << (shift & 31)) + bias[u])
}

#[inline(always)]
fn add(a: &I16Lane, b: &I16Lane) -> I16Lane {
    array::from_fn(|u| a[u].saturating_add(b[u]))
}

#[inline(always)]
fn accumulate<B: Backend, const G: usize>(
    backend: B,
    sums: &mut [I32Lane; G],
    weights: &[[Int8Lane; G]],
    x: Input<'_>,
) {
    match x {
        Input::Dense(x) => backend.accumulate_int8(sums, weights, x),
        Input::Wide { high, low } => {
            let mut fine = [[0; UNITS]; G];
            backend.accumulate_int8(&mut fine, weights, low);
            for (sums, fine) in sums.iter_mut().zip(fine) {
                *sums = array::from_fn(|u| sums[u] + quant::carry(fine[u]));
            }
            backend.accumulate_int8(sums, weights, high);
        }
        Input::OneHot(symbol) => {
            let column = array::from_fn::<_, INT8_DEPTH, _>(|c| if c == symbol % INT8_DEPTH { i8::MAX } else { 0 });
            backend.accumulate_int8(sums, weights.get(symbol / INT8_DEPTH..).unwrap_or_default(), &column);
        }
    }
}
