//! x86-64: the level is chosen at run time, with and without the standard library, and one packing serves them all.

#![allow(unsafe_code, reason = "a level's instructions run where CPUID has shown them")]

mod avx2;
mod avx512;
mod avx512_vnni;
mod avx_vnni;
#[cfg(feature = "bench")]
#[doc(hidden)]
pub mod floor;
mod real;
mod sse2;

use super::{Backend, Op, scalar::Scalar};
use core::arch::x86_64::{__cpuid, __cpuid_count, _xgetbv};
use core::sync::atomic::{AtomicU8, Ordering};

pub use avx_vnni::AvxVnni;
pub use avx2::Avx2;
pub use avx512::Avx512;
pub use avx512_vnni::Avx512Vnni;
pub use sse2::Sse2;

/// A backend of this family, each better than the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
enum Level {
    Scalar = 1,
    Sse2,
    Avx2,
    AvxVnni,
    Avx512,
    Avx512Vnni,
}

impl Level {
    const ALL: [Self; 6] = [Self::Scalar, Self::Sse2, Self::Avx2, Self::AvxVnni, Self::Avx512, Self::Avx512Vnni];

    const fn name(self) -> &'static str {
        match self {
            Self::Scalar => Scalar::NAME,
            Self::Sse2 => Sse2::NAME,
            Self::Avx2 => Avx2::NAME,
            Self::AvxVnni => AvxVnni::NAME,
            Self::Avx512 => Avx512::NAME,
            Self::Avx512Vnni => Avx512Vnni::NAME,
        }
    }

    /// Whether this processor and its operating system run it.
    fn available(self) -> bool {
        match self {
            Self::Scalar | Self::Sse2 => true,
            Self::Avx2 => Avx2::detect().is_some(),
            Self::AvxVnni => AvxVnni::detect().is_some(),
            Self::Avx512 => Avx512::detect().is_some(),
            Self::Avx512Vnni => Avx512Vnni::detect().is_some(),
        }
    }
}

/// The level in use; 0 before the first step.
static LEVEL: AtomicU8 = AtomicU8::new(0);

/// Runs `op` on the best backend of this processor, or on the one that was [forced](force).
#[inline(always)]
pub fn dispatch<O: Op>(op: O) -> O::Output {
    let mut level = LEVEL.load(Ordering::Relaxed);
    if level == 0 {
        level = choose();
    }
    // SAFETY: `LEVEL` only ever holds an available level.
    unsafe {
        match level {
            level if level == Level::Avx512Vnni as u8 => Avx512Vnni::new_unchecked().enter(op),
            level if level == Level::Avx512 as u8 => Avx512::new_unchecked().enter(op),
            level if level == Level::AvxVnni as u8 => AvxVnni::new_unchecked().enter(op),
            level if level == Level::Avx2 as u8 => Avx2::new_unchecked().enter(op),
            level if level == Level::Sse2 as u8 => apart(Sse2, op),
            _ => apart(Scalar, op),
        }
    }
}

/// Enters a backend that needs no region of its own, out of the caller's way.
#[inline(never)]
fn apart<B: Backend, O: Op>(backend: B, op: O) -> O::Output {
    backend.enter(op)
}

/// The best level, remembered.
#[cold]
fn choose() -> u8 {
    let best = Level::ALL.into_iter().rev().find(|level| level.available()).unwrap_or(Level::Scalar);
    LEVEL.store(best as u8, Ordering::Relaxed);
    #[cfg(feature = "std")]
    if let Some(name) = std::env::var_os("GRU_BACKEND") {
        let forced = force(name.to_str());
        assert!(forced.is_ok(), "GRU_BACKEND names no backend of this machine: {}", name.display());
    }
    LEVEL.load(Ordering::Relaxed)
}

/// No backend of this machine has that name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unavailable;

impl core::fmt::Display for Unavailable {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("no backend of this machine has that name")
    }
}

impl core::error::Error for Unavailable {}

/// Runs all further steps of this process on the backend of that name; `None` goes back to the best.
///
/// # Errors
/// When this machine has no such backend; nothing changes then.
pub fn force(name: Option<&str>) -> Result<(), Unavailable> {
    let level = match name {
        None => Level::ALL.into_iter().rev().find(|level| level.available()),
        Some(name) => Level::ALL.into_iter().find(|level| level.name() == name && level.available()),
    };
    LEVEL.store(level.ok_or(Unavailable)? as u8, Ordering::Relaxed);
    Ok(())
}

/// Names of the backends that this machine can run, the best last.
pub fn available() -> impl Iterator<Item = &'static str> {
    Level::ALL.into_iter().filter(|level| level.available()).map(Level::name)
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
        let avx2_fma =
            state & XSAVED_AVX == XSAVED_AVX && bit(basic.ecx, 28) && bit(basic.ecx, 12) && bit(extended.ebx, 5);
        let avx512 = avx2_fma
            && state & XSAVED_AVX512 == XSAVED_AVX512
            && [16, 17, 30, 31].into_iter().all(|feature| bit(extended.ebx, feature));
        Self { avx2_fma, avx_vnni: avx2_fma && bit(more, 4), avx512, avx512_vnni: avx512 && bit(extended.ecx, 11) }
    }

    /// Miri has no CPUID; it knows what it was told to interpret.
    #[cfg(miri)]
    fn detect() -> Self {
        Self {
            avx2_fma: cfg!(all(target_feature = "avx2", target_feature = "fma")),
            avx_vnni: cfg!(target_feature = "avxvnni"),
            avx512: cfg!(all(target_feature = "avx512f", target_feature = "avx512bw", target_feature = "avx512vl")),
            avx512_vnni: cfg!(target_feature = "avx512vnni"),
        }
    }
}

/// A token that only detection makes, and its entrance.
macro_rules! token {
    ($(#[$doc:meta])* $name:ident, $detected:ident, $features:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub struct $name(());

        impl $name {
            /// The token, where this processor and its operating system run these instructions.
            #[must_use]
            pub fn detect() -> Option<Self> {
                super::Processor::detect().$detected.then_some(Self(()))
            }

            /// The token without detection.
            ///
            /// # Safety
            /// `detect` would return it.
            pub(super) const unsafe fn new_unchecked() -> Self {
                Self(())
            }

            /// Runs `op` with the instructions enabled.
            #[inline(always)]
            fn region<O: crate::backend::Op>(self, op: O) -> O::Output {
                #[target_feature(enable = $features)]
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

/// An expression for each of the two registers of a block.
macro_rules! both {
    ($i:ident => $half:expr) => {
        [
            {
                let $i = 0;
                $half
            },
            {
                let $i = 1;
                $half
            },
        ]
    };
}

use both;
use token;
