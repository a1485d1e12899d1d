//! Six instructions for two int8 products, one load among them.
//!
//! The weights are offset by 128, `u = w + 128`, as LDRH extends with zeros. A half `v` of weights is `256·u₁ + u₀`:
//!
//! ```text
//! ldrh v                  # 256·u₁ + u₀
//! uxtb t, v               # u₀
//! muls t, x ; add a, t    # a += u₀·x
//! muls v, x ; add b, v    # b += (256·u₁ + u₀)·x
//! ```
//!
//! so that the sums, with eight fraction bits, are `256·a` and `b − a`, both less `2¹⁵·Σx`.
//!
//! The top byte of `x` leaves no trace in either: the low three bytes of Σx, which [`prepare`] knows once for all panels, lie there.

use crate::backend::{I32Lane, Int8Lane, Prepared};
use core::arch::naked_asm;

/// Writes every column as a word, and the sum of the columns into the top bytes of the first three.
#[inline(never)]
pub(super) fn prepare(x: &[i8], prepared: &mut [Prepared]) {
    let mut sum = 0;
    for (word, &x) in prepared.iter_mut().zip(x) {
        *word = i32::from(x);
        sum += i32::from(x);
    }
    if let [a, b, c, ..] = prepared {
        for (word, byte) in [a, b, c].into_iter().zip(sum.to_le_bytes()) {
            *word = *word & 0xff_ffff | i32::from(byte) << 24;
        }
    }
}

/// The low three bytes of the sum of the columns.
#[inline(always)]
fn sum(prepared: &[Prepared]) -> i32 {
    match *prepared {
        [a, b, c, ..] => {
            let [a, b, c] = [a, b, c].map(|word| word.to_le_bytes()[3]);
            i32::from_le_bytes([a, b, c, 0])
        }
        ref few => few.iter().sum(),
    }
}

/// What weights are loaded as.
pub(super) type Weights = u16;

/// Adds the product of a panel and an input to the sums of its gates.
///
/// # Safety
/// There is a gate, and `panel` is aligned to [`Weights`] and holds a lane for each gate and column.
#[inline(always)]
pub(super) unsafe fn accumulate<const G: usize>(panel: &[Int8Lane], x: &[Prepared], sums: &mut [I32Lane; G]) {
    let gates = sums.as_mut_ptr_range();
    // SAFETY: what the caller says.
    unsafe { accumulate_gates(panel.as_ptr(), x.as_ptr(), x.len(), gates.start, gates.end, -128 * sum(x)) };
}

/// Adds the products of so many columns, plus 256 times `offset`, to each of the sums from `sums` to `end`.
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
    offset: i32,
) {
    naked_asm!(
        // Adds the product of a column: weights at r0, sums in r8 to r11.
        ".macro gru_column x, at",
        "gru_rows \\x, \\at, r8, r9",
        "gru_rows \\x, \\at + 2, r10, r11",
        ".endm",
        ".macro gru_rows x, at, even, odd",
        "ldrh r2, [r0, #\\at]",
        "uxtb r3, r2",
        "muls r3, \\x, r3",
        "muls r2, \\x, r2",
        "add \\even, r3",
        "add \\odd, r2",
        ".endm",
        // Adds what two rows have gained to their sums.
        ".macro gru_gain a, b, even, odd",
        "mov r2, \\a",
        "add \\odd, \\b",
        "subs \\odd, \\odd, r2",
        "lsls r2, r2, #8",
        "adds \\even, \\even, r2",
        ".endm",
        "push {{r4-r7, lr}}",
        "mov r4, r8",
        "mov r5, r9",
        "mov r6, r10",
        "mov r7, r11",
        "push {{r1, r3-r7}}",
        "lsls r2, r2, #2",
        "movs r3, #12",
        "ands r3, r2",
        "adds r3, r1",
        "mov lr, r3",
        "adds r2, r1",
        "mov r12, r2",
        "2:", // each gate
        "ldr r2, [sp, #48]",
        "lsls r3, r2, #8",
        "adds r3, r2",
        "mov r8, r2",
        "mov r9, r3",
        "mov r10, r2",
        "mov r11, r3",
        "ldr r1, [sp]",
        "b 4f",
        "3:", // each column before the groups of four
        "ldm r1!, {{r4}}",
        "gru_column r4, 0",
        "adds r0, #4",
        "4:",
        "cmp r1, lr",
        "bne 3b",
        "mov r2, r12",
        "subs r2, r2, r1",
        "beq 7f",
        "lsls r2, r2, #28",
        "bcc 5f",
        "subs r0, #16",
        "b 6f",
        "5:", // each turn
        "ldm r1!, {{r4-r7}}",
        "gru_column r4, 0",
        "gru_column r5, 4",
        "gru_column r6, 8",
        "gru_column r7, 12",
        "6:",
        "ldm r1!, {{r4-r7}}",
        "gru_column r4, 16",
        "gru_column r5, 20",
        "gru_column r6, 24",
        "gru_column r7, 28",
        "adds r0, #32",
        "cmp r1, r12",
        "bne 5b",
        "7:",
        "ldr r1, [sp, #4]",
        "ldm r1!, {{r4-r7}}",
        "subs r1, #16",
        "gru_gain r8, r9, r4, r5",
        "gru_gain r10, r11, r6, r7",
        "stm r1!, {{r4-r7}}",
        "str r1, [sp, #4]",
        "ldr r2, [sp, #44]",
        "cmp r1, r2",
        "beq 8f",
        "b 2b",
        "8:",
        "pop {{r1, r3-r7}}",
        "mov r8, r4",
        "mov r9, r5",
        "mov r10, r6",
        "mov r11, r7",
        "pop {{r4-r7, pc}}",
        ".purgem gru_column",
        ".purgem gru_rows",
        ".purgem gru_gain",
    )
}
