//! Cortex-M: SysTick.

pub use cortex_m::asm::wfi as wait_for_interrupt;
pub use cortex_m::singleton;

use cortex_m::Peripherals;
use cortex_m::peripheral::SYST;
use cortex_m::peripheral::syst::SystClkSource;
use cortex_m_rt::{entry, exception};

use crate::firmware;

/// SysTick's counter has 24 bits.
const RELOAD_MAX: u32 = 0xFF_FFFF;

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
    pub fn interrupt_every(mut self, ticks: u32) {
        self.0.set_reload(ticks - 1);
        self.0.clear_current();
        self.0.enable_interrupt();
    }
}

#[entry]
fn main() -> ! {
    let peripherals = Peripherals::take().expect("main is entered once");
    firmware::run(Timer::new(peripherals.SYST))
}

#[exception]
fn SysTick() {
    firmware::on_timer();
}
