//! f32: one step of a GRU layer, and a dense layer, for `S` streams at once.

use super::{Place, block, block_mut, copy, few, lanes, row, row_mut, split, sweep};
use crate::{
    backend::{Backend, F32, F32Lane, Lanes},
    layout::{GruShape, Placement},
    math::{Activation, Real},
};

/// The input of a layer, by its kind: what is known of it at compile time leaves nothing to choose in a step.
pub(crate) trait Input: Copy {
    /// Adds the product of a panel and each stream's input.
    fn product<B: Backend, const G: usize, const S: usize>(
        backend: B,
        sums: [[F32<B>; G]; S],
        panel: &[F32Lane],
        place: Place,
        x: [Self; S],
    ) -> [[F32<B>; G]; S];
}

/// A vector.
#[derive(Clone, Copy)]
pub(crate) struct Dense<'a>(pub &'a [f32]);

impl Input for Dense<'_> {
    #[inline(always)]
    fn product<B: Backend, const G: usize, const S: usize>(
        backend: B,
        sums: [[F32<B>; G]; S],
        panel: &[F32Lane],
        _: Place,
        x: [Self; S],
    ) -> [[F32<B>; G]; S] {
        let mut vectors: [&[f32]; S] = [&[]; S];
        for s in 0..S {
            vectors[s] = x[s].0;
        }
        backend.product_f32(sums, panel, vectors)
    }
}

/// The one-hot vector of a symbol; one without a column is the zero vector.
#[derive(Clone, Copy)]
pub(crate) struct OneHot(pub usize);

impl Input for OneHot {
    #[inline(always)]
    fn product<B: Backend, const G: usize, const S: usize>(
        backend: B,
        mut sums: [[F32<B>; G]; S],
        panel: &[F32Lane],
        _: Place,
        x: [Self; S],
    ) -> [[F32<B>; G]; S] {
        for s in 0..S {
            if let Some(column) = panel.as_chunks::<G>().0.get(x[s].0) {
                for g in 0..G {
                    sums[s][g] = sums[s][g].add(backend.lanes().load_f32(&column[g]));
                }
            }
        }
        sums
    }
}

/// The product itself, computed [ahead] for several steps at once: `[3, H]`.
#[derive(Clone, Copy)]
pub(crate) struct Sums<'a>(pub &'a [f32], pub usize);

impl Input for Sums<'_> {
    #[inline(always)]
    fn product<B: Backend, const G: usize, const S: usize>(
        backend: B,
        mut sums: [[F32<B>; G]; S],
        _: &[F32Lane],
        place: Place,
        x: [Self; S],
    ) -> [[F32<B>; G]; S] {
        for s in 0..S {
            for g in 0..G {
                let row = row(x[s].0, x[s].1, place.gate + g);
                sums[s][g] = sums[s][g].add(backend.lanes().load_f32(block(row, place.block)));
            }
        }
        sums
    }
}

/// The product of the input half for `W` steps: one pass over `weight_ih` for all of them. `sums` is `[W, 3, H]`.
#[inline(always)]
pub(crate) fn ahead<B: Backend, const W: usize>(backend: B, weights: GruView<'_>, x: [&[f32]; W], sums: &mut [f32]) {
    for b in sweep(weights.bias.len(), false) {
        let Some(panels) = lanes(weights.lanes, weights.shape.block_lanes(), b) else { break };
        let mut place = Place { block: b, gate: 0 };
        match weights.shape.placement {
            Placement::After => {
                ahead_panel::<B, 3, W>(backend, split(panels, weights.shape.panels(3).0).0, place, x, sums);
            }
            Placement::Before => {
                let (input, hidden) = weights.shape.panels(2);
                ahead_panel::<B, 2, W>(backend, split(panels, input).0, place, x, sums);
                place.gate = 2;
                let candidate = split(split(panels, input + hidden).1, weights.shape.panels(1).0).0;
                ahead_panel::<B, 1, W>(backend, candidate, place, x, sums);
            }
        }
    }
}

#[inline(always)]
fn ahead_panel<B: Backend, const G: usize, const W: usize>(
    backend: B,
    panel: &[F32Lane],
    place: Place,
    x: [&[f32]; W],
    sums: &mut [f32],
) {
    let registers = backend.lanes();
    let units = sums.len() / (3 * W);
    let products = backend.product_f32([[registers.load_f32(&[]); G]; W], panel, x);
    for (t, sums) in sums.chunks_exact_mut((3 * units).max(1)).enumerate().take(W) {
        for g in 0..G {
            let row = row_mut(sums, units, place.gate + g);
            registers.store_f32(products[t][g], block_mut(row, place.block));
        }
    }
}

/// The packed weights of a layer: biases (r, z, n of the input half, n of the recurrent half) and lanes, block by block.
#[derive(Clone, Copy)]
pub(crate) struct GruView<'a> {
    pub shape: GruShape,
    pub bias: &'a [[F32Lane; 4]],
    pub lanes: &'a [F32Lane],
}

/// What one stream brings to a step: the state `h`, and scratch as long as it.
pub(crate) struct Stream<'a, X> {
    pub x: X,
    pub h: &'a mut [f32],
    pub scratch: [&'a mut [f32]; 2],
}

