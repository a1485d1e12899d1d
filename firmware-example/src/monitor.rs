//! Whether the sensor's channels still move.

use crate::model::CHANNELS;
use crate::sensor::Counts;

/// Equal counts in a row after which a channel is stuck: a second. A real sensor is noisy; the longest such run in the bundled
/// recordings is half of it.
pub const STUCK: u8 = 10;
/// Counts in a row at an end of the register's range after which a channel is stuck. No bundled recording has a single one.
pub const RAIL: u8 = 3;

/// Channels, bit 0 for the first.
pub type Channels = u8;
const _: () = assert!(CHANNELS <= Channels::BITS as usize);

/// How long each channel has not moved.
#[derive(Debug, Default)]
pub struct Monitor {
    last: Counts,
    runs: [u8; CHANNELS],
}

impl Monitor {
    /// Takes the next sample; the channels that are stuck with it.
    pub fn stuck(&mut self, counts: &Counts) -> Channels {
        let mut stuck = 0;
        for (channel, ((run, last), &count)) in self.runs.iter_mut().zip(&self.last).zip(counts).enumerate() {
            *run = if count == *last { run.saturating_add(1) } else { 1 };
            let limit = if matches!(count, i16::MIN | i16::MAX) { RAIL } else { STUCK };
            stuck |= Channels::from(*run >= limit) << channel;
        }
        self.last = *counts;
        stuck
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recordings::COUNTS;

    /// What the monitor says of a channel while the others move.
    fn flags(channel: usize, counts: &[i16]) -> Vec<Channels> {
        let mut monitor = Monitor::default();
        let samples = counts.iter().zip(1..).map(|(&count, time)| {
            let mut sample = [time; CHANNELS];
            sample[channel] = count;
            sample
        });
        samples.map(|sample| monitor.stuck(&sample)).collect()
    }

    #[test]
    fn a_channel_is_stuck_from_its_tenth_equal_count_until_it_moves() {
        let mut counts = [7; 12].to_vec();
        counts.extend([8, 8]);
        assert_eq!(flags(4, &counts), [[0; 9].to_vec(), [1 << 4; 3].to_vec(), [0; 2].to_vec()].concat());
        // No sample has come before the first.
        assert_eq!(flags(0, &[0; 11]).iter().position(|&stuck| stuck != 0), Some(9));
    }

    #[test]
    fn a_channel_is_stuck_from_its_third_count_at_a_rail() {
        for rail in [i16::MIN, i16::MAX] {
            assert_eq!(flags(5, &[rail, rail, rail, rail, 0, rail]), [0, 0, 1 << 5, 1 << 5, 0, 0]);
        }
        assert_eq!(flags(5, &[i16::MAX, i16::MIN, i16::MAX, i16::MIN]), [0; 4]);
    }

    #[test]
    fn a_run_has_no_end_that_its_counter_forgets() {
        assert!(flags(1, &[7; 1000])[9..].iter().all(|&stuck| stuck == 1 << 1));
    }

    #[test]
    fn the_recordings_have_runs_of_half_the_limit_and_no_count_at_a_rail() {
        let mut longest = 0;
        for recording in &COUNTS {
            for channel in 0..CHANNELS {
                let counts: Vec<i16> = recording.iter().map(|counts| counts[channel]).collect();
                longest = counts.chunk_by(|a, b| a == b).map(<[_]>::len).max().max(Some(longest)).unwrap_or(0);
                assert!(!counts.iter().any(|count| matches!(*count, i16::MIN | i16::MAX)));
            }
        }
        assert_eq!(longest, usize::from(STUCK) / 2);
    }
}
