//! int8: one step of a GRU layer, and a dense layer, for `S` streams at once. No float anywhere.

mod input;
mod one_pass;
mod view;

use self::one_pass::one_pass;
use super::{Known, Place, block, block_mut, few, has_panel, lanes, possible, row_mut, split, sweep};
use crate::{
    backend::{Backend, I16, I32, Int8Lane, Lanes, Prepared},
    cell::Gating,
    layout::{self, GruShape, Order, Scales, UNITS},
};
pub use input::{Dense, Input, Ready, Wide};
pub(crate) use input::{OneHot, Sums};
pub use view::View;

/// The product of the input half for `W` steps: one pass over `weight_ih` for all of them. `sums` is `[W, 3, H]`, its rows the gates that
/// the cell has.
#[inline(always)]
pub(crate) fn ahead<B: Backend, R: Gating, X: Input, const W: usize>(
    backend: B,
    weights: GruView<'_>,
    x: [Ready<'_, X>; W],
    sums: &mut [i32],
) {
    let gates = weights.shape.gates;
    let (first, last) = (gates.ahead(), gates.count() - gates.ahead());
    let (input, hidden) = weights.shape.panels(first);
    for b in sweep(weights.scales.len(), false) {
        let Some(panels) = lanes(weights.lanes, weights.shape.block_lanes(), b) else { break };
        let (panel, rest) = split(panels, input);
        ahead_panel::<_, R, _, _>(backend, panel, first, Place { block: b, gate: 0 }, x, sums);
        let panel = split(split(rest, hidden).1, weights.shape.panels(last).0).0;
        ahead_panel::<_, R, _, _>(backend, panel, last, Place { block: b, gate: first }, x, sums);
    }
}

#[inline(always)]
fn ahead_panel<B: Backend, R: Gating, X: Input, const W: usize>(
    backend: B,
    panel: &[Int8Lane],
    gates: usize,
    place: Place,
    x: [Ready<'_, X>; W],
    sums: &mut [i32],
) {
    match gates {
        1 if const { has_panel::<R>(1) } => ahead_gates::<B, X, 1, W>(backend, panel, place, x, sums),
        2 if const { has_panel::<R>(2) } => ahead_gates::<B, X, 2, W>(backend, panel, place, x, sums),
        3 if const { has_panel::<R>(3) } => ahead_gates::<B, X, 3, W>(backend, panel, place, x, sums),
        _ => {}
    }
}

#[inline(always)]
fn ahead_gates<B: Backend, X: Input, const G: usize, const W: usize>(
    backend: B,
    panel: &[Int8Lane],
    place: Place,
    x: [Ready<'_, X>; W],
    sums: &mut [i32],
) {
    let registers = backend.lanes();
    let units = sums.len() / (3 * W);
    let mut products = [[registers.load_i32(&[0; UNITS]); G]; W];
    X::accumulate(backend, &mut products, panel, place, x);
    for (t, sums) in sums.chunks_exact_mut((3 * units).max(1)).enumerate().take(W) {
        for g in 0..G {
            registers.store_i32(products[t][g], block_mut(row_mut(sums, units, place.gate + g), place.block));
        }
    }
}

/// The packed weights of a layer.
#[derive(Clone, Copy)]
pub(crate) struct GruView<'a> {
    pub shape: GruShape,
    /// r, z, n of the input half, n of the recurrent half.
    pub scales: &'a [Scales<4>],
    pub lanes: &'a [Int8Lane],
    /// The input half of r and z counts `2^input_shift` times.
    pub input_shift: u8,
    /// Steps of the int8 view per unit of hidden state; of a wide one, 2⁷ times as many.
    pub view: i16,
}

impl<'a> GruView<'a> {
    /// The scales and the lanes of a block.
    #[inline(always)]
    fn block(&self, block: usize) -> Option<(&'a Scales<4>, &'a [Int8Lane])> {
        Some((self.scales.get(block)?, lanes(self.lanes, self.shape.block_lanes(), block)?))
    }
}

/// What one stream brings to a step: the state `h` (Q1.30), the `view` of it, and scratch.
pub(crate) struct Stream<'a, X, V> {
    pub x: X,
    pub h: &'a mut [i32],
    pub view: &'a mut [V],
    pub scratch: Scratch<'a, V>,
}

/// Room that a step needs for one stream, whose state is seen as `V`.
#[derive(Debug)]
pub struct Scratch<'a, V = i8> {
    /// As long as the hidden state.
    pub view: &'a mut [V],
    /// Each as long as the hidden state.
    pub halves: [&'a mut [i8]; 2],
    /// As long as the hidden state.
    pub update: &'a mut [i16],
    /// Each as long as the input.
    pub input: [&'a mut [Prepared]; 2],
    /// Each as long as the hidden state.
    pub hidden: [&'a mut [Prepared]; 2],
}

/// One step: each `h` becomes the new state and `view` its int8 view.
#[inline(always)]
pub(crate) fn gru<B: Backend, K: Known, X: Input, V: View, const S: usize>(
    backend: B,
    weights: GruView<'_>,
    streams: &mut [Stream<'_, X, V>; S],
    backwards: bool,
) {
    for Stream { x, view, scratch, .. } in streams.iter_mut() {
        x.prepare(backend, &mut scratch.input);
        V::split(view, &mut scratch.halves);
        V::seen(view, &scratch.halves).prepare(backend, &mut scratch.hidden);
    }
    let gates = weights.shape.gates;
    match (gates.ahead(), gates.count()) {
        (0, 3) if const { possible::<K>(0, 3) } => one_pass::<B, X, V, 3, S>(backend, weights, streams, backwards),
        (0, 2) if const { possible::<K>(0, 2) } => one_pass::<B, X, V, 2, S>(backend, weights, streams, backwards),
        (0, 1) if const { possible::<K>(0, 1) } => one_pass::<B, X, V, 1, S>(backend, weights, streams, backwards),
        (2, 3) if const { possible::<K>(2, 3) } => two_passes::<B, X, V, 2, S>(backend, weights, streams, backwards),
        (1, 2) if const { possible::<K>(1, 2) } => two_passes::<B, X, V, 1, S>(backend, weights, streams, backwards),
        _ => {}
    }
}

/// The `G` gates besides the candidate, of all blocks, before the candidate.
#[inline(always)]
fn two_passes<B: Backend, X: Input, V: View, const G: usize, const S: usize>(
    backend: B,
    weights: GruView<'_>,
    streams: &mut [Stream<'_, X, V>; S],
    backwards: bool,
) {
    let registers = backend.lanes();
    let zero = registers.load_i32(&[0; UNITS]);
    let mut room = [0; 4 * UNITS];
    let (input_gates, hidden_gates) = weights.shape.panels(G);
    for b in sweep(few(layout::blocks(weights.shape.hidden_size), weights.scales.len()), backwards) {
        let Some((scales, panels)) = weights.block(b) else { break };
        let (input, rest) = split(panels, input_gates);
        let place = Place { block: b, gate: 0 };
        let mut sums = [[zero; G]; S];
        X::accumulate(backend, &mut sums, input, place, ready(streams));
        for sums in &mut sums {
            rescale(registers, &weights, scales, sums);
        }
        V::Seen::accumulate(backend, &mut sums, split(rest, hidden_gates).0, place, views(streams, false));
        for (stream, sums) in streams.iter_mut().zip(sums) {
            let h = registers.state_q15(registers.load_i32(block(stream.h, b)));
            let gated = registers.reset_int8(requantize(backend, sums[0], scales, 0), h);
            V::store(registers, gated, weights.view, block_mut(stream.scratch.view, b));
            if weights.shape.gates.update {
                registers.store_i16(requantize(backend, sums[G - 1], scales, 1), block_mut(stream.scratch.update, b));
            }
        }
    }
    for Stream { scratch, .. } in streams.iter_mut() {
        V::split(scratch.view, &mut scratch.halves);
        V::seen(scratch.view, &scratch.halves).prepare(backend, &mut scratch.hidden);
    }
    for b in sweep(few(layout::blocks(weights.shape.hidden_size), weights.scales.len()), !backwards) {
        let Some((scales, panels)) = weights.block(b) else { break };
        let (input, hidden) = split(split(panels, input_gates + hidden_gates).1, weights.shape.panels(1).0);
        let place = Place { block: b, gate: G };
        let bias = registers.load_i32(&scales.bias[2]);
        let mut n_input = [[bias]; S];
        X::accumulate(backend, &mut n_input, input, place, ready(streams));
        let mut n_hidden = [[registers.load_i32(&scales.bias[3])]; S];
        V::Seen::accumulate(backend, &mut n_hidden, hidden, place, views(streams, true));
        for (s, stream) in streams.iter_mut().enumerate() {
            let ([n_input], [n_hidden]) = (n_input[s], n_hidden[s]);
            let n =
                registers.add_i16(requantize(backend, n_input, scales, 2), requantize(backend, n_hidden, scales, 3));
            let (h, view) = (block_mut(stream.h, b), block_mut(stream.view, b));
            let coarse = V::coarse(view, &mut room);
            if weights.shape.gates.update {
                let z = registers.load_i16(block(stream.scratch.update, b));
                registers.advance_int8(z, n, weights.view, h, coarse);
            } else {
                registers.replace_int8(n, weights.view, h, coarse);
            }
            V::refine(h, weights.view, view);
        }
    }
}

/// `y = W x + b` of so many `columns`, in the fixed-point format that `scales` lead to. Both parts of `room` are as long as the input.
#[inline(always)]
pub(crate) fn dense<B: Backend, X: Input>(
    backend: B,
    scales: &[Scales<1>],
    packed: &[Int8Lane],
    columns: usize,
    input: X,
    y: &mut [i16],
    mut room: [&mut [Prepared]; 2],
) {
    let registers = backend.lanes();
    input.prepare(backend, &mut room);
    let x = [Ready { input, room: room.each_ref().map(|half| &**half) }];
    for (b, scales) in scales.iter().enumerate() {
        let panel = lanes(packed, Order::INT8.panel(1, columns), b).unwrap_or_default();
        let mut sums = [[registers.load_i32(&scales.bias[0])]];
        X::accumulate(backend, &mut sums, panel, Place { block: b, gate: 0 }, x);
        let [[sum]] = sums;
        registers.store_i16(requantize(backend, sum, scales, 0), block_mut(y, b));
    }
}

/// The views of the hidden states; `gated`, those that the reset gate has been applied to.
#[inline(always)]
fn views<'a, X, V: View, const S: usize>(
    streams: &'a [Stream<'_, X, V>; S],
    gated: bool,
) -> [Ready<'a, V::Seen<'a>>; S] {
    let mut views = [Ready { input: V::seen(&[], &streams[0].scratch.halves), room: [&[]; 2] }; S];
    for s in 0..S {
        let Stream { view, scratch: Scratch { view: gated_view, halves, hidden: [first, second], .. }, .. } =
            &streams[s];
        views[s] = Ready { input: V::seen(if gated { gated_view } else { view }, halves), room: [first, second] };
    }
    views
}

/// The input of each stream.
#[inline(always)]
fn ready<'a, X: Input, V, const S: usize>(streams: &'a [Stream<'_, X, V>; S]) -> [Ready<'a, X>; S] {
    let mut ready = [Ready { input: streams[0].x, room: [&[]; 2] }; S];
    for s in 0..S {
        let [first, second] = &streams[s].scratch.input;
        ready[s] = Ready { input: streams[s].x, room: [first, second] };
    }
    ready
}

/// Brings the sums of the input half of r and z, as far as there are, to the scale of the recurrent half and adds the bias.
#[inline(always)]
fn rescale<L: Lanes>(registers: L, weights: &GruView<'_>, scales: &Scales<4>, sums: &mut [L::I32]) {
    for (place, sums) in sums.iter_mut().enumerate() {
        let bias = registers.load_i32(&scales.bias[weights.shape.gates.gate(place) & 3]);
        *sums = registers.add_i32(registers.shift_left(*sums, weights.input_shift), bias);
    }
}

/// The sums of one gate as fixed-point values.
#[inline(always)]
fn requantize<B: Backend, const G: usize>(backend: B, sums: I32<B>, scales: &Scales<G>, gate: usize) -> I16<B> {
    backend.lanes().requantize(sums, &scales.multiplier[gate], &scales.shift[gate])
}
