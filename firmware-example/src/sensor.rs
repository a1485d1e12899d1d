//! The sensor's side: an interrupt numbers the samples and puts them into a queue.

use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use heapless::spsc::{self, Producer};

use crate::model::CHANNELS;

/// What the sensor's registers hold at one moment.
pub type Counts = [i16; CHANNELS];

/// What the sensor gives when a sample is due.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reading {
    /// Which recording it belongs to; the model starts anew with each.
    pub recording: u16,
    /// Of each channel.
    pub counts: Counts,
}

/// A reading and its time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// Ticks of the sensor before it: where two samples are further apart than one, some are missing.
    pub tick: u32,
    /// What the sensor gave.
    pub reading: Reading,
}

/// Between the sensor's interrupt and the main loop; holds one sample less than its size.
pub type Queue = spsc::Queue<Sample, 16>;

/// What the sensor's side tells the main loop.
#[derive(Debug)]
pub struct Status {
    overruns: AtomicU32,
    dropouts: AtomicU32,
    ended: AtomicBool,
}

impl Status {
    /// Nothing has happened yet.
    pub const fn new() -> Self {
        Self { overruns: AtomicU32::new(0), dropouts: AtomicU32::new(0), ended: AtomicBool::new(false) }
    }

    /// Samples lost because the queue was full.
    pub fn overruns(&self) -> u32 {
        self.overruns.load(Ordering::Relaxed)
    }

    /// Samples that were due and that the sensor did not give.
    pub fn dropouts(&self) -> u32 {
        self.dropouts.load(Ordering::Relaxed)
    }

    /// Whether no sample will come any more.
    pub fn ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }
}

/// The sensor: puts the next sample into the queue on every tick. `None` among its readings is one that was due and is not there.
pub struct Sensor<'q, S> {
    readings: S,
    queue: Producer<'q, Sample>,
    status: &'q Status,
    tick: u32,
}

impl<'q, S: Iterator<Item = Option<Reading>>> Sensor<'q, S> {
    /// The only producer of a queue, and the only writer of a status.
    pub fn new(readings: S, queue: Producer<'q, Sample>, status: &'q Status) -> Self {
        Self { readings, queue, status, tick: 0 }
    }

    /// One sample is due. Where the sensor has none, or the queue is full, it is missing, and counted.
    pub fn tick(&mut self) {
        let increment = |count: &AtomicU32| count.store(count.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
        match self.readings.next() {
            None => self.status.ended.store(true, Ordering::Release),
            Some(None) => increment(&self.status.dropouts),
            Some(Some(reading)) => {
                if self.queue.enqueue(Sample { tick: self.tick, reading }).is_err() {
                    increment(&self.status.overruns);
                }
            }
        }
        self.tick = self.tick.wrapping_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_queue_cannot_hold_and_what_the_sensor_does_not_give_is_counted() {
        let reading = Some(Reading { recording: 0, counts: [0; CHANNELS] });
        let readings = [reading; 17].into_iter().chain([None, None]).chain([reading]);
        let (mut queue, status) = (Queue::new(), Status::new());
        let (producer, mut consumer) = queue.split();
        let mut sensor = Sensor::new(readings, producer, &status);
        for _ in 0..19 {
            sensor.tick();
        }
        assert_eq!((status.overruns(), status.dropouts(), status.ended()), (2, 2, false));
        let mut ticks: Vec<u32> = std::iter::from_fn(|| consumer.dequeue()).map(|sample| sample.tick).collect();
        for _ in 0..2 {
            sensor.tick();
        }
        ticks.extend(consumer.dequeue().map(|sample| sample.tick));
        assert_eq!(ticks, (0..15).chain([19]).collect::<Vec<_>>());
        assert!(status.ended());
    }
}
