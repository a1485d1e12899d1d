use super::{Gating, QGru, QGruState};
use crate::{
    backend::Backend,
    head::{Quantized, is_outside},
    kernel::int8::Wide as Halves,
    quant,
    stack::{Layer, count, one_by_one, step_by_step},
};

/// A [`QGru`] or [`QDense`](crate::QDense) that takes `[i16; I]` in place of `[i8; I]`, with 2⁷ steps for each of int8: for a sensor whose small
/// movements matter beside its large ones, or behind a layer that gives as much. The weights are the same, and the product with the input
/// reads them twice. See [`quant::split`].
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Wide<L>(pub L);

impl<const I: usize, const H: usize, R: Gating, V: Quantized> Layer for Wide<QGru<I, H, R, V>> {
    type Input = [i16; I];
    type Output = [V; H];
    type State = QGruState<H, V>;

    const SHARES: bool = QGru::<I, H, R, V>::SHARES;

    #[inline(always)]
    fn outside(&self, input: &[i16; I]) -> usize {
        count(input, is_outside)
    }

    #[inline(always)]
    fn forward<'s, B: Backend>(&'s self, backend: B, input: &[i16; I], state: &'s mut QGruState<H, V>) -> &'s [V; H] {
        let [high, low] = split(input);
        self.0.advance(backend, Halves { high: &high, low: &low }, state)
    }

    #[inline(always)]
    fn forward_batch<'s, B: Backend, const S: usize>(
        &'s self,
        backend: B,
        inputs: [&[i16; I]; S],
        states: [&'s mut QGruState<H, V>; S],
    ) -> [&'s [V; H]; S] {
        if Self::SHARES {
            let halves = inputs.map(split);
            self.0.advance_batch(backend, halves.each_ref().map(|[high, low]| Halves { high, low }), states)
        } else {
            one_by_one(self, backend, inputs, states)
        }
    }

    #[inline(always)]
    fn forward_window<B: Backend, const W: usize>(
        &self,
        backend: B,
        inputs: [&[i16; I]; W],
        state: &mut QGruState<H, V>,
    ) -> [[V; H]; W] {
        if Self::SHARES {
            let halves = inputs.map(split);
            self.0.advance_window(backend, halves.each_ref().map(|[high, low]| Halves { high, low }), state)
        } else {
            step_by_step(self, backend, inputs, state)
        }
    }
}

/// Both halves of a wide input.
#[inline(always)]
pub(crate) fn split<const I: usize>(input: &[i16; I]) -> [[i8; I]; 2] {
    let halves = input.map(quant::split);
    [halves.map(|(high, _)| high), halves.map(|(_, low)| low)]
}
