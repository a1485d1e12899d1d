//! ESP32-C3-DevKitM-1: SDA on GPIO5, SCL on GPIO6.

#![no_std]
#![no_main]

#[cfg(feature = "rtt")]
use defmt_rtt as _;
use embassy_futures::block_on;
use esp_backtrace as _;
use esp_hal::i2c::master::{Config, I2c, SoftwareTimeout};
use esp_hal::time::{Duration, Instant, Rate};
#[cfg(feature = "serial")]
use esp_println as _;
use firmware_imu::{PERIOD_MS, log, run};

#[cfg(not(any(feature = "rtt", feature = "serial")))]
compile_error!("the log needs a way out: choose the feature rtt or serial");
#[cfg(all(feature = "rtt", feature = "serial"))]
compile_error!("the log has one way out: for serial, add --no-default-features");

esp_bootloader_esp_idf::esp_app_desc!();

#[esp_hal::main]
fn main() -> ! {
    let p = esp_hal::init(esp_hal::Config::default());
    // Of a transfer, on a bus that somebody holds down.
    let timeout = SoftwareTimeout::Transaction(Duration::from_millis(10));
    let config = Config::default().with_frequency(Rate::from_khz(400)).with_software_timeout(timeout);
    let i2c = match I2c::new(p.I2C0, config) {
        Ok(i2c) => i2c.with_sda(p.GPIO5).with_scl(p.GPIO6),
        Err(error) => defmt::panic!("I2C: {}", error),
    };

    let mut due = Instant::now();
    let tick = async || {
        due += Duration::from_millis(PERIOD_MS.into());
        while Instant::now() < due {}
    };
    block_on(run(i2c, tick, log))
}
