//! What the example prints, on a board and on the host alike: one line a decision, then what the run came to.
//!
//! `decision key=value … logits=[a, b, …]`, `summary key=value …`, and from a board `limits key=value …`, `cost key=value …`,
//! `flash key=value`, and `fault name` where it ends before its time

use std::collections::BTreeMap;
use std::str::FromStr;

use anyhow::{Context, Result, bail};

/// The lines of a firmware, which may have stopped at any of them.
#[derive(Debug, Default)]
pub struct Log {
    /// In order.
    pub decisions: Vec<Decision>,
    /// At the end.
    pub summary: Option<Summary>,
    /// Of a step.
    pub cost: Option<Cost>,
    /// What the application calls a fault.
    pub limits: Option<Limits>,
    /// How often the weights in flash were found intact while decisions were made.
    pub flash_checks: Option<u32>,
    /// What the firmware stopped for.
    pub fault: Option<String>,
}

/// Everything that a run told, from the first sample to the last.
#[derive(Debug, Default)]
pub struct Run {
    /// In order.
    pub decisions: Vec<Decision>,
    /// At the end.
    pub summary: Summary,
    /// Of a step, on a board.
    pub cost: Option<Cost>,
    /// Checks of the weights in flash, on a board.
    pub flash_checks: Option<u32>,
}

/// The outputs at one step.
#[derive(Debug, Default, PartialEq)]
pub struct Decision {
    /// Which recording, from 0.
    pub recording: usize,
    /// Which step of it, from 0.
    pub step: usize,
    /// Samples until the state has settled.
    pub settling: u32,
    /// The channels that do not move, bit 0 for the first.
    pub stuck: u32,
    /// Samples that waited in the queue.
    pub queue: u32,
    /// In the model's units.
    pub logits: Vec<f32>,
}

/// What a step takes, in ticks of the board's timer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cost {
    /// Mean of many steps.
    pub mean: u32,
    /// Of the fastest of them.
    pub fastest: u32,
    /// Of the slowest.
    pub slowest: u32,
    /// Steps that took longer than they may.
    pub late: u32,
}

/// What the application calls a fault.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// Missing samples that the one before may stand in for.
    pub held: usize,
    /// Samples that a state needs to settle.
    pub settling: u32,
    /// Equal counts in a row.
    pub stuck: usize,
    /// Counts in a row at an end of the range.
    pub rail: usize,
    /// Ticks of the sensor that the main loop may take.
    pub timeout: usize,
}

/// What a run came to.
#[derive(Debug, Default, PartialEq)]
pub struct Summary {
    /// Samples that went through the model.
    pub samples: u32,
    /// Samples lost because the queue was full.
    pub overruns: u32,
    /// Samples that the sensor did not give.
    pub dropouts: u32,
    /// Missing samples that the one before stood in for.
    pub held: u32,
    /// Fresh starts in the midst of a recording.
    pub restarts: u32,
    /// Samples whose decision is the recording's label.
    pub correct: u32,
    /// FNV-1a of all outputs.
    pub digest: String,
    /// Bytes of state.
    pub state_bytes: u32,
}

impl Log {
    /// Reads the lines of a firmware; other lines are passed over.
    pub fn parse(lines: &[impl AsRef<str>]) -> Result<Self> {
        let mut log = Self::default();
        for line in lines.iter().map(AsRef::as_ref) {
            match line.split_once(' ') {
                Some(("decision", fields)) => log.decisions.push(Decision::parse(fields)?),
                Some(("summary", fields)) => log.summary = Some(Summary::parse(fields)?),
                Some(("cost", fields)) => log.cost = Some(Cost::parse(fields)?),
                Some(("limits", fields)) => log.limits = Some(Limits::parse(fields)?),
                Some(("flash", fields)) => log.flash_checks = Some(Fields::parse(fields)?.get("checks")?),
                Some(("fault", name)) => log.fault = Some(name.to_owned()),
                _ => {}
            }
        }
        Ok(log)
    }

    /// The run, if it went to its end.
    pub fn complete(self) -> Result<Run> {
        let Self { decisions, summary, cost, flash_checks, .. } = self;
        let summary = summary.context("expected a line that starts with `summary`, found none")?;
        if summary.samples as usize != decisions.len() {
            bail!("expected {} decisions as the summary says, found {}", summary.samples, decisions.len());
        }
        Ok(Run { decisions, summary, cost, flash_checks })
    }
}

impl Run {
    /// Reads the lines of a run; other lines are passed over.
    pub fn parse(lines: &[impl AsRef<str>]) -> Result<Self> {
        Log::parse(lines)?.complete()
    }
}

impl Limits {
    fn parse(line: &str) -> Result<Self> {
        let fields = Fields::parse(line)?;
        Ok(Self {
            held: fields.get("held")?,
            settling: fields.get("settling")?,
            stuck: fields.get("stuck")?,
            rail: fields.get("rail")?,
            timeout: fields.get("timeout")?,
        })
    }
}

