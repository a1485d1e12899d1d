//! int8 by tail-predicated loops, and the gates on packed halves.
//!
//! A gate works on 16-bit halves, so that one register holds two values of each of the four units: the *bottom* halves those of one
//! gate, the *top* halves those of another. `VQRDMULH.S16` is [`mul_q15`](crate::quant::mul_q15).

use super::U8Lane;
use crate::{
    backend::{Columns, I16Lane, I32Lane, Int8Lane},
    layout::{INT8_DEPTH, Scales, UNITS},
    math::fixed::{FAR, TANH_CUBICS},
    quant::HEADROOM_BITS,
};
use core::{arch::naked_asm, mem::offset_of};

/// Where the gathers of [`tanh!`] read.
static CUBICS: [[i16; 4]; 16] = TANH_CUBICS;

/// From this `|t|` on a segment is [`FAR`].
const FAR_FROM: usize = FAR << 11;

/// [`Backend::product_int8`](crate::backend::Backend::product_int8).
#[inline(always)]
pub(super) fn product<const G: usize, const S: usize>(
    mut sums: [[I32Lane; G]; S],
    panel: &[Int8Lane],
    x: [Columns<'_>; S],
) -> [[I32Lane; G]; S] {
    for (sums, x) in sums.iter_mut().zip(x) {
        let columns = x.values.len().min(panel.len() / G * INT8_DEPTH);
        // SAFETY: `sums` are `G` lanes, and there are as many in `panel` for each group of the columns.
        unsafe { accumulate::<G>(sums.as_mut_ptr(), panel.as_ptr(), x.values.as_ptr(), columns) };
    }
    sums
}

/// Adds the products of so many columns to the sums of `G` gates.
///
/// # Safety
/// The lanes of `sums`, of `panel` for each started group of columns, and so many values of `x` are there.
#[unsafe(naked)]
unsafe extern "C" fn accumulate<const G: usize>(
    sums: *mut I32Lane,
    panel: *const Int8Lane,
    x: *const i8,
    columns: usize,
) {
    naked_asm!(
        ".cpu cortex-m55",
        "push {{r4, r6, r8, r10, lr}}",
        ".rept {gates}",
        "mov r12, r2",
        "ldrd r4, r6, [r0]",
        "ldrd r8, r10, [r0, #8]",
        "wlstp.8 lr, r3, 3f",
        "2:", // each 16 columns; those past the last read as zero
        "vldrb.u8 q0, [r12], #16",
        "vldrb.u8 q1, [r1], #16",
        "vmladava.s8 r4, q0, q1",
        "vldrb.u8 q2, [r1], #16",
        "vmladava.s8 r6, q0, q2",
        "vldrb.u8 q1, [r1], #16",
        "vmladava.s8 r8, q0, q1",
        "vldrb.u8 q2, [r1], #16",
        "vmladava.s8 r10, q0, q2",
        "letp lr, 2b",
        "3:",
        "strd r4, r6, [r0], #8",
        "strd r8, r10, [r0], #8",
        ".endr",
        "pop {{r4, r6, r8, r10, pc}}",
        gates = const G,
    )
}

/// The 16-bit halves of `t` (Q3.12) through tanh: q2 becomes tanh(t) in Q0.15, q3 the cubic of `|t|`, q5 the largest i16.
///
/// Needs r4 to r7 and r12 from [`tanh_constants!`]; changes q4 and q6.
macro_rules! tanh {
    ($t:literal) => {
        concat!(
            ".irp t, ",
            $t,
            "\n",
            "vqabs.s16 q4, \\t\n",
            "vshr.u16 q2, q4, #11\n",
            "vshl.i16 q5, q4, #5\n",
            "vshl.i16 q2, q2, #2\n", // the segment's coefficients
            "vldrh.u16 q3, [r7, q2, uxtw #1]\n",
            "vshr.u16 q5, q5, #1\n", // the fraction
            "vldrh.u16 q6, [r6, q2, uxtw #1]\n",
            "vqrdmulh.s16 q3, q3, q5\n",
            "vadd.i16 q3, q3, q6\n",
            "vldrh.u16 q6, [r5, q2, uxtw #1]\n",
            "vqrdmulh.s16 q3, q3, q5\n",
            "vadd.i16 q3, q3, q6\n",
            "vldrh.u16 q6, [r4, q2, uxtw #1]\n",
            "vqrdmulh.s16 q3, q3, q5\n",
            "vadd.i16 q3, q3, q6\n",
            "vmvn.i16 q5, #0x8000\n",
            "vshr.s16 q6, q3, #4\n",
            "vmov q2, q3\n",
            "vpt.s16 ge, q4, r12\n", // far
            "vsubt.i16 q2, q5, q6\n",
            "vpt.s16 lt, \\t, zr\n",
            "vnegt.s16 q2, q2\n",
            ".endr\n",
        )
    };
}

/// The addresses of the cubics' coefficients, and where far begins.
macro_rules! tanh_constants {
    () => {
        concat!(
            "movw r4, #:lower16:{cubics}\n",
            "movt r4, #:upper16:{cubics}\n",
            "adds r5, r4, #2\n",
            "adds r6, r4, #4\n",
            "adds r7, r4, #6\n",
            "mov r12, #{far}\n",
        )
    };
}

/// q3 becomes the sums at `sums`, shifted by the bytes at `shift`. Needs [`HEADROOM_BITS`] in q1; changes q2.
#[rustfmt::skip]
macro_rules! shifted {
    ($sums:expr, $shift:expr) => {
        concat!(
            "vldrb.u32 q2, ", $shift, "\n",
            "vldrw.u32 q3, ", $sums, "\n",
            "vsub.i32 q2, q1, q2\n", // an accumulator has bits to spare for the headroom: one shift does both
            "vshl.s32 q3, q3, q2\n",
        )
    };
}

/// Requantises two gates of the sums at r0 by the scales at r1 into the bottom and the top halves of a register. Needs [`HEADROOM_BITS`] in q1;
/// changes q2 and q3.
#[rustfmt::skip]
macro_rules! requantize {
    ($to:literal, bottom $bottom:literal, top $top:literal) => {
        concat!(
            shifted!(concat!("[r0, #16*", $bottom, "]"), concat!("[r1, #{shift}+4*", $bottom, "]")),
            "vqmovnb.s32 ", $to, ", q3\n",
            shifted!(concat!("[r0, #16*", $top, "]"), concat!("[r1, #{shift}+4*", $top, "]")),
            "vqmovnt.s32 ", $to, ", q3\n",
            "vldrh.u32 q2, [r1, #{multiplier}+8*", $bottom, "]\n",
            "vldrh.u32 q3, [r1, #{multiplier}+8*", $top, "]\n",
            "vmovnt.i32 q2, q3\n",
            "vqrdmulh.s16 ", $to, ", ", $to, ", q2\n",
        )
    };
}

/// From the pre-activations of n (bottom) and z (top) in q7 to the new state at r2 and its view by the multiplier r0 at r3, for lr units.
macro_rules! advance {
    () => {
        concat!(
            tanh!("q7"),
            // 1 − σ
            "vneg.s16 q4, q2\n",
            "vrhadd.s16 q4, q4, q5\n",
            "vcmp.s16 ge, q7, r12\n",
            "vpsel q4, q3, q4\n",
            "vshr.s32 q4, q4, #16\n",
            // h + ((1 − σ) · (n − h) >> shift)
            "vctp.32 lr\n",
            "vpst\n",
            "vldrwt.u32 q1, [r2]\n",
            "vmovlb.s16 q2, q2\n",
            "vshr.s32 q3, q1, #15\n",
            "vmovlb.s16 q3, q3\n",
            "vsub.i32 q2, q2, q3\n",
            "lsl r12, r12, #16\n",
            "vmul.i32 q2, q2, q4\n",
            "vpt.s32 ge, q7, r12\n",
            "vshrt.s32 q2, q2, #5\n",
            "vadd.i32 q1, q1, q2\n",
            // the view
            "vshr.s32 q2, q1, #15\n",
            "vmovlb.s16 q2, q2\n",
            "vmov.i32 q3, #127\n",
            "vmul.i32 q2, q2, r0\n",
            "vmvn.i32 q4, #126\n",
            "vrshr.s32 q2, q2, #15\n",
            "vmin.s32 q2, q2, q3\n",
            "vmax.s32 q2, q2, q4\n",
            "vctp.32 lr\n",
            "vpstt\n",
            "vstrwt.32 q1, [r2]\n",
            "vstrbt.32 q2, [r3]\n",
        )
    };
}

/// [`Lanes::gates_int8`](crate::backend::Lanes::gates_int8).
#[inline(always)]
pub(super) fn gates(sums: &[I32Lane; 4], scales: &Scales<4>, multiplier: i16, h: &mut [i32], view: &mut [i8]) {
    let units = h.len().min(view.len()).min(UNITS);
    // SAFETY: there are so many units of `h` and `view`.
    unsafe { gates_of(sums, scales, h.as_mut_ptr(), view.as_mut_ptr(), i32::from(multiplier), units) }
}

/// Requantises r, z and both halves of n; then `n_input + σ(r) ⊙ n_hidden`, and [`advance!`].
///
/// # Safety
/// `units`, at most [`UNITS`], of `h` and `view` are there.
#[unsafe(naked)]
unsafe extern "C" fn gates_of(
    sums: &[I32Lane; 4],
    scales: &Scales<4>,
    h: *mut i32,
    view: *mut i8,
    multiplier: i32,
    units: usize,
) {
    naked_asm!(
        ".cpu cortex-m55",
        "push {{r4-r7, lr}}",
        "vpush {{d8-d15}}",
        "vmov.i32 q1, #{headroom}",
        requantize!("q0", bottom 0, top 2),
        requantize!("q7", bottom 3, top 1),
        tanh_constants!(),
        "ldrd r0, lr, [sp, #84]", // behind 5 words and 8 double words
        tanh!("q0"),
        "vrhadd.s16 q4, q2, q5", // σ(r)
        "vshr.u32 q0, q0, #16",
        "vqrdmulh.s16 q4, q4, q7",
        "vqadd.s16 q4, q4, q0",
        "vmovnb.i32 q7, q4",
        advance!(),
        "vpop {{d8-d15}}",
        "pop {{r4-r7, pc}}",
        headroom = const HEADROOM_BITS,
        multiplier = const offset_of!(Scales<4>, multiplier),
        shift = const offset_of!(Scales<4>, shift),
        cubics = sym CUBICS,
        far = const FAR_FROM,
    )
}

/// [`Lanes::advance_int8`](crate::backend::Lanes::advance_int8).
#[inline(always)]
pub(super) fn advance(z: &I16Lane, n: &I16Lane, multiplier: i16, h: &mut [i32], view: &mut [i8]) {
    let units = h.len().min(view.len()).min(UNITS);
    // SAFETY: there are so many units of `h` and `view`.
    unsafe { advance_by(z, n, h.as_mut_ptr(), view.as_mut_ptr(), i32::from(multiplier), units) }
}

/// [`advance!`] of values in memory.
///
/// # Safety
/// `units`, at most [`UNITS`], of `h` and `view` are there.
#[unsafe(naked)]
unsafe extern "C" fn advance_by(z: &I16Lane, n: &I16Lane, h: *mut i32, view: *mut i8, multiplier: i32, units: usize) {
    naked_asm!(
        ".cpu cortex-m55",
        "push {{r4-r7, lr}}",
        "vpush {{d8-d15}}",
        "vldrh.u32 q0, [r0]",
        "vldrh.u32 q7, [r1]",
        "vmovnt.i32 q7, q0",
        "ldrd r0, lr, [sp, #84]", // behind 5 words and 8 double words
        tanh_constants!(),
        advance!(),
        "vpop {{d8-d15}}",
        "pop {{r4-r7, pc}}",
        cubics = sym CUBICS,
        far = const FAR_FROM,
    )
}

/// [`Lanes::reset_int8`](crate::backend::Lanes::reset_int8).
#[inline(always)]
pub(super) fn reset(r: &I16Lane, mut v: I16Lane) -> I16Lane {
    reset_of(r, &mut v);
    v
}

/// `v` becomes `σ(2r) ⊙ v`.
#[unsafe(naked)]
extern "C" fn reset_of(r: &I16Lane, v: &mut I16Lane) {
    naked_asm!(
        ".cpu cortex-m55",
        "push {{r4-r7, lr}}",
        "vpush {{d8-d13}}",
        "vldrh.u32 q0, [r0]",
        tanh_constants!(),
        tanh!("q0"),
        "vldrh.u32 q1, [r1]",
        "vrhadd.s16 q2, q2, q5",
        "vqrdmulh.s16 q2, q2, q1",
        "vstrh.32 q2, [r1]",
        "vpop {{d8-d13}}",
        "pop {{r4-r7, pc}}",
        cubics = sym CUBICS,
        far = const FAR_FROM,
    )
}

/// [`Lanes::requantize`](crate::backend::Lanes::requantize).
#[inline(always)]
pub(super) fn requantize(sums: &I32Lane, multiplier: &I16Lane, shift: &U8Lane) -> I16Lane {
    let mut to = [0; UNITS];
    requantize_of(sums, multiplier, shift, &mut to);
    to
}

/// [`requantize`] into memory.
#[unsafe(naked)]
extern "C" fn requantize_of(sums: &I32Lane, multiplier: &I16Lane, shift: &U8Lane, to: &mut I16Lane) {
    naked_asm!(
        ".cpu cortex-m55",
        "vmov.i32 q1, #{headroom}",
        shifted!("[r0]", "[r2]"),
        "vqmovnb.s32 q3, q3",
        "vldrh.u32 q2, [r1]",
        "vqrdmulh.s16 q3, q3, q2",
        "vstrh.32 q3, [r3]",
        "bx lr",
        headroom = const HEADROOM_BITS,
    )
}
