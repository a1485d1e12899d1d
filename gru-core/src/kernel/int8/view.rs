//! How a layer sees its own state.

use super::input::{Dense, Input, Wide};
use crate::{
    backend::{Lanes, Prepared},
    layout::UNITS,
    quant,
};

/// What the recurrent product reads of a state, and what the layer gives: `i8`, or `i16` with 2⁷ steps for each of those, which the
/// product reads in halves.
pub trait View: Copy + Default + 'static {
    /// The view as the input of a product.
    type Seen<'a>: Input;

    /// Room for what products read in place of a view of `H` units.
    type Halves<const H: usize>;

    /// Room that nothing has been written to.
    fn halves<const H: usize>() -> Self::Halves<H>;

    /// The halves, and room for the [prepared](crate::backend::Backend::prepare) form of the second; empty where there are none.
    fn borrow<const H: usize>(halves: &mut Self::Halves<H>) -> ([&mut [i8]; 2], &mut [Prepared]);

    /// Writes what products read in place of the view.
    fn split(view: &[Self], halves: &mut [&mut [i8]; 2]);

    /// The view as the input of a product, after [`split`](Self::split).
    fn seen<'a>(view: &'a [Self], halves: &'a [&mut [i8]; 2]) -> Self::Seen<'a>;

    /// Where the gates write their int8 view of at most four blocks: the view itself, or room that nobody reads.
    fn coarse<'a>(view: &'a mut [Self], room: &'a mut [i8; 4 * UNITS]) -> &'a mut [i8];

    /// Writes of the states `h` what [`coarse`](Self::coarse) has not.
    fn refine(h: &[i32], multiplier: i16, view: &mut [Self]);

    /// Writes the view of each Q0.15 value that `to` has room for.
    fn store<L: Lanes>(registers: L, values: L::I16, multiplier: i16, to: &mut [Self]);
}

impl View for i8 {
    type Seen<'a> = Dense<'a>;
    type Halves<const H: usize> = ();

    #[inline(always)]
    fn halves<const H: usize>() {}

    #[inline(always)]
    fn borrow<const H: usize>((): &mut ()) -> ([&mut [i8]; 2], &mut [Prepared]) {
        Default::default()
    }

    #[inline(always)]
    fn split(_: &[i8], _: &mut [&mut [i8]; 2]) {}

    #[inline(always)]
    fn seen<'a>(view: &'a [i8], _: &'a [&mut [i8]; 2]) -> Dense<'a> {
        Dense(view)
    }

    #[inline(always)]
    fn coarse<'a>(view: &'a mut [i8], _: &'a mut [i8; 4 * UNITS]) -> &'a mut [i8] {
        view
    }

    #[inline(always)]
    fn refine(_: &[i32], _: i16, _: &mut [i8]) {}

    #[inline(always)]
    fn store<L: Lanes>(registers: L, values: L::I16, multiplier: i16, to: &mut [i8]) {
        registers.store_view(values, multiplier, to);
    }
}

/// Both halves of a view, and room for the prepared form of the second.
pub struct Halves<const H: usize> {
    values: [[i8; H]; 2],
    second: [Prepared; H],
}

impl View for i16 {
    type Seen<'a> = Wide<'a>;
    type Halves<const H: usize> = Halves<H>;

    #[inline(always)]
    fn halves<const H: usize>() -> Halves<H> {
        Halves { values: [[0; H]; 2], second: [Prepared::default(); H] }
    }

    #[inline(always)]
    fn borrow<const H: usize>(halves: &mut Halves<H>) -> ([&mut [i8]; 2], &mut [Prepared]) {
        let Halves { values: [high, low], second } = halves;
        ([high, low], second)
    }

    #[inline(always)]
    fn split(view: &[i16], [high, low]: &mut [&mut [i8]; 2]) {
        for ((high, low), &value) in high.iter_mut().zip(low.iter_mut()).zip(view) {
            (*high, *low) = quant::split(value);
        }
    }

    #[inline(always)]
    fn seen<'a>(_: &'a [i16], [high, low]: &'a [&mut [i8]; 2]) -> Wide<'a> {
        Wide { high, low }
    }

    #[inline(always)]
    fn coarse<'a>(view: &'a mut [i16], room: &'a mut [i8; 4 * UNITS]) -> &'a mut [i8] {
        room.get_mut(..view.len().min(4 * UNITS)).unwrap_or_default()
    }

    #[inline(always)]
    fn refine(h: &[i32], multiplier: i16, view: &mut [i16]) {
        for (view, &h) in view.iter_mut().zip(h) {
            *view = quant::wide_view(quant::state_q15(h), multiplier);
        }
    }

    #[inline(always)]
    fn store<L: Lanes>(registers: L, values: L::I16, multiplier: i16, to: &mut [i16]) {
        registers.store_i16(values, to);
        for value in to.iter_mut().take(UNITS) {
            *value = quant::wide_view(*value, multiplier);
        }
    }
}
