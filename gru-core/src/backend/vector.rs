//! The products of every instruction set with vector registers, written once.
//!
//! ```text
//! for each SPLIT columns:                      # SPLIT partial sums per accumulator hide the latency of multiply-add
//!     for each column c of them, each gate g:
//!         weights = load panel[c][g]           # once for all S inputs
//!         for each input s:  partial[c mod SPLIT][s][g] += weights · broadcast x[s][c]
//! sums += Σ partial
//! ```
//!
//! `SPLIT` is a power of two. Loops and not closures around registers: an instruction is inlined into a function that enables it, and a
//! closure does not.

#![allow(unsafe_code, reason = "a length is hidden from the compiler, which could not drop the checks against it")]
#![allow(clippy::needless_range_loop, reason = "loops over registers keep closures out")]

use super::{Backend, Columns, F32, I32, Int8Lane, Lane, Lanes, Weight};
use crate::{
    layout::{INT8_DEPTH, INT8_OFFSETS},
    math::Real,
};

/// The dot product of an instruction set with vector registers.
pub trait Dot: Backend {
    /// A group of columns, broadcast to every unit.
    type Group: Copy;
    /// Running sums: [`Lanes::I32`], or what adds up to them.
    type Partial: Copy;

    /// Whether two groups at once cost less than twice one.
    const PAIRS: bool = false;

    /// Broadcasts a group of columns.
    fn group(self, x: [i8; INT8_DEPTH]) -> Self::Group;
    /// Broadcasts each of some neighbouring groups.
    #[inline(always)]
    fn groups<const N: usize>(self, x: &[[i8; INT8_DEPTH]; N]) -> [Self::Group; N] {
        let mut groups = [self.group([0; INT8_DEPTH]); N];
        for i in 0..N {
            groups[i] = self.group(x[i]);
        }
        groups
    }
    /// What the running sums start from: the offsets of an unsigned product where it needs them, else zero.
    fn start(self, offsets: Option<&Int8Lane>) -> Self::Partial;
    /// Adds the products of a lane and a group.
    fn dot(self, sums: Self::Partial, weights: &Int8Lane, x: Self::Group) -> Self::Partial;
    /// Adds the products of two lanes and two groups.
    #[inline(always)]
    fn dot_pair(self, sums: Self::Partial, weights: [&Int8Lane; 2], x: [Self::Group; 2]) -> Self::Partial {
        self.dot(self.dot(sums, weights[0], x[0]), weights[1], x[1])
    }
    /// `a + b`.
    fn add(self, a: Self::Partial, b: Self::Partial) -> Self::Partial;
    /// The sum of each unit.
    fn finish(self, sums: Self::Partial) -> I32<Self>;
}

/// [`Backend::product_f32`] with `SPLIT` partial sums.
#[inline(always)]
pub fn product_f32<B: Backend, W: Weight, const G: usize, const S: usize, const SPLIT: usize>(
    backend: B,
    sums: [[F32<B>; G]; S],
    panel: &[Lane<W>],
    x: [&[f32]; S],
) -> [[F32<B>; G]; S] {
    let (chunks, tail) = panel.as_chunks::<G>().0.as_chunks::<SPLIT>();
    let mut parts = [[[sums[0][0].splat(0.0); G]; S]; SPLIT];
    parts[0] = sums;
    let (inputs, len) = in_step(chunks, x);
    for c in 0..len {
        // SAFETY: the panel has `len` chunks or more.
        let chunk = unsafe { chunks.get_unchecked(c) };
        for p in 0..SPLIT {
            let mut column = [0.0; S];
            for s in 0..S {
                // SAFETY: every input has `len` chunks or more.
                column[s] = unsafe { inputs[s].get_unchecked(c) }[p];
            }
            column_f32(backend, &mut parts[p], &chunk[p], column);
        }
    }
    for (c, column) in tail.iter().enumerate() {
        let mut last = [0.0; S];
        for s in 0..S {
            last[s] = x[s].get(chunks.len() * SPLIT + c).copied().unwrap_or(0.0);
        }
        column_f32(backend, &mut parts[c % SPLIT], column, last);
    }
    let mut half = SPLIT / 2;
    while half > 0 {
        for p in 0..half {
            for s in 0..S {
                for g in 0..G {
                    parts[p][s][g] = parts[p][s][g].add(parts[p + half][s][g]);
                }
            }
        }
        half /= 2;
    }
    parts[0]
}

