//! The int8 gates of a block, one unit after the other: 89 instructions for the state of a unit and 5 for its int8 view, all for the
//! arithmetic, its operands and the loop; no value leaves its register. Bounded by arithmetic.
//!
//! | | instructions |
//! |---|---|
//! | requantise, four times | 6: LDR, LDRB, LDRSH, ASR, SSAT, SMLABB |
//! | sigmoid or tanh, three times | 15 to 20, of which the cubic is one LDM and five multiplications and shifts |
//! | reset, update | 12 |
//!
//! A requantised sum is carried as `t · 2¹⁵`: the shift that ends [`mul_q15`](crate::quant::mul_q15) is part of the instruction that
//! reads it.

use crate::{
    backend::{Arrays, I32Lane, Lanes},
    layout::{Scales, UNITS},
    math::fixed::{FAR, TANH_CUBICS},
};
use core::{arch::naked_asm, mem::offset_of};

/// tanh of a segment, `(((((x·c₃ + c₂) >> 11)·x + c₁) >> 11)·x + c₀) >> s`: [`TANH_CUBICS`] with the rounding added and, in a far
/// segment, the subtraction from 1 done.
#[repr(C)]
#[derive(Clone, Copy)]
struct Segment {
    /// `c₃ · 2¹⁶ + s`.
    cubic_and_shift: i32,
    square: i32,
    linear: i32,
    constant: i32,
}

/// One more than there are: only the multiplier −2¹⁵, which no packed row has, leads to the last.
type Segments = [Segment; TANH_CUBICS.len() + 1];

/// Bits of the place within a segment.
const PLACE_BITS: u32 = 11;

/// Half a unit of what is shifted right by [`PLACE_BITS`], and one unit less 1.
const HALF: i32 = 1 << (PLACE_BITS - 1);
const LAST: i32 = (1 << PLACE_BITS) - 1;

/// `(ONE − a) >> 15` is `i16::MAX − (a >> 15)`.
const ONE: i32 = (1 << 30) - 1;

static SEGMENTS: Segments = {
    let mut segments = [Segment { cubic_and_shift: 0, square: 0, linear: 0, constant: 0 }; TANH_CUBICS.len() + 1];
    let mut at = 0;
    while at < TANH_CUBICS.len() {
        let [c0, c1, c2, c3] = TANH_CUBICS[at];
        let [c0, c1, c2] = [rounded(c0), rounded(c1), rounded(c2)];
        segments[at] = if at < FAR {
            Segment { cubic_and_shift: (c3 as i32) << 16 | 11, square: c2, linear: c1, constant: c0 }
        } else {
            // −(a >> 11) is (LAST − a) >> 11.
            Segment {
                cubic_and_shift: (-c3 as i32) << 16 | 15,
                square: LAST - c2,
                linear: LAST - c1,
                constant: ONE - c0,
            }
        };
        at += 1;
    }
    segments
};

const fn rounded(coefficient: i16) -> i32 {
    ((coefficient as i32) << PLACE_BITS) + HALF
}

/// [`Lanes::gates_int8`].
#[inline(always)]
pub(super) fn advance(
    recurrent: &[I32Lane; 3],
    n_input: &I32Lane,
    scales: &Scales<4>,
    multiplier: i16,
    h: &mut [i32],
    view: &mut [i8],
) {
    // SAFETY: references are valid.
    let block = |h: &mut I32Lane| unsafe { units(recurrent, scales, h, n_input, &SEGMENTS, multiplier.into()) };
    let bytes = match <&mut I32Lane>::try_from(&mut *h) {
        Ok(h) => block(h),
        Err(_) => {
            let mut padded = Arrays.load_i32(h);
            let bytes = block(&mut padded);
            Arrays.store_i32(padded, h);
            bytes
        }
    };
    view.iter_mut().zip(bytes.to_le_bytes()).for_each(|(to, byte)| *to = byte.cast_signed());
}

/// r5 = the sum of a gate, requantised, · 2¹⁵.
macro_rules! requantize {
    ($sum:literal, $multiplier:literal, $shift:literal) => {
        concat!(
            "ldr r5, ",
            $sum,
            "\n",
            "ldrb r7, ",
            $shift,
            "\n",
            "ldrsh r8, ",
            $multiplier,
            "\n",
            "asr r5, r7\n",
            "ssat r5, #16, r5\n",
            "smlabb r5, r5, r8, r4",
        )
    };
}

