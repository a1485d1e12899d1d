//! The firmware, the same for every board: the timer's interrupt plays the recordings into the queue, the main loop takes them out.

use core::cell::RefCell;
use core::hint::black_box;
use core::ops::ControlFlow;

use critical_section::Mutex;
use defmt_semihosting as _;
use gru_core::{Integrity, Layer, Stream};
use semihosting::{experimental::env, process};

use crate::app::{App, Input, Logits};
use crate::board::{self, Timer};
use crate::faults::{self, Fault, Faulty};
use crate::model;
use crate::recordings::{COUNTS, LABELS, SAMPLE_HZ};
use crate::report::{self, Cost, Print};
use crate::sensor::{Queue, Sensor, Status};
use crate::watchdog::{Supervisor, Watchdog};

/// Ticks of the timer between two samples.
const PERIOD: u32 = board::TIMER_HZ / SAMPLE_HZ;
/// Ticks of the timer that a step may take: the rest of the period is for the log, the flash check and the interrupts.
const BUDGET: u32 = PERIOD / 4 * 3;
/// Bytes of the weights that are checked whenever no sample waits.
const CHECKED_BYTES: usize = 64;

/// Exit code where the main loop hangs or its steps take too long; a product would let its hardware watchdog bite.
const WATCHDOG: i32 = 3;
/// Exit code where the weights are not those that were compiled; a product would refuse the model until it is flashed again.
const FLASH: i32 = 2;

static SENSOR: Mutex<RefCell<Option<Sensor<'static, Faulty>>>> = Mutex::new(RefCell::new(None));
static STATUS: Status = Status::new();
static LOOP: Watchdog = Watchdog::new();

/// Runs the model that is compiled in.
pub fn run(timer: Timer) -> ! {
    #[cfg(not(int8))]
    use model::float::{Flash, MODEL};
    #[cfg(int8)]
    use model::int8::{Flash, MODEL};
    run_model(&MODEL, Integrity::of::<Flash>(), timer)
}

/// Runs to the last sample. Exits with 0 if the queue overran exactly when it was asked to.
///
/// An argument names a [`Fault`] to inject.
fn run_model<L>(model: &'static L, mut flash: Integrity, mut timer: Timer) -> !
where
    L: Layer<Input: Input, Output: Logits + Print>,
{
    let fault = fault();
    if fault != Some(Fault::Late) && !flash.check() {
        refuse();
    }

    report::limits(BUDGET);

    let queue = board::singleton!(: Queue = Queue::new()).expect("the firmware is entered once");
    let (producer, mut consumer) = queue.split();
    let sensor = Sensor::new(Faulty::new(fault), producer, &STATUS);
    critical_section::with(|cs| SENSOR.replace(cs, Some(sensor)));

    let cost = cost(model, &mut timer);
    let clock = timer.interrupt_every(if fault == Some(Fault::Overload) { cost.mean / 2 } else { PERIOD });
    let supervisor = Supervisor::new(&LOOP, if fault == Some(Fault::Slow) { cost.fastest / 2 } else { BUDGET });

    // Checks and sleeps in turn, so that between the look into the queue and sleep there is no more than a few instructions.
    let (mut checks, mut checked) = (0, false);
    let mut idle = || {
        supervisor.idle();
        checked = !checked;
        if !checked {
            board::wait_for_interrupt();
        } else if let Some(intact) = flash.advance(CHECKED_BYTES) {
            if !intact {
                refuse();
            }
            checks += 1;
        }
    };
    let mut last = matches!(fault, Some(Fault::Reset | Fault::Hang)).then_some(faults::LAST);
    let summary = loop {
        let app = App::new(model, &LABELS);
        let summary = app.run(
            &mut consumer,
            &STATUS,
            || clock.now(),
            &mut idle,
            |decision| {
                supervisor.stepped(decision.ticks);
                report::decision(decision, STATUS.overruns());
                if last == Some(decision.step) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            },
        );
        if last.take().is_none() {
            break summary;
        }
        while fault == Some(Fault::Hang) {
            board::wait_for_interrupt();
        }
    };
    report::cost(&cost, supervisor.late());
    report::flash(checks);
    report::summary(&summary, &STATUS);
    process::exit(i32::from((STATUS.overruns() > 0) != (fault == Some(Fault::Overload))))
}

/// What the timer's interrupt does.
pub fn on_timer() {
    critical_section::with(|cs| {
        if let Some(sensor) = SENSOR.borrow_ref_mut(cs).as_mut() {
            sensor.tick();
        }
    });
    if !LOOP.tick() {
        report::fault("watchdog");
        process::exit(WATCHDOG)
    }
}

/// The weights have changed: no decision is made with them.
fn refuse() -> ! {
    report::fault("flash");
    process::exit(FLASH)
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

/// The fault that the arguments name.
fn fault() -> Option<Fault> {
    let arguments = env::args::<64>().ok()?;
    (&arguments).filter_map(Result::ok).find_map(Fault::named)
}
