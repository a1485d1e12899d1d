//! The equations of a step, written once over [`Backend`](crate::backend::Backend) and slices of any length.
//!
//! A kernel never indexes by a computed place: a sweep ends at a block that is not there, so no length can make it panic.

#![allow(clippy::needless_range_loop, reason = "loops over registers keep closures out: see `backend::vector`")]

pub(crate) mod float;
pub(crate) mod int8;

use crate::{
    cell::Gating,
    layout::{Gates, UNITS},
};

/// The gates of a layer as far as the compiler knows them: it generates no kernels for others.
pub(crate) trait Known {
    /// `None` where they are known at run time.
    const KNOWN: Option<Gates>;
}

impl<R: Gating> Known for R {
    const KNOWN: Option<Gates> = Some(R::GATES);
}

/// Gates that are known at run time.
pub(crate) enum Any {}

impl Known for Any {
    const KNOWN: Option<Gates> = None;
}

/// Whether there can be so many gates, and so many of them [ahead](Gates::ahead) of the candidate.
const fn possible<K: Known>(ahead: usize, count: usize) -> bool {
    match K::KNOWN {
        Some(gates) => gates.ahead() == ahead && gates.count() == count,
        None => true,
    }
}

/// Whether there is a panel of so many gates.
const fn has_panel<R: Gating>(count: usize) -> bool {
    R::GATES.ahead() == count || R::GATES.count() - R::GATES.ahead() == count
}

/// The blocks in the order of this step: back and forth, so that what the caches still hold of the last step comes first.
#[inline(always)]
fn sweep(blocks: usize, backwards: bool) -> impl Iterator<Item = usize> {
    (0..blocks).map(move |block| if backwards { blocks - 1 - block } else { block })
}

/// The number of blocks: of few, the `known` constant, so that the compiler knows each of them; of many, the length of a slice, so that it
/// does not repeat the code for each.
#[inline(always)]
fn few(known: usize, blocks: usize) -> usize {
    if known <= 2 { known } else { blocks }
}

/// The values of a block: at most [`UNITS`].
#[inline(always)]
fn block<T>(values: &[T], block: usize) -> &[T] {
    let rest = values.get(block * UNITS..).unwrap_or_default();
    rest.get(..UNITS).unwrap_or(rest)
}

/// The values of a block: at most [`UNITS`].
#[inline(always)]
fn block_mut<T>(values: &mut [T], block: usize) -> &mut [T] {
    let rest = values.get_mut(block * UNITS..).unwrap_or_default();
    let len = rest.len().min(UNITS);
    rest.get_mut(..len).unwrap_or_default()
}

/// The values of `count` blocks, if all are full.
#[inline(always)]
fn blocks_mut<T>(values: &mut [T], first: usize, count: usize) -> Option<&mut [T]> {
    values.get_mut(first * UNITS..)?.get_mut(..count * UNITS)
}

/// Copies as many values as both slices hold.
#[inline(always)]
fn copy<T: Copy>(from: &[T], to: &mut [T]) {
    to.iter_mut().zip(from).for_each(|(to, &from)| *to = from);
}

/// The lanes of a block, `None` where there are none.
#[inline(always)]
fn lanes<L>(lanes: &[L], block_lanes: usize, block: usize) -> Option<&[L]> {
    lanes.get(block * block_lanes..)?.get(..block_lanes)
}

/// Splits at `at`, or at the end of a shorter slice.
#[inline(always)]
fn split<L>(lanes: &[L], at: usize) -> (&[L], &[L]) {
    lanes.split_at_checked(at).unwrap_or((lanes, &[]))
}

/// Where a panel stands in a layer: for what the input half has already been computed.
#[derive(Clone, Copy)]
pub struct Place {
    /// Block of units.
    pub block: usize,
    /// First of the panel's gates.
    pub gate: usize,
}

/// One gate's sums of the input half of one step, of all units.
#[inline(always)]
pub(crate) fn row<T>(sums: &[T], units: usize, gate: usize) -> &[T] {
    sums.get(gate * units..).and_then(|rest| rest.get(..units)).unwrap_or_default()
}

/// One gate's sums of the input half of one step, of all units.
#[inline(always)]
pub(crate) fn row_mut<T>(sums: &mut [T], units: usize, gate: usize) -> &mut [T] {
    sums.get_mut(gate * units..).and_then(|rest| rest.get_mut(..units)).unwrap_or_default()
}
