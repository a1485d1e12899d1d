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
use crate::report::{self, Cost, Print};

static SENSOR: Mutex<RefCell<Option<Sensor<'static, Recordings>>>> = Mutex::new(RefCell::new(None));
static STATUS: Status = Status::new();

/// Runs the model that is compiled in.
pub fn run(timer: Timer) -> ! {
    #[cfg(not(int8))]
    use model::float::MODEL;
    #[cfg(int8)]
    use model::int8::MODEL;
    run_model(&MODEL, timer)
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

    let cost = cost(model, &mut timer);
    let overload = has_argument("overload");
    timer.interrupt_every(if overload { cost.mean / 2 } else { board::TIMER_HZ / SAMPLE_HZ });

    let app = App::new(model, &LABELS);
    let summary =
        app.run(consumer, &STATUS, board::wait_for_interrupt, |decision| report::decision(decision, STATUS.overruns()));
    report::cost(&cost);
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

/// Of steps over the first recording, before any interrupt.
fn cost<L: Layer<Input: Input>>(model: &L, timer: &mut Timer) -> Cost {
    let mut stream = Stream::new(model);
    let overhead = timer.ticks(|| ());
    let (mut sum, mut fastest, mut slowest) = (0, u32::MAX, 0);
    for counts in &COUNTS[0] {
        let input = L::Input::from_counts(counts);
        let ticks = timer.ticks(|| _ = black_box(stream.step(black_box(&input)))) - overhead;
        (sum, fastest, slowest) = (sum + ticks, fastest.min(ticks), slowest.max(ticks));
    }
    Cost { mean: sum / COUNTS[0].len() as u32, fastest, slowest }
}

fn has_argument(name: &str) -> bool {
    env::args::<64>().is_ok_and(|arguments| (&arguments).any(|argument| argument == Ok(name)))
}
