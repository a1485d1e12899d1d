//! Instruction sets. One file per set implements [`Backend`]; [`scalar`] is the specification that all others equal:
//! bit for bit in int8, within a written bound in f32.
//!
//! A backend has two halves. [`Lanes`] are the values of one block in registers, and the gates' arithmetic on them; the backend itself
//! is the product of a panel of weights and some inputs, which is where the time goes. `vector.rs` writes the product once for all
//! sets with vector registers.
//!
//! To add one: write `backend/NAME.rs` with a token type, implement both traits for it, choose it in [`dispatch`] and add one line to
//! `tests/backends.rs`.

#[cfg(gru_family = "aarch64")]
pub mod aarch64;
mod arrays;
mod bounds;
mod bytes;

/// Methods of [`Lanes`] that the compiler does well on arrays.
macro_rules! on_arrays {
    ($(fn $name:ident($($argument:ident: $type:ty),*) $(-> $output:ty)?;)+) => {
        delegate! { to Arrays: $(fn $name($($argument: $type),*) $(-> $output)?;)+ }
    };
}

/// Methods of [`Lanes`] that other lanes have: a constant, or a field.
macro_rules! delegate {
    (to $lanes:ident: $(fn $name:ident($($argument:ident: $type:ty),*) $(-> $output:ty)?;)+) => {$(
        #[inline(always)]
        fn $name(self, $($argument: $type),*) $(-> $output)? {
            $lanes.$name($($argument),*)
        }
    )+};
    (to .$field:tt: $(fn $name:ident($($argument:ident: $type:ty),*) $(-> $output:ty)?;)+) => {$(
        #[inline(always)]
        fn $name(self, $($argument: $type),*) $(-> $output)? {
            self.$field.$name($($argument),*)
        }
    )+};
}

#[cfg(any(gru_family = "x86_64", gru_family = "aarch64"))]
mod choice;
#[cfg(gru_family = "dsp")]
pub mod dsp;
#[cfg(gru_family = "helium")]
pub mod helium;
pub mod portable;
#[cfg(feature = "bench")]
#[doc(hidden)]
pub mod products;
#[cfg(any(gru_family = "x86_64", gru_family = "aarch64", gru_family = "wasm"))]
mod registers;
#[cfg(all(target_arch = "riscv32", target_feature = "m", not(target_abi = "ilp32e")))]
pub mod riscv;
pub mod scalar;
#[cfg(any(gru_family = "thumb1", gru_family = "thumb2"))]
pub mod thumb;
mod unit;
#[cfg(any(gru_family = "x86_64", gru_family = "aarch64", gru_family = "wasm"))]
pub(crate) mod vector;
#[cfg(gru_family = "wasm")]
pub mod wasm;
mod weight;
#[cfg(gru_family = "x86_64")]
pub mod x86;

use crate::{
    layout::{INT8_DEPTH, Scales, UNITS},
    math::{Activation, Real, fixed},
};

pub use arrays::Arrays;
pub(crate) use bounds::{clamp, opaque};
pub use bytes::{Numbers, Packed, bytes, from_le_bytes};
#[cfg(any(gru_family = "x86_64", gru_family = "aarch64"))]
pub use choice::{Unavailable, available, dispatch, force};
pub use unit::Units;
pub(crate) use unit::tanh;
pub use weight::{F16, Typed, Weight};

/// One value per unit of a block.
pub type Lane<T> = [T; UNITS];
/// One f32 value per unit of a block.
pub type F32Lane = Lane<f32>;
/// One f16 weight per unit of a block.
pub type F16Lane = Lane<F16>;
/// Neighbouring int8 columns per unit of a block.
pub type Int8Lane = [[i8; INT8_DEPTH]; UNITS];
/// One accumulator per unit of a block.
pub type I32Lane = [i32; UNITS];
/// One shift per unit of a block.
pub type U8Lane = [u8; UNITS];
/// One Q-format value per unit of a block.
pub type I16Lane = [i16; UNITS];

/// Room for one column of an int8 input in the form that a product reads, where that is not the input itself.
#[cfg(any(gru_family = "dsp", gru_family = "thumb1", gru_family = "thumb2"))]
pub type Prepared = i32;
/// Room for one column of an int8 input in the form that a product reads: here the input itself.
#[cfg(not(any(gru_family = "dsp", gru_family = "thumb1", gru_family = "thumb2")))]
pub type Prepared = ();

