//! The held-out recordings, which stand in for a sensor.

use crate::app::Sample;

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
    type Item = Sample;

    fn next(&mut self) -> Option<Sample> {
        let counts = *COUNTS.get(self.recording)?.get(self.step)?;
        let sample = Sample { recording: self.recording as u16, counts };
        self.step += 1;
        if self.step == COUNTS[self.recording].len() {
            (self.recording, self.step) = (self.recording + 1, 0);
        }
        Some(sample)
    }
}
