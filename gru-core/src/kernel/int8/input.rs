//! The kinds of input of an int8 layer.

use crate::{
    backend::{Backend, Columns, I32, Int8Lane, Lanes, Prepared},
    kernel::{Place, block, row},
    layout::{self, INT8_DEPTH, Order, SUM_BITS, UNITS},
};
use core::array;

/// The input of a layer, by its kind: what is known of it at compile time leaves nothing to choose in a step.
pub trait Input: Copy {
    /// Brings it to the form that the products read.
    #[inline(always)]
    fn prepare<B: Backend>(self, _backend: B, _room: &mut [&mut [Prepared]; 2]) {}

    /// Adds the product of a panel and each stream's input.
    fn accumulate<B: Backend, const G: usize, const S: usize>(
        backend: B,
        sums: &mut [[I32<B>; G]; S],
        panel: &[Int8Lane],
        place: Place,
        x: [Ready<'_, Self>; S],
    );

    /// [`accumulate`](Self::accumulate) of the panels of neighbouring blocks, the first in `place`, and one input.
    #[inline(always)]
    fn accumulate_pairs<B: Backend, const G: usize, const P: usize>(
        backend: B,
        sums: &mut [[[I32<B>; G]; 2]; P],
        panels: [[&[Int8Lane]; 2]; P],
        place: Place,
        x: Ready<'_, Self>,
    ) {
        one_by_one(backend, sums, panels, place, x);
    }
}

/// [`Input::accumulate`] of one panel after the other.
#[inline(always)]
fn one_by_one<B: Backend, X: Input, const G: usize, const P: usize>(
    backend: B,
    sums: &mut [[[I32<B>; G]; 2]; P],
    panels: [[&[Int8Lane]; 2]; P],
    place: Place,
    x: Ready<'_, X>,
) {
    // Written out: a loop of so much code stays a loop, and would keep the sums in memory.
    if P > 0 {
        accumulate_pair(backend, &mut sums[0], panels[0], place, x);
    }
    if P > 1 {
        accumulate_pair(backend, &mut sums[1], panels[1], Place { block: place.block + 2, ..place }, x);
    }
}

#[inline(always)]
fn accumulate_pair<B: Backend, X: Input, const G: usize>(
    backend: B,
    [first, second]: &mut [[I32<B>; G]; 2],
    panels: [&[Int8Lane]; 2],
    place: Place,
    x: Ready<'_, X>,
) {
    X::accumulate(backend, array::from_mut(first), panels[0], place, [x]);
    X::accumulate(backend, array::from_mut(second), panels[1], Place { block: place.block + 1, ..place }, [x]);
}

/// An input and what [`Input::prepare`] made of it.
#[derive(Clone, Copy)]
pub struct Ready<'a, X> {
    /// As the layer is given it.
    pub input: X,
    /// As the products read it.
    pub room: [&'a [Prepared]; 2],
}

/// A vector.
#[derive(Clone, Copy)]
pub struct Dense<'a>(pub &'a [i8]);

impl Input for Dense<'_> {
    #[inline(always)]
    fn prepare<B: Backend>(self, backend: B, room: &mut [&mut [Prepared]; 2]) {
        backend.prepare(self.0, room[0]);
    }

    #[inline(always)]
    fn accumulate<B: Backend, const G: usize, const S: usize>(
        backend: B,
        sums: &mut [[I32<B>; G]; S],
        panel: &[Int8Lane],
        _: Place,
        x: [Ready<'_, Self>; S],
    ) {
        let x = columns(&x, |x| Columns { values: x.input.0, prepared: x.room[0] });
        backend.accumulate_int8(sums, panel, x);
    }

    #[inline(always)]
    fn accumulate_pairs<B: Backend, const G: usize, const P: usize>(
        backend: B,
        sums: &mut [[[I32<B>; G]; 2]; P],
        panels: [[&[Int8Lane]; 2]; P],
        place: Place,
        x: Ready<'_, Self>,
    ) {
        let columns = Columns { values: x.input.0, prepared: x.room[0] };
        if !backend.product_int8_pairs(sums, panels, columns) {
            one_by_one(backend, sums, panels, place, x);
        }
    }
}