/// The input of an int8 product.
#[derive(Clone, Copy, Debug)]
pub struct Columns<'a> {
    /// In ±127.
    pub values: &'a [i8],
    /// What [`Backend::prepare`] made of them; as long.
    pub prepared: &'a [Prepared],
}

/// The values of one block of [`UNITS`] units, and the gates' arithmetic on them. A value is a token: it exists only where its
/// instructions may run.
pub trait Lanes: Copy {
    /// One f32 per unit.
    type F32: Real;
    /// One i32 per unit: a sum with [`SUM_BITS`](crate::layout::SUM_BITS) fraction bits, or a hidden state in Q1.30.
    type I32: Copy;
    /// One fixed-point value per unit.
    type I16: Copy;

    /// Pairs of blocks that [`gates_int8_pairs`](Self::gates_int8_pairs) takes at once, at most 2: faster than one block after the other.
    const PAIRS: usize = 0;

    /// At most [`UNITS`] values, zeros behind the last.
    fn load_f32(self, values: &[f32]) -> Self::F32;
    /// A lane of weights, [widened](F16::to_f32).
    #[inline(always)]
    fn load_f16(self, weights: &F16Lane) -> Self::F32 {
        let mut wide = [0.0; UNITS];
        for (wide, weight) in wide.iter_mut().zip(weights) {
            *wide = weight.to_f32();
        }
        self.load_f32(&wide)
    }
    /// Writes as many values as `to` has room for.
    fn store_f32(self, values: Self::F32, to: &mut [f32]);
    /// At most [`UNITS`] values, zeros behind the last.
    fn load_i32(self, values: &[i32]) -> Self::I32;
    /// Writes as many values as `to` has room for.
    fn store_i32(self, values: Self::I32, to: &mut [i32]);
    /// At most [`UNITS`] values, zeros behind the last.
    fn load_i16(self, values: &[i16]) -> Self::I16;
    /// Writes as many values as `to` has room for.
    fn store_i16(self, values: Self::I16, to: &mut [i16]);

    /// `σ(r) ⊙ v`.
    #[inline(always)]
    fn reset_f32<A: Activation>(self, r: Self::F32, v: Self::F32) -> Self::F32 {
        A::sigmoid_lanes(r).mul(v)
    }

    /// `h + (1 − σ(z)) ⊙ (tanh(n) − h)`.
    #[inline(always)]
    fn update_f32<A: Activation>(self, z: Self::F32, n: Self::F32, h: Self::F32) -> Self::F32 {
        A::complement_lanes(z).mul_add(A::tanh_lanes(n).sub(h), h)
    }

    /// `a + b`.
    fn add_i32(self, a: Self::I32, b: Self::I32) -> Self::I32;
    /// `a · 2^shift`, with `shift` below 16.
    fn shift_left(self, a: Self::I32, shift: u8) -> Self::I32;
    /// [`quant::carry`](crate::quant::carry) of each unit.
    fn carry(self, low: Self::I32) -> Self::I32;
    /// [`quant::requantize_sum`](crate::quant::requantize_sum) of each unit.
    fn requantize(self, sums: Self::I32, multiplier: &I16Lane, shift: &U8Lane) -> Self::I16;
    /// `a + b`, saturated.
    fn add_i16(self, a: Self::I16, b: Self::I16) -> Self::I16;
    /// [`quant::reset`](crate::quant::reset) of each unit.
    fn reset_int8(self, r: Self::I16, v: Self::I16) -> Self::I16;
    /// [`quant::update`](crate::quant::update) of each unit, where `n` is the candidate's pre-activation (Q3.12).
    fn update_int8(self, z: Self::I16, n: Self::I16, h: Self::I32) -> Self::I32;
    /// [`quant::state_q15`](crate::quant::state_q15) of each unit.
    fn state_q15(self, h: Self::I32) -> Self::I16;
    /// Writes [`quant::view`](crate::quant::view) of each unit that `to` has room for.
    fn store_view(self, values: Self::I16, multiplier: i16, to: &mut [i8]);

