//! The choice between the levels of a family at run time, with and without the standard library.

#![allow(unsafe_code, reason = "a level is entered without another detection")]

#[cfg(gru_family = "aarch64")]
use super::aarch64::Level;
#[cfg(gru_family = "x86_64")]
use super::x86::Level;
use super::{Backend, Op};
use core::sync::atomic::{AtomicU8, Ordering};

/// Defines the `Level` of a family from its backends: those that its every machine runs, and those whose tokens detection makes. What has no
/// int8 product runs on `$other`, where the program has it, in place of the next level, `$int8`, which differs in these alone.
macro_rules! levels {
    (always $($always:ident),+; detected $($detected:ident),+; without int8 $($int8:ident: $other:ident),+;) => {
        /// A backend of this family, each better than the one before.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub(super) enum Level {
            $($always,)+
            $($detected),+
        }

        impl Level {
            const ALL: &[Self] = &[$(Self::$always,)+ $(Self::$detected),+];

            /// The best level that the program is compiled for, or else the first: code for the levels below would never run.
            const LOWEST: u8 = {
                let mut lowest = 0;
                $(if $detected::COMPILED_FOR {
                    lowest = Self::$detected as u8;
                })+
                lowest
            };

            /// The levels that the program has.
            pub(super) const fn compiled() -> &'static [Self] {
                Self::ALL.split_at(Self::LOWEST as usize).1
            }

            pub(super) const fn name(self) -> &'static str {
                match self {
                    $(Self::$always => $always::NAME,)+
                    $(Self::$detected => $detected::NAME),+
                }
            }

            /// Whether this processor and its operating system run it.
            pub(super) fn available(self) -> bool {
                match self {
                    $(Self::$always => true,)+
                    $(Self::$detected => $detected::detect().is_some()),+
                }
            }

            /// The level that runs what is to run on the one of that number.
            const fn instead(level: u8, int8: bool) -> u8 {
                match level {
                    $(level if !int8 && level == Self::$int8 as u8 && Self::LOWEST < level => Self::$other as u8,)+
                    level => level,
                }
            }

            /// Whether there is code for a level.
            const fn runs(self, int8: bool) -> bool {
                Self::LOWEST <= self as u8 && Self::instead(self as u8, int8) == self as u8
            }

            /// Runs `op` on the level of that number.
            ///
            /// # Safety
            /// It is the number of an available one of those that are [compiled](Self::compiled).
            #[inline(always)]
            pub(super) unsafe fn enter<O: super::Op>(level: u8, op: O) -> O::Output {
                match Self::instead(level, O::INT8) {
                    // SAFETY: the level is available, or one is that has its instructions and more: `detect` would return the token.
                    $(level if const { Self::$detected.runs(O::INT8) } && level == Self::$detected as u8 => unsafe { $detected::new_unchecked() }.enter(op),)+
                    $(level if const { Self::$always.runs(O::INT8) } && level == Self::$always as u8 => super::choice::apart($always, op),)+
                    // SAFETY: no other number is one of theirs.
                    _ => unsafe { core::hint::unreachable_unchecked() },
                }
            }
        }
    };
}

pub(super) use levels;

/// No level.
const UNKNOWN: u8 = u8::MAX;

/// The level in use; [`UNKNOWN`] before the first step.
static LEVEL: AtomicU8 = AtomicU8::new(UNKNOWN);

/// Runs `op` on the best backend of this processor, or on the one that was [forced](force).
#[inline(always)]
pub fn dispatch<O: Op>(op: O) -> O::Output {
    let mut level = LEVEL.load(Ordering::Relaxed);
    if level == UNKNOWN {
        level = choose();
    }
    // SAFETY: `LEVEL` only ever holds a level that `usable` gives.
    unsafe { Level::enter(level, op) }
}

/// Enters a backend that needs no region of its own, out of the caller's way.
#[inline(never)]
pub(super) fn apart<B: Backend, O: Op>(backend: B, op: O) -> O::Output {
    backend.enter(op)
}

/// The levels that the program has and this machine can run, the best last.
fn usable() -> impl DoubleEndedIterator<Item = Level> {
    Level::compiled().iter().copied().filter(|level| level.available())
}

/// The best level, remembered.
#[cold]
fn choose() -> u8 {
    let chosen = force(None);
    debug_assert!(chosen.is_ok(), "every machine runs the first level");
    #[cfg(feature = "std")]
    if let Some(name) = std::env::var_os("GRU_BACKEND") {
        let forced = force(Some(name.to_str().unwrap_or_default()));
        assert!(forced.is_ok(), "GRU_BACKEND names no backend of this program and this machine: {}", name.display());
    }
    LEVEL.load(Ordering::Relaxed)
}

/// No backend of this program and this machine has that name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unavailable;

impl core::fmt::Display for Unavailable {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("no backend of this program and this machine has that name")
    }
}

impl core::error::Error for Unavailable {}

/// Runs all further steps of this process on the backend of that name; `None` goes back to the best.
///
/// # Errors
/// When this machine has no such backend, or the program is [compiled for a better one](available); nothing changes then.
pub fn force(name: Option<&str>) -> Result<(), Unavailable> {
    let level = usable().rev().find(|level| name.is_none_or(|name| level.name() == name));
    LEVEL.store(level.ok_or(Unavailable)? as u8, Ordering::Relaxed);
    Ok(())
}

/// Names of the backends that this machine can run, the best last. A program that is compiled for a processor, by
/// `-C target-cpu=native` say, has only the best that the processor is known to have and what is better: it is smaller, and compiles faster.
pub fn available() -> impl Iterator<Item = &'static str> {
    usable().map(Level::name)
}

#[cfg(test)]
mod tests {
    use super::{Backend, Level, Op};

    struct Name<const INT8: bool>;

    impl<const INT8: bool> Op for Name<INT8> {
        type Output = &'static str;

        const INT8: bool = INT8;

        fn run<B: Backend>(self, _: B) -> &'static str {
            B::NAME
        }
    }

    #[test]
    fn levels_that_differ_in_int8_products_alone_are_one_without_any() {
        for &level in Level::compiled().iter().filter(|level| level.available()) {
            let lowest = level == Level::compiled()[0];
            let without = match level.name() {
                "avx-vnni" if !lowest => "avx2",
                "avx512-vnni" if !lowest => "avx512",
                "dotprod" if !lowest => "neon",
                name => name,
            };
            // SAFETY: the program has the level, and this machine runs it.
            let found = unsafe { [Level::enter(level as u8, Name::<true>), Level::enter(level as u8, Name::<false>)] };
            assert_eq!(found, [level.name(), without]);
        }
    }
}