/// A vector of more resolution: `high + low / 2⁷`, see [`quant::split`](crate::quant::split).
#[derive(Clone, Copy)]
pub struct Wide<'a> {
    /// Whole steps.
    pub high: &'a [i8],
    /// What remains.
    pub low: &'a [i8],
}

impl Input for Wide<'_> {
    #[inline(always)]
    fn prepare<B: Backend>(self, backend: B, room: &mut [&mut [Prepared]; 2]) {
        backend.prepare(self.high, room[0]);
        backend.prepare(self.low, room[1]);
    }

    #[inline(always)]
    fn accumulate<B: Backend, const G: usize, const S: usize>(
        backend: B,
        sums: &mut [[I32<B>; G]; S],
        panel: &[Int8Lane],
        _: Place,
        x: [Ready<'_, Self>; S],
    ) {
        let registers = backend.lanes();
        let low = columns(&x, |x| Columns { values: x.input.low, prepared: x.room[1] });
        let mut fine = [[registers.load_i32(&[0; UNITS]); G]; S];
        backend.accumulate_int8(&mut fine, panel, low);
        for s in 0..S {
            for g in 0..G {
                sums[s][g] = registers.add_i32(sums[s][g], registers.carry(fine[s][g]));
            }
        }
        let high = columns(&x, |x| Columns { values: x.input.high, prepared: x.room[0] });
        backend.accumulate_int8(sums, panel, high);
    }
}

/// The one-hot vector of a symbol, whose 1 is 127 steps; one without a column is the zero vector.
#[derive(Clone, Copy)]
pub(crate) struct OneHot(pub usize);

impl Input for OneHot {
    #[inline(always)]
    fn accumulate<B: Backend, const G: usize, const S: usize>(
        backend: B,
        sums: &mut [[I32<B>; G]; S],
        panel: &[Int8Lane],
        _: Place,
        x: [Ready<'_, Self>; S],
    ) {
        for s in 0..S {
            for g in 0..G {
                sums[s][g] = backend.lanes().add_i32(sums[s][g], column(backend, panel, G, g, x[s].input.0));
            }
        }
    }
}

/// The product itself, computed [ahead](super::ahead) for several steps at once: `[3, H]`.
#[derive(Clone, Copy)]
pub(crate) struct Sums<'a>(pub &'a [i32], pub usize);

impl Input for Sums<'_> {
    #[inline(always)]
    fn accumulate<B: Backend, const G: usize, const S: usize>(
        backend: B,
        sums: &mut [[I32<B>; G]; S],
        _: &[Int8Lane],
        place: Place,
        x: [Ready<'_, Self>; S],
    ) {
        let registers = backend.lanes();
        for s in 0..S {
            for g in 0..G {
                let row = row(x[s].input.0, x[s].input.1, place.gate + g);
                sums[s][g] = registers.add_i32(sums[s][g], registers.load_i32(block(row, place.block)));
            }
        }
    }
}

/// A vector of each of some values.
#[inline(always)]
fn columns<'a, T, const S: usize>(values: &'a [T; S], vector: impl Fn(&'a T) -> Columns<'a>) -> [Columns<'a>; S] {
    let mut columns = [Columns { values: &[], prepared: &[] }; S];
    for s in 0..S {
        columns[s] = vector(&values[s]);
    }
    columns
}

/// 127 times one column of a gate's weights.
#[allow(clippy::modulo_one, reason = "a lane of one column is a lane like any other")]
#[inline(always)]
fn column<B: Backend>(backend: B, panel: &[Int8Lane], gates: usize, gate: usize, column: usize) -> I32<B> {
    let columns = (panel.len() / gates.max(1)).saturating_sub(Order::INT8.offsets) * INT8_DEPTH;
    let lane =
        if column < columns { panel.get(Order::INT8.lane(gates, columns, gate, column / INT8_DEPTH)) } else { None };
    let weights = lane.map_or([0; UNITS], |lane| {
        lane.map(|group| (i32::from(layout::decode_int8(group)[column % INT8_DEPTH]) * i32::from(i8::MAX)) << SUM_BITS)
    });
    backend.lanes().load_i32(&weights)
}
