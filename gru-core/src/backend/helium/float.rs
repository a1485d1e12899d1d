//! f32 by multiply-add with a scalar, and the gates of [`Rational`](crate::math::Rational).

use crate::{
    backend::{F16Lane, F32Lane, Lane, Typed, Weight},
    math::rational::{LIMIT, P, Q},
};
use core::arch::naked_asm;

/// [`Backend::product_f32`](crate::backend::Backend::product_f32).
#[inline(always)]
pub(super) fn product<W: Weight, const G: usize, const S: usize>(
    mut sums: [[F32Lane; G]; S],
    panel: &[Lane<W>],
    x: [&[f32]; S],
) -> [[F32Lane; G]; S] {
    const { assert!(G > 0 && G <= 3, "registers for three gates") };
    for (sums, x) in sums.iter_mut().zip(x) {
        let columns = x.len().min(panel.len() / G);
        let sums = sums.as_mut_ptr();
        // SAFETY: `sums` are `G` lanes, and there are as many in `panel` for each of the columns.
        unsafe {
            match W::typed(panel) {
                Typed::F32(panel) => accumulate::<G>(sums, panel.as_ptr(), x.as_ptr(), columns),
                Typed::F16(panel) => accumulate_f16::<G>(sums, panel.as_ptr(), x.as_ptr(), columns),
            }
        }
    }
    sums
}

/// A lane of f32 weights to q3.
macro_rules! weights_f32 {
    () => {
        "vldrw.u32 q3, [r1], #16\n"
    };
}

/// A lane of f16 weights to q3, as f32.
macro_rules! weights_f16 {
    () => {
        "vldrh.u32 q3, [r1], #8\nvcvtb.f32.f16 q3, q3\n"
    };
}

/// The products of one column, whose input is in the core register that `\x` stands for.
macro_rules! column {
    ($weights:ident) => {
        concat!(
            $weights!(),
            "vfma.f32 q0, q3, \\x\n",
            ".if {gates} > 1\n",
            $weights!(),
            "vfma.f32 q1, q3, \\x\n",
            ".endif\n",
            ".if {gates} > 2\n",
            $weights!(),
            "vfma.f32 q2, q3, \\x\n",
            ".endif\n",
        )
    };
}

/// Defines the product of weights of a type.
macro_rules! accumulate {
    ($name:ident, $lane:ty, $weights:ident) => {
        /// Adds the products of so many columns to the sums of `G` gates, at most three.
        ///
        /// # Safety
        /// The lanes of `sums`, of `panel` for each column, and so many values of `x` are there.
        #[unsafe(naked)]
        unsafe extern "C" fn $name<const G: usize>(
            sums: *mut F32Lane,
            panel: *const $lane,
            x: *const f32,
            columns: usize,
        ) {
            naked_asm!(
                ".cpu cortex-m55",
                "push {{r4-r7, lr}}",
                "vldrw.u32 q0, [r0]",
                ".if {gates} > 1",
                "vldrw.u32 q1, [r0, #16]",
                ".endif",
                ".if {gates} > 2",
                "vldrw.u32 q2, [r0, #32]",
                ".endif",
                "lsr r12, r3, #2",
                "and r3, r3, #3",
                "wls lr, r12, 3f",
                "2:", // each four columns
                "ldm r2!, {{r4-r7}}",
                ".irp x, r4, r5, r6, r7",
                column!($weights),
                ".endr",
                "le lr, 2b",
                "3:",
                "wls lr, r3, 5f",
                "4:", // each further column
                "ldr r4, [r2], #4",
                ".irp x, r4",
                column!($weights),
                ".endr",
                "le lr, 4b",
                "5:",
                "vstrw.32 q0, [r0]",
                ".if {gates} > 1",
                "vstrw.32 q1, [r0, #16]",
                ".endif",
                ".if {gates} > 2",
                "vstrw.32 q2, [r0, #32]",
                ".endif",
                "pop {{r4-r7, pc}}",
                gates = const G,
            )
        }
    };
}

accumulate!(accumulate, F32Lane, weights_f32);
accumulate!(accumulate_f16, F16Lane, weights_f16);

/// What [`tanh!`] keeps in r3 to r12.
static CONSTANTS: [f32; 10] = [LIMIT, P[4], P[3], P[2], P[1], Q[4], Q[3], Q[2], Q[1], 1.0];

