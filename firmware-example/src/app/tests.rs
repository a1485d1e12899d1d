//! The application on a model that counts, and on the bundled one.

use gru_core::backend::Backend;

use super::*;
use crate::model::{CHANNELS, int8};
use crate::monitor::STUCK;
use crate::recordings::{COUNTS, LABELS, Recordings};
use crate::sensor::{Queue, Reading, Sensor};

/// Its first output is the number of steps since the reset, its second the sum of the first channel.
struct Counter;

impl Layer for Counter {
    type Input = Counts;
    type Output = [i16; CLASSES];
    type State = [i16; CLASSES];

    fn forward<'s, B: Backend>(&'s self, _: B, x: &Counts, state: &'s mut Self::State) -> &'s Self::Output {
        state[0] += 1;
        state[1] += x[0];
        state
    }
}

/// What a decision says, to compare.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Seen {
    step: u32,
    settling: u8,
    stuck: Channels,
    class: usize,
    logits: [i16; CLASSES],
}

/// Runs a model on readings, the queue filled before each look into it by so many ticks.
fn run<L>(model: &'static L, labels: &'static [u8], readings: &[Option<Reading>], burst: usize) -> (Summary, Vec<Seen>)
where
    L: Layer<Input = Counts, Output = [i16; CLASSES]>,
{
    let (mut queue, status) = (Queue::new(), Status::new());
    let (producer, mut consumer) = queue.split();
    let mut sensor = Sensor::new(readings.iter().copied(), producer, &status);
    let mut seen = Vec::new();
    let summary = App::new(model, labels).run(
        &mut consumer,
        &status,
        || 0,
        || (0..burst).for_each(|_| sensor.tick()),
        |&Decision { step, settling, stuck, class, logits, .. }| {
            seen.push(Seen { step, settling, stuck, class, logits: *logits });
            ControlFlow::Continue(())
        },
    );
    (summary, seen)
}

fn reading(recording: u16, count: i16) -> Option<Reading> {
    Some(Reading { recording, counts: [count; CHANNELS] })
}

fn counted(readings: &[Option<Reading>]) -> (Summary, Vec<Seen>) {
    run(&Counter, &[], readings, 1)
}

/// Decisions of the bundled model.
fn decided(readings: &[Option<Reading>]) -> Vec<Seen> {
    run(&int8::MODEL, &[], readings, 1).1
}

/// The readings of a recording.
fn recording(recording: usize) -> Vec<Option<Reading>> {
    COUNTS[recording].map(|counts| Some(Reading { recording: 0, counts })).to_vec()
}

#[test]
fn the_model_starts_anew_with_each_recording() {
    let (_, seen) = counted(&[0, 0, 1, 1, 1, 0].map(|recording| reading(recording, 0)));
    let seen: Vec<_> = seen.iter().map(|seen| (seen.step, seen.settling, seen.logits[0])).collect();
    assert_eq!(seen, [(0, 15, 1), (1, 14, 2), (0, 15, 1), (1, 14, 2), (2, 13, 3), (0, 15, 1)]);
}

#[test]
fn the_last_sample_stands_in_for_few_that_are_missing() {
    let (summary, seen) = counted(&[reading(0, 1), reading(0, 5), None, None, reading(0, 7)]);
    assert_eq!((summary.samples, summary.held, summary.restarts), (3, 2, 0));
    let last = seen.last().expect("there are decisions");
    assert_eq!((last.step, last.logits[0], last.logits[1]), (4, 5, 1 + 3 * 5 + 7));
}

#[test]
fn after_a_long_gap_the_model_starts_anew() {
    let gap = [&[reading(0, 1); 30][..], &[None; 3], &[reading(0, 7); 30]].concat();
    let (summary, seen) = counted(&gap);
    assert_eq!((summary.samples, summary.held, summary.restarts), (60, 0, 1));
    assert_eq!((seen[29].settling, seen[29].logits[0]), (0, 30));
    assert_eq!((seen[30].step, seen[30].settling, seen[30].logits[1]), (33, SETTLING, 7));
    assert_eq!((seen[44].settling, seen[45].settling), (1, 0));
}

#[test]
fn a_full_queue_leaves_no_time_for_missing_samples() {
    let samples = [reading(0, 1); 60];
    let (summary, seen) = run(&Counter, &[], &samples, 20);
    assert_eq!((summary.samples, summary.held, summary.restarts), (45, 0, 2));
    assert_eq!((seen[14].step, seen[15].step, seen[15].logits[0]), (14, 20, 1));
    let mut gap = [reading(0, 1); 12];
    gap[2] = None;
    assert_eq!(run(&Counter, &[], &gap, 12).0.restarts, 1);
    gap[2] = reading(0, 1);
    gap[5] = None;
    assert_eq!(run(&Counter, &[], &gap, 12).0.held, 1);
}

