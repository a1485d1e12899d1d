//! The application: samples from a queue through the model, one decision each. Knows no board.

use core::hash::Hasher;
use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use fnv::FnvHasher;
use gru_core::{Layer, Stream};
use heapless::spsc::{self, Consumer, Producer};

use crate::model::{CHANNELS, CLASSES};

/// What the sensor's registers hold at one moment.
pub type Counts = [i16; CHANNELS];

/// One reading of the sensor.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// Which recording it belongs to; the model starts anew with each.
    pub recording: u16,
    /// The reading.
    pub counts: Counts,
}

/// Between the sensor's interrupt and the main loop; holds one sample less than its size.
pub type Queue = spsc::Queue<Sample, 16>;

/// What the model takes, made from a reading.
pub trait Input {
    /// Of one reading.
    fn from_counts(counts: &Counts) -> Self;
}

/// What the model gives, one value a class.
pub trait Logits {
    /// Softmax in percent, rounded down.
    fn percentages(&self) -> [u8; CLASSES];
    /// The class of the largest.
    fn class(&self) -> usize;
    /// Feeds the bits of all values to a digest, little-endian.
    fn digest(&self, hasher: &mut FnvHasher);
}

/// What the sensor's side tells the main loop.
#[derive(Debug)]
pub struct Status {
    overruns: AtomicU32,
    ended: AtomicBool,
}

impl Status {
    /// Nothing has happened yet.
    pub const fn new() -> Self {
        Self { overruns: AtomicU32::new(0), ended: AtomicBool::new(false) }
    }

    /// Samples lost because the queue was full.
    pub fn overruns(&self) -> u32 {
        self.overruns.load(Ordering::Relaxed)
    }

    fn ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }
}

/// The sensor: puts the next sample into the queue on every tick.
pub struct Sensor<'q, S> {
    samples: S,
    queue: Producer<'q, Sample>,
    status: &'q Status,
}

impl<'q, S: Iterator<Item = Sample>> Sensor<'q, S> {
    /// The only producer of a queue, and the only writer of a status.
    pub fn new(samples: S, queue: Producer<'q, Sample>, status: &'q Status) -> Self {
        Self { samples, queue, status }
    }

    /// One sample is due. Where the queue is full it is lost, and counted.
    pub fn tick(&mut self) {
        match self.samples.next() {
            None => self.status.ended.store(true, Ordering::Release),
            Some(sample) if self.queue.enqueue(sample).is_ok() => {}
            Some(_) => self.status.overruns.store(self.status.overruns() + 1, Ordering::Relaxed),
        }
    }
}

/// What the model says about a sample.
#[derive(Debug)]
pub struct Decision<'a, O> {
    /// What it is about.
    pub sample: Sample,
    /// Which sample of its recording, from 0; lost ones are not counted.
    pub step: u32,
    /// The most probable class.
    pub class: usize,
    /// Probability of each class in percent.
    pub percentages: [u8; CLASSES],
    /// Samples that wait in the queue.
    pub queued: usize,
    /// The model's outputs.
    pub logits: &'a O,
}

/// What a run came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// Samples that went through the model.
    pub samples: u32,
    /// Those of them whose class is known.
    pub labelled: u32,
    /// Those of them that the model got right.
    pub correct: u32,
    /// 64-bit FNV-1a of all outputs in order.
    pub digest: u64,
    /// Bytes of the model's state.
    pub state_bytes: usize,
}

/// The model at work.
pub struct App<L: Layer + 'static> {
    stream: Stream<'static, L>,
    labels: &'static [u8],
    recording: Option<u16>,
    step: u32,
    samples: u32,
    labelled: u32,
    correct: u32,
    digest: FnvHasher,
}

impl<L: Layer<Input: Input, Output: Logits>> App<L> {
    /// `labels` has the true class of each recording, or is empty where nobody knows.
    pub fn new(model: &'static L, labels: &'static [u8]) -> Self {
        Self {
            stream: Stream::new(model),
            labels,
            recording: None,
            step: 0,
            samples: 0,
            labelled: 0,
            correct: 0,
            digest: FnvHasher::default(),
        }
    }

