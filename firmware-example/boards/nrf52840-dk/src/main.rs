//! nRF52840-DK: SDA on P0.26, SCL on P0.27.

#![no_std]
#![no_main]

use defmt_rtt as _;
use embassy_executor::Spawner;
use embassy_nrf::{bind_interrupts, peripherals, twim, wdt};
use embassy_time::{Duration, Ticker};
use firmware_imu::{PERIOD_MS, log, run};
use panic_probe as _;

bind_interrupts!(struct Interrupts {
    TWISPI0 => twim::InterruptHandler<peripherals::TWISPI0>;
});

#[embassy_executor::main]
async fn main(_spawner: Spawner) {
    let p = embassy_nrf::init(Default::default());
    let mut config = twim::Config::default();
    config.frequency = twim::Frequency::K400;
    // What the DMA sends has to lie in RAM: at most three bytes.
    let mut sent = [0; 4];
    let i2c = twim::Twim::new(p.TWISPI0, Interrupts, p.P0_26, p.P0_27, config, &mut sent);

    // A transfer on a bus that somebody holds down never ends: the watchdog resets the chip after a second.
    let mut config = wdt::Config::default();
    config.timeout_ticks = 32_768;
    config.action_during_debug_halt = wdt::HaltConfig::Pause;
    let Ok((_, [mut watchdog])) = wdt::Watchdog::try_new(p.WDT, config) else {
        defmt::panic!("the watchdog runs with another configuration: switch the board off and on");
    };

    let mut ticker = Ticker::every(Duration::from_millis(PERIOD_MS.into()));
    let tick = async || {
        watchdog.pet();
        ticker.next().await;
    };
    run(i2c, tick, log).await
}
