//! Cortex-M: SysTick.

pub use cortex_m::singleton;
pub use cortex_m_rt::entry;

use cortex_m::Peripherals;
use cortex_m::asm;
use cortex_m::peripheral::SYST;
use cortex_m::peripheral::syst::SystClkSource;

/// SysTick's counter has 24 bits.
const RELOAD_MAX: u32 = 0xFF_FFFF;

/// SysTick.
#[derive(Debug)]
pub struct Timer(());

impl Timer {
    /// Starts it. `None` when it runs already.
    #[must_use]
    pub fn start() -> Option<Self> {
        let mut systick = Peripherals::take()?.SYST;
        systick.set_clock_source(SystClkSource::Core);
        systick.set_reload(RELOAD_MAX);
        systick.clear_current();
        systick.enable_counter();
        Some(Self(()))
    }

    /// Ticks that `work` takes, below 2²⁴.
    pub fn ticks(&mut self, work: impl FnOnce()) -> u32 {
        let start = Self::now();
        work();
        start.wrapping_sub(Self::now()) & RELOAD_MAX
    }

    /// A call, so that every measurement has the same cost of its own.
    #[inline(never)]
    fn now() -> u32 {
        SYST::get_current()
    }
}

/// A loop of two instructions, `turns` times more often than for no turns.
#[inline(never)]
pub fn spin(turns: u32) {
    asm::delay(turns);
}
