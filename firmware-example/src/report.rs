//! The lines that are printed, in one form for a board's log and for a terminal.

#[cfg(not(target_os = "none"))]
pub use core::fmt::Debug as Print;
#[cfg(target_os = "none")]
pub use defmt::Format as Print;
#[cfg(target_os = "none")]
use defmt::println;

use crate::app::{Decision, Summary};
use crate::model::LABELS;

/// Prints a decision.
pub fn decision<O: Print>(decision: &Decision<'_, O>, overruns: u32) {
    println!(
        "decision recording={} step={} label={} confidence={} queue={} overruns={} logits={:?}",
        decision.sample.recording,
        decision.step,
        LABELS[decision.class],
        decision.percentages[decision.class],
        decision.queued,
        overruns,
        decision.logits
    );
}

/// Prints what a run came to.
pub fn summary(summary: &Summary, overruns: u32) {
    println!(
        "summary samples={} overruns={} labelled={} correct={} digest={:#018x} state_bytes={}",
        summary.samples, overruns, summary.labelled, summary.correct, summary.digest, summary.state_bytes
    );
}

/// What steps take on a board, in ticks of its timer.
#[cfg(target_os = "none")]
pub struct Cost {
    pub mean: u32,
    pub fastest: u32,
    pub slowest: u32,
}

/// Prints what a step costs on a board.
#[cfg(target_os = "none")]
pub fn cost(cost: &Cost) {
    println!("cost ticks_per_step={} fastest={} slowest={}", cost.mean, cost.fastest, cost.slowest);
}