/// [`Backend::product_f32_pair`]: a column is broadcast once for both panels. Fewer gates have more partial sums.
#[cfg(gru_family = "x86_64")]
#[inline(always)]
pub fn product_f32_pair<B: Backend, W: Weight, const G: usize>(
    backend: B,
    sums: [[F32<B>; G]; 2],
    panels: [&[Lane<W>]; 2],
    x: &[f32],
) -> [[F32<B>; G]; 2] {
    match G {
        1 => split_f32_pair::<_, _, G, 4>(backend, sums, panels, x),
        2 => split_f32_pair::<_, _, G, 2>(backend, sums, panels, x),
        _ => split_f32_pair::<_, _, G, 1>(backend, sums, panels, x),
    }
}

/// With `SPLIT` partial sums.
#[cfg(gru_family = "x86_64")]
#[inline(always)]
fn split_f32_pair<B: Backend, W: Weight, const G: usize, const SPLIT: usize>(
    backend: B,
    sums: [[F32<B>; G]; 2],
    panels: [&[Lane<W>]; 2],
    x: &[f32],
) -> [[F32<B>; G]; 2] {
    let mut parts = [[[sums[0][0].splat(0.0); G]; 2]; SPLIT];
    parts[0] = sums;
    let columns = [panels[0].as_chunks::<G>().0, panels[1].as_chunks::<G>().0];
    let chunks = [columns[0].as_chunks::<4>().0, columns[1].as_chunks::<4>().0];
    let (inputs, tail) = x.as_chunks::<4>();
    let len = inputs.len().min(chunks[0].len()).min(chunks[1].len());
    for c in 0..rolled(len) {
        // SAFETY: the input has `len` chunks or more.
        let x = unsafe { inputs.get_unchecked(c) };
        for i in 0..4 {
            for p in 0..2 {
                // SAFETY: both panels have `len` chunks or more.
                let column = &unsafe { chunks[p].get_unchecked(c) }[i];
                column_f32(backend, core::array::from_mut(&mut parts[i % SPLIT][p]), column, [x[i]]);
            }
        }
    }
    for (i, &x) in tail.iter().enumerate() {
        for p in 0..2 {
            let Some(column) = columns[p].get(inputs.len() * 4 + i) else { break };
            column_f32(backend, core::array::from_mut(&mut parts[i % SPLIT][p]), column, [x]);
        }
    }
    for i in 1..SPLIT {
        for p in 0..2 {
            for g in 0..G {
                parts[0][p][g] = parts[0][p][g].add(parts[i][p][g]);
            }
        }
    }
    parts[0]
}

/// Adds one column's products.
#[inline(always)]
fn column_f32<B: Backend, W: Weight, const G: usize, const S: usize>(
    backend: B,
    sums: &mut [[F32<B>; G]; S],
    column: &[Lane<W>; G],
    x: [f32; S],
) {
    for g in 0..G {
        let weights = W::load(backend.lanes(), &column[g]);
        for s in 0..S {
            sums[s][g] = weights.mul_add(weights.splat(x[s]), sums[s][g]);
        }
    }
}

