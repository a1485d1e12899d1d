//! The application: samples from a queue through the model, one decision each. Knows no board.

use core::hash::Hasher;
use core::ops::ControlFlow;

use fnv::FnvHasher;
use gru_core::{Layer, Stream};
use heapless::spsc::Consumer;

use crate::model::CLASSES;
use crate::monitor::{Channels, Monitor};
use crate::sensor::{Counts, Sample, Status};

/// Samples missing in a row that the last one before stands in for. Where more are missing, the model starts anew.
///
/// In the bundled recordings 98.8 % of the decisions right after two held samples are those of the undisturbed stream.
pub const MAX_HELD: u32 = 2;
/// Samples that wait in the queue up to which the main loop has time for missing ones.
const MAX_QUEUED: usize = 7;
/// Samples from a fresh start until the decisions are those of a stream that has seen more: 99 % of them in the bundled recordings, where it
/// is 68 % of the first ones.
pub const SETTLING: u8 = 15;

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

/// What the model says about a sample.
#[derive(Debug)]
pub struct Decision<'a, O> {
    /// What it is about.
    pub sample: Sample,
    /// Ticks of the sensor since the first sample of its recording that this stream has seen.
    pub step: u32,
    /// The most probable class.
    pub class: usize,
    /// Probability of each class in percent.
    pub percentages: [u8; CLASSES],
    /// Samples until the model has seen enough since its last fresh start.
    pub settling: u8,
    /// Channels that do not move.
    pub stuck: Channels,
    /// Samples that wait in the queue.
    pub queued: usize,
    /// What the step took, in ticks of the clock.
    #[cfg_attr(not(target_os = "none"), allow(dead_code, reason = "nobody is late in a terminal"))]
    pub ticks: u32,
    /// The model's outputs.
    pub logits: &'a O,
}

impl<O> Decision<'_, O> {
    /// Whether anything may be done upon it.
    pub fn trusted(&self) -> bool {
        self.settling == 0 && self.stuck == 0
    }
}

/// What a run came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// Samples that went through the model.
    pub samples: u32,
    /// Missing samples that the one before stood in for.
    pub held: u32,
    /// Fresh starts in the midst of a recording.
    pub restarts: u32,
    /// Samples whose decision is to be trusted.
    pub trusted: u32,
    /// Samples whose class is known.
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
    monitor: Monitor,
    stuck: Channels,
    settling: u8,
    /// The first sample of the recording and the last.
    ends: Option<[Sample; 2]>,
    digest: FnvHasher,
    summary: Summary,
}

impl<L: Layer<Input: Input, Output: Logits>> App<L> {
    /// `labels` has the true class of each recording, or is empty where nobody knows.
    pub fn new(model: &'static L, labels: &'static [u8]) -> Self {
        Self {
            stream: Stream::new(model),
            labels,
            monitor: Monitor::default(),
            stuck: 0,
            settling: SETTLING,
            ends: None,
            digest: FnvHasher::default(),
            summary: Summary {
                samples: 0,
                held: 0,
                restarts: 0,
                trusted: 0,
                labelled: 0,
                correct: 0,
                digest: 0,
                state_bytes: size_of::<L::State>(),
            },
        }
    }

    /// Takes samples until the sensor has ended and the queue is empty, or `watch`, which sees every decision, breaks. `clock` times the
    /// steps, `idle` waits while there is no sample.
    pub fn run(
        mut self,
        queue: &mut Consumer<'_, Sample>,
        status: &Status,
        clock: impl Fn() -> u32,
        mut idle: impl FnMut(),
        mut watch: impl FnMut(&Decision<'_, L::Output>) -> ControlFlow<()>,
    ) -> Summary {
        loop {
            // Before looking into the queue: the last sample precedes the end.
            let ended = status.ended();
            match queue.dequeue() {
                Some(sample) => {
                    if watch(&self.step(sample, queue.len(), &clock)).is_break() {
                        break;
                    }
                }
                None if ended => break,
                None => idle(),
            }
        }
        Summary { digest: self.digest.finish(), ..self.summary }
    }

    fn step(&mut self, sample: Sample, queued: usize, clock: impl Fn() -> u32) -> Decision<'_, L::Output> {
        let reading = sample.reading;
        let step = self.follow(sample, queued);
        let stuck = self.monitor.stuck(&reading.counts);
        if self.stuck != 0 && stuck == 0 {
            self.restart();
            self.summary.restarts += 1;
        }
        self.stuck = stuck;

        let start = clock();
        let logits = self.stream.step(&L::Input::from_counts(&reading.counts));
        let ticks = clock().wrapping_sub(start);
        let (class, percentages) = (logits.class(), logits.percentages());
        let decision =
            Decision { sample, step, class, percentages, settling: self.settling, stuck, queued, ticks, logits };
        logits.digest(&mut self.digest);
        self.settling = self.settling.saturating_sub(1);
        self.summary.samples += 1;
        self.summary.trusted += u32::from(decision.trusted());
        if let Some(&label) = self.labels.get(usize::from(reading.recording)) {
            self.summary.labelled += 1;
            self.summary.correct += u32::from(class == usize::from(label));
        }
        decision
    }

    /// Makes up for what is missing between the last sample and this; ticks since the recording's first.
    fn follow(&mut self, sample: Sample, queued: usize) -> u32 {
        let same = |ends: &[Sample; 2]| ends[0].reading.recording == sample.reading.recording;
        let Some([first, last]) = self.ends.filter(same) else {
            self.ends = Some([sample; 2]);
            self.forget();
            return 0;
        };
        self.ends = Some([first, sample]);
        let missing = sample.tick.wrapping_sub(last.tick).wrapping_sub(1);
        if missing > MAX_HELD || missing > 0 && queued > MAX_QUEUED {
            self.forget();
            self.summary.restarts += 1;
        } else {
            for _ in 0..missing {
                self.stream.step(&L::Input::from_counts(&last.reading.counts));
            }
            self.summary.held += missing;
        }
        sample.tick.wrapping_sub(first.tick)
    }

    /// What came before this sample says nothing about it.
    fn forget(&mut self) {
        self.monitor = Monitor::default();
        self.stuck = 0;
        self.restart();
    }

    fn restart(&mut self) {
        self.stream.reset();
        self.settling = SETTLING;
    }
}

#[cfg(test)]
mod tests;
