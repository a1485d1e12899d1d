//! f32: one step of a GRU layer, and a dense layer, for `S` streams at once.

use super::{Known, Place, block, block_mut, copy, few, has_panel, lanes, possible, row, row_mut, split, sweep};
use crate::{
    backend::{Backend, F32, F32Lane, Lane, Lanes, Weight},
    cell::Gating,
    layout::{self, GruShape},
    math::{Activation, Real},
};

/// The input of a layer, by its kind: what is known of it at compile time leaves nothing to choose in a step.
pub(crate) trait Input: Copy {
    /// Adds the product of a panel and each stream's input.
    fn product<B: Backend, W: Weight, const G: usize, const S: usize>(
        backend: B,
        sums: [[F32<B>; G]; S],
        panel: &[Lane<W>],
        place: Place,
        x: [Self; S],
    ) -> [[F32<B>; G]; S];
}

/// A vector.
#[derive(Clone, Copy)]
pub(crate) struct Dense<'a>(pub &'a [f32]);

impl Input for Dense<'_> {
    #[inline(always)]
    fn product<B: Backend, W: Weight, const G: usize, const S: usize>(
        backend: B,
        sums: [[F32<B>; G]; S],
        panel: &[Lane<W>],
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
    fn product<B: Backend, W: Weight, const G: usize, const S: usize>(
        backend: B,
        mut sums: [[F32<B>; G]; S],
        panel: &[Lane<W>],
        _: Place,
        x: [Self; S],
    ) -> [[F32<B>; G]; S] {
        for s in 0..S {
            if let Some(column) = panel.as_chunks::<G>().0.get(x[s].0) {
                for g in 0..G {
                    sums[s][g] = sums[s][g].add(W::load(backend.lanes(), &column[g]));
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
    fn product<B: Backend, W: Weight, const G: usize, const S: usize>(
        backend: B,
        mut sums: [[F32<B>; G]; S],
        _: &[Lane<W>],
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

/// The product of the input half for `T` steps: one pass over `weight_ih` for all of them. `sums` is `[T, 3, H]`, its
/// rows the gates that the cell has.
#[inline(always)]
pub(crate) fn ahead<B: Backend, R: Gating, W: Weight, const T: usize>(
    backend: B,
    weights: GruView<'_, W>,
    x: [&[f32]; T],
    sums: &mut [f32],
) {
    let gates = weights.shape.gates;
    let (first, last) = (gates.ahead(), gates.count() - gates.ahead());
    let (input, hidden) = weights.shape.panels(first);
    for b in sweep(weights.bias.len(), false) {
        let Some(panels) = lanes(weights.lanes, weights.shape.block_lanes(), b) else { break };
        let (panel, rest) = split(panels, input);
        ahead_panel::<_, R, _, _>(backend, panel, first, Place { block: b, gate: 0 }, x, sums);
        let panel = split(split(rest, hidden).1, weights.shape.panels(last).0).0;
        ahead_panel::<_, R, _, _>(backend, panel, last, Place { block: b, gate: first }, x, sums);
    }
}

#[inline(always)]
fn ahead_panel<B: Backend, R: Gating, W: Weight, const T: usize>(
    backend: B,
    panel: &[Lane<W>],
    gates: usize,
    place: Place,
    x: [&[f32]; T],
    sums: &mut [f32],
) {
    match gates {
        1 if const { has_panel::<R>(1) } => ahead_gates::<B, W, 1, T>(backend, panel, place, x, sums),
        2 if const { has_panel::<R>(2) } => ahead_gates::<B, W, 2, T>(backend, panel, place, x, sums),
        3 if const { has_panel::<R>(3) } => ahead_gates::<B, W, 3, T>(backend, panel, place, x, sums),
        _ => {}
    }
}

#[inline(always)]
fn ahead_gates<B: Backend, W: Weight, const G: usize, const T: usize>(
    backend: B,
    panel: &[Lane<W>],
    place: Place,
    x: [&[f32]; T],
    sums: &mut [f32],
) {
    let registers = backend.lanes();
    let units = sums.len() / (3 * T);
    let products = backend.product_f32([[registers.load_f32(&[]); G]; T], panel, x);
    for (t, sums) in sums.chunks_exact_mut((3 * units).max(1)).enumerate().take(T) {
        for g in 0..G {
            let row = row_mut(sums, units, place.gate + g);
            registers.store_f32(products[t][g], block_mut(row, place.block));
        }
    }
}

/// The packed weights of a layer: biases (r, z, n of the input half, n of the recurrent half) and lanes, block by block.
#[derive(Clone, Copy)]
pub(crate) struct GruView<'a, W> {
    pub shape: GruShape,
    pub bias: &'a [[F32Lane; 4]],
    pub lanes: &'a [Lane<W>],
}

/// What one stream brings to a step: the state `h`, and scratch as long as it.
pub(crate) struct Stream<'a, X> {
    pub x: X,
    pub h: &'a mut [f32],
    pub scratch: [&'a mut [f32]; 2],
}

/// One step: each `h` becomes the new state.
#[inline(always)]
pub(crate) fn gru<B: Backend, A: Activation, K: Known, W: Weight, X: Input, const S: usize>(
    backend: B,
    weights: GruView<'_, W>,
    streams: &mut [Stream<'_, X>; S],
    backwards: bool,
) {
    if const { B::F32_PAIRS && S == 1 } && in_pairs(weights.shape) {
        passes::<B, A, K, W, X, S, 2>(backend, weights, streams, backwards);
    } else {
        passes::<B, A, K, W, X, S, 1>(backend, weights, streams, backwards);
    }
}

/// Whether blocks in pairs are faster: where weights come from a first-level cache, and in narrow panels, where f16 are bound by loads, of which
/// broadcasts are a third. To stream wide panels from two places costs more than the broadcasts do. The same for weights of either type, whose
/// steps have the same bits.
#[inline(always)]
fn in_pairs(GruShape { hidden_size, gates, .. }: GruShape) -> bool {
    let blocks = layout::blocks(hidden_size);
    blocks == 2 || blocks.is_multiple_of(2) && gates.ahead().max(gates.count() - gates.ahead()) < 3
}

/// The step with `P` blocks at once: 1, or 2 of an even number and one stream.
#[inline(always)]
fn passes<B: Backend, A: Activation, K: Known, W: Weight, X: Input, const S: usize, const P: usize>(
    backend: B,
    weights: GruView<'_, W>,
    streams: &mut [Stream<'_, X>; S],
    backwards: bool,
) {
    let gates = weights.shape.gates;
    match (gates.ahead(), gates.count()) {
        (0, 3) if const { possible::<K>(0, 3) } => {
            one_pass::<B, A, W, X, 3, S, P>(backend, weights, streams, backwards);
        }
        (0, 2) if const { possible::<K>(0, 2) } => {
            one_pass::<B, A, W, X, 2, S, P>(backend, weights, streams, backwards);
        }
        (0, 1) if const { possible::<K>(0, 1) } => {
            one_pass::<B, A, W, X, 1, S, P>(backend, weights, streams, backwards);
        }
        (2, 3) if const { possible::<K>(2, 3) } => {
            two_passes::<B, A, W, X, 2, S, P>(backend, weights, streams, backwards);
        }
        (1, 2) if const { possible::<K>(1, 2) } => {
            two_passes::<B, A, W, X, 1, S, P>(backend, weights, streams, backwards);
        }
        _ => {}
    }
}

/// All `G` gates of a block at once.
#[inline(always)]
fn one_pass<B: Backend, A: Activation, W: Weight, X: Input, const G: usize, const S: usize, const P: usize>(
    backend: B,
    weights: GruView<'_, W>,
    streams: &mut [Stream<'_, X>; S],
    backwards: bool,
) {
    let registers = backend.lanes();
    let gates = weights.shape.gates;
    let zero = registers.load_f32(&[]);
    let x = inputs(streams);
    'blocks: for group in sweep(few(layout::blocks(weights.shape.hidden_size), weights.bias.len()) / P, backwards) {
        let (mut sums, mut n_inputs, mut panels) = ([[[zero; G]; S]; P], [[zero; S]; P], [&[][..]; P]);
        for p in 0..P {
            let b = group * P + p;
            let (Some(bias), Some(block)) = (weights.bias.get(b), lanes(weights.lanes, weights.shape.block_lanes(), b))
            else {
                break 'blocks;
            };
            let (input, hidden) = split(block, weights.shape.panels(G).0);
            panels[p] = hidden;
            let mut start = [zero; G];
            for g in 0..G {
                start[g] = registers.load_f32(&bias[gates.gate(g) & 3]);
            }
            let n_hidden = registers.load_f32(&bias[3]);
            sums[p] = X::product(backend, [start; S], input, Place { block: b, gate: 0 }, x);
            for s in 0..S {
                n_inputs[p][s] = sums[p][s][G - 1];
                sums[p][s][G - 1] = n_hidden;
            }
        }
        let sums = products(backend, sums, panels, vectors(streams, |stream| stream.h));
        for p in 0..P {
            let b = group * P + p;
            for (s, stream) in streams.iter_mut().enumerate() {
                let mut n = sums[p][s][G - 1];
                if gates.reset.is_some() {
                    n = registers.reset_f32::<A>(sums[p][s][0], n);
                }
                n = n.add(n_inputs[p][s]);
                let next = if gates.update {
                    let h = registers.load_f32(block(stream.h, b));
                    registers.update_f32::<A>(sums[p][s][G.saturating_sub(2)], n, h)
                } else {
                    A::tanh_lanes(n)
                };
                registers.store_f32(next, block_mut(stream.scratch[0], b));
            }
        }
    }
    for stream in streams {
        copy(stream.scratch[0], stream.h);
    }
}

/// The `G` gates besides the candidate, of all blocks, before the candidate.
#[inline(always)]
fn two_passes<B: Backend, A: Activation, W: Weight, X: Input, const G: usize, const S: usize, const P: usize>(
    backend: B,
    weights: GruView<'_, W>,
    streams: &mut [Stream<'_, X>; S],
    backwards: bool,
) {
    let registers = backend.lanes();
    let gates = weights.shape.gates;
    let zero = registers.load_f32(&[]);
    let x = inputs(streams);
    let (input_gates, hidden_gates) = weights.shape.panels(G);
    'blocks: for group in sweep(few(layout::blocks(weights.shape.hidden_size), weights.bias.len()) / P, backwards) {
        let (mut sums, mut panels) = ([[[zero; G]; S]; P], [&[][..]; P]);
        for p in 0..P {
            let b = group * P + p;
            let (Some(bias), Some(block)) = (weights.bias.get(b), lanes(weights.lanes, weights.shape.block_lanes(), b))
            else {
                break 'blocks;
            };
            let (input, rest) = split(block, input_gates);
            panels[p] = split(rest, hidden_gates).0;
            let mut start = [zero; G];
            for g in 0..G {
                start[g] = registers.load_f32(&bias[gates.gate(g) & 3]);
            }
            sums[p] = X::product(backend, [start; S], input, Place { block: b, gate: 0 }, x);
        }
        let sums = products(backend, sums, panels, vectors(streams, |stream| stream.h));
        for p in 0..P {
            let b = group * P + p;
            for (s, stream) in streams.iter_mut().enumerate() {
                let h = registers.load_f32(block(stream.h, b));
                let gated = registers.reset_f32::<A>(sums[p][s][0], h);
                registers.store_f32(gated, block_mut(stream.scratch[0], b));
                if gates.update {
                    registers.store_f32(sums[p][s][G - 1], block_mut(stream.scratch[1], b));
                }
            }
        }
    }
    'blocks: for group in sweep(few(layout::blocks(weights.shape.hidden_size), weights.bias.len()) / P, !backwards) {
        let (mut sums, mut panels) = ([[[zero]; S]; P], [&[][..]; P]);
        for p in 0..P {
            let b = group * P + p;
            let (Some(bias), Some(block)) = (weights.bias.get(b), lanes(weights.lanes, weights.shape.block_lanes(), b))
            else {
                break 'blocks;
            };
            let input;
            (input, panels[p]) = split(split(block, input_gates + hidden_gates).1, weights.shape.panels(1).0);
            let start = registers.load_f32(&bias[2]).add(registers.load_f32(&bias[3]));
            sums[p] = X::product(backend, [[start]; S], input, Place { block: b, gate: G }, x);
        }
        let sums = products(backend, sums, panels, vectors(streams, |stream| stream.scratch[0]));
        for p in 0..P {
            let b = group * P + p;
            for (s, stream) in streams.iter_mut().enumerate() {
                let [n] = sums[p][s];
                let next = if gates.update {
                    let z = registers.load_f32(block(stream.scratch[1], b));
                    registers.update_f32::<A>(z, n, registers.load_f32(block(stream.h, b)))
                } else {
                    A::tanh_lanes(n)
                };
                registers.store_f32(next, block_mut(stream.h, b));
            }
        }
    }
}

/// The products of `P` panels: of one, or of two with one stream.
#[inline(always)]
fn products<B: Backend, W: Weight, const G: usize, const S: usize, const P: usize>(
    backend: B,
    mut sums: [[[F32<B>; G]; S]; P],
    panels: [&[Lane<W>]; P],
    x: [&[f32]; S],
) -> [[[F32<B>; G]; S]; P] {
    if P == 2 {
        [sums[0][0], sums[P - 1][0]] =
            backend.product_f32_pair([sums[0][0], sums[P - 1][0]], [panels[0], panels[P - 1]], x[0]);
    } else {
        sums[0] = backend.product_f32(sums[0], panels[0], x);
    }
    sums
}

/// `y = W x + b`: `bias` and `lanes` block by block.
#[inline(always)]
pub(crate) fn dense<B: Backend, W: Weight>(
    backend: B,
    bias: &[[F32Lane; 1]],
    packed: &[Lane<W>],
    x: &[f32],
    y: &mut [f32],
) {
    let registers = backend.lanes();
    for (b, [bias]) in bias.iter().enumerate() {
        let panel = lanes(packed, x.len(), b).unwrap_or_default();
        let [[sum]] = backend.product_f32([[registers.load_f32(bias)]], panel, [x]);
        registers.store_f32(sum, block_mut(y, b));
    }
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
