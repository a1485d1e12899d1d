//! One sample, one step, one decision; and what is done when the sensor fails.

use embedded_hal::i2c::I2c;
use gru_core::{Stream, argmax, softmax_q15};

use crate::counts::{Counts, Gravity, clipped, convert, saturate};
use crate::lsm6ds::{Error, Lsm6ds};
use crate::model::{MODEL, Model, OUTPUT_FRAC_BITS, OUTPUT_SIZE};

/// Between two samples of the recordings that the model was trained on.
pub const PERIOD_MS: u32 = 100;

/// Samples in a row that fail before the sensor is looked for and set up, and the model starts, anew. For fewer the model takes the last sample
/// again: the rule of the example, whose README has what it was measured by.
pub const PATIENCE: u8 = 3;

/// Steps after a start until a decision may be acted upon, measured there too.
pub const SETTLING: u32 = 15;

/// What a tick came to.
#[derive(Debug, Clone, PartialEq)]
pub enum Event<E> {
    /// The sensor was found and set up, and the model starts anew; samples follow from the next tick on.
    Started {
        /// Where the sensor is.
        address: u8,
        /// What it says it is.
        identity: u8,
    },
    /// There was a sample.
    Decided(Decision),
    /// There was none.
    Missed(Error<E>),
}

/// What the model says about a sample.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// Which decision since the model started, from 0, at most `u32::MAX`.
    pub step: u32,
    /// What the model was given.
    pub counts: Counts,
    /// Whether a channel of it was at the end of its range.
    pub clipped: bool,
    /// The model's outputs.
    pub logits: [i16; OUTPUT_SIZE],
}

impl Decision {
    /// Whether the model has seen enough for it to be acted upon.
    #[must_use]
    pub const fn settled(&self) -> bool {
        self.step >= SETTLING
    }

    /// The most probable class: an index of [`LABELS`](crate::model::LABELS).
    #[must_use]
    pub fn class(&self) -> usize {
        argmax(&self.logits)
    }

    /// Probability of each class in percent, rounded down.
    #[must_use]
    pub fn percentages(&self) -> [u8; OUTPUT_SIZE] {
        softmax_q15(&self.logits, OUTPUT_FRAC_BITS).map(|p| ((i32::from(p) * 100) >> 15) as u8)
    }
}

/// A sensor and the model that listens to it.
pub struct Monitor<I> {
    sensor: Lsm6ds<I>,
    gravity: Gravity,
    stream: Stream<'static, Model>,
    step: u32,
    /// What the model was given last.
    last: Option<Counts>,
    /// Samples that may still fail; 0 before the sensor is set up.
    patience: u8,
}

impl<I: I2c> Monitor<I> {
    /// Asks nothing of the bus.
    pub fn new(bus: I) -> Self {
        let (sensor, stream) = (Lsm6ds::new(bus), Stream::new(&MODEL));
        Self { sensor, gravity: Gravity::default(), stream, step: 0, last: None, patience: 0 }
    }

    /// A sample is due: to be called every [`PERIOD_MS`].
    pub fn tick(&mut self) -> Event<I::Error> {
        let event = if self.patience == 0 { self.start() } else { self.step() };
        event.unwrap_or_else(|error| {
            self.patience = self.patience.saturating_sub(1);
            if self.patience > 0
                && let Some(last) = &self.last
            {
                forward(&mut self.stream, last);
            }
            Event::Missed(error)
        })
    }

    fn start(&mut self) -> Result<Event<I::Error>, Error<I::Error>> {
        let identity = self.sensor.configure()?;
        self.stream.reset();
        self.gravity = Gravity::default();
        self.step = 0;
        self.last = None;
        self.patience = PATIENCE;
        Ok(Event::Started { address: self.sensor.address(), identity })
    }

    fn step(&mut self) -> Result<Event<I::Error>, Error<I::Error>> {
        let reading = self.sensor.read()?;
        self.patience = PATIENCE;
        let counts = saturate(self.gravity.remove(convert(&reading)));
        let logits = forward(&mut self.stream, &counts);
        self.last = Some(counts);
        let step = self.step;
        self.step = step.saturating_add(1);
        Ok(Event::Decided(Decision { step, counts, clipped: clipped(&reading, &counts), logits }))
    }
}

/// A step of the model; its kernels lie in flash once, wherever it is called.
#[inline(never)]
fn forward(stream: &mut Stream<'static, Model>, counts: &Counts) -> [i16; OUTPUT_SIZE] {
    *stream.step(counts)
}

/// Samples for ever: waits for `tick`, which should come every [`PERIOD_MS`], and hands on what it came to.
pub async fn run<I: I2c>(bus: I, mut tick: impl AsyncFnMut(), mut report: impl FnMut(&Event<I::Error>)) -> ! {
    let mut monitor = Monitor::new(bus);
    loop {
        tick().await;
        report(&monitor.tick());
    }
}
