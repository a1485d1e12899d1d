//! RISC-V: the machine timer of a core-local interruptor, where SiFive's FE310 and QEMU's `virt` have it.

pub use riscv::asm::wfi as wait_for_interrupt;
pub use riscv::singleton;

use core::sync::atomic::{AtomicU32, Ordering};

use riscv::interrupt::Interrupt;
use riscv_rt::{core_interrupt, entry};

use crate::firmware;

riscv_peripheral::clint_codegen!(Clint, base 0x0200_0000, mtime_freq 10_000_000);

static PERIOD: AtomicU32 = AtomicU32::new(0);

/// The machine timer.
pub struct Timer(Clint);

impl Timer {
    /// Ticks that `work` takes, below 2³².
    pub fn ticks(&mut self, work: impl FnOnce()) -> u32 {
        let start = self.now();
        work();
        self.now().wrapping_sub(start)
    }

    /// Interrupts from now on, with this period.
    pub fn interrupt_every(self, ticks: u32) -> Clock {
        let timer = self.0.mtimer();
        PERIOD.store(ticks, Ordering::Relaxed);
        timer.mtimecmp0().write(timer.mtime().read() + u64::from(ticks));
        #[expect(
            unsafe_code,
            reason = "RISC-V starts with interrupts off; no crate switches them on safely, as that could break a critical section"
        )]
        // SAFETY: no critical section is open here.
        unsafe {
            timer.enable();
            riscv::interrupt::enable();
        }
        Clock(self)
    }

    fn now(&self) -> u32 {
        self.0.mtimer().mtime().read() as u32
    }
}

/// Time while the timer interrupts.
pub struct Clock(Timer);

impl Clock {
    /// Ticks since some start, modulo 2³².
    pub fn now(&self) -> u32 {
        self.0.now()
    }
}

#[entry]
fn main() -> ! {
    firmware::run(Timer(Clint::new()))
}

#[core_interrupt(Interrupt::MachineTimer)]
fn machine_timer() {
    let compare = Clint::new().mtimer().mtimecmp0();
    compare.write(compare.read() + u64::from(PERIOD.load(Ordering::Relaxed)));
    firmware::on_timer();
}
