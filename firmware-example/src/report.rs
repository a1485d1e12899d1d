//! The lines that are printed, in one form for a board's log and for a terminal.

#[cfg(not(target_os = "none"))]
pub use core::fmt::Debug as Print;
#[cfg(target_os = "none")]
pub use defmt::Format as Print;
#[cfg(target_os = "none")]
use defmt::println;

use crate::app::{Decision, Summary};
#[cfg(target_os = "none")]
use crate::app::{MAX_HELD, SETTLING};
use crate::model::LABELS;
#[cfg(target_os = "none")]
use crate::monitor::{RAIL, STUCK};
use crate::sensor::Status;
#[cfg(target_os = "none")]
use crate::watchdog::TIMEOUT;

/// Prints a decision.
pub fn decision<O: Print>(decision: &Decision<'_, O>, overruns: u32) {
    println!(
        "decision recording={} step={} label={} confidence={} settling={} stuck={:#08b} queue={} overruns={} logits={:?}",
        decision.sample.reading.recording,
        decision.step,
        LABELS[decision.class],
        decision.percentages[decision.class],
        decision.settling,
        decision.stuck,
        decision.queued,
        overruns,
        decision.logits
    );
}

/// Prints what a run came to.
pub fn summary(summary: &Summary, status: &Status) {
    println!(
        "summary samples={} overruns={} dropouts={} held={} restarts={} trusted={} labelled={} correct={} digest={:#018x} state_bytes={}",
        summary.samples,
        status.overruns(),
        status.dropouts(),
        summary.held,
        summary.restarts,
        summary.trusted,
        summary.labelled,
        summary.correct,
        summary.digest,
        summary.state_bytes
    );
}

/// What steps take on a board, in ticks of its timer.
#[cfg(target_os = "none")]
pub struct Cost {
    pub mean: u32,
    pub fastest: u32,
    pub slowest: u32,
}

/// Prints what a step costs on a board, and how many cost more than they may.
#[cfg(target_os = "none")]
pub fn cost(cost: &Cost, late: u32) {
    println!("cost ticks_per_step={} fastest={} slowest={} late={}", cost.mean, cost.fastest, cost.slowest, late);
}

/// Prints what the application holds its surroundings to: samples, ticks of the sensor, and for a step ticks of the board's timer.
#[cfg(target_os = "none")]
pub fn limits(budget: u32) {
    println!(
        "limits held={} settling={} stuck={} rail={} timeout={} budget={}",
        MAX_HELD, SETTLING, STUCK, RAIL, TIMEOUT, budget
    );
}

/// Prints how often the weights were found intact since the start.
#[cfg(target_os = "none")]
pub fn flash(checks: u32) {
    println!("flash checks={}", checks);
}

/// Prints what the firmware stops for.
#[cfg(target_os = "none")]
pub fn fault(name: &str) {
    println!("fault {}", name);
}
