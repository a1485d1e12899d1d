//! A step of a layer whose reset follows the recurrent product, or that has none: every block once.

use super::{GruView, Stream, View, input::Input, ready, requantize, rescale, views};
use crate::{
    backend::{Backend, I32, Int8Lane, Lanes},
    kernel::{Place, block_mut, blocks_mut, copy, few, split, sweep},
    layout::{self, Scales, UNITS},
};
use core::array;

/// Bytes of weights that a first-level cache holds from step to step. What comes from further away comes fastest in one stream, which joined
/// panels are not.
const NEAR: usize = 28 << 10;

/// All `G` gates of a block at once; of as many pairs of blocks as the backend takes together.
#[inline(always)]
pub(super) fn one_pass<B: Backend, X: Input, V: View, const G: usize, const S: usize>(
    backend: B,
    weights: GruView<'_>,
    streams: &mut [Stream<'_, X, V>; S],
    backwards: bool,
) {
    let full = weights.shape.hidden_size / UNITS;
    let near = S == 1 && weights.shape.lanes() * size_of::<Int8Lane>() <= NEAR;
    let pairs = if G == 3 { B::Lanes::PAIRS } else { 0 };
    let (fours, pairs) = together(if near { pairs } else { pairs.min(1) }, full);
    let joined = 3 * fours + pairs;
    let known = layout::blocks(weights.shape.hidden_size) - joined;
    // A step of one part has read the view before it writes a new one; so has one whose products read another form of it.
    let alone = known == 1 || backend.reads_prepared(weights.lanes, weights.shape.hidden_size);
    for part in sweep(few(known, weights.scales.len().saturating_sub(joined)), backwards) {
        let pair = 2 * (part + fours);
        let done = if const { B::Lanes::PAIRS > 1 && G == 3 && S == 1 } && part < fours {
            near_blocks::<_, _, _, 2>(backend, &weights, &mut streams[0], 4 * part, alone)
        } else if const { B::Lanes::PAIRS > 0 && G == 3 && S == 1 } && near && part < fours + pairs {
            near_blocks::<_, _, _, 1>(backend, &weights, &mut streams[0], pair, alone)
        } else if const { B::Lanes::PAIRS > 0 && G == 3 } && part < fours + pairs {
            two_blocks(backend, &weights, streams, pair, alone)
        } else {
            one_block::<_, _, _, G, S>(backend, &weights, streams, part + joined, alone)
        };
        if done.is_none() {
            break;
        }
    }
    if !alone {
        for stream in streams {
            copy(stream.scratch.view, stream.view);
        }
    }
}

/// How many fours and how many pairs so many full blocks are taken in.
const fn together(pairs: usize, blocks: usize) -> (usize, usize) {
    match pairs {
        0 => (0, 0),
        1 => (0, blocks / 2),
        _ => (blocks / 4, blocks % 4 / 2),
    }
}

/// `P` pairs of neighbouring blocks, whose weights are near; `None` where they are not there.
#[inline(always)]
fn near_blocks<B: Backend, X: Input, V: View, const P: usize>(
    backend: B,
    weights: &GruView<'_>,
    stream: &mut Stream<'_, X, V>,
    first: usize,
    alone: bool,
) -> Option<()> {
    const CANDIDATE: usize = 2;
    let registers = backend.lanes();
    let zero = registers.load_i32(&[0; UNITS]);
    let mut scales = [[weights.scales.first()?; 2]; P];
    let (mut input, mut hidden): ([[&[Int8Lane]; 2]; P], _) = ([[&[]; 2]; P], [[&[][..]; 2]; P]);
    let (mut sums, mut n_input) = ([[[zero; CANDIDATE + 1]; 2]; P], [[zero; 2]; P]);
    for p in 0..P {
        for b in 0..2 {
            let panels;
            (scales[p][b], panels) = weights.block(first + 2 * p + b)?;
            (input[p][b], hidden[p][b]) = split(panels, weights.shape.panels(CANDIDATE + 1).0);
            sums[p][b][CANDIDATE] = registers.load_i32(&scales[p][b].bias[2]);
        }
    }
    let place = Place { block: first, gate: 0 };
    let [x] = ready(array::from_ref(stream));
    X::accumulate_pairs(backend, &mut sums, input, place, x);
    for p in 0..P {
        for b in 0..2 {
            n_input[p][b] = sums[p][b][CANDIDATE];
            rescale(registers, weights, scales[p][b], &mut sums[p][b][..CANDIDATE]);
            sums[p][b][CANDIDATE] = registers.load_i32(&scales[p][b].bias[3]);
        }
    }
    let [view] = views(array::from_ref(stream), false);
    V::Seen::accumulate_pairs(backend, &mut sums, hidden, place, view);

    let view = if alone { &mut *stream.view } else { &mut *stream.scratch.view };
    let (h, view) = (blocks_mut(stream.h, first, 2 * P)?, blocks_mut(view, first, 2 * P)?);
    let mut room = [0; 4 * UNITS];
    registers.gates_int8_pairs(&sums, &n_input, scales, weights.view, h, V::coarse(view, &mut room));
    V::refine(h, weights.view, view);
    Some(())
}

/// Two neighbouring blocks, one after the other up to their gates; `None` where they are not there.
#[inline(always)]
fn two_blocks<B: Backend, X: Input, V: View, const S: usize>(
    backend: B,
    weights: &GruView<'_>,
    streams: &mut [Stream<'_, X, V>; S],
    first: usize,
    alone: bool,
) -> Option<()> {
    let registers = backend.lanes();
    let zero = registers.load_i32(&[0; UNITS]);
    let mut room = [0; 4 * UNITS];
    let blocks = [weights.block(first)?, weights.block(first + 1)?];
    let (mut first_sums, mut first_n) = ([[zero; 3]; S], [zero; S]);
    let (mut second_sums, mut second_n) = (first_sums, first_n);
    accumulate(backend, weights, blocks[0], streams, first, &mut first_sums, &mut first_n);
    accumulate(backend, weights, blocks[1], streams, first + 1, &mut second_sums, &mut second_n);
    let scales = [[blocks[0].0, blocks[1].0]];
    for (s, stream) in streams.iter_mut().enumerate() {
        let view = if alone { &mut *stream.view } else { &mut *stream.scratch.view };
        let (h, view) = (blocks_mut(stream.h, first, 2)?, blocks_mut(view, first, 2)?);
        let (sums, n_input) = ([[first_sums[s], second_sums[s]]], [[first_n[s], second_n[s]]]);
        registers.gates_int8_pairs(&sums, &n_input, scales, weights.view, h, V::coarse(view, &mut room));
        V::refine(h, weights.view, view);
    }
    Some(())
}

/// A block; `None` where it is not there.
#[inline(always)]
fn one_block<B: Backend, X: Input, V: View, const G: usize, const S: usize>(
    backend: B,
    weights: &GruView<'_>,
    streams: &mut [Stream<'_, X, V>; S],
    b: usize,
    alone: bool,
) -> Option<()> {
    let registers = backend.lanes();
    let zero = registers.load_i32(&[0; UNITS]);
    let mut room = [0; 4 * UNITS];
    let block = weights.block(b)?;
    let (mut sums, mut n_input) = ([[zero; G]; S], [zero; S]);
    accumulate(backend, weights, block, streams, b, &mut sums, &mut n_input);
    for (s, stream) in streams.iter_mut().enumerate() {
        let view = if alone { &mut *stream.view } else { &mut *stream.scratch.view };
        let (h, view) = (block_mut(stream.h, b), block_mut(view, b));
        let coarse = V::coarse(view, &mut room);
        if let Some(sums) = sums[s].first_chunk() {
            registers.gates_int8(sums, &n_input[s], block.0, weights.view, h, coarse);
        } else {
            ablated(backend, weights, &sums[s], n_input[s], block.0, h, coarse);
        }
        V::refine(h, weights.view, view);
    }
    Some(())
}

/// Adds the products of a block: `sums` are those of its gates, the last of the candidate's recurrent half; `n_input` is its input half.
#[inline(always)]
fn accumulate<B: Backend, X: Input, V: View, const G: usize, const S: usize>(
    backend: B,
    weights: &GruView<'_>,
    (scales, panels): (&Scales<4>, &[Int8Lane]),
    streams: &[Stream<'_, X, V>; S],
    block: usize,
    sums: &mut [[I32<B>; G]; S],
    n_input: &mut [I32<B>; S],
) {
    let registers = backend.lanes();
    let candidate = G - 1;
    let (input, hidden) = split(panels, weights.shape.panels(G).0);
    for sums in sums.iter_mut() {
        sums[candidate] = registers.load_i32(&scales.bias[2]);
    }
    X::accumulate(backend, sums, input, Place { block, gate: 0 }, ready(streams));
    for s in 0..S {
        n_input[s] = sums[s][candidate];
        rescale(registers, weights, scales, &mut sums[s][..candidate]);
        sums[s][candidate] = registers.load_i32(&scales.bias[3]);
    }
    V::Seen::accumulate(backend, sums, hidden, Place { block, gate: 0 }, views(streams, false));
}

/// [`Lanes::gates_int8`] of a cell that lacks a gate or two.
#[inline(always)]
fn ablated<B: Backend, const G: usize>(
    backend: B,
    weights: &GruView<'_>,
    sums: &[I32<B>; G],
    n_input: I32<B>,
    scales: &Scales<4>,
    h: &mut [i32],
    view: &mut [i8],
) {
    let registers = backend.lanes();
    let mut n_hidden = requantize(backend, sums[G - 1], scales, 3);
    if weights.shape.gates.reset.is_some() {
        n_hidden = registers.reset_int8(requantize(backend, sums[0], scales, 0), n_hidden);
    }
    let n = registers.add_i16(requantize(backend, n_input, scales, 2), n_hidden);
    if weights.shape.gates.update {
        registers.advance_int8(requantize(backend, sums[0], scales, 1), n, weights.view, h, view);
    } else {
        registers.replace_int8(n, weights.view, h, view);
    }
}