    /// Takes samples until the sensor has ended and the queue is empty. `idle` waits while there is none; `watch` sees every decision.
    pub fn run(
        mut self,
        mut queue: Consumer<'_, Sample>,
        status: &Status,
        mut idle: impl FnMut(),
        mut watch: impl FnMut(&Decision<'_, L::Output>),
    ) -> Summary {
        loop {
            // Before looking into the queue: the last sample precedes the end.
            let ended = status.ended();
            match queue.dequeue() {
                Some(sample) => watch(&self.step(sample, queue.len())),
                None if ended => return self.summary(),
                None => idle(),
            }
        }
    }

    fn step(&mut self, sample: Sample, queued: usize) -> Decision<'_, L::Output> {
        if self.recording != Some(sample.recording) {
            self.recording = Some(sample.recording);
            self.step = 0;
            self.stream.reset();
        }
        let logits = self.stream.step(&L::Input::from_counts(&sample.counts));
        let (class, percentages) = (logits.class(), logits.percentages());
        let decision = Decision { sample, step: self.step, class, percentages, queued, logits };
        logits.digest(&mut self.digest);
        if let Some(&label) = self.labels.get(usize::from(sample.recording)) {
            self.labelled += 1;
            self.correct += u32::from(class == usize::from(label));
        }
        self.samples += 1;
        self.step += 1;
        decision
    }

    fn summary(&self) -> Summary {
        Summary {
            samples: self.samples,
            labelled: self.labelled,
            correct: self.correct,
            digest: self.digest.finish(),
            state_bytes: size_of::<L::State>(),
        }
    }
}

#[cfg(test)]
mod tests {
    use gru_core::backend::Backend;

    use super::*;
    use crate::recordings::{COUNTS, LABELS, Recordings};

    /// Its first output is the number of steps since the reset.
    struct Counter;

    impl Layer for Counter {
        type Input = Counts;
        type Output = [i16; CLASSES];
        type State = [i16; CLASSES];

        fn forward<'s, B: Backend>(&'s self, _: B, _: &Counts, state: &'s mut Self::State) -> &'s Self::Output {
            state[0] += 1;
            state
        }
    }

    /// Ticks for all samples at once, then runs the app on what the queue holds.
    fn flood(
        samples: &[Sample],
        labels: &'static [u8],
        watch: impl FnMut(&Decision<'_, [i16; CLASSES]>),
    ) -> (Summary, u32) {
        let (mut queue, status) = (Queue::new(), Status::new());
        let (producer, consumer) = queue.split();
        let mut sensor = Sensor::new(samples.iter().copied(), producer, &status);
        for _ in 0..=samples.len() {
            sensor.tick();
        }
        let summary = App::new(&Counter, labels).run(consumer, &status, || unreachable!("the sensor has ended"), watch);
        (summary, status.overruns())
    }

    fn sample(recording: u16) -> Sample {
        Sample { recording, counts: [0; CHANNELS] }
    }

    #[test]
    fn what_the_queue_cannot_hold_is_counted() {
        let (summary, overruns) = flood(&[sample(0); 20], &[], |_| ());
        assert_eq!((summary.samples, overruns), (15, 5));
        let (summary, overruns) = flood(&[sample(0); 15], &[], |_| ());
        assert_eq!((summary.samples, overruns), (15, 0));
    }

    #[test]
    fn the_model_starts_anew_with_each_recording() {
        let mut seen = Vec::new();
        flood(&[0, 0, 1, 1, 1, 0].map(sample), &[], |decision| seen.push((decision.step, decision.logits[0])));
        assert_eq!(seen, [(0, 1), (1, 2), (0, 1), (1, 2), (2, 3), (0, 1)]);
    }

    #[test]
    fn decisions_are_held_against_labels_where_there_are_any() {
        let (summary, _) = flood(&[0, 1, 1, 2].map(sample), &[0, 3], |decision| assert_eq!(decision.class, 0));
        assert_eq!((summary.labelled, summary.correct), (3, 1));
    }

    #[test]
    fn the_digest_is_over_outputs_in_order() {
        let digest = |recordings: &[u16]| {
            flood(&recordings.iter().copied().map(sample).collect::<Vec<_>>(), &[], |_| ()).0.digest
        };
        // FNV-1a of 01 00 00 00 00 00 00 00 as in the definition.
        let by_hand = [1u8, 0, 0, 0, 0, 0, 0, 0]
            .iter()
            .fold(0xcbf2_9ce4_8422_2325u64, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
        assert_eq!(digest(&[0]), by_hand);
        assert_ne!(digest(&[0, 0, 1]), digest(&[0, 1, 1]));
    }

    #[test]
    fn recordings_play_from_the_first_sample_to_the_last() {
        let mut samples = Recordings::default();
        assert_eq!(samples.next(), Some(Sample { recording: 0, counts: COUNTS[0][0] }));
        let last = samples.last().expect("there is more than one sample");
        assert_eq!(last, Sample { recording: 39, counts: COUNTS[39][99] });
        assert_eq!(Recordings::default().count(), COUNTS.len() * COUNTS[0].len());
        assert_eq!(LABELS.len(), COUNTS.len());
    }
}
