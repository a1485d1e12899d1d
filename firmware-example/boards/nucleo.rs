//! Nucleo-F446RE and Nucleo-H743ZI, whose Arduino headers are the same: SDA on PB9 (D14), SCL on PB8 (D15).

#![no_std]
#![no_main]

use defmt_rtt as _;
use embassy_executor::Spawner;
use embassy_stm32::i2c::{Config, I2c};
use embassy_stm32::time::Hertz;
use embassy_time::{Duration, Ticker};
use firmware_imu::{PERIOD_MS, log, run};
use panic_probe as _;

#[embassy_executor::main]
async fn main(_spawner: Spawner) {
    let p = embassy_stm32::init(Default::default());
    let mut config = Config::default();
    config.frequency = Hertz::khz(400);
    // Of a transfer, on a bus that somebody holds down.
    config.timeout = Duration::from_millis(10);
    let i2c = I2c::new_blocking(p.I2C1, p.PB8, p.PB9, config);

    let mut ticker = Ticker::every(Duration::from_millis(PERIOD_MS.into()));
    run(i2c, async || ticker.next().await, log).await
}
