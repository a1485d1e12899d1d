//! x86-64: the level is chosen at run time, with and without the standard library, and one packing serves them all.

#![allow(unsafe_code, reason = "a level's instructions run where CPUID has shown them")]

mod avx2;
mod avx2_gates;
mod avx512;
mod avx512_f32;
mod avx512_gates;
mod avx512_pair;
mod avx512_vnni;
mod avx_vnni;
#[cfg(feature = "bench")]
#[doc(hidden)]
pub mod floor;
mod real;
mod sse2;

use super::{Backend, choice::levels, registers::both, scalar::Scalar};
#[cfg(not(miri))]
use core::arch::x86_64::{__cpuid, __cpuid_count, _xgetbv};

pub use avx_vnni::AvxVnni;
pub use avx2::Avx2;
pub use avx512::Avx512;
pub use avx512_vnni::Avx512Vnni;
pub use sse2::Sse2;

levels! {
    always Scalar, Sse2;
    detected Avx2, AvxVnni, Avx512, Avx512Vnni;
    without int8 AvxVnni: Avx2, Avx512Vnni: Avx512;
}

/// What CPUID and XGETBV say, as far as it matters here.
struct Processor {
    avx2_fma: bool,
    avx_vnni: bool,
    avx512: bool,
    avx512_vnni: bool,
}

impl Processor {
    #[cfg(not(miri))]
    fn detect() -> Self {
        const NONE: Processor = Processor { avx2_fma: false, avx_vnni: false, avx512: false, avx512_vnni: false };
        const XSAVED_AVX: u64 = 0x06;
        const XSAVED_AVX512: u64 = 0xe6;
        let bit = |register: u32, bit: u32| register & (1 << bit) != 0;
        let basic = __cpuid(1);
        if __cpuid(0).eax < 7 || !bit(basic.ecx, 27) {
            return NONE;
        }
        #[target_feature(enable = "xsave")]
        fn enabled_state() -> u64 {
            // SAFETY: register 0 is there wherever XGETBV is.
            unsafe { _xgetbv(0) }
        }
        // SAFETY: bit 27 (OSXSAVE) says that XGETBV is there and enabled.
        let state = unsafe { enabled_state() };
        let extended = __cpuid_count(7, 0);
        let more = if extended.eax > 0 { __cpuid_count(7, 1).eax } else { 0 };
        let avx2_fma = state & XSAVED_AVX == XSAVED_AVX
            && [12, 28, 29].into_iter().all(|feature| bit(basic.ecx, feature))
            && bit(extended.ebx, 5);
        let avx512 = avx2_fma
            && state & XSAVED_AVX512 == XSAVED_AVX512
            && [16, 17, 30, 31].into_iter().all(|feature| bit(extended.ebx, feature));
        Self { avx2_fma, avx_vnni: avx2_fma && bit(more, 4), avx512, avx512_vnni: avx512 && bit(extended.ecx, 11) }
    }

    /// Miri has no CPUID; it knows what it was told to interpret.
    #[cfg(miri)]
    fn detect() -> Self {
        Self {
            avx2_fma: cfg!(all(target_feature = "avx2", target_feature = "fma", target_feature = "f16c")),
            avx_vnni: cfg!(target_feature = "avxvnni"),
            avx512: cfg!(all(target_feature = "avx512f", target_feature = "avx512bw", target_feature = "avx512vl")),
            avx512_vnni: cfg!(target_feature = "avx512vnni"),
        }
    }
}

/// A token that only detection makes, and its entrance.
macro_rules! token {
    ($(#[$doc:meta])* $name:ident, $detected:ident: $($feature:literal),+) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub struct $name(());

        impl $name {
            /// The token, where this processor and its operating system run these instructions.
            #[must_use]
            pub fn detect() -> Option<Self> {
                super::Processor::detect().$detected.then_some(Self(()))
            }

            /// Whether the program is compiled for these instructions, so that it runs nowhere else.
            pub(super) const COMPILED_FOR: bool = cfg!(all($(target_feature = $feature),+));

            /// The token without detection.
            ///
            /// # Safety
            /// `detect` would return it.
            #[inline(always)]
            pub(super) const unsafe fn new_unchecked() -> Self {
                Self(())
            }

            /// Runs `op` with the instructions enabled.
            #[inline(always)]
            fn region<O: crate::backend::Op>(self, op: O) -> O::Output {
                #[target_feature($(enable = $feature),+)]
                #[inline]
                fn region<O: crate::backend::Op>(backend: $name, op: O) -> O::Output {
                    op.run(backend)
                }
                // SAFETY: the token exists only where the features were detected.
                unsafe { region(self, op) }
            }
        }
    };
}

use token;
