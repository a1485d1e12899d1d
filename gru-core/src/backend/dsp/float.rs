//! One VLDM for the weights of a column, and as many VFMA.

use crate::backend::{Backend, F32Lane, scalar::Scalar};
use core::arch::naked_asm;

/// [`Backend::product_f32`].
#[inline(always)]
pub(super) fn product<const G: usize, const S: usize>(
    mut sums: [[F32Lane; G]; S],
    panel: &[F32Lane],
    x: [&[f32]; S],
) -> [[F32Lane; G]; S] {
    let accumulate = match G {
        1 => accumulate_1,
        2 => accumulate_2,
        3 => accumulate_3,
        _ => return Scalar.product_f32(sums, panel, x),
    };
    for (sums, x) in sums.iter_mut().zip(x) {
        let columns = x.len().min(panel.len() / G);
        // SAFETY: `sums` are `G` lanes, and there are as many in `panel` for each of the columns.
        unsafe { accumulate(sums.as_mut_ptr(), panel.as_ptr(), x.as_ptr(), columns) };
    }
    sums
}

/// Defines the product for a number of gates.
///
/// Sums lie from s0 on, four columns of x from s12 on, the weights of a column from s16 on.
macro_rules! accumulate {
    ($name:ident, sums $sums:literal, weights $weights:literal, $($sum:literal += $weight:literal * x),+) => {
        /// Adds the products of so many columns to the sums.
        ///
        /// # Safety
        /// All gates of `sums`, so many columns of `panel` and so many values of `x` are there.
        #[unsafe(naked)]
        unsafe extern "C" fn $name(sums: *mut F32Lane, panel: *const F32Lane, x: *const f32, columns: usize) {
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
                concat!("vldmia r1!, {{", $weights, "}}"),
                $(concat!("vfma.f32 ", $sum, ", ", $weight, ", \\x"),)+
                ".endr",
                "subs r3, #4",
                "bhs 2b",
                "3:",
                "adds r3, #4",
                "beq 5f",
                "4:", // each further column
                "vldmia r2!, {{s12}}",
                concat!("vldmia r1!, {{", $weights, "}}"),
                $(concat!("vfma.f32 ", $sum, ", ", $weight, ", s12"),)+
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

accumulate!(accumulate_1, sums "s0-s3", weights "s16-s19",
    "s0" += "s16" * x, "s1" += "s17" * x, "s2" += "s18" * x, "s3" += "s19" * x);
accumulate!(accumulate_2, sums "s0-s7", weights "s16-s23",
    "s0" += "s16" * x, "s1" += "s17" * x, "s2" += "s18" * x, "s3" += "s19" * x,
    "s4" += "s20" * x, "s5" += "s21" * x, "s6" += "s22" * x, "s7" += "s23" * x);
accumulate!(accumulate_3, sums "s0-s11", weights "s16-s27",
    "s0" += "s16" * x, "s1" += "s17" * x, "s2" += "s18" * x, "s3" += "s19" * x,
    "s4" += "s20" * x, "s5" += "s21" * x, "s6" += "s22" * x, "s7" += "s23" * x,
    "s8" += "s24" * x, "s9" += "s25" * x, "s10" += "s26" * x, "s11" += "s27" * x);
