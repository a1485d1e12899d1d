//! What the monitor does when the sensor fails.

use std::cell::RefCell;
use std::future::{Future, pending};
use std::pin::pin;
use std::task::{Context, Waker};

use embedded_hal::i2c::ErrorKind;
use firmware_imu::lsm6ds::{ADDRESSES, Error, IDENTITIES};
use firmware_imu::model::MODEL;
use firmware_imu::monitor::{PATIENCE, SETTLING};
use firmware_imu::{Decision, Event, Monitor, run};
use gru_core::Stream;

use crate::simulated::{BusError, Fault, Simulated, Wired};

const STARTED: Event<BusError> = Event::Started { address: ADDRESSES[0], identity: IDENTITIES[0] };
const STUCK: Event<BusError> = Event::Missed(Error::Bus(BusError(ErrorKind::Bus)));
const NOT_READY: Event<BusError> = Event::Missed(Error::NotReady);

fn sensor() -> RefCell<Simulated> {
    RefCell::new(Simulated::new(ADDRESSES[0], IDENTITIES[0]))
}

/// A sample, which the sensor has if it is set up; and what comes of it: the step, if there is a decision.
fn tick(bus: &RefCell<Simulated>, monitor: &mut Monitor<Wired<'_>>) -> Result<u32, Event<BusError>> {
    bus.borrow_mut().measure([0.3, -9.7, 0.5], [0.1, 0.0, -0.1]);
    match monitor.tick() {
        Event::Decided(decision) => Ok(decision.step),
        other => Err(other),
    }
}

/// Of a sample with this acceleration along x.
fn decide(bus: &RefCell<Simulated>, monitor: &mut Monitor<Wired<'_>>, acceleration: f64) -> Decision {
    bus.borrow_mut().measure([acceleration, 0.0, 0.0], [1.0; 3]);
    match monitor.tick() {
        Event::Decided(decision) => decision,
        other => panic!("expected a decision, found {other:?}"),
    }
}

#[test]
fn a_sensor_that_is_plugged_in_late_is_found() {
    let bus = sensor();
    let mut monitor = Monitor::new(Wired(&bus));
    bus.borrow_mut().fault = Some(Fault::Stuck);
    for _ in 0..20 {
        assert_eq!(tick(&bus, &mut monitor), Err(STUCK));
    }
    bus.borrow_mut().fault = None;
    assert_eq!(tick(&bus, &mut monitor), Err(STARTED));
    assert_eq!(tick(&bus, &mut monitor), Ok(0));
}

#[test]
fn a_short_failure_costs_its_samples_alone() {
    let bus = sensor();
    let mut monitor = Monitor::new(Wired(&bus));
    assert_eq!(tick(&bus, &mut monitor), Err(STARTED));
    for step in 0..3 {
        assert_eq!(tick(&bus, &mut monitor), Ok(step));
        bus.borrow_mut().fault = Some(Fault::Stuck);
        for _ in 1..PATIENCE {
            assert_eq!(tick(&bus, &mut monitor), Err(STUCK));
        }
        bus.borrow_mut().fault = None;
    }
}

#[test]
fn for_a_missing_sample_the_model_takes_the_last_again() {
    let bus = sensor();
    let mut monitor = Monitor::new(Wired(&bus));
    assert_eq!(tick(&bus, &mut monitor), Err(STARTED));
    let first = decide(&bus, &mut monitor, 2.0);
    assert!(!first.settled());
    for _ in 1..PATIENCE {
        assert_eq!(monitor.tick(), NOT_READY);
    }
    let mut stream = Stream::new(&MODEL);
    for _ in 0..PATIENCE {
        stream.step(&first.counts);
    }
    let second = decide(&bus, &mut monitor, 9.0);
    assert_eq!(second.logits, *stream.step(&second.counts));
}

#[test]
fn a_decision_says_when_the_model_has_settled() {
    let bus = sensor();
    let mut monitor = Monitor::new(Wired(&bus));
    assert_eq!(tick(&bus, &mut monitor), Err(STARTED));
    for step in 0..2 * SETTLING {
        assert_eq!(decide(&bus, &mut monitor, 1.0).settled(), step >= SETTLING);
    }
}

#[test]
fn a_sensor_that_lost_its_supply_is_set_up_anew() {
    let bus = sensor();
    let mut monitor = Monitor::new(Wired(&bus));
    assert_eq!(tick(&bus, &mut monitor), Err(STARTED));
    assert_eq!([tick(&bus, &mut monitor), tick(&bus, &mut monitor)], [Ok(0), Ok(1)]);
    bus.borrow_mut().restore_defaults();
    for _ in 0..PATIENCE {
        assert_eq!(tick(&bus, &mut monitor), Err(NOT_READY));
    }
    assert_eq!(tick(&bus, &mut monitor), Err(STARTED));
    assert_eq!(tick(&bus, &mut monitor), Ok(0));
}

#[test]
fn after_a_gap_the_model_starts_anew() {
    let decisions = |unplugged: bool| {
        let bus = sensor();
        let mut monitor = Monitor::new(Wired(&bus));
        assert_eq!(tick(&bus, &mut monitor), Err(STARTED));
        if unplugged {
            bus.borrow_mut().measure([20.0; 3], [9.0; 3]);
            assert!(matches!(monitor.tick(), Event::Decided(_)));
            bus.borrow_mut().fault = Some(Fault::Unplugged);
            for _ in 0..2 * PATIENCE {
                assert!(matches!(tick(&bus, &mut monitor), Err(Event::Missed(_))));
            }
            *bus.borrow_mut() = sensor().into_inner();
            assert_eq!(tick(&bus, &mut monitor), Err(STARTED));
        }
        bus.borrow_mut().measure([1.0; 3], [0.5; 3]);
        monitor.tick()
    };
    assert_eq!(decisions(true), decisions(false));
}

#[test]
fn every_tick_is_reported() {
    let bus = sensor();
    let (mut ticks, mut events) = (0, Vec::new());
    {
        let tick = async || {
            ticks += 1;
            if ticks > 3 {
                pending::<()>().await;
            }
        };
        let mut forever = pin!(run(Wired(&bus), tick, |event| events.push(event.clone())));
        assert!(forever.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }
    assert_eq!(events, [STARTED, NOT_READY, NOT_READY]);
}