impl Cost {
    fn parse(line: &str) -> Result<Self> {
        let fields = Fields::parse(line)?;
        Ok(Self {
            mean: fields.get("ticks_per_step")?,
            fastest: fields.get("fastest")?,
            slowest: fields.get("slowest")?,
            late: fields.get("late")?,
        })
    }
}

impl Decision {
    fn parse(line: &str) -> Result<Self> {
        let (fields, logits) = line.split_once(" logits=").with_context(|| format!("no logits in: decision {line}"))?;
        let fields = Fields::parse(fields)?;
        let logits = logits
            .trim_matches(['[', ']'])
            .split(", ")
            .map(|logit| logit.parse().with_context(|| format!("`{logit}` is not a number in: decision {line}")))
            .collect::<Result<_>>()?;
        let stuck = fields.get::<String>("stuck")?;
        let stuck = u32::from_str_radix(stuck.trim_start_matches("0b"), 2)
            .with_context(|| format!("`{stuck}` is not a value of stuck"))?;
        Ok(Self {
            recording: fields.get("recording")?,
            step: fields.get("step")?,
            settling: fields.get("settling")?,
            stuck,
            queue: fields.get("queue")?,
            logits,
        })
    }
}

impl Summary {
    fn parse(line: &str) -> Result<Self> {
        let fields = Fields::parse(line)?;
        Ok(Self {
            samples: fields.get("samples")?,
            overruns: fields.get("overruns")?,
            dropouts: fields.get("dropouts")?,
            held: fields.get("held")?,
            restarts: fields.get("restarts")?,
            correct: fields.get("correct")?,
            digest: fields.get("digest")?,
            state_bytes: fields.get("state_bytes")?,
        })
    }
}

struct Fields<'a>(BTreeMap<&'a str, &'a str>);

impl<'a> Fields<'a> {
    fn parse(line: &'a str) -> Result<Self> {
        let field = |word: &'a str| {
            word.split_once('=').with_context(|| format!("expected key=value, found `{word}` in: {line}"))
        };
        line.split_whitespace().map(field).collect::<Result<_>>().map(Self)
    }

    fn get<T: FromStr<Err: std::error::Error + Send + Sync + 'static>>(&self, key: &str) -> Result<T> {
        let value = self.0.get(key).with_context(|| format!("the line has no {key}"))?;
        value.parse().with_context(|| format!("`{value}` is not a value of {key}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DECISION: &str =
        "decision recording=3 step=49 label=walking settling=2 stuck=0b000101 queue=1 logits=[-1.5, 2e-3]";
    const SUMMARY: &str =
        "summary samples=1 overruns=2 dropouts=3 held=4 restarts=5 labelled=1 correct=0 digest=0x00ff state_bytes=68";
    const COST: &str = "cost ticks_per_step=32 fastest=31 slowest=40 late=6";

    #[test]
    fn a_run_is_read_back() {
        let run = Run::parse(&["hello", DECISION, SUMMARY, COST, "flash checks=7"]).unwrap();
        let decision = Decision { recording: 3, step: 49, settling: 2, stuck: 5, queue: 1, logits: vec![-1.5, 2e-3] };
        assert_eq!(run.decisions, [decision]);
        let summary = Summary {
            samples: 1,
            overruns: 2,
            dropouts: 3,
            held: 4,
            restarts: 5,
            correct: 0,
            digest: "0x00ff".to_owned(),
            state_bytes: 68,
        };
        assert_eq!(run.summary, summary);
        assert_eq!(run.cost, Some(Cost { mean: 32, fastest: 31, slowest: 40, late: 6 }));
        assert_eq!(run.flash_checks, Some(7));
    }

    #[test]
    fn a_log_may_end_with_a_fault() {
        let limits = "limits held=2 settling=15 stuck=10 rail=3 timeout=9 budget=1000";
        let log = Log::parse(&[limits, DECISION, "fault watchdog"]).unwrap();
        assert_eq!((log.decisions.len(), log.fault.as_deref()), (1, Some("watchdog")));
        assert_eq!(log.limits, Some(Limits { held: 2, settling: 15, stuck: 10, rail: 3, timeout: 9 }));
        assert!(log.complete().is_err());
    }

    #[test]
    fn a_run_is_complete() {
        assert!(Run::parse(&[DECISION]).is_err());
        assert!(Run::parse(&[SUMMARY]).is_err());
        assert!(Run::parse(&[DECISION, "summary samples=many"]).is_err());
        assert!(Run::parse(&["decision recording=0 step=0 queue=0", SUMMARY]).is_err());
        assert!(Run::parse(&[&DECISION.replace("0b000101", "2"), SUMMARY]).is_err());
    }
}
