//! A backend whose products are functions of their own, called from wherever a kernel has one.
//!
//! Kernels of shapes known at run time have code for every choice of gates and kind of input, dozens of products a backend; inlined, they
//! would take the compiler a minute.

use crate::backend::{Backend, Columns, F32, I32, Int8Lane, Lane, Op, Prepared, Weight};

/// The backend `B` with products that are called.
#[derive(Clone, Copy)]
pub(super) struct Outlined<B>(pub(super) B);

struct F32Product<'a, B: Backend, W, const G: usize, const S: usize> {
    backend: B,
    sums: [[F32<B>; G]; S],
    panel: &'a [Lane<W>],
    x: [&'a [f32]; S],
}

impl<B: Backend, W: Weight, const G: usize, const S: usize> Op for F32Product<'_, B, W, G, S> {
    type Output = [[F32<B>; G]; S];

    #[inline(always)]
    fn run<C: Backend>(self, _: C) -> Self::Output {
        self.backend.product_f32(self.sums, self.panel, self.x)
    }
}

struct F32Pair<'a, B: Backend, W, const G: usize> {
    backend: B,
    sums: [[F32<B>; G]; 2],
    panels: [&'a [Lane<W>]; 2],
    x: &'a [f32],
}

impl<B: Backend, W: Weight, const G: usize> Op for F32Pair<'_, B, W, G> {
    type Output = [[F32<B>; G]; 2];

    #[inline(always)]
    fn run<C: Backend>(self, _: C) -> Self::Output {
        self.backend.product_f32_pair(self.sums, self.panels, self.x)
    }
}

struct Int8Product<'a, B: Backend, const G: usize, const S: usize> {
    backend: B,
    sums: &'a mut [[I32<B>; G]; S],
    panel: &'a [Int8Lane],
    x: [Columns<'a>; S],
}

impl<B: Backend, const G: usize, const S: usize> Op for Int8Product<'_, B, G, S> {
    type Output = ();

    #[inline(always)]
    fn run<C: Backend>(self, _: C) {
        self.backend.accumulate_int8(self.sums, self.panel, self.x);
    }
}

struct Int8Pairs<'a, B: Backend, const G: usize, const P: usize> {
    backend: B,
    sums: &'a mut [[[I32<B>; G]; 2]; P],
    panels: [[&'a [Int8Lane]; 2]; P],
    x: Columns<'a>,
}

impl<B: Backend, const G: usize, const P: usize> Op for Int8Pairs<'_, B, G, P> {
    type Output = bool;

    #[inline(always)]
    fn run<C: Backend>(self, _: C) -> bool {
        self.backend.product_int8_pairs(self.sums, self.panels, self.x)
    }
}

impl<B: Backend> Backend for Outlined<B> {
    const NAME: &'static str = B::NAME;
    const STREAMS: usize = B::STREAMS;
    const F32_PAIRS: bool = B::F32_PAIRS;

    type Lanes = B::Lanes;

    #[inline(always)]
    fn lanes(self) -> B::Lanes {
        self.0.lanes()
    }

    #[inline(always)]
    fn enter<O: Op>(self, op: O) -> O::Output {
        self.0.enter(op)
    }

    #[inline(always)]
    fn product_f32<W: Weight, const G: usize, const S: usize>(
        self,
        sums: [[F32<B>; G]; S],
        panel: &[Lane<W>],
        x: [&[f32]; S],
    ) -> [[F32<B>; G]; S] {
        self.0.enter(F32Product { backend: self.0, sums, panel, x })
    }

    #[inline(always)]
    fn product_f32_pair<W: Weight, const G: usize>(
        self,
        sums: [[F32<B>; G]; 2],
        panels: [&[Lane<W>]; 2],
        x: &[f32],
    ) -> [[F32<B>; G]; 2] {
        self.0.enter(F32Pair { backend: self.0, sums, panels, x })
    }

    #[inline(always)]
    fn prepare(self, x: &[i8], prepared: &mut [Prepared]) {
        self.0.prepare(x, prepared);
    }

    #[inline(always)]
    fn product_int8<const G: usize, const S: usize>(
        self,
        mut sums: [[I32<B>; G]; S],
        panel: &[Int8Lane],
        x: [Columns<'_>; S],
    ) -> [[I32<B>; G]; S] {
        self.accumulate_int8(&mut sums, panel, x);
        sums
    }

    #[inline(always)]
    fn accumulate_int8<const G: usize, const S: usize>(
        self,
        sums: &mut [[I32<B>; G]; S],
        panel: &[Int8Lane],
        x: [Columns<'_>; S],
    ) {
        self.0.enter(Int8Product { backend: self.0, sums, panel, x });
    }

    #[inline(always)]
    fn product_int8_pairs<const G: usize, const P: usize>(
        self,
        sums: &mut [[[I32<B>; G]; 2]; P],
        panels: [[&[Int8Lane]; 2]; P],
        x: Columns<'_>,
    ) -> bool {
        self.0.enter(Int8Pairs { backend: self.0, sums, panels, x })
    }
}
