//! The equations of a step, written once over [`Backend`](crate::backend::Backend) and slices of any length.
//!
//! A kernel never indexes: blocks of weights, state and output are walked together, so no length can make it panic.

pub(crate) mod float;
pub(crate) mod int8;

use crate::layout::UNITS;

/// Copies a block of at most [`UNITS`] values, zeros behind the last.
#[inline(always)]
fn load<T: Copy + Default>(block: &[T]) -> [T; UNITS] {
    let mut lane = [T::default(); UNITS];
    copy(block, &mut lane);
    lane
}

/// Writes the values that a block of at most [`UNITS`] has room for.
#[inline(always)]
fn store<T: Copy>(lane: [T; UNITS], block: &mut [T]) {
    copy(&lane, block);
}

/// Copies as many values as both slices hold.
#[inline(always)]
fn copy<T: Copy>(from: &[T], to: &mut [T]) {
    to.iter_mut().zip(from).for_each(|(to, &from)| *to = from);
}

/// The lanes of each block; a block of no lanes counts as one, so that the length never is zero.
#[inline(always)]
fn blocks<L>(lanes: &[L], block_lanes: usize) -> core::slice::ChunksExact<'_, L> {
    lanes.chunks_exact(block_lanes.max(1))
}

/// Splits at `at`, or at the end of a shorter slice.
#[inline(always)]
fn split<L>(lanes: &[L], at: usize) -> (&[L], &[L]) {
    lanes.split_at_checked(at).unwrap_or((lanes, &[]))
}

/// Groups lanes into columns of `G` gates and splits them after the `input` columns.
#[inline(always)]
fn split_columns<L, const G: usize>(lanes: &[L], input: usize) -> (&[[L; G]], &[[L; G]]) {
    split(lanes.as_chunks().0, input)
}
