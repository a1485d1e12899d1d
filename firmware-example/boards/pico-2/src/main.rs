//! Raspberry Pi Pico 2: SDA on GP4 (pin 6), SCL on GP5 (pin 7).

#![no_std]
#![no_main]

use defmt_rtt as _;
use embassy_executor::Spawner;
use embassy_rp::i2c::{Config, I2c};
use embassy_rp::watchdog::Watchdog;
use embassy_time::{Duration, Ticker};
use firmware_imu::{PERIOD_MS, log, run};
use panic_probe as _;

#[embassy_executor::main]
async fn main(_spawner: Spawner) {
    let p = embassy_rp::init(Default::default());
    let mut config = Config::default();
    config.frequency = 400_000;
    let i2c = I2c::new_blocking(p.I2C0, p.PIN_5, p.PIN_4, config);

    // A transfer on a bus that somebody holds down never ends: the watchdog resets the chip after a second.
    let mut watchdog = Watchdog::new(p.WATCHDOG);
    watchdog.pause_on_debug(true);
    watchdog.start(Duration::from_secs(1));

    let mut ticker = Ticker::every(Duration::from_millis(PERIOD_MS.into()));
    let tick = async || {
        watchdog.feed(Duration::from_secs(1));
        ticker.next().await;
    };
    run(i2c, tick, log).await
}
