//! One VLDM for the weights of a column, and as many VFMA; between them, for f16 weights, as many VCVT.

use crate::backend::{Backend, F16, F16Lane, F32Lane, Lane, Typed, Weight, scalar::Scalar};
use core::arch::naked_asm;

/// Adds the products of so many columns of weights of a type.
type Accumulate<W> = unsafe extern "C" fn(*mut F32Lane, *const Lane<W>, *const f32, usize);

/// [`Backend::product_f32`].
#[inline(always)]
pub(super) fn product<W: Weight, const G: usize, const S: usize>(
    mut sums: [[F32Lane; G]; S],
    panel: &[Lane<W>],
    x: [&[f32]; S],
) -> [[F32Lane; G]; S] {
    let (plain, half): (Accumulate<f32>, Accumulate<F16>) = match G {
        1 => (accumulate_1, accumulate_1_f16),
        2 => (accumulate_2, accumulate_2_f16),
        3 => (accumulate_3, accumulate_3_f16),
        _ => return Scalar.product_f32(sums, panel, x),
    };
    for (sums, x) in sums.iter_mut().zip(x) {
        let columns = x.len().min(panel.len() / G);
        match W::typed(panel) {
            // SAFETY: `sums` are `G` lanes, and there are as many in `panel` for each of the columns.
            Typed::F32(panel) => unsafe { plain(sums.as_mut_ptr(), panel.as_ptr(), x.as_ptr(), columns) },
            // SAFETY: as above, and the panel begins at a word, as VLDM asks for.
            Typed::F16(panel) if panel.as_ptr().cast::<u32>().is_aligned() => unsafe {
                half(sums.as_mut_ptr(), panel.as_ptr(), x.as_ptr(), columns);
            },
            Typed::F16(panel) => misaligned(half, sums, panel, x),
        }
    }
    sums
}

/// The product of f16 weights that begin between two words, as those of a slice may: each column moved to one.
#[cold]
#[inline(never)]
fn misaligned<const G: usize>(accumulate: Accumulate<F16>, sums: &mut [F32Lane; G], panel: &[F16Lane], x: &[f32]) {
    #[repr(align(4))]
    struct Column<const G: usize>([F16Lane; G]);
    for (&column, x) in panel.as_chunks::<G>().0.iter().zip(x) {
        let column = Column(column);
        // SAFETY: the `G` lanes that `accumulate` is for, of one column and at a word.
        unsafe { accumulate(sums.as_mut_ptr(), column.0.as_ptr(), x, 1) };
    }
}

/// Defines the products for a number of gates, of f32 and of f16 weights.
///
/// Sums lie from s0 on, four columns of x from s12 on, the weights of a column from s16 on. f16 weights are loaded where the last of them will
/// lie, two in a register.
macro_rules! accumulate {
    ($plain:ident, $half:ident, sums $sums:literal, weights $weights:literal,
     packed $packed:literal: $($low:literal $high:literal = $pair:literal),+; $($sum:literal += $weight:literal * x),+) => {
        accumulate!(@function $plain, F32Lane, $sums, $weights, $($sum += $weight),+;
            concat!("vldmia r1!, {{", $weights, "}}"));
        accumulate!(@function $half, F16Lane, $sums, $weights, $($sum += $weight),+;
            concat!("vldmia r1!, {{", $packed, "}}"),
            $(concat!("vcvtb.f32.f16 ", $low, ", ", $pair), concat!("vcvtt.f32.f16 ", $high, ", ", $pair)),+);
    };
    (@function $name:ident, $lane:ty, $sums:literal, $weights:literal, $($sum:literal += $weight:literal),+; $($load:expr),+) => {
        accumulate!(@columns $name, $lane, $sums, $weights,
            [$($load),+], [$(concat!("vfma.f32 ", $sum, ", ", $weight, ", \\x")),+], [$(concat!("vfma.f32 ", $sum, ", ", $weight, ", s12")),+]);
    };
    (@columns $name:ident, $lane:ty, $sums:literal, $weights:literal, [$($load:expr),+], [$($each:expr),+], [$($last:expr),+]) => {
        /// Adds the products of so many columns to the sums.
        ///
        /// # Safety
        /// All gates of `sums`, so many columns of `panel` and so many values of `x` are there, each at a word.
        #[unsafe(naked)]
        unsafe extern "C" fn $name(sums: *mut F32Lane, panel: *const $lane, x: *const f32, columns: usize) {
            naked_asm!(
                // A naked function is not told of the target's.
                #[cfg(not(gru_armv8m))]
                ".fpu fpv4-sp-d16",
                #[cfg(gru_armv8m)]
                ".fpu fpv5-sp-d16",
                concat!("vpush {{", $weights, "}}"),
                concat!("vldmia r0, {{", $sums, "}}"),
                "subs r3, #4",
                "blo 3f",
                "2:", // each four columns
                "vldmia r2!, {{s12-s15}}",
                ".irp x, s12, s13, s14, s15",
                $($load,)+
                $($each,)+
                ".endr",
                "subs r3, #4",
                "bhs 2b",
                "3:",
                "adds r3, #4",
                "beq 5f",
                "4:", // each further column
                "vldmia r2!, {{s12}}",
                $($load,)+
                $($last,)+
                "subs r3, #1",
                "bne 4b",
                "5:",
                concat!("vstmia r0, {{", $sums, "}}"),
                concat!("vpop {{", $weights, "}}"),
                "bx lr",
            )
        }
    };
}

accumulate!(accumulate_1, accumulate_1_f16, sums "s0-s3", weights "s16-s19",
    packed "s18-s19": "s16" "s17" = "s18", "s18" "s19" = "s19";
    "s0" += "s16" * x, "s1" += "s17" * x, "s2" += "s18" * x, "s3" += "s19" * x);
accumulate!(accumulate_2, accumulate_2_f16, sums "s0-s7", weights "s16-s23",
    packed "s20-s23": "s16" "s17" = "s20", "s18" "s19" = "s21", "s20" "s21" = "s22", "s22" "s23" = "s23";
    "s0" += "s16" * x, "s1" += "s17" * x, "s2" += "s18" * x, "s3" += "s19" * x,
    "s4" += "s20" * x, "s5" += "s21" * x, "s6" += "s22" * x, "s7" += "s23" * x);
accumulate!(accumulate_3, accumulate_3_f16, sums "s0-s11", weights "s16-s27",
    packed "s22-s27": "s16" "s17" = "s22", "s18" "s19" = "s23", "s20" "s21" = "s24",
    "s22" "s23" = "s25", "s24" "s25" = "s26", "s26" "s27" = "s27";
    "s0" += "s16" * x, "s1" += "s17" * x, "s2" += "s18" * x, "s3" += "s19" * x,
    "s4" += "s20" * x, "s5" += "s21" * x, "s6" += "s22" * x, "s7" += "s23" * x,
    "s8" += "s24" * x, "s9" += "s25" * x, "s10" += "s26" * x, "s11" += "s27" * x);
