//! The held-out recordings, which stand in for a sensor.

use crate::sensor::Reading;

include!(concat!(env!("OUT_DIR"), "/recordings.rs"));

/// Samples a second.
pub const SAMPLE_HZ: u32 = 10;

/// All recordings from the first sample to the last.
#[derive(Debug, Default)]
pub struct Recordings {
    recording: usize,
    step: usize,
}

impl Iterator for Recordings {
    type Item = Reading;

    fn next(&mut self) -> Option<Reading> {
        let counts = *COUNTS.get(self.recording)?.get(self.step)?;
        let reading = Reading { recording: self.recording as u16, counts };
        self.step += 1;
        if self.step == COUNTS[self.recording].len() {
            (self.recording, self.step) = (self.recording + 1, 0);
        }
        Some(reading)
    }
}
