//! Three instructions for four int8 products.
//!
//! A word `w` of weights holds `256·w₁ + w₀` and `256·w₃ + w₂` in its halves (see [`encode_int8`](crate::layout::encode_int8)), and
//! [`prepare`] makes `b = (x₁, x₃)` and `a = 256·(x₀, x₂) − b` of four inputs:
//!
//! ```text
//! smlad  sum, w, b        # sum += 256·(w₁x₁ + w₃x₃) + w₀x₁ + w₂x₃
//! sxtb16 w, w             # (w₀, w₂)
//! smlad  sum, w, a        # sum += 256·(w₀x₀ + w₂x₂) − w₀x₁ − w₂x₃
//! ```
//!
//! so that `sum` gains 256 times the product, exactly: what overflows in between wraps back.

use crate::{
    backend::{Backend, Columns, I32Lane, Int8Lane, Prepared, scalar::Scalar},
    layout::INT8_DEPTH,
};
use core::arch::{asm, naked_asm};

/// Writes `(a, b)` of every group of columns. A single column has no room for both: [`accumulate`] does without.
#[inline(always)]
pub(super) fn prepare(x: &[i8], prepared: &mut [Prepared]) {
    let ((groups, tail), rooms) = (x.as_chunks(), prepared.as_chunks_mut().0);
    pairs(groups, rooms);
    if let (Some(room), false) = (rooms.get_mut(groups.len()), tail.is_empty()) {
        let mut padded = [0; INT8_DEPTH];
        padded.iter_mut().zip(tail).for_each(|(to, &x)| *to = x);
        *room = pair(padded);
    }
}

/// [`pair`] of every group. A function of its own: written out for every length, it would be most of a model's code.
#[inline(never)]
fn pairs(groups: &[[i8; INT8_DEPTH]], rooms: &mut [[Prepared; 2]]) {
    for (&group, room) in groups.iter().zip(rooms) {
        *room = pair(group);
    }
}

/// `(a, b)` of four columns.
#[inline(always)]
fn pair(x: [i8; INT8_DEPTH]) -> [Prepared; 2] {
    let x = i32::from_le_bytes(x.map(i8::cast_unsigned));
    let even = (x << 8) & 0xff00_ff00_u32.cast_signed();
    let (a, b): (i32, i32);
    // SAFETY: arithmetic on registers, of an extension that every core of this family has.
    unsafe {
        asm!(
            #[cfg(gru_armv8m)]
            ".cpu cortex-m33",
            "sxtb16 {b}, {x}, ror #8",
            "ssub16 {a}, {even}, {b}",
            x = in(reg) x, even = in(reg) even, a = lateout(reg) a, b = out(reg) b,
            options(pure, nomem, nostack, preserves_flags),
        );
    }
    [a, b]
}

/// Whether the assembly can load these weights: all that a layer packed.
#[inline(always)]
pub(super) fn is_readable(lanes: &[Int8Lane]) -> bool {
    lanes.as_ptr().cast::<u32>().is_aligned()
}

/// [`Backend::accumulate_int8`].
#[inline(always)]
pub(super) fn accumulate<const G: usize, const S: usize>(
    sums: &mut [[I32Lane; G]; S],
    panel: &[Int8Lane],
    x: [Columns<'_>; S],
) {
    let groups = x[0].values.len().div_ceil(INT8_DEPTH);
    let pairs = x.map(|x| x.prepared.as_chunks().0.get(..groups).unwrap_or_default());
    if groups == 0 || panel.len() < G * groups || !is_readable(panel) || pairs.iter().any(|pairs| pairs.len() < groups)
    {
        return Scalar.accumulate_int8(sums, panel, x);
    }
    let entry = groups.wrapping_neg() % GROUPS * GROUP_BYTES + THUMB;
    for (sums, pairs) in sums.iter_mut().zip(pairs) {
        let (sums, pairs) = (sums.as_mut_ptr_range(), pairs.as_ptr_range());
        // SAFETY: there is at least one group, with a pair and, for every gate, words in `panel`. All are aligned to words.
        unsafe { products(sums.start, panel.as_ptr(), pairs.start, pairs.end, sums.end, entry) };
    }
}

/// Groups of columns in one turn of the loop.
const GROUPS: usize = 8;
/// Bytes of its code for a group: 14 instructions.
const GROUP_BYTES: usize = 14 * 4;
/// What marks the address of an instruction as Thumb code.
const THUMB: usize = 1;

/// The products of a row: weights times r12 = b and r0 = a.
macro_rules! row {
    ($sum:literal, $w:literal) => {
        concat!(
            "smlad ", $sum, ", ", $w, ", r12, ", $sum, "\n", "sxtb16 ", $w, ", ", $w, "\n", "smlad ", $sum, ", ", $w,
            ", r0, ", $sum, "\n",
        )
    };
}

/// Adds the products of the columns from `x` to `x_end` to each gate from `sums` to `sums_end`.
///
/// The first turn of the loop starts `entry` inside, so that the number of groups need not be a multiple of [`GROUPS`].
///
/// # Safety
/// No range is empty, `panel` has a lane for each group of each gate, and all is aligned to words.
#[unsafe(naked)]
unsafe extern "C" fn products(
    sums: *mut I32Lane,
    panel: *const Int8Lane,
    x: *const [Prepared; 2],
    x_end: *const [Prepared; 2],
    sums_end: *mut I32Lane,
    entry: usize,
) {
    naked_asm!(
        #[cfg(gru_armv8m)]
        ".cpu cortex-m33",
        "push {{r4-r11, lr}}",
        "mov lr, r0",
        "ldrd r4, r12, [sp, #36]",
        "adr r5, 3f",
        "add r12, r5",
        "push {{r2, r4, r12}}",
        "2:", // each gate: sums in r4-r7
        "ldm lr, {{r4-r7}}",
        "ldr pc, [sp, #8]",
        ".p2align 2",
        "3:", // each turn
        ".rept {GROUPS}",
        "ldm r1!, {{r8-r11}}",
        "ldrd r0, r12, [r2], #8",
        row!("r4", "r8"),
        row!("r5", "r9"),
        row!("r6", "r10"),
        row!("r7", "r11"),
        ".endr",
        "cmp r2, r3",
        "bne 3b",
        "stm lr!, {{r4-r7}}",
        "ldrd r2, r12, [sp]",
        "cmp lr, r12",
        "bne 2b",
        "add sp, #12",
        "pop {{r4-r11, pc}}",
        GROUPS = const GROUPS,
    )
}
