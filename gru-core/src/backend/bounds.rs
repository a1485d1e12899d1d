//! Saturation and choice in constant time.
#![allow(unsafe_code, reason = "assembly")]

/// `value` within two bounds of opposite signs, in the same number of instructions for every value.
///
/// A core that has neither a minimum nor a conditional move compares by branches, and the time of a step would tell of its data.
#[inline(always)]
#[cfg(any(gru_family = "thumb1", all(target_arch = "riscv32", not(target_feature = "zbb"))))]
pub fn clamp(value: i32, low: i32, high: i32) -> i32 {
    let negative = value >> 31;
    let bound = high ^ ((high ^ low) & negative);
    // All ones where the value is nearer to 0 than the bound of its sign.
    let inside = opaque((((value - bound) ^ negative) >> 31).cast_unsigned()).cast_signed();
    bound ^ ((bound ^ value) & inside)
}

/// `value` within two bounds.
#[inline(always)]
#[cfg(not(any(gru_family = "thumb1", all(target_arch = "riscv32", not(target_feature = "zbb")))))]
pub fn clamp(value: i32, low: i32, high: i32) -> i32 {
    value.clamp(low, high)
}

/// The same mask: the compiler would make a branch of one that it understands.
#[inline(always)]
#[cfg(any(target_arch = "arm", target_arch = "riscv32"))]
pub fn opaque(mut mask: u32) -> u32 {
    // SAFETY: no instruction at all.
    unsafe { core::arch::asm!("/* {0} */", inout(reg) mask, options(pure, nomem, nostack, preserves_flags)) };
    mask
}

/// The same mask, where conditions are instructions.
#[inline(always)]
#[cfg(not(any(target_arch = "arm", target_arch = "riscv32")))]
pub fn opaque(mask: u32) -> u32 {
    mask
}
