//! The products of every instruction set with vector registers, written once.
//!
//! ```text
//! for each SPLIT columns:                      # SPLIT partial sums per accumulator hide the latency of multiply-add
//!     for each column c of them, each gate g:
//!         weights = load panel[c][g]           # once for all S inputs
//!         for each input s:  partial[c mod SPLIT][s][g] += weights · broadcast x[s][c]
//! sums += Σ partial
//! ```

use super::{Backend, Columns, F32, F32Lane, I32, Int8Lane, Lanes};
use crate::{
    layout::{INT8_DEPTH, INT8_OFFSETS},
    math::Real,
};
use core::array;

/// The dot product of an instruction set with vector registers.
pub trait Dot: Backend {
    /// A group of columns, broadcast to every unit.
    type Group: Copy;
    /// Running sums: [`Lanes::I32`], or what adds up to them.
    type Partial: Copy;

    /// Broadcasts a group of columns.
    fn group(self, x: [i8; INT8_DEPTH]) -> Self::Group;
    /// What the running sums start from: the offsets of an unsigned product where it needs them, else zero.
    fn start(self, offsets: Option<&Int8Lane>) -> Self::Partial;
    /// Adds the products of a lane and a group.
    fn dot(self, sums: Self::Partial, weights: &Int8Lane, x: Self::Group) -> Self::Partial;
    /// `a + b`.
    fn add(self, a: Self::Partial, b: Self::Partial) -> Self::Partial;
    /// The sum of each unit.
    fn finish(self, sums: Self::Partial) -> I32<Self>;
}

/// [`Backend::product_f32`] with `SPLIT` partial sums.
#[inline(always)]
pub fn product_f32<B: Backend, const G: usize, const S: usize, const SPLIT: usize>(
    backend: B,
    sums: [[F32<B>; G]; S],
    panel: &[F32Lane],
    x: [&[f32]; S],
) -> [[F32<B>; G]; S] {
    let lanes = backend.lanes();
    let columns = panel.as_chunks::<G>().0;
    let (chunks, tail) = columns.as_chunks::<SPLIT>();
    let step = |sums: &mut [[F32<B>; G]; S], column: &[F32Lane; G], x: [f32; S]| {
        let weights: [F32<B>; G] = array::from_fn(|g| lanes.load_f32(&column[g]));
        for s in 0..S {
            for g in 0..G {
                sums[s][g] = weights[g].mul_add(weights[g].splat(x[s]), sums[s][g]);
            }
        }
    };
    let zero = sums[0][0].splat(0.0);
    let mut parts = [[[zero; G]; S]; SPLIT];
    parts[0] = sums;
    let (inputs, tails): ([&[[f32; SPLIT]]; S], [&[f32]; S]) =
        (x.map(|x| x.as_chunks().0), x.map(|x| x.as_chunks::<SPLIT>().1));
    for (c, chunk) in chunks.iter().enumerate() {
        let x: [[f32; SPLIT]; S] = inputs.map(|x| x.get(c).copied().unwrap_or([0.0; SPLIT]));
        for p in 0..SPLIT {
            step(&mut parts[p], &chunk[p], x.map(|x| x[p]));
        }
    }
    for (c, column) in tail.iter().enumerate() {
        step(&mut parts[0], column, tails.map(|x| x.get(c).copied().unwrap_or(0.0)));
    }
    array::from_fn(|s| array::from_fn(|g| tree(parts.map(|part| part[s][g]), F32::<B>::add)))
}

/// [`Backend::product_int8`] with `SPLIT` partial sums.
#[inline(always)]
pub fn product_int8<B: Dot, const G: usize, const S: usize, const SPLIT: usize>(
    backend: B,
    sums: [[I32<B>; G]; S],
    panel: &[Int8Lane],
    x: [Columns<'_>; S],
) -> [[I32<B>; G]; S] {
    let columns = panel.as_chunks::<G>().0;
    let (offsets, columns) =
        if INT8_OFFSETS { (columns.first(), columns.get(1..).unwrap_or(&[])) } else { (None, columns) };
    let (chunks, tail) = columns.as_chunks::<SPLIT>();
    let step = |sums: &mut [[B::Partial; G]; S], column: &[Int8Lane; G], x: [[i8; INT8_DEPTH]; S]| {
        let x = x.map(|x| backend.group(x));
        for g in 0..G {
            for s in 0..S {
                sums[s][g] = backend.dot(sums[s][g], &column[g], x[s]);
            }
        }
    };
    let zero = [[backend.start(None); G]; S];
    let mut parts = [zero; SPLIT];
    parts[0] = [array::from_fn(|g| backend.start(offsets.map(|lanes| &lanes[g]))); S];
    let groups: [&[[[i8; INT8_DEPTH]; SPLIT]]; S] = x.map(|x| x.values.as_chunks().0.as_chunks().0);
    for (c, chunk) in chunks.iter().enumerate() {
        // The last chunk may be longer than the input by the padding of a group.
        let x: [[[i8; INT8_DEPTH]; SPLIT]; S] =
            array::from_fn(|s| groups[s].get(c).copied().unwrap_or_else(|| padded(x[s].values, c * SPLIT)));
        for p in 0..SPLIT {
            step(&mut parts[p], &chunk[p], x.map(|x| x[p]));
        }
    }
    for (c, column) in tail.iter().enumerate() {
        let x = x.map(|x| padded::<1>(x.values, chunks.len() * SPLIT + c)[0]);
        step(&mut parts[0], column, x);
    }
    let lanes = backend.lanes();
    array::from_fn(|s| {
        array::from_fn(|g| {
            let total = tree(parts.map(|part| part[s][g]), |a, b| backend.add(a, b));
            lanes.add_i32(sums[s][g], backend.finish(total))
        })
    })
}

/// `N` groups of columns from the `first` on, zeros behind the last column.
#[inline(always)]
fn padded<const N: usize>(x: &[i8], first: usize) -> [[i8; INT8_DEPTH]; N] {
    let mut groups = [[0; INT8_DEPTH]; N];
    let rest = x.get(first * INT8_DEPTH..).unwrap_or_default();
    groups.as_flattened_mut().iter_mut().zip(rest).for_each(|(to, &x)| *to = x);
    groups
}

/// The sum of all, in pairs.
#[inline(always)]
fn tree<T: Copy, const N: usize>(mut values: [T; N], add: impl Fn(T, T) -> T) -> T {
    let mut stride = 1;
    while stride < N {
        let mut at = 0;
        while at + stride < N {
            values[at] = add(values[at], values[at + stride]);
            at += 2 * stride;
        }
        stride *= 2;
    }
    values[0]
}
