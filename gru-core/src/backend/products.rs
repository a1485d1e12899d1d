//! Steps whose gates are an addition or two: what the products take of a step, and what the gates.

use super::{
    Backend, Columns, F16Lane, F32, I16Lane, I32, Int8Lane, Lane, Lanes, Op, Prepared, Real, U8Lane, Weight, dispatch,
};
use crate::{layout::Scales, math::Activation, stack::Layer};

/// A step of `layer` on the active backend, without its gates: of no use but to be timed.
pub fn products<L: Layer>(layer: &L, input: &L::Input, state: &mut L::State) {
    dispatch(Products { layer, input, state });
}

struct Products<'a, L: Layer> {
    layer: &'a L,
    input: &'a L::Input,
    state: &'a mut L::State,
}

impl<L: Layer> Op for Products<'_, L> {
    type Output = ();

    const INT8: bool = L::INT8;

    #[inline(always)]
    fn run<B: Backend>(self, backend: B) {
        self.layer.forward(Gateless(backend), self.input, self.state);
    }
}

/// A backend, or its registers, with additions in place of gates, so that every sum is still needed.
#[derive(Clone, Copy)]
struct Gateless<T>(T);

impl<L: Lanes> Lanes for Gateless<L> {
    type F32 = L::F32;
    type I32 = L::I32;
    type I16 = L::I16;

    const PAIRS: usize = L::PAIRS;

    delegate! { to .0:
        fn load_f32(values: &[f32]) -> L::F32;
        fn load_f16(weights: &F16Lane) -> L::F32;
        fn store_f32(values: L::F32, to: &mut [f32]);
        fn load_i32(values: &[i32]) -> L::I32;
        fn store_i32(values: L::I32, to: &mut [i32]);
        fn load_i16(values: &[i16]) -> L::I16;
        fn store_i16(values: L::I16, to: &mut [i16]);
        fn add_i32(a: L::I32, b: L::I32) -> L::I32;
        fn shift_left(a: L::I32, shift: u8) -> L::I32;
        fn carry(low: L::I32) -> L::I32;
        fn requantize(sums: L::I32, multiplier: &I16Lane, shift: &U8Lane) -> L::I16;
        fn add_i16(a: L::I16, b: L::I16) -> L::I16;
        fn reset_int8(r: L::I16, v: L::I16) -> L::I16;
        fn update_int8(z: L::I16, n: L::I16, h: L::I32) -> L::I32;
        fn state_q15(h: L::I32) -> L::I16;
        fn store_view(values: L::I16, multiplier: i16, to: &mut [i8]);
    }

    #[inline(always)]
    fn reset_f32<A: Activation>(self, r: L::F32, v: L::F32) -> L::F32 {
        r.add(v)
    }

    #[inline(always)]
    fn update_f32<A: Activation>(self, z: L::F32, n: L::F32, _: L::F32) -> L::F32 {
        z.add(n)
    }

    /// The view stays as it is.
    #[inline(always)]
    fn gates_int8(
        self,
        &[r, z, n_hidden]: &[L::I32; 3],
        &n_input: &L::I32,
        _: &Scales<4>,
        _: i16,
        h: &mut [i32],
        _: &mut [i8],
    ) {
        self.store_i32(self.add_i32(self.add_i32(r, z), self.add_i32(n_hidden, n_input)), h);
    }
}

impl<B: Backend> Backend for Gateless<B> {
    const NAME: &'static str = B::NAME;
    const STREAMS: usize = B::STREAMS;
    const F32_PAIRS: bool = B::F32_PAIRS;

    type Lanes = Gateless<B::Lanes>;

    #[inline(always)]
    fn lanes(self) -> Gateless<B::Lanes> {
        Gateless(self.0.lanes())
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
        self.0.product_f32(sums, panel, x)
    }

    #[inline(always)]
    fn product_f32_pair<W: Weight, const G: usize>(
        self,
        sums: [[F32<B>; G]; 2],
        panels: [&[Lane<W>]; 2],
        x: &[f32],
    ) -> [[F32<B>; G]; 2] {
        self.0.product_f32_pair(sums, panels, x)
    }

    #[inline(always)]
    fn prepare(self, x: &[i8], prepared: &mut [Prepared]) {
        self.0.prepare(x, prepared);
    }

    #[inline(always)]
    fn reads_prepared(self, lanes: &[Int8Lane], columns: usize) -> bool {
        self.0.reads_prepared(lanes, columns)
    }

    #[inline(always)]
    fn product_int8<const G: usize, const S: usize>(
        self,
        sums: [[I32<B>; G]; S],
        panel: &[Int8Lane],
        x: [Columns<'_>; S],
    ) -> [[I32<B>; G]; S] {
        self.0.product_int8(sums, panel, x)
    }

    #[inline(always)]
    fn product_int8_pairs<const G: usize, const P: usize>(
        self,
        sums: &mut [[[I32<B>; G]; 2]; P],
        panels: [[&[Int8Lane]; 2]; P],
        x: Columns<'_>,
    ) -> bool {
        self.0.product_int8_pairs(sums, panels, x)
    }
}
