//! A watchdog in software: the timer's interrupt counts down what the main loop winds up.
//!
//! On a product a hardware watchdog comes on top, started before the main loop and fed by the interrupt only while [`Watchdog::tick`] says that
//! the loop lives: then it sees a dead interrupt too.

use core::cell::Cell;
use core::sync::atomic::{AtomicU32, Ordering};

/// Ticks of the sensor without a sign of life after which the main loop counts as hung: a second, which the queue bridges without a loss.
pub const TIMEOUT: u32 = 10;

/// Shared by the main loop, which feeds it, and the interrupt, which counts.
#[derive(Debug)]
pub struct Watchdog {
    left: AtomicU32,
}

impl Watchdog {
    /// Just fed.
    pub const fn new() -> Self {
        Self { left: AtomicU32::new(TIMEOUT) }
    }

    /// The main loop lives.
    pub fn feed(&self) {
        self.left.store(TIMEOUT, Ordering::Relaxed);
    }

    /// A tick of the sensor; whether the main loop still counts as alive.
    ///
    /// Call it from one interrupt, which the main loop cannot interrupt.
    pub fn tick(&self) -> bool {
        let left = self.left.load(Ordering::Relaxed).saturating_sub(1);
        self.left.store(left, Ordering::Relaxed);
        left > 0
    }
}

/// Feeds a watchdog as long as steps keep to their time.
#[derive(Debug)]
pub struct Supervisor<'w> {
    watchdog: &'w Watchdog,
    budget: u32,
    on_time: Cell<bool>,
    late: Cell<u32>,
}

impl<'w> Supervisor<'w> {
    /// `budget` is what a step may take, in ticks of the board's timer.
    pub fn new(watchdog: &'w Watchdog, budget: u32) -> Self {
        Self { watchdog, budget, on_time: Cell::new(true), late: Cell::new(0) }
    }

    /// A step has taken so many ticks.
    pub fn stepped(&self, ticks: u32) {
        self.on_time.set(ticks <= self.budget);
        self.late.set(self.late.get() + u32::from(ticks > self.budget));
        self.idle();
    }

    /// No sample waits. A sensor that gives none is no fault of the main loop.
    pub fn idle(&self) {
        if self.on_time.get() {
            self.watchdog.feed();
        }
    }

    /// Steps that took longer than their budget.
    pub fn late(&self) -> u32 {
        self.late.get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ticks until the watchdog bites, while `work` is done between them; 100 if it does not.
    fn life(watchdog: &Watchdog, work: impl Fn()) -> u32 {
        (1..100)
            .find(|_| {
                work();
                !watchdog.tick()
            })
            .unwrap_or(100)
    }

    #[test]
    fn a_loop_that_hangs_is_noticed_in_time() {
        let watchdog = Watchdog::new();
        assert_eq!(life(&watchdog, || ()), TIMEOUT);
        assert!(!watchdog.tick(), "a watchdog that has bitten does not recover by itself");
        watchdog.feed();
        assert_eq!(life(&watchdog, || ()), TIMEOUT);
    }

    #[test]
    fn steps_within_their_budget_and_an_empty_queue_feed_it() {
        let watchdog = Watchdog::new();
        let supervisor = Supervisor::new(&watchdog, 50);
        assert_eq!(life(&watchdog, || supervisor.stepped(50)), 100);
        assert_eq!(life(&watchdog, || supervisor.idle()), 100);
        assert_eq!(supervisor.late(), 0);
    }

    #[test]
    fn steps_over_their_budget_starve_it_though_the_queue_runs_empty() {
        let watchdog = Watchdog::new();
        let supervisor = Supervisor::new(&watchdog, 50);
        let slow = || {
            supervisor.stepped(51);
            supervisor.idle();
        };
        assert_eq!(life(&watchdog, slow), TIMEOUT);
        assert_eq!(supervisor.late(), TIMEOUT);
        supervisor.stepped(50);
        assert_eq!(life(&watchdog, || ()), TIMEOUT);
    }
}
