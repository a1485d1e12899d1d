//! Symbols as input: an embedding table, or the one-hot vector of the symbol.

use crate::{
    backend::{Backend, F16, Packed, bytes},
    head::Buffer,
    stack::Layer,
};

/// A table of `V` rows: symbol in, row `[T; D]` out; `f32` for an f32 model, `i8` in ±127 for an int8 one, `i16` in ±127·2⁷
/// before a [`Wide`](crate::Wide) layer. A table of [`F16`] gives `[f32; D]`, the same numbers.
///
/// A symbol past the last row gives the zero vector.
///
/// ```
/// use gru_core::{Embedding, Layer};
///
/// static TABLE: [[f32; 2]; 3] = [[0.0, 0.1], [1.0, 1.1], [2.0, 2.1]];
/// let embedding = Embedding::new(&TABLE);
/// assert_eq!(embedding.step(&2, &mut ()), &[2.0, 2.1]);
/// assert_eq!(embedding.step(&3, &mut ()), &[0.0, 0.0]);
/// ```
#[derive(Clone, Copy)]
pub struct Embedding<T: 'static, const V: usize, const D: usize> {
    table: &'static [[T; D]; V],
}

impl<T, const V: usize, const D: usize> Embedding<T, V, D> {
    /// A layer over a table.
    #[must_use]
    pub const fn new(table: &'static [[T; D]; V]) -> Self {
        Self { table }
    }

    /// The table as it lies in memory, for an [`Image`](crate::Image).
    #[must_use]
    pub const fn bytes(&self) -> [&'static [u8]; 1]
    where
        T: Packed,
    {
        [bytes(self.table)]
    }
}

impl<T: Element, const V: usize, const D: usize> Layer for Embedding<T, V, D> {
    type Input = u16;
    type Output = [T; D];
    type State = ();

    const INT8: bool = false;

    #[inline(always)]
    fn outside(&self, &symbol: &u16) -> usize {
        usize::from(usize::from(symbol) >= V)
    }

    #[inline(always)]
    fn forward<'s, B: Backend>(&'s self, _: B, &symbol: &u16, (): &'s mut ()) -> &'s [T; D] {
        self.table.get(usize::from(symbol)).unwrap_or(T::zeros())
    }
}

impl<const V: usize, const D: usize> Layer for Embedding<F16, V, D> {
    type Input = u16;
    type Output = [f32; D];
    type State = Buffer<f32, D>;

    const INT8: bool = false;

    #[inline(always)]
    fn outside(&self, &symbol: &u16) -> usize {
        usize::from(usize::from(symbol) >= V)
    }

    #[inline(always)]
    fn forward<'s, B: Backend>(&'s self, _: B, &symbol: &u16, state: &'s mut Buffer<f32, D>) -> &'s [f32; D] {
        let row = self.table.get(usize::from(symbol)).unwrap_or(&[F16(0); D]);
        for (y, weight) in state.0.iter_mut().zip(row) {
            *y = weight.to_f32();
        }
        &state.0
    }
}

mod sealed {
    pub trait Sealed {}

    impl Sealed for f32 {}
    impl Sealed for i8 {}
    impl Sealed for i16 {}
}

/// What a table may hold: `f32`, `i8` or `i16`. Sealed.
pub trait Element: sealed::Sealed + Copy + 'static {
    /// The row of an unknown symbol.
    fn zeros<const D: usize>() -> &'static [Self; D];
}

impl Element for f32 {
    #[inline(always)]
    fn zeros<const D: usize>() -> &'static [Self; D] {
        const { &[0.0; D] }
    }
}

impl Element for i8 {
    #[inline(always)]
    fn zeros<const D: usize>() -> &'static [Self; D] {
        const { &[0; D] }
    }
}

impl Element for i16 {
    #[inline(always)]
    fn zeros<const D: usize>() -> &'static [Self; D] {
        const { &[0; D] }
    }
}

/// A [`Gru`](crate::Gru) or [`QGru`](crate::QGru) that takes a symbol instead of its one-hot vector, and reads one column of `weight_ih` instead of
/// all of them.
///
/// In int8 the one-hot value 1 is 127 steps. A symbol past the last column counts as the zero vector.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct OneHot<L>(pub L);
