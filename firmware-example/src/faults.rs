//! Faults that can be injected into the firmware, by name. A product leaves this out.

use core::ops::Range;

use crate::recordings::Recordings;
use crate::sensor::{Counts, Reading};

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Samples come twice as fast as the model takes them.
    Overload,
    /// The sensor gives no samples for a while, twice: for a moment, then for longer.
    Dropout,
    /// One channel freezes, then another is at the end of its range.
    Stuck,
    /// The processor is reset while the sensor goes on.
    Reset,
    /// The main loop does not come back from a decision.
    Hang,
    /// Steps take twice their budget.
    Slow,
    /// A bit in flash has flipped after the check at boot, which is left out.
    Late,
}

/// Names as arguments of the firmware.
const NAMES: [(&str, Fault); 7] = [
    ("overload", Fault::Overload),
    ("dropout", Fault::Dropout),
    ("stuck", Fault::Stuck),
    ("reset", Fault::Reset),
    ("hang", Fault::Hang),
    ("slow", Fault::Slow),
    ("late", Fault::Late),
];

/// Ticks without a sample, which the app bridges.
const MOMENT: Range<u32> = 30..32;
/// Ticks without a sample, too many for that.
const SILENCE: Range<u32> = 50..60;
/// Ticks while channel 1 gives what it gave before.
const FROZEN: Range<u32> = 25..45;
/// Ticks while channel 4 gives the most that its register holds.
const SATURATED: Range<u32> = 70..76;
/// The decision after which the processor is reset, or hangs.
pub const LAST: u32 = 40;

impl Fault {
    /// Of that name.
    pub fn named(name: &str) -> Option<Self> {
        NAMES.iter().find(|(known, _)| *known == name).map(|&(_, fault)| fault)
    }
}

/// The recordings as the sensor gives them: all of them, or the first with a fault in it.
#[derive(Debug)]
pub struct Faulty {
    fault: Option<Fault>,
    recordings: Recordings,
    tick: u32,
    frozen: Counts,
}

impl Faulty {
    /// From the first sample on.
    pub fn new(fault: Option<Fault>) -> Self {
        Self { fault, recordings: Recordings::default(), tick: 0, frozen: Counts::default() }
    }
}

impl Iterator for Faulty {
    /// `None` where the sensor has no sample.
    type Item = Option<Reading>;

    fn next(&mut self) -> Option<Option<Reading>> {
        let mut reading = self.recordings.next()?;
        let tick = self.tick;
        self.tick += 1;
        match self.fault {
            None | Some(Fault::Overload) => {}
            Some(_) if reading.recording > 0 => return None,
            Some(Fault::Dropout) if MOMENT.contains(&tick) || SILENCE.contains(&tick) => return Some(None),
            Some(Fault::Stuck) => {
                if FROZEN.contains(&tick) {
                    reading.counts[1] = self.frozen[1];
                }
                if SATURATED.contains(&tick) {
                    reading.counts[4] = i16::MAX;
                }
                self.frozen = reading.counts;
            }
            Some(_) => {}
        }
        Some(Some(reading))
    }
}
