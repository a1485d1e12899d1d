//! RISC-V: the machine timer of a core-local interruptor, where SiFive's FE310 and QEMU's `virt` have it.

pub use riscv::singleton;
pub use riscv_rt::entry;

use riscv::asm;

riscv_peripheral::clint_codegen!(Clint, base 0x0200_0000, mtime_freq 10_000_000);

/// The machine timer.
pub struct Timer(Clint);

impl Timer {
    /// It runs from reset.
    #[must_use]
    pub fn start() -> Option<Self> {
        Some(Self(Clint::new()))
    }

    /// Ticks that `work` takes, below 2³².
    pub fn ticks(&mut self, work: impl FnOnce()) -> u32 {
        let start = self.now();
        work();
        self.now().wrapping_sub(start)
    }

    /// A call, so that every measurement has the same cost of its own.
    #[inline(never)]
    fn now(&self) -> u32 {
        self.0.mtimer().mtime().read() as u32
    }
}

/// A loop of two instructions, `turns` times more often than for no turns.
#[inline(never)]
pub fn spin(turns: u32) {
    asm::delay(2 * turns);
}