#[test]
fn a_channel_that_moves_again_starts_the_model_anew() {
    let mut readings = recording(0);
    for reading in readings[20..40].iter_mut().flatten() {
        reading.counts[2] = 1234;
    }
    let seen = decided(&readings);
    for (step, seen) in seen.iter().enumerate() {
        let stuck = (20 + usize::from(STUCK) - 1..40).contains(&step);
        assert_eq!(seen.stuck, Channels::from(stuck) << 2, "{step}");
    }
    let fresh = decided(&readings[40..]);
    assert!(
        seen[40..]
            .iter()
            .zip(&fresh)
            .all(|(seen, fresh)| (seen.settling, seen.logits) == (fresh.settling, fresh.logits))
    );
    assert_eq!(seen[40].settling, SETTLING);
}

#[test]
fn trust_needs_a_settled_state_and_channels_that_move() {
    let (summary, seen) = counted(&[reading(0, 1); 30]);
    assert!(seen.iter().all(|seen| (seen.stuck != 0) == (seen.step >= 9)));
    assert_eq!(summary.trusted, 0);
    let moving: Vec<_> = (0..30).map(|count| reading(0, count)).collect();
    assert_eq!(counted(&moving).0.trusted, 15);
}

#[test]
fn a_watcher_may_end_the_run() {
    let (mut queue, status) = (Queue::new(), Status::new());
    let (producer, mut consumer) = queue.split();
    let mut sensor = Sensor::new([reading(0, 1); 9].into_iter(), producer, &status);
    let summary = App::new(&Counter, &[]).run(
        &mut consumer,
        &status,
        || 0,
        || sensor.tick(),
        |decision| if decision.step == 4 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) },
    );
    assert_eq!(summary.samples, 5);
}

/// The share of decisions that are those of the undisturbed stream, from a disturbance on that ends at a step, `after` samples later for
/// as many as `count`.
fn agreement(after: usize, count: usize, disturb: impl Fn(&[Option<Reading>], usize) -> Vec<Option<Reading>>) -> f64 {
    let (mut agreed, mut all) = (0u32, 0u32);
    for index in 0..COUNTS.len() {
        let readings = recording(index);
        let whole = decided(&readings);
        for at in (10..90).step_by(20) {
            let seen = decided(&disturb(&readings, at));
            let pairs = seen.iter().rev().zip(whole.iter().rev()).take(100 - at).collect::<Vec<_>>();
            for (seen, whole) in pairs.iter().rev().skip(after).take(count) {
                agreed += u32::from(seen.class == whole.class);
                all += 1;
            }
        }
    }
    f64::from(agreed) / f64::from(all)
}

#[test]
fn a_settled_stream_decides_as_one_that_has_seen_more() {
    let fresh = |after, count| agreement(after, count, |readings, at| readings[at..].to_vec());
    let (first, settled) = (fresh(0, 1), fresh(SETTLING.into(), 10));
    assert!(first < 0.75 && settled > 0.99, "{first} {settled}");
}

#[test]
fn few_samples_that_are_held_change_few_decisions() {
    let held = agreement(0, 10, |readings, at| {
        let mut readings = readings.to_vec();
        readings[at - MAX_HELD as usize..at].fill(None);
        readings
    });
    assert!(held > 0.98, "{held}");
}

#[test]
fn decisions_are_held_against_labels_where_there_are_any() {
    let readings = [0, 1, 1, 2].map(|recording| reading(recording, 0));
    let (summary, seen) = run(&Counter, &[0, 3], &readings, 1);
    assert!(seen.iter().all(|seen| seen.class == 0));
    assert_eq!((summary.labelled, summary.correct), (3, 1));
}

#[test]
fn the_digest_is_over_outputs_in_order() {
    let digest = |recordings: &[u16]| {
        counted(&recordings.iter().map(|&recording| reading(recording, 0)).collect::<Vec<_>>()).0.digest
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
    let mut readings = Recordings::default();
    assert_eq!(readings.next(), Some(Reading { recording: 0, counts: COUNTS[0][0] }));
    let last = readings.last().expect("there is more than one sample");
    assert_eq!(last, Reading { recording: 39, counts: COUNTS[39][99] });
    assert_eq!(Recordings::default().count(), COUNTS.len() * COUNTS[0].len());
    assert_eq!(LABELS.len(), COUNTS.len());
}