    /// The next state of a block from its pre-activations, and the view of it.
    #[inline(always)]
    fn advance_int8(self, z: Self::I16, n: Self::I16, multiplier: i16, h: &mut [i32], view: &mut [i8]) {
        let next = self.update_int8(z, n, self.load_i32(h));
        self.store_view(self.state_q15(next), multiplier, view);
        self.store_i32(next, h);
    }

    /// tanh of each unit, Q3.12 to Q0.15.
    #[inline(always)]
    fn tanh_int8(self, n: Self::I16) -> Self::I16 {
        let mut values = [0; UNITS];
        self.store_i16(n, &mut values);
        for value in &mut values {
            *value = fixed::tanh_q15(*value);
        }
        self.load_i16(&values)
    }

    /// The next state of a block without an update gate, which is the candidate, and the view of it.
    #[inline(always)]
    fn replace_int8(self, n: Self::I16, multiplier: i16, h: &mut [i32], view: &mut [i8]) {
        let next = self.tanh_int8(n);
        self.store_view(next, multiplier, view);
        let mut values = [0; UNITS];
        self.store_i16(next, &mut values);
        for (h, &value) in h.iter_mut().zip(&values) {
            *h = i32::from(value) << 15;
        }
    }

    /// The next state of a block with the reset after, from the sums of r, z and n of the recurrent half and of n of the input half, and
    /// the view of it.
    #[inline(always)]
    fn gates_int8(
        self,
        &[r, z, n_hidden]: &[Self::I32; 3],
        &n_input: &Self::I32,
        scales: &Scales<4>,
        multiplier: i16,
        h: &mut [i32],
        view: &mut [i8],
    ) {
        let r = self.requantize(r, &scales.multiplier[0], &scales.shift[0]);
        let z = self.requantize(z, &scales.multiplier[1], &scales.shift[1]);
        let n_input = self.requantize(n_input, &scales.multiplier[2], &scales.shift[2]);
        let n_hidden = self.requantize(n_hidden, &scales.multiplier[3], &scales.shift[3]);
        self.advance_int8(z, self.add_i16(n_input, self.reset_int8(r, n_hidden)), multiplier, h, view);
    }

    /// [`gates_int8`](Self::gates_int8) of `P` pairs of neighbouring blocks, all full.
    #[inline(always)]
    fn gates_int8_pairs<const P: usize>(
        self,
        sums: &[[[Self::I32; 3]; 2]; P],
        n_input: &[[Self::I32; 2]; P],
        scales: [[&Scales<4>; 2]; P],
        multiplier: i16,
        h: &mut [i32],
        view: &mut [i8],
    ) {
        let gates = sums.as_flattened().iter().zip(n_input.as_flattened()).zip(scales.as_flattened());
        let blocks = h.as_chunks_mut::<UNITS>().0.iter_mut().zip(view.as_chunks_mut::<UNITS>().0);
        for (((sums, n_input), scales), (h, view)) in gates.zip(blocks) {
            self.gates_int8(sums, n_input, scales, multiplier, h, view);
        }
    }
}

/// The f32 lanes of a backend.
pub type F32<B> = <<B as Backend>::Lanes as Lanes>::F32;
/// The i32 lanes of a backend.
pub type I32<B> = <<B as Backend>::Lanes as Lanes>::I32;
/// The i16 lanes of a backend.
pub type I16<B> = <<B as Backend>::Lanes as Lanes>::I16;

/// An instruction set. A value is a token: it exists only where its instructions may run.
pub trait Backend: Copy {
    /// Name as [`active`] reports it.
    const NAME: &'static str;

    /// Inputs that one pass over the weights serves, with accumulators for all of them in registers.
    const STREAMS: usize = 1;

    /// Whether [`product_f32_pair`](Self::product_f32_pair) reads its input once for both panels.
    const F32_PAIRS: bool = false;

    /// The registers.
    type Lanes: Lanes;

    /// The registers.
    fn lanes(self) -> Self::Lanes;

    /// Runs `op` where this instruction set is enabled. Entered once per step of a whole model.
    fn enter<O: Op>(self, op: O) -> O::Output;

    /// `sums[s][g] + Σ_c weights[g][c] · x[s][c]` for a panel of `G` gates (in [`Order::F32`](crate::layout::Order::F32)) and `S` inputs.
    /// The same bits for weights of either type that are the same numbers.
    fn product_f32<W: Weight, const G: usize, const S: usize>(
        self,
        sums: [[F32<Self>; G]; S],
        panel: &[Lane<W>],
        x: [&[f32]; S],
    ) -> [[F32<Self>; G]; S];

