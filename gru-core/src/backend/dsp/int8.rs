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

/// Writes `(a, b)` of every group of columns. A single column has no room for both: [`product`] does without.
#[inline(always)]
pub(super) fn prepare(x: &[i8], prepared: &mut [Prepared]) {
    let (groups, tail) = x.as_chunks();
    let mut padded = [0; INT8_DEPTH];
    padded.iter_mut().zip(tail).for_each(|(to, &x)| *to = x);
    let last = (!tail.is_empty()).then_some(&padded);
    for (&group, room) in groups.iter().chain(last).zip(prepared.as_chunks_mut().0) {
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

/// [`Backend::product_int8`].
#[inline(always)]
pub(super) fn product<const G: usize, const S: usize>(
    mut sums: [[I32Lane; G]; S],
    panel: &[Int8Lane],
    x: [Columns<'_>; S],
) -> [[I32Lane; G]; S] {
    let readable = |x: &Columns<'_>| {
        let groups = x.values.len().div_ceil(INT8_DEPTH);
        groups > 0 && x.prepared.len() >= 2 * groups && panel.len() >= G * groups
    };
    if !(panel.as_ptr().cast::<u32>().is_aligned() && x.iter().all(readable)) {
        return Scalar.product_int8(sums, panel, x);
    }
    for (sums, x) in sums.iter_mut().zip(x) {
        let groups = x.values.len().div_ceil(INT8_DEPTH);
        let gates = sums.as_mut_ptr_range();
        // SAFETY: there is at least one group, and as many of words in `panel` for every gate, and of pairs in `prepared`, all aligned.
        unsafe { accumulate(gates.start, panel.as_ptr(), x.prepared.as_ptr(), groups, gates.end) };
    }
    sums
}

/// Adds the products of `groups` of columns to each of the sums from `sums` to `end`.
///
/// The loop does eight groups a turn; the first turn starts as far inside as there are groups less than a multiple of eight.
///
/// # Safety
/// Neither number is zero, and all that is read is there and aligned to words.
#[unsafe(naked)]
unsafe extern "C" fn accumulate(
    sums: *mut I32Lane,
    panel: *const Int8Lane,
    x: *const Prepared,
    groups: usize,
    end: *mut I32Lane,
) {
    naked_asm!(
        #[cfg(gru_armv8m)]
        ".cpu cortex-m33",
        "push {{r4-r11, lr}}",
        "ldr r12, [sp, #36]",
        "mov lr, r0",
        // The place in the loop where the first turn begins, with the bit that says Thumb.
        "rsb r4, r3, #0",
        "and r4, #7",
        "movs r5, #{GROUP_BYTES}",
        "adr r6, 3f",
        "adds r6, #1",
        "mla r4, r4, r5, r6",
        "add r3, r2, r3, lsl #3",
        "push {{r2, r4, r12}}",
        "2:", // each gate
        "ldm lr, {{r4-r7}}",
        "ldr pc, [sp, #4]",
        ".p2align 2",
        "3:", // each turn
        ".rept 8",
        "ldm r1!, {{r8-r11}}",
        "ldrd r0, r12, [r2], #8",
        "smlad r4, r8, r12, r4",
        "sxtb16 r8, r8",
        "smlad r4, r8, r0, r4",
        "smlad r5, r9, r12, r5",
        "sxtb16 r9, r9",
        "smlad r5, r9, r0, r5",
        "smlad r6, r10, r12, r6",
        "sxtb16 r10, r10",
        "smlad r6, r10, r0, r6",
        "smlad r7, r11, r12, r7",
        "sxtb16 r11, r11",
        "smlad r7, r11, r0, r7",
        ".endr",
        "cmp r2, r3",
        "bne 3b",
        "stm lr!, {{r4-r7}}",
        "ldr r2, [sp]",
        "ldr r12, [sp, #8]",
        "cmp lr, r12",
        "bne 2b",
        "add sp, #12",
        "pop {{r4-r11, pc}}",
        GROUP_BYTES = const 14 * size_of::<u32>(),
    )
}
