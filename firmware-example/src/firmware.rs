//! The firmware, the same for every board: the timer's interrupt plays the recordings into the queue, the main loop takes them out.

use core::cell::RefCell;
use core::hint::black_box;

use critical_section::Mutex;
use defmt_semihosting as _;
use gru_core::{Layer, Stream};
use semihosting::{experimental::env, process};

use crate::app::{App, Input, Logits, Queue, Sensor, Status};
use crate::board::{self, Timer};
use crate::model;
use crate::recordings::{COUNTS, LABELS, Recordings, SAMPLE_HZ};
use crate::report::{self, Print};

static SENSOR: Mutex<RefCell<Option<Sensor<'static, Recordings>>>> = Mutex::new(RefCell::new(None));
static STATUS: Status = Status::new();

/// Runs the model that the feature `f32` chooses.
pub fn run(timer: Timer) -> ! {
    if cfg!(feature = "f32") { run_model(&model::float::MODEL, timer) } else { run_model(&model::int8::MODEL, timer) }
}

/// Runs to the last sample. Exits with 0 if the queue overran exactly when it was asked to.
///
/// With the argument `overload` samples come twice as fast as the model takes them.
fn run_model<L>(model: &'static L, mut timer: Timer) -> !
where
    L: Layer<Input: Input, Output: Logits + Print>,
{
    let queue = board::singleton!(: Queue = Queue::new()).expect("the firmware is entered once");
    let (producer, consumer) = queue.split();
    let sensor = Sensor::new(Recordings::default(), producer, &STATUS);
    critical_section::with(|cs| SENSOR.replace(cs, Some(sensor)));

    let ticks_per_step = ticks_per_step(model, &mut timer);
    let overload = has_argument("overload");
    timer.interrupt_every(if overload { ticks_per_step / 2 } else { board::TIMER_HZ / SAMPLE_HZ });

    let app = App::new(model, &LABELS);
    let summary =
        app.run(consumer, &STATUS, board::wait_for_interrupt, |decision| report::decision(decision, STATUS.overruns()));
    report::cost(ticks_per_step);
    report::summary(&summary, STATUS.overruns());
    process::exit(i32::from((STATUS.overruns() > 0) != overload))
}

/// What the timer's interrupt does.
pub fn on_timer() {
    critical_section::with(|cs| {
        if let Some(sensor) = SENSOR.borrow_ref_mut(cs).as_mut() {
            sensor.tick();
        }
    });
}

/// Mean over the first recording, before any interrupt.
fn ticks_per_step<L: Layer<Input: Input>>(model: &L, timer: &mut Timer) -> u32 {
    let mut stream = Stream::new(model);
    let overhead = timer.ticks(|| ());
    let ticks = COUNTS[0].iter().map(|counts| {
        let input = L::Input::from_counts(counts);
        timer.ticks(|| _ = black_box(stream.step(black_box(&input)))) - overhead
    });
    ticks.sum::<u32>() / COUNTS[0].len() as u32
}

fn has_argument(name: &str) -> bool {
    env::args::<64>().is_ok_and(|arguments| (&arguments).any(|argument| argument == Ok(name)))
}