/// One step: each `h` becomes the new state.
#[inline(always)]
pub(crate) fn gru<B: Backend, A: Activation, X: Input, const S: usize>(
    backend: B,
    weights: GruView<'_>,
    streams: &mut [Stream<'_, X>; S],
    backwards: bool,
) {
    match weights.shape.placement {
        Placement::After => reset_after::<B, A, X, S>(backend, weights, streams, backwards),
        Placement::Before => reset_before::<B, A, X, S>(backend, weights, streams, backwards),
    }
}

#[inline(always)]
fn reset_after<B: Backend, A: Activation, X: Input, const S: usize>(
    backend: B,
    weights: GruView<'_>,
    streams: &mut [Stream<'_, X>; S],
    backwards: bool,
) {
    let registers = backend.lanes();
    let x = inputs(streams);
    for b in sweep(few(weights.shape.hidden_size, weights.bias.len()), backwards) {
        let (Some(bias), Some(panels)) = (weights.bias.get(b), lanes(weights.lanes, weights.shape.block_lanes(), b))
        else {
            break;
        };
        let (input, hidden) = split(panels, weights.shape.panels(3).0);
        let [r, z, n_input, n_hidden] = load(registers, bias);
        let mut sums = X::product(backend, [[r, z, n_input]; S], input, Place { block: b, gate: 0 }, x);
        let inputs = sums;
        for [_, _, n] in &mut sums {
            *n = n_hidden;
        }
        let h = vectors(streams, |stream| stream.h);
        let sums = backend.product_f32(sums, hidden, h);
        for (s, stream) in streams.iter_mut().enumerate() {
            let ([r, z, n_hidden], [_, _, n_input]) = (sums[s], inputs[s]);
            let n = registers.reset_f32::<A>(r, n_hidden).add(n_input);
            let h = registers.load_f32(block(stream.h, b));
            registers.store_f32(registers.update_f32::<A>(z, n, h), block_mut(stream.scratch[0], b));
        }
    }
    for stream in streams {
        copy(stream.scratch[0], stream.h);
    }
}

#[inline(always)]
fn reset_before<B: Backend, A: Activation, X: Input, const S: usize>(
    backend: B,
    weights: GruView<'_>,
    streams: &mut [Stream<'_, X>; S],
    backwards: bool,
) {
    let registers = backend.lanes();
    let x = inputs(streams);
    let (input_gates, hidden_gates) = weights.shape.panels(2);
    for b in sweep(few(weights.shape.hidden_size, weights.bias.len()), backwards) {
        let (Some(bias), Some(panels)) = (weights.bias.get(b), lanes(weights.lanes, weights.shape.block_lanes(), b))
        else {
            break;
        };
        let (input, rest) = split(panels, input_gates);
        let [r, z, _, _] = load(registers, bias);
        let sums = X::product(backend, [[r, z]; S], input, Place { block: b, gate: 0 }, x);
        let h = vectors(streams, |stream| stream.h);
        let sums = backend.product_f32(sums, split(rest, hidden_gates).0, h);
        for (stream, [r, z]) in streams.iter_mut().zip(sums) {
            let h = registers.load_f32(block(stream.h, b));
            registers.store_f32(registers.reset_f32::<A>(r, h), block_mut(stream.scratch[0], b));
            registers.store_f32(z, block_mut(stream.scratch[1], b));
        }
    }
    for b in sweep(few(weights.shape.hidden_size, weights.bias.len()), !backwards) {
        let (Some(bias), Some(panels)) = (weights.bias.get(b), lanes(weights.lanes, weights.shape.block_lanes(), b))
        else {
            break;
        };
        let (input, hidden) = split(split(panels, input_gates + hidden_gates).1, weights.shape.panels(1).0);
        let [_, _, n_input, n_hidden] = load(registers, bias);
        let sums = X::product(backend, [[n_input.add(n_hidden)]; S], input, Place { block: b, gate: 2 }, x);
        let gated = vectors(streams, |stream| stream.scratch[0]);
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

/// One lane after the other.
#[inline(always)]
fn load<L: Lanes, const N: usize>(registers: L, lanes: &[F32Lane; N]) -> [L::F32; N] {
    let mut loaded = [registers.load_f32(&[]); N];
    for (to, lane) in loaded.iter_mut().zip(lanes) {
        *to = registers.load_f32(lane);
    }
    loaded
}

/// The input of each stream.
#[inline(always)]
fn inputs<X: Input, const S: usize>(streams: &[Stream<'_, X>; S]) -> [X; S] {
    let mut x = [streams[0].x; S];
    for s in 1..S {
        x[s] = streams[s].x;
    }
    x
}

/// A vector of each stream.
#[inline(always)]
fn vectors<'a, X, const S: usize>(
    streams: &'a [Stream<'_, X>; S],
    vector: impl Fn(&'a Stream<'_, X>) -> &'a [f32],
) -> [&'a [f32]; S] {
    let mut vectors: [&[f32]; S] = [&[]; S];
    for s in 0..S {
        vectors[s] = vector(&streams[s]);
    }
    vectors
}
