//! One LDRSB and one MLA for an int8 product.

use crate::{
    backend::{I32Lane, Int8Lane, Prepared},
    layout::SUM_BITS,
};
use core::arch::naked_asm;

/// Writes every column as a word, with the fraction bits of the sums.
#[inline(never)]
pub(super) fn prepare(x: &[i8], prepared: &mut [Prepared]) {
    for (word, &x) in prepared.iter_mut().zip(x) {
        *word = i32::from(x) << SUM_BITS;
    }
}

/// What weights are loaded as.
pub(super) type Weights = i8;

/// Adds the product of a panel and an input to the sums of its gates.
///
/// # Safety
/// There is a gate, and `panel` is aligned to [`Weights`] and holds a lane for each gate and column.
#[inline(always)]
pub(super) unsafe fn accumulate<const G: usize>(panel: &[Int8Lane], x: &[Prepared], sums: &mut [I32Lane; G]) {
    let gates = sums.as_mut_ptr_range();
    // SAFETY: what the caller says.
    unsafe { accumulate_gates(panel.as_ptr(), x.as_ptr(), x.len(), gates.start, gates.end) };
}

/// Adds the products of so many columns to each of the sums from `sums` to `end`.
///
/// A turn is eight columns. What is less than four comes first, then four if they are odd.
///
/// # Safety
/// As of [`accumulate`].
#[unsafe(naked)]
unsafe extern "C" fn accumulate_gates(
    panel: *const Int8Lane,
    x: *const Prepared,
    columns: usize,
    sums: *mut I32Lane,
    end: *mut I32Lane,
) {
    naked_asm!(
        // Adds the product of a column: weights at r0, sums in r4 to r7.
        ".macro gru_column x",
        "gru_rows \\x, r4, r5",
        "gru_rows \\x, r6, r7",
        ".endm",
        ".macro gru_rows x, even, odd",
        "ldrsb r3, [r0], #1",
        "ldrsb r12, [r0], #1",
        "mla \\even, r3, \\x, \\even",
        "mla \\odd, r12, \\x, \\odd",
        ".endm",
        "push {{r4-r11, lr}}",
        "mov lr, r3",
        "and r3, r2, #3",
        "add r2, r1, r2, lsl #2",
        "add r3, r1, r3, lsl #2",
        "push {{r1, r3}}",
        "2:", // each gate
        "ldm lr, {{r4-r7}}",
        "ldrd r1, r9, [sp]",
        "b 4f",
        "3:", // each column before the groups of four
        "ldr r8, [r1], #4",
        "gru_column r8",
        "4:",
        "cmp r1, r9",
        "bne 3b",
        "subs r3, r2, r1",
        "beq 7f",
        "lsls r3, r3, #28",
        "bcs 6f",
        "5:", // each turn
        "ldm r1!, {{r8-r11}}",
        ".irp x, r8, r9, r10, r11",
        "gru_column \\x",
        ".endr",
        "6:",
        "ldm r1!, {{r8-r11}}",
        ".irp x, r8, r9, r10, r11",
        "gru_column \\x",
        ".endr",
        "cmp r1, r2",
        "bne 5b",
        "7:",
        "stm lr!, {{r4-r7}}",
        "ldr r3, [sp, #44]",
        "cmp lr, r3",
        "bne 2b",
        "add sp, #8",
        "pop {{r4-r11, pc}}",
        ".purgem gru_column",
        ".purgem gru_rows",
    )
}
