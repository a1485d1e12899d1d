use std::time::{Duration, Instant};

use anyhow::Result;
use gru_core::backend::force;
use indicatif::{ProgressBar, ProgressStyle};

use crate::case::{Case, Form, Precision, Shape, Work};

/// What one timing is to take: long beside the clock's call, short beside what else the machine does.
const BATCH: Duration = Duration::from_micros(30);

/// Timings of a case in a row, before the next case has its turn.
const ROUNDS: u32 = 10;

/// Nanoseconds of one step, over all rounds.
#[derive(Debug, Clone, Copy)]
pub struct Nanoseconds {
    /// The fastest round.
    pub min: f64,
    /// Half of the rounds were faster.
    pub median: f64,
}

/// The time of a backend's steps.
#[derive(Debug)]
pub struct Timing {
    /// Of the layer.
    pub shape: Shape,
    /// Of the layer.
    pub precision: Precision,
    /// The backend.
    pub isa: &'static str,
    /// How the steps were asked for.
    pub form: Form,
    /// Of one step.
    pub step: Nanoseconds,
    /// Of streaming the weights.
    pub floor: Nanoseconds,
    /// Of streaming them back and forth.
    pub turning: Nanoseconds,
}

impl Timing {
    /// The step in units of the floor.
    pub fn ratio(&self) -> f64 {
        self.step.median / self.floor.median
    }
}

/// Times every case on every backend of `isas`.
pub fn measure(cases: Vec<Case>, isas: &[&'static str], rounds: u32) -> Result<Vec<Timing>> {
    let mut courses = cases.into_iter().map(|case| Course::new(case, isas)).collect::<Result<Vec<_>>>()?;
    let sweeps = rounds.div_ceil(ROUNDS);
    let style = ProgressStyle::with_template("measuring {wide_bar} {percent} %")?;
    let bar = ProgressBar::new(u64::from(sweeps) * courses.len() as u64).with_style(style);
    for _ in 0..sweeps {
        for course in &mut courses {
            for _ in 0..ROUNDS {
                course.round()?;
            }
            bar.inc(1);
        }
    }
    bar.finish_and_clear();
    Ok(courses.into_iter().flat_map(Course::finish).collect())
}

/// A case and its contenders.
struct Course {
    case: Case,
    floor: Contender,
    turning: Contender,
    /// Per backend, as many as the case has forms.
    backends: Vec<(&'static str, Vec<Contender>)>,
}

impl Course {
    fn new(mut case: Case, isas: &[&'static str]) -> Result<Self> {
        let mut backends = Vec::new();
        for &isa in isas {
            force(Some(isa))?;
            backends.push((isa, case.forms.iter_mut().map(|(_, work)| Contender::new(work)).collect()));
        }
        let (floor, turning) = (Contender::new(&mut case.floor), Contender::new(&mut case.turning));
        Ok(Self { floor, turning, backends, case })
    }

    /// One timing of each contender.
    fn round(&mut self) -> Result<()> {
        self.floor.time(&mut self.case.floor);
        self.turning.time(&mut self.case.turning);
        for (isa, contenders) in &mut self.backends {
            force(Some(isa))?;
            for (contender, (_, work)) in contenders.iter_mut().zip(&mut self.case.forms) {
                contender.time(work);
            }
        }
        Ok(())
    }

    fn finish(self) -> Vec<Timing> {
        let Case { shape, precision, forms, .. } = self.case;
        let (floor, turning) = (self.floor.finish(), self.turning.finish());
        let timings = self.backends.into_iter().flat_map(|(isa, contenders)| {
            let steps = contenders.into_iter().map(Contender::finish);
            forms.iter().zip(steps).map(move |(&(form, _), step)| Timing {
                shape,
                precision,
                isa,
                form,
                step,
                floor,
                turning,
            })
        });
        timings.collect()
    }
}

/// What takes its turn, and its timings so far.
struct Contender {
    count: usize,
    samples: Vec<f64>,
}

impl Contender {
    /// Finds how many runs make a batch.
    fn new(work: &mut Work) -> Self {
        let mut count = 1;
        while time(work, count) < BATCH {
            count *= 2;
        }
        let estimate = (0..5).map(|_| time(work, count)).min().unwrap_or(BATCH);
        let count = count as f64 * BATCH.as_secs_f64() / estimate.as_secs_f64();
        Self { count: (count as usize).max(1), samples: Vec::new() }
    }

    /// One batch, after some runs that bring code and weights into the caches.
    fn time(&mut self, work: &mut Work) {
        (work.run)(self.count.div_ceil(8));
        self.samples.push(time(work, self.count).as_secs_f64() * 1e9 / (self.count * work.steps) as f64);
    }

    fn finish(mut self) -> Nanoseconds {
        self.samples.sort_unstable_by(f64::total_cmp);
        Nanoseconds { min: self.samples[0], median: self.samples[self.samples.len() / 2] }
    }
}

fn time(work: &mut Work, count: usize) -> Duration {
    let start = Instant::now();
    (work.run)(count);
    start.elapsed()
}
