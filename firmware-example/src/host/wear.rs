//! Hours of simulated wear as one stream without a reset: the recordings in random order with noise, int8 beside f32.

use std::fmt;
use std::hash::Hasher;
use std::{array, iter};

use fastrand::Rng;
use fnv::FnvHasher;
use gru_core::{Stream, argmax};

use crate::app::{Input, Logits};
use crate::model::{CHANNELS, float, int8};
use crate::recordings::{COUNTS, LABELS, SAMPLE_HZ};
use crate::sensor::Counts;

/// Steps of an hour.
const HOUR: usize = 3600 * SAMPLE_HZ as usize;
/// Counts: each channel gets the sum of two uniform draws of up to as many, ±0.2 m/s² and ±0.1 rad/s at most.
const NOISE: [i32; CHANNELS] = [102, 102, 102, 19, 19, 19];

/// Of a logit, that an int8 stream has forgotten what came before.
const FORGOTTEN: f32 = 0.05;
/// Of an int8 logit.
const UNIT: f32 = 1.0 / (1_u32 << int8::OUTPUT_FRAC_BITS) as f32;

/// How int8 and f32 compare over an hour.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Hour {
    /// Steps at which both decide for the same class.
    pub agreeing: usize,
    /// Steps at which int8 decides for the right one, and f32.
    pub right: [usize; 2],
    /// Mean square difference of a logit.
    pub mean_square: f64,
    /// Largest difference of a logit.
    pub largest: f32,
}

impl Hour {
    /// Root of the mean square difference of a logit.
    pub fn rms(&self) -> f64 {
        self.mean_square.sqrt()
    }
}

/// How an int8 stream that starts with the last hour compares with the one that has run all the time.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Forgotten {
    /// Steps after which no logit differs by more than [`FORGOTTEN`] any more.
    pub after: usize,
    /// Steps from there on at which the outputs have the same bits. Not all have: where the state of one is rounded the other way, the next state is
    /// off by as much.
    pub same: usize,
}

impl Forgotten {
    fn compare(&mut self, step: usize, fresh: &[i16], long: &[i16]) {
        if fresh.iter().zip(long).any(|(a, b)| f32::from(a.abs_diff(*b)) * UNIT > FORGOTTEN) {
            *self = Self { after: step + 1, same: 0 };
        } else {
            self.same += usize::from(fresh == long);
        }
    }
}

/// What became of some hours.
#[derive(Debug, Clone, PartialEq)]
pub struct Wear {
    /// First to last.
    pub hours: Vec<Hour>,
    /// What all hours but the last left behind in the state.
    pub forgotten: Forgotten,
    /// 64-bit FNV-1a of all int8 outputs in order.
    pub digest: u64,
}

impl Wear {
    /// Steps both models through it.
    pub fn simulate(hours: u32) -> Self {
        let (mut integer, mut real) = (Stream::new(&int8::MODEL), Stream::new(&float::MODEL));
        let (mut fresh, mut forgotten) = (Stream::new(&int8::MODEL), Forgotten::default());
        let mut digest = FnvHasher::default();
        let mut samples = samples();
        let hours = (0..hours).map(|number| {
            let mut hour = Hour::default();
            for (step, (counts, label)) in samples.by_ref().take(HOUR).enumerate() {
                let int8 = *integer.step(&counts);
                let float = real.step(&Input::from_counts(&counts));
                int8.digest(&mut digest);
                if number + 1 == hours {
                    forgotten.compare(step, fresh.step(&counts), &int8);
                }
                let decisions = [argmax(&int8), argmax(float)];
                hour.agreeing += usize::from(decisions[0] == decisions[1]);
                hour.right = array::from_fn(|at| hour.right[at] + usize::from(decisions[at] == usize::from(label)));
                for (&int8, float) in int8.iter().zip(float) {
                    let difference = (f32::from(int8) * UNIT - float).abs();
                    hour.mean_square += f64::from(difference).powi(2) / (HOUR * float::OUTPUT_SIZE) as f64;
                    hour.largest = hour.largest.max(difference);
                }
            }
            hour
        });
        Self { hours: hours.collect(), forgotten, digest: digest.finish() }
    }
}

impl fmt::Display for Wear {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "hour  same class  RMS difference  largest  int8 right  f32 right")?;
        let percent = |steps: usize| 100.0 * steps as f64 / HOUR as f64;
        for (number, hour) in iter::zip(1.., &self.hours) {
            let &Hour { agreeing, right: [int8, float], largest, .. } = hour;
            let (agreeing, int8, float) = (percent(agreeing), percent(int8), percent(float));
            let rms = hour.rms();
            writeln!(f, "{number:4}  {agreeing:8.2} %  {rms:14.3}  {largest:7.2}  {int8:8.2} %  {float:7.2} %")?;
        }
        let Forgotten { after, same } = self.forgotten;
        let same = 100.0 * same as f64 / (HOUR - after).max(1) as f64;
        writeln!(
            f,
            "an int8 stream that starts with the last hour is within {FORGOTTEN} of this one after {after} steps,"
        )?;
        writeln!(f, "and has the same bits at {same:.1} % of the steps from there on")?;
        writeln!(f, "digest of all int8 outputs {:#018x}", self.digest)
    }
}

/// Samples with the true class of each, without end.
fn samples() -> impl Iterator<Item = (Counts, u8)> {
    let mut rng = Rng::with_seed(0);
    let mut order: [usize; COUNTS.len()] = array::from_fn(|recording| recording);
    iter::repeat_with(move || {
        rng.shuffle(&mut order);
        let mut samples = Vec::new();
        for &recording in &order {
            samples.extend(COUNTS[recording].iter().map(|counts| (noisy(counts, &mut rng), LABELS[recording])));
        }
        samples
    })
    .flatten()
}

fn noisy(counts: &Counts, rng: &mut Rng) -> Counts {
    array::from_fn(|channel| {
        let most = NOISE[channel];
        let noise = rng.i32(-most..=most) + rng.i32(-most..=most);
        (i32::from(counts[channel]) + noise).clamp(i16::MIN.into(), i16::MAX.into()) as i16
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mean(hours: &[Hour], of: impl Fn(&Hour) -> f64) -> f64 {
        hours.iter().map(of).sum::<f64>() / hours.len() as f64
    }

    #[test]
    fn a_day_does_not_drift() {
        let wear = Wear::simulate(24);
        let (first, last) = (&wear.hours[..6], &wear.hours[18..]);
        assert!(mean(last, Hour::rms) <= 1.02 * mean(first, Hour::rms), "{wear}");
        let agreeing = |hour: &Hour| hour.agreeing as f64 / HOUR as f64;
        assert!(mean(last, agreeing) >= mean(first, agreeing) - 0.0005, "{wear}");
        for hour in &wear.hours {
            assert!(agreeing(hour) >= 0.998, "{wear}");
            assert!(hour.largest <= 0.3, "{wear}");
            assert!(hour.right[0].abs_diff(hour.right[1]) * 1000 <= HOUR, "{wear}");
        }
        assert!(wear.forgotten.after <= 50 && wear.forgotten.same >= HOUR / 2, "{wear}");
        assert_eq!(wear.digest, 0xdcd3_00bd_f084_0638, "the same on every machine");
    }
}