/// r6 = the sign of r5 / 2¹⁵, r5 = its magnitude.
macro_rules! magnitude {
    () => {
        "asr r6, r5, #31
         eor r5, r6, r5, asr #15
         sub r5, r6"
    };
}

/// r10 >> r7 = tanh of r5, which is not negative.
macro_rules! cubic {
    () => {
        "lsr r7, r5, #11
         add r7, lr, r7, lsl #4
         ubfx r5, r5, #0, #11
         ldm r7, {{r7-r10}}
         smlabt r8, r5, r7, r8
         asr r8, #11
         smlabb r9, r5, r8, r9
         asr r9, #11
         smlabb r10, r5, r9, r10"
    };
}

/// Updates `h` and returns its int8 view.
///
/// # Safety
/// All pointers are valid.
#[unsafe(naked)]
unsafe extern "C" fn units(
    recurrent: *const [I32Lane; 3],
    scales: *const Scales<4>,
    h: *mut I32Lane,
    n_input: *const I32Lane,
    segments: *const Segments,
    multiplier: i32,
) -> u32 {
    naked_asm!(
        #[cfg(gru_armv8m)]
        ".cpu cortex-m33",
        "push {{r4-r11, lr}}",
        "ldr lr, [sp, #36]",
        "mov r4, #0x4000",
        // Where z has its sum, its multiplier and its shift.
        "add r0, #16",
        "add r12, r1, #{SHIFTS} + 4",
        "add r1, #{MULTIPLIERS} + 8",
        "2:",
        // r11 = σ(r)
        requantize!("[r0, #-16]", "[r1, #-8]", "[r12, #-4]"),
        magnitude!(),
        cubic!(),
        "asr r10, r7",
        "eor r10, r6",
        "sub r10, r6",
        "add r10, #0x8000",
        "asr r11, r10, #1",
        // r11 = tanh(n)
        requantize!("[r0, #16]", "[r1, #16]", "[r12, #8]"),
        "asr r5, #15",
        "smlabb r11, r5, r11, r4",
        requantize!("[r3], #4", "[r1, #8]", "[r12, #4]"),
        "asr r11, #15",
        "add r5, r11, r5, asr #15",
        "asr r6, r5, #31",
        "eor r5, r6",
        "sub r5, r6",
        "usat r5, #15, r5",
        cubic!(),
        "asr r10, r7",
        "eor r10, r6",
        "sub r11, r10, r6",
        // r5 = 1 − σ(z); 2⁵ times that, and the condition GE, for z in a far segment
        requantize!("[r0], #4", "[r1], #2", "[r12], #1"),
        "cmp r5, #{FAR}",
        magnitude!(),
        cubic!(),
        "asr r5, r10, r7",
        "eor r5, r6",
        "sub r5, r6",
        "rsb r5, r5, #0x8000",
        "asr r5, r5, #1",
        "ittt ge",
        "mvnge r5, r10",
        "addge r5, #{ONE} + 1",
        "asrge r5, #11",
        // h += (1 − σ(z)) · (n − h)
        "ldr r6, [r2]",
        "sbfx r7, r6, #15, #16",
        "sub r7, r11, r7",
        "mul r5, r5, r7",
        "it ge",
        "asrge r5, #5",
        "add r6, r5",
        "str r6, [r2], #4",
        "tst r12, #{UNITS} - 1",
        "bne 2b",
        // The view. At the end −128 becomes −127.
        "ldmdb r2, {{r5-r8}}",
        "ldr r9, [sp, #40]",
        ".irp h, r5, r6, r7, r8",
        "sbfx \\h, \\h, #15, #16",
        "smlabb \\h, \\h, r9, r4",
        "ssat \\h, #8, \\h, asr #15",
        ".endr",
        "bfi r5, r6, #8, #8",
        "bfi r5, r7, #16, #8",
        "bfi r5, r8, #24, #8",
        "mov r6, #0x01010101",
        "qsub8 r5, r5, r6",
        "sadd8 r0, r5, r6",
        "pop {{r4-r11, pc}}",
        MULTIPLIERS = const offset_of!(Scales<4>, multiplier),
        SHIFTS = const offset_of!(Scales<4>, shift),
        FAR = const (FAR << PLACE_BITS) << 15,
        ONE = const ONE,
        UNITS = const UNITS,
    )
}
