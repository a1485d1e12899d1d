//! Instruction sets. One file per set implements [`Backend`]; [`scalar`] is the specification that all others equal:
//! bit for bit in int8, within a written bound in f32.
//!
//! To add one: write `backend/NAME.rs` with a token type, implement [`Backend`] for it, choose it in [`dispatch`] and add one line to
//! `tests/backends.rs`.

pub mod scalar;

use crate::{layout::UNITS, math::Activation};

/// One f32 value per unit of a block.
pub type F32Lane = [f32; UNITS];
/// Four neighbouring int8 columns per unit of a block.
pub type Int8Lane = [[i8; 4]; UNITS];
/// One accumulator per unit of a block.
pub type I32Lane = [i32; UNITS];
/// One int8 value per unit of a block.
pub type I8Lane = [i8; UNITS];
/// One shift per unit of a block.
pub type U8Lane = [u8; UNITS];
/// One Q-format value per unit of a block.
pub type I16Lane = [i16; UNITS];

/// The operations of a step on one block of [`UNITS`] units. A value is a token: it exists only where its instructions may run.
pub trait Backend: Copy {
    /// Name as [`active`] reports it.
    const NAME: &'static str;

    /// Runs `op` where this instruction set is enabled. Entered once per step of a whole model.
    fn enter<O: Op>(self, op: O) -> O::Output;

    /// `accumulators[g] += Σ_c weights[c][g] · x[c]`, over as many columns as both hold.
    fn accumulate_f32<const G: usize>(self, accumulators: &mut [F32Lane; G], weights: &[[F32Lane; G]], x: &[f32]);

    /// `σ(r) ⊙ v`.
    fn reset_f32<A: Activation>(self, r: &F32Lane, v: &F32Lane) -> F32Lane;

    /// `h + (1 − σ(z)) ⊙ (tanh(n) − h)`.
    fn update_f32<A: Activation>(self, z: &F32Lane, n: &F32Lane, h: &F32Lane) -> F32Lane;

    /// `accumulators[g] += Σ_c weights[c / 4][g][..][c % 4] · x[c]`, over as many columns as both hold.
    fn accumulate_int8<const G: usize>(self, accumulators: &mut [I32Lane; G], weights: &[[Int8Lane; G]], x: &[i8]);

    /// [`quant::requantize`](crate::quant::requantize) of each unit.
    fn requantize(self, accumulators: &I32Lane, multiplier: &I16Lane, shift: &U8Lane) -> I16Lane;

    /// [`quant::reset`](crate::quant::reset) of each unit.
    fn reset_int8(self, r: &I16Lane, v: &I16Lane) -> I16Lane;

    /// [`quant::update`](crate::quant::update) of each unit, where `n` is the candidate's pre-activation (Q3.12).
    fn update_int8(self, z: &I16Lane, n: &I16Lane, h: &I32Lane) -> I32Lane;

    /// [`quant::view`](crate::quant::view) of each unit's Q0.15 value.
    fn view(self, values: &I16Lane, multiplier: i16) -> I8Lane;
}

/// Work that can run on any backend.
pub trait Op {
    /// What it returns.
    type Output;
    /// Does the work with the instructions that `backend` proves.
    fn run<B: Backend>(self, backend: B) -> Self::Output;
}

/// Runs `op` on the best backend of this machine.
#[inline(always)]
pub fn dispatch<O: Op>(op: O) -> O::Output {
    scalar::Scalar.enter(op)
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