const _: () = assert!(P[0] == 1.0 && Q[0] == 1.0);

/// Loads [`CONSTANTS`], and −[`LIMIT`] into lr.
macro_rules! tanh_constants {
    () => {
        concat!(
            "movw r12, #:lower16:{constants}\n",
            "movt r12, #:upper16:{constants}\n",
            "ldm r12, {{r3-r12}}\n",
            "eor lr, r3, #0x80000000\n",
        )
    };
}

/// q0 becomes tanh(q0), as [`Rational`](crate::math::Rational) has it but by Horner's rule. Needs [`tanh_constants!`]; changes q1 to q3.
macro_rules! tanh {
    () => {
        concat!(
            // A NaN is not greater, and stays.
            "vdup.32 q1, lr\n",
            "vpt.f32 gt, q0, r3\n",
            "vdupt.32 q0, r3\n",
            "vpt.f32 gt, q1, q0\n",
            "vdupt.32 q0, lr\n",
            "vdup.32 q2, r4\n",
            "vmul.f32 q1, q0, q0\n",
            "vdup.32 q3, r8\n",
            "vfmas.f32 q2, q1, r5\n",
            "vfmas.f32 q3, q1, r9\n",
            "vfmas.f32 q2, q1, r6\n",
            "vfmas.f32 q3, q1, r10\n",
            "vfmas.f32 q2, q1, r7\n",
            "vfmas.f32 q3, q1, r11\n",
            "vfmas.f32 q2, q1, r12\n",
            "vfmas.f32 q3, q1, r12\n",
            "vmul.f32 q0, q0, q2\n",
            "vdiv.f32 s0, s0, s12\n",
            "vdiv.f32 s1, s1, s13\n",
            "vdiv.f32 s2, s2, s14\n",
            "vdiv.f32 s3, s3, s15\n",
        )
    };
}

/// `σ(r) ⊙ v`.
#[inline(always)]
pub(super) fn reset(r: &F32Lane, mut v: F32Lane) -> F32Lane {
    reset_of(r, &mut v);
    v
}

/// `v` becomes `σ(r) ⊙ v`.
#[unsafe(naked)]
extern "C" fn reset_of(r: &F32Lane, v: &mut F32Lane) {
    naked_asm!(
        ".cpu cortex-m55",
        "push {{r4-r11, lr}}",
        tanh_constants!(),
        "vldrw.u32 q0, [r0]",
        "vmov.f32 q1, #0.5",
        "vmul.f32 q0, q0, q1",
        tanh!(),
        "vmov.f32 q1, #0.5",
        "vldrw.u32 q2, [r1]",
        "vfma.f32 q1, q0, q1",
        "vmul.f32 q2, q2, q1",
        "vstrw.32 q2, [r1]",
        "pop {{r4-r11, pc}}",
        constants = sym CONSTANTS,
    )
}

/// `h + (1 − σ(z)) ⊙ (tanh(n) − h)`.
#[inline(always)]
pub(super) fn update(z: &F32Lane, n: &F32Lane, mut h: F32Lane) -> F32Lane {
    update_of(z, n, &mut h);
    h
}

/// `h` becomes `h + (1 − σ(z)) ⊙ (tanh(n) − h)`.
#[unsafe(naked)]
extern "C" fn update_of(z: &F32Lane, n: &F32Lane, h: &mut F32Lane) {
    naked_asm!(
        ".cpu cortex-m55",
        "push {{r4-r11, lr}}",
        "vpush {{d8-d9}}",
        tanh_constants!(),
        "vldrw.u32 q0, [r0]",
        "vmov.f32 q1, #-0.5",
        "vmul.f32 q0, q0, q1",
        tanh!(),
        "vmov.f32 q4, #0.5",
        "vfma.f32 q4, q0, q4",
        "vldrw.u32 q0, [r1]",
        tanh!(),
        "vldrw.u32 q1, [r2]",
        "vsub.f32 q0, q0, q1",
        "vfma.f32 q1, q0, q4",
        "vstrw.32 q1, [r2]",
        "vpop {{d8-d9}}",
        "pop {{r4-r11, pc}}",
        constants = sym CONSTANTS,
    )
}
