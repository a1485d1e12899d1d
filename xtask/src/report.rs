//! What the example prints, on a board and on the host alike: one line a decision, then what the run came to.
//!
//! `decision key=value … logits=[a, b, …]`, `summary key=value …`, and from a board `cost key=value …`

use std::collections::BTreeMap;
use std::str::FromStr;

use anyhow::{Context, Result, bail};

/// Everything that a run told.
#[derive(Debug)]
pub struct Run {
    /// In order.
    pub decisions: Vec<Decision>,
    /// At the end.
    pub summary: Summary,
    /// Of a step, on a board.
    pub cost: Option<Cost>,
}

/// The outputs at one step.
#[derive(Debug, PartialEq)]
pub struct Decision {
    /// Which recording, from 0.
    pub recording: usize,
    /// Which step of it, from 0.
    pub step: usize,
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
}

/// What a run came to.
#[derive(Debug, PartialEq)]
pub struct Summary {
    /// Samples that went through the model.
    pub samples: u32,
    /// Samples lost because the queue was full.
    pub overruns: u32,
    /// Samples whose decision is the recording's label.
    pub correct: u32,
    /// FNV-1a of all outputs.
    pub digest: String,
    /// Bytes of state.
    pub state_bytes: u32,
}

impl Run {
    /// Reads the lines of a run; other lines are passed over.
    pub fn parse(lines: &[impl AsRef<str>]) -> Result<Self> {
        let (mut decisions, mut summary, mut cost) = (Vec::new(), None, None);
        for line in lines.iter().map(AsRef::as_ref) {
            match line.split_once(' ') {
                Some(("decision", fields)) => decisions.push(Decision::parse(fields)?),
                Some(("summary", fields)) => summary = Some(Summary::parse(fields)?),
                Some(("cost", fields)) => cost = Some(Cost::parse(fields)?),
                _ => {}
            }
        }
        let summary = summary.context("expected a line that starts with `summary`, found none")?;
        if summary.samples as usize != decisions.len() {
            bail!("expected {} decisions as the summary says, found {}", summary.samples, decisions.len());
        }
        Ok(Self { decisions, summary, cost })
    }
}

impl Cost {
    fn parse(line: &str) -> Result<Self> {
        let fields = Fields::parse(line)?;
        Ok(Self {
            mean: fields.get("ticks_per_step")?,
            fastest: fields.get("fastest")?,
            slowest: fields.get("slowest")?,
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
        Ok(Self { recording: fields.get("recording")?, step: fields.get("step")?, queue: fields.get("queue")?, logits })
    }
}

impl Summary {
    fn parse(line: &str) -> Result<Self> {
        let fields = Fields::parse(line)?;
        Ok(Self {
            samples: fields.get("samples")?,
            overruns: fields.get("overruns")?,
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

    const DECISION: &str = "decision recording=3 step=49 label=walking queue=1 logits=[-1.5, 2e-3]";
    const SUMMARY: &str = "summary samples=1 overruns=2 labelled=1 correct=0 digest=0x00ff state_bytes=68";

    #[test]
    fn a_run_is_read_back() {
        let run = Run::parse(&["hello", DECISION, SUMMARY, "cost ticks_per_step=32 fastest=31 slowest=40"]).unwrap();
        assert_eq!(run.decisions, [Decision { recording: 3, step: 49, queue: 1, logits: vec![-1.5, 2e-3] }]);
        let summary = Summary { samples: 1, overruns: 2, correct: 0, digest: "0x00ff".to_owned(), state_bytes: 68 };
        assert_eq!(run.summary, summary);
        assert_eq!(run.cost, Some(Cost { mean: 32, fastest: 31, slowest: 40 }));
    }

    #[test]
    fn a_run_is_complete() {
        assert!(Run::parse(&[DECISION]).is_err());
        assert!(Run::parse(&[SUMMARY]).is_err());
        assert!(Run::parse(&[DECISION, "summary samples=many"]).is_err());
        assert!(Run::parse(&["decision recording=0 step=0 queue=0", SUMMARY]).is_err());
    }
}