/// [`Backend::product_int8`] with `SPLIT` partial sums.
#[inline(always)]
pub fn product_int8<B: Dot, const G: usize, const S: usize, const SPLIT: usize>(
    backend: B,
    mut sums: [[I32<B>; G]; S],
    panel: &[Int8Lane],
    x: [Columns<'_>; S],
) -> [[I32<B>; G]; S] {
    let columns = panel.as_chunks::<G>().0;
    let zero = backend.start(None);
    let mut parts = [[[zero; G]; S]; SPLIT];
    let columns = match columns.split_first() {
        Some((offsets, columns)) if INT8_OFFSETS => {
            for s in 0..S {
                for g in 0..G {
                    parts[0][s][g] = backend.start(Some(&offsets[g]));
                }
            }
            columns
        }
        _ => columns,
    };
    let full = x[0].values.len() / (INT8_DEPTH * SPLIT);
    let (whole, tail) = columns.split_at_checked(full * SPLIT).unwrap_or((columns, &[]));
    let mut groups: [&[[i8; INT8_DEPTH]]; S] = [&[]; S];
    for s in 0..S {
        groups[s] = x[s].values.as_chunks().0;
    }
    let chunks = whole.as_chunks::<SPLIT>().0;
    let (groups, len) = in_step(chunks, groups);
    for c in 0..len {
        // SAFETY: the panel has `len` chunks or more.
        let chunk = unsafe { chunks.get_unchecked(c) };
        for s in 0..S {
            // SAFETY: every input has `len` chunks or more.
            let x = backend.groups(unsafe { groups[s].get_unchecked(c) });
            for p in 0..SPLIT {
                if !B::PAIRS {
                    column_int8(backend, &mut parts[p][s], &chunk[p], x[p]);
                } else if p % 2 == 1 {
                    pair_int8(backend, &mut parts[p / 2][s], [&chunk[p - 1], &chunk[p]], [x[p - 1], x[p]]);
                }
            }
        }
    }
    for (c, column) in tail.iter().enumerate() {
        for s in 0..S {
            let x = backend.group(padded(x[s].values, full * SPLIT + c));
            column_int8(backend, &mut parts[c % SPLIT][s], column, x);
        }
    }
    let mut half = SPLIT / 2;
    while half > 0 {
        for p in 0..half {
            for s in 0..S {
                for g in 0..G {
                    parts[p][s][g] = backend.add(parts[p][s][g], parts[p + half][s][g]);
                }
            }
        }
        half /= 2;
    }
    for s in 0..S {
        for g in 0..G {
            sums[s][g] = backend.lanes().add_i32(sums[s][g], backend.finish(parts[0][s][g]));
        }
    }
    sums
}

/// [`Backend::product_int8_pairs`]: a group is broadcast once for all panels. Two pairs are sums enough to hide a product's latency; one
/// has them twice.
#[cfg(gru_family = "x86_64")]
#[inline(always)]
pub fn product_int8_pairs<B: Dot, const G: usize, const P: usize>(
    backend: B,
    sums: &mut [[[I32<B>; G]; 2]; P],
    panels: [[&[Int8Lane]; 2]; P],
    x: Columns<'_>,
) {
    if P == 1 {
        split_int8_pairs::<_, G, P, 2>(backend, sums, panels, x);
    } else {
        split_int8_pairs::<_, G, P, 1>(backend, sums, panels, x);
    }
}

/// With `SPLIT` partial sums.
#[cfg(gru_family = "x86_64")]
#[inline(always)]
fn split_int8_pairs<B: Dot, const G: usize, const P: usize, const SPLIT: usize>(
    backend: B,
    sums: &mut [[[I32<B>; G]; 2]; P],
    panels: [[&[Int8Lane]; 2]; P],
    x: Columns<'_>,
) {
    let mut parts = [[[[backend.start(None); G]; 2]; P]; SPLIT];
    let mut columns: [[&[[Int8Lane; G]]; 2]; P] = [[&[]; 2]; P];
    for p in 0..P {
        for b in 0..2 {
            columns[p][b] = panels[p][b].as_chunks().0;
            if let (true, Some((offsets, rest))) = (INT8_OFFSETS, columns[p][b].split_first()) {
                for g in 0..G {
                    parts[0][p][b][g] = backend.start(Some(&offsets[g]));
                }
                columns[p][b] = rest;
            }
        }
    }
    let groups = x.values.as_chunks::<INT8_DEPTH>().0.as_chunks::<4>().0;
    let mut len = groups.len();
    let mut chunks: [[&[[[Int8Lane; G]; 4]]; 2]; P] = [[&[]; 2]; P];
    for p in 0..P {
        for b in 0..2 {
            chunks[p][b] = columns[p][b].as_chunks().0;
            len = len.min(chunks[p][b].len());
        }
    }
    for c in 0..rolled(len) {
        // SAFETY: the input has `len` chunks or more.
        let x = backend.groups(unsafe { groups.get_unchecked(c) });
        for i in 0..4 {
            for p in 0..P {
                for b in 0..2 {
                    // SAFETY: every panel has `len` chunks or more.
                    let column = &unsafe { chunks[p][b].get_unchecked(c) }[i];
                    column_int8(backend, &mut parts[i % SPLIT][p][b], column, x[i]);
                }
            }
        }
    }
    let full = groups.len() * 4;
    for i in 0..4 {
        let x = backend.group(padded(x.values, full + i));
        for p in 0..P {
            for b in 0..2 {
                let Some(column) = columns[p][b].get(full + i) else { break };
                column_int8(backend, &mut parts[i % SPLIT][p][b], column, x);
            }
        }
    }
    for p in 0..P {
        for b in 0..2 {
            for g in 0..G {
                for i in 1..SPLIT {
                    parts[0][p][b][g] = backend.add(parts[0][p][b][g], parts[i][p][b][g]);
                }
                sums[p][b][g] = backend.lanes().add_i32(sums[p][b][g], backend.finish(parts[0][p][b][g]));
            }
        }
    }
}

/// Adds one group's products.
#[inline(always)]
fn column_int8<B: Dot, const G: usize>(backend: B, sums: &mut [B::Partial; G], column: &[Int8Lane; G], x: B::Group) {
    for g in 0..G {
        sums[g] = backend.dot(sums[g], &column[g], x);
    }
}

/// Adds the products of two groups.
#[inline(always)]
fn pair_int8<B: Dot, const G: usize>(
    backend: B,
    sums: &mut [B::Partial; G],
    columns: [&[Int8Lane; G]; 2],
    x: [B::Group; 2],
) {
    for g in 0..G {
        sums[g] = backend.dot_pair(sums[g], [&columns[0][g], &columns[1][g]], x);
    }
}

/// The inputs in chunks, and a number of chunks that the panel and all inputs have.
#[inline(always)]
fn in_step<'a, W, T, const S: usize, const SPLIT: usize>(
    panel: &[[W; SPLIT]],
    x: [&'a [T]; S],
) -> ([&'a [[T; SPLIT]]; S], usize) {
    let mut inputs: [&[[T; SPLIT]]; S] = [&[]; S];
    let mut len = panel.len();
    for s in 0..S {
        inputs[s] = x[s].as_chunks().0;
        len = len.min(inputs[s].len());
    }
    (inputs, rolled(len))
}

/// The same number; if it is not small, one that the compiler does not know: it would unroll the loop and keep every input in a register of
/// its own, on the stack.
#[inline(always)]
fn rolled(len: usize) -> usize {
    const FEW: usize = 4;
    if len <= FEW || cfg!(miri) { len } else { len.min(hidden(len)) }
}

/// The same number, which the compiler does not know.
#[inline(always)]
#[cfg_attr(target_family = "wasm", expect(unused_mut, reason = "WebAssembly has no stable inline assembly"))]
fn hidden(mut number: usize) -> usize {
    #[cfg(not(target_family = "wasm"))]
    // SAFETY: no instruction at all.
    unsafe {
        core::arch::asm!("/* {0} */", inout(reg) number, options(pure, nomem, nostack, preserves_flags));
    }
    number
}

/// A group of columns, zeros behind the last.
#[inline(always)]
fn padded(x: &[i8], group: usize) -> [i8; INT8_DEPTH] {
    let rest = x.get(group * INT8_DEPTH..).unwrap_or_default();
    match rest.first_chunk() {
        Some(&group) => group,
        None => {
            let mut group = [0; INT8_DEPTH];
            group.iter_mut().zip(rest).for_each(|(to, &x)| *to = x);
            group
        }
    }
}
