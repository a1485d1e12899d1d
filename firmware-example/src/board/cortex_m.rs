//! Cortex-M: SysTick.

pub use cortex_m::asm::wfi as wait_for_interrupt;
pub use cortex_m::singleton;

use core::sync::atomic::{AtomicU32, Ordering};

use cortex_m::Peripherals;
use cortex_m::peripheral::SYST;
use cortex_m::peripheral::syst::SystClkSource;
use cortex_m_rt::{entry, exception};

use crate::firmware;

/// SysTick's counter has 24 bits.
const RELOAD_MAX: u32 = 0xFF_FFFF;

static INTERRUPTS: AtomicU32 = AtomicU32::new(0);

/// SysTick.
pub struct Timer(SYST);

impl Timer {
    fn new(mut systick: SYST) -> Self {
        systick.set_clock_source(SystClkSource::Core);
        systick.set_reload(RELOAD_MAX);
        systick.clear_current();
        systick.enable_counter();
        Self(systick)
    }

    /// Ticks that `work` takes, below 2²⁴.
    pub fn ticks(&mut self, work: impl FnOnce()) -> u32 {
        let start = SYST::get_current();
        work();
        start.wrapping_sub(SYST::get_current()) & RELOAD_MAX
    }

    /// Interrupts from now on, with this period of at most 2²⁴ ticks.
    pub fn interrupt_every(mut self, ticks: u32) -> Clock {
        self.0.set_reload(ticks - 1);
        self.0.clear_current();
        self.0.enable_interrupt();
        Clock { period: ticks }
    }
}

/// Time while the timer interrupts.
pub struct Clock {
    period: u32,
}

impl Clock {
    /// Ticks since some start, modulo 2³².
    pub fn now(&self) -> u32 {
        loop {
            let interrupts = INTERRUPTS.load(Ordering::Relaxed);
            let passed = self.period - 1 - SYST::get_current();
            if INTERRUPTS.load(Ordering::Relaxed) == interrupts {
                return interrupts.wrapping_mul(self.period).wrapping_add(passed);
            }
        }
    }
}

#[entry]
fn main() -> ! {
    let peripherals = Peripherals::take().expect("main is entered once");
    firmware::run(Timer::new(peripherals.SYST))
}

#[exception]
fn SysTick() {
    INTERRUPTS.store(INTERRUPTS.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
    firmware::on_timer();
}
