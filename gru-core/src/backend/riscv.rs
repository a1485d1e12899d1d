//! RV32IM: one load, one MUL and one ADD for an int8 product.
//!
//! A column of three gates is LB of x, then 3 × (4 LB, 4 MUL, 4 ADD) for 12 rows: 37 instructions for 12 products, and 5 for the loop every
//! fourth column. Bounded by arithmetic and loads alike; four of a kind in a row hide the latency of both. One gate alone does not need
//! the registers that a function must save.
//!
//! In assembly, as the compiler takes the loop apart and has more values than registers.
#![allow(unsafe_code, reason = "assembly")]

use super::{Backend, Columns, F32Lane, I32Lane, Int8Lane, Lane, Op, Units, Weight, scalar::Scalar};
use crate::layout::{INT8_DEPTH, Order, SUM_BITS};
use core::arch::naked_asm;

const _: () = assert!(INT8_DEPTH == 1 && SUM_BITS == 0 && !Order::INT8.interleaved);

/// RV32 with the extension M.
#[derive(Clone, Copy, Debug, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Rv32im;

impl Backend for Rv32im {
    const NAME: &'static str = "rv32im";

    type Lanes = Units;

    #[inline(always)]
    fn lanes(self) -> Units {
        Units
    }

    #[inline(always)]
    fn enter<O: Op>(self, op: O) -> O::Output {
        op.run(self)
    }

    #[inline(always)]
    fn product_f32<W: Weight, const G: usize, const S: usize>(
        self,
        sums: [[F32Lane; G]; S],
        panel: &[Lane<W>],
        x: [&[f32]; S],
    ) -> [[F32Lane; G]; S] {
        Scalar.product_f32(sums, panel, x)
    }

    #[inline(always)]
    fn product_int8<const G: usize, const S: usize>(
        self,
        mut sums: [[I32Lane; G]; S],
        panel: &[Int8Lane],
        x: [Columns<'_>; S],
    ) -> [[I32Lane; G]; S] {
        self.accumulate_int8(&mut sums, panel, x);
        sums
    }

    #[inline(always)]
    fn accumulate_int8<const G: usize, const S: usize>(
        self,
        sums: &mut [[I32Lane; G]; S],
        panel: &[Int8Lane],
        x: [Columns<'_>; S],
    ) {
        for (sums, Columns { values: x, .. }) in sums.iter_mut().zip(x) {
            let accumulate = if G == 3 { accumulate_3 } else { accumulate_1 };
            let gates = if G == 3 { 3 } else { 1 };
            let mut panel = panel;
            for sums in sums.chunks_exact_mut(gates) {
                let Some((lanes, rest)) = panel.split_at_checked(gates * x.len()) else { return };
                // SAFETY: there are as many gates of `sums`, and a lane for each of them and each column.
                unsafe { accumulate(sums.as_mut_ptr(), lanes.as_ptr(), x.as_ptr(), x.len()) };
                panel = rest;
            }
        }
    }
}

/// Defines the product for some gates, each with the registers of its lanes and of its sums.
macro_rules! accumulate {
    (
        $name:ident, saves $($saved:literal at $slot:literal),*;
        $($gate:literal: $lanes:literal $(before $next:literal)?, $sums:literal;)+
    ) => {
        /// Adds the products of so many columns to the sums of all gates. A turn is four columns; what is less comes first.
        ///
        /// # Safety
        /// All gates of `sums`, so many columns of each in `lanes` and so many values of `x` are there.
        #[unsafe(naked)]
        unsafe extern "C" fn $name(sums: *mut I32Lane, lanes: *const Int8Lane, x: *const i8, columns: usize) {
            naked_asm!(
                ".option push",
                ".option arch, +m",
                ".macro gru_sums instruction, gate, a, b, c, d",
                "\\instruction \\a, 16 * \\gate(a0)",
                "\\instruction \\b, 16 * \\gate + 4(a0)",
                "\\instruction \\c, 16 * \\gate + 8(a0)",
                "\\instruction \\d, 16 * \\gate + 12(a0)",
                ".endm",
                ".macro gru_rows lanes, at, a, b, c, d",
                "lb t1, 4 * \\at(\\lanes)",
                "lb t2, 4 * \\at + 1(\\lanes)",
                "lb t3, 4 * \\at + 2(\\lanes)",
                "lb t4, 4 * \\at + 3(\\lanes)",
                ".irp product, t1, t2, t3, t4",
                "mul \\product, \\product, t0",
                ".endr",
                "add \\a, \\a, t1",
                "add \\b, \\b, t2",
                "add \\c, \\c, t3",
                "add \\d, \\d, t4",
                ".endm",
                ".macro gru_column at",
                "lb t0, \\at(a2)",
                $(concat!("gru_rows ", $lanes, ", \\at, ", $sums),)+
                ".endm",
                ".macro gru_next columns",
                $(concat!("addi ", $lanes, ", ", $lanes, ", 4 * \\columns"),)+
                "addi a2, a2, \\columns",
                ".endm",
                "addi sp, sp, -48",
                $(concat!("sw ", $saved, ", ", $slot, "(sp)"),)*
                "slli t0, a3, 2",
                $($(concat!("add ", $next, ", ", $lanes, ", t0"),)?)+
                "andi t0, a3, 3",
                "add a6, a2, a3",
                "add a3, a2, t0",
                $(concat!("gru_sums lw, ", $gate, ", ", $sums),)+
                "beq a2, a3, 3f",
                "2:", // each column before the groups of four
                "gru_column 0",
                "gru_next 1",
                "bne a2, a3, 2b",
                "3:",
                "beq a2, a6, 5f",
                "4:", // each turn
                ".irp at, 0, 1, 2, 3",
                "gru_column \\at",
                ".endr",
                "gru_next 4",
                "bne a2, a6, 4b",
                "5:",
                $(concat!("gru_sums sw, ", $gate, ", ", $sums),)+
                $(concat!("lw ", $saved, ", ", $slot, "(sp)"),)*
                "addi sp, sp, 48",
                "ret",
                ".purgem gru_sums",
                ".purgem gru_rows",
                ".purgem gru_column",
                ".purgem gru_next",
                ".option pop",
            )
        }
    };
}

accumulate! {
    accumulate_1, saves;
    0: "a1", "t5, t6, a4, a5";
}
accumulate! {
    accumulate_3, saves "s0" at 0, "s1" at 4, "s2" at 8, "s3" at 12, "s4" at 16, "s5" at 20, "s6" at 24, "s7" at 28, "s8" at 32;
    0: "a1" before "a4", "t5, t6, a7, s0";
    1: "a4" before "a5", "s1, s2, s3, s4";
    2: "a5", "s5, s6, s7, s8";
}
