//! What a board says, through defmt.

use embedded_hal::i2c;

use crate::model::LABELS;
use crate::monitor::Event;

/// Logs an event.
pub fn log<E: i2c::Error>(event: &Event<E>) {
    match event {
        Event::Started { address, identity } => defmt::info!(
            "LSM6DS at {=u8:#04x}, WHO_AM_I {=u8:#04x}; backend {=str}",
            address,
            identity,
            gru_core::backend::active()
        ),
        Event::Decided(decision) => {
            let class = decision.class();
            defmt::info!(
                "step {=u32}: {=str} {=u8} %{=str}{=str}, counts {}",
                decision.step,
                LABELS[class],
                decision.percentages()[class],
                if decision.settled() { "" } else { ", settling" },
                if decision.clipped { ", clipped" } else { "" },
                decision.counts
            );
        }
        Event::Missed(error) => defmt::warn!("{}", defmt::Display2Format(error)),
    }
}
