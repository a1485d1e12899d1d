//! Where the weights of a row go, and how they get there.

use super::{Order, UNITS};

/// The places of one row: groups of `depth` neighbours, `step` apart.
#[derive(Clone, Copy)]
pub(super) struct Row {
    start: usize,
    step: usize,
    depth: usize,
    /// The lane of its offset, where there are such.
    pub(super) offset: usize,
    /// In its block.
    pub(super) unit: usize,
    /// Lanes of a block.
    block: usize,
}

impl Row {
    /// The row of the first unit in a panel that starts at lane `panel`.
    pub(super) const fn first(
        order: Order,
        block: usize,
        panel: usize,
        gate: usize,
        gates: usize,
        columns: usize,
    ) -> Self {
        assert!(order.depth == 1 || order.depth.is_multiple_of(QUAD), "depth must be 1 or a multiple of 4");
        let height = UNITS * order.depth;
        let step = if order.interleaved { gates * height } else { height };
        let start = (panel + order.lane(gates, columns, gate, 0)) * height;
        Self { start, step, depth: order.depth, offset: panel + gate, unit: 0, block }
    }

    /// The row of the next unit.
    pub(super) const fn next(self) -> Self {
        let (start, unit) = (self.start + self.depth, self.unit + 1);
        if unit < UNITS {
            return Self { start, unit, ..self };
        }
        let height = UNITS * self.depth;
        Self { start: start + self.block * height - height, unit: 0, offset: self.offset + self.block, ..self }
    }
}

/// One of parts of `len` values each.
pub(super) const fn part<T>(values: &[T], at: usize, len: usize) -> &[T] {
    values.split_at(at * len).1.split_at(len).0
}

/// Weights that one round of a loop over them takes. Constants are interpreted: their time is that of the steps around a weight, and a call is a
/// hundred of them.
const QUAD: usize = 4;

/// Puts the rows of a matrix at their places, the first at those of `row`.
pub(super) const fn scatter<T: Copy>(
    mut weights: &[T],
    [mut rows, columns]: [usize; 2],
    packed: &mut [T],
    mut row: Row,
) {
    while rows > 0 {
        weights =
            if row.depth == 1 { spread(weights, columns, packed, row) } else { group(weights, columns, packed, row) };
        row = row.next();
        rows -= 1;
    }
}

/// Puts the first row at its places, one by one, and gives the others.
const fn spread<'a, T: Copy>(mut weights: &'a [T], mut columns: usize, packed: &mut [T], row: Row) -> &'a [T] {
    let (mut place, step) = (row.start, row.step);
    while columns >= QUAD
        && let &[a, b, c, d, ref rest @ ..] = weights
    {
        packed[place] = a;
        place += step;
        packed[place] = b;
        place += step;
        packed[place] = c;
        place += step;
        packed[place] = d;
        place += step;
        columns -= QUAD;
        weights = rest;
    }
    while columns > 0
        && let &[weight, ref rest @ ..] = weights
    {
        packed[place] = weight;
        place += step;
        columns -= 1;
        weights = rest;
    }
    weights
}

/// Puts the first row at its places, by fours, and gives the others.
const fn group<'a, T: Copy>(mut weights: &'a [T], mut columns: usize, packed: &mut [T], row: Row) -> &'a [T] {
    let quads = packed.as_chunks_mut::<QUAD>().0;
    let (step, depth, mut start) = (row.step / QUAD, row.depth / QUAD, row.start / QUAD);
    let mut place = start;
    while columns >= QUAD
        && let &[a, b, c, d, ref rest @ ..] = weights
    {
        quads[place] = [a, b, c, d];
        place += 1;
        if place == start + depth {
            start += step;
            place = start;
        }
        columns -= QUAD;
        weights = rest;
    }
    let mut at = 0;
    while at < columns
        && let &[weight, ref rest @ ..] = weights
    {
        quads[place][at] = weight;
        at += 1;
        weights = rest;
    }
    weights
}