    /// [`product_f32`](Self::product_f32) of the panels of two blocks and the same input.
    #[inline(always)]
    fn product_f32_pair<W: Weight, const G: usize>(
        self,
        [first, second]: [[F32<Self>; G]; 2],
        panels: [&[Lane<W>]; 2],
        x: &[f32],
    ) -> [[F32<Self>; G]; 2] {
        let [first] = self.product_f32([first], panels[0], [x]);
        let [second] = self.product_f32([second], panels[1], [x]);
        [first, second]
    }

    /// Brings an int8 input, in ±127, to the form that the product reads, once for all panels.
    #[inline(always)]
    fn prepare(self, _x: &[i8], _prepared: &mut [Prepared]) {}

    /// Whether products of these lanes and so many columns read what [`prepare`](Self::prepare) wrote, and never the values themselves, which
    /// may then be written over.
    #[inline(always)]
    fn reads_prepared(self, _lanes: &[Int8Lane], _columns: usize) -> bool {
        false
    }

    /// `sums[s][g] + Σ_c weights[g][c] · x[s][c]` for a panel of `G` gates (in [`Order::INT8`](crate::layout::Order::INT8)) and `S` inputs in ±127.
    fn product_int8<const G: usize, const S: usize>(
        self,
        sums: [[I32<Self>; G]; S],
        panel: &[Int8Lane],
        x: [Columns<'_>; S],
    ) -> [[I32<Self>; G]; S];

    /// [`product_int8`](Self::product_int8) of `P` pairs of panels, 1 or 2, and the same input, where that is faster than one panel after
    /// the other; `false` where nothing has been done.
    #[inline(always)]
    fn product_int8_pairs<const G: usize, const P: usize>(
        self,
        _sums: &mut [[[I32<Self>; G]; 2]; P],
        _panels: [[&[Int8Lane]; 2]; P],
        _x: Columns<'_>,
    ) -> bool {
        false
    }

    /// [`product_int8`](Self::product_int8) in place, for a backend whose sums lie in memory.
    #[inline(always)]
    fn accumulate_int8<const G: usize, const S: usize>(
        self,
        sums: &mut [[I32<Self>; G]; S],
        panel: &[Int8Lane],
        x: [Columns<'_>; S],
    ) {
        *sums = self.product_int8(*sums, panel, x);
    }
}

/// Work that can run on any backend.
pub trait Op {
    /// What it returns.
    type Output;

    /// Whether it may have int8 products: without any it does the same on levels that differ in nothing else, of which [`dispatch`] has one.
    const INT8: bool = true;

    /// Does the work with the instructions that `backend` proves.
    fn run<B: Backend>(self, backend: B) -> Self::Output;
}

/// The backend of this target.
#[cfg(gru_family = "dsp")]
type Native = dsp::Dsp;
/// The backend of this target.
#[cfg(gru_family = "helium")]
type Native = helium::Helium;
/// The backend of this target.
#[cfg(gru_family = "wasm")]
type Native = wasm::Simd128;
/// The backend of this target.
#[cfg(any(gru_family = "thumb1", gru_family = "thumb2"))]
type Native = thumb::Thumb;
/// The backend of this target.
#[cfg(all(target_arch = "riscv32", target_feature = "m", not(target_abi = "ilp32e")))]
type Native = riscv::Rv32im;
/// The backend of this target.
#[cfg(all(
    gru_family = "portable",
    not(all(target_arch = "riscv32", target_feature = "m", not(target_abi = "ilp32e")))
))]
type Native = portable::Portable;

/// Runs `op` on the best backend of this machine.
#[cfg(not(any(gru_family = "x86_64", gru_family = "aarch64")))]
#[inline(always)]
pub fn dispatch<O: Op>(op: O) -> O::Output {
    Native::default().enter(op)
}

/// Name of the backend that [`dispatch`] uses here.
#[must_use]
pub fn active() -> &'static str {
    struct Name;
    impl Op for Name {
        type Output = &'static str;
        fn run<B: Backend>(self, _: B) -> &'static str {
            B::NAME
        }
    }
    dispatch(Name)
}
