//! The live view: a bar for each class, a sparkline of the signal.

use std::collections::VecDeque;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressFinish, ProgressStyle};

use crate::app::Decision;
use crate::model::{CLASSES, LABELS};
use crate::recordings::INPUT_LSB;

const WIDTH: usize = 60;
const LEVELS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// What is on the screen.
pub struct View {
    bars: [ProgressBar; CLASSES],
    signals: [Signal; 2],
    status: ProgressBar,
    labels: &'static [u8],
    seen: u32,
    labelled: u32,
    correct: u32,
}

impl View {
    /// An empty one; `labels` has the true class of each recording, or nothing.
    pub fn new(labels: &'static [u8]) -> Self {
        let screen = MultiProgress::with_draw_target(ProgressDrawTarget::stdout());
        let line = |template: &str, prefix: &'static str| {
            let style = ProgressStyle::with_template(template)
                .expect("the template is well formed")
                .progress_chars("█▉▊▋▌▍▎▏ ");
            let bar = ProgressBar::new(100).with_style(style).with_prefix(prefix);
            screen.add(bar.with_finish(ProgressFinish::Abandon))
        };
        let signals = [("|a| m/s²", 0), ("|ω| rad/s", 3)].map(|(name, first)| Signal {
            line: line("{prefix:>10.dim} {msg:.cyan}", name),
            first,
            history: VecDeque::with_capacity(WIDTH),
        });
        let bars = std::array::from_fn(|class| line("{prefix:>10.bold} {bar:60.green} {pos:>3} %", LABELS[class]));
        let status = line("{prefix:>10} {msg}", "");
        Self { bars, signals, status, labels, seen: 0, labelled: 0, correct: 0 }
    }

    /// Draws the decision.
    pub fn show<O>(&mut self, decision: &Decision<'_, O>) {
        for (bar, percentage) in self.bars.iter().zip(decision.percentages) {
            bar.set_position(u64::from(percentage));
        }
        for signal in &mut self.signals {
            signal.push(&decision.sample.reading.counts);
        }
        self.seen += 1;
        let mut message = format!("sample {}, {} waiting", self.seen, decision.queued);
        if let Some(&label) = self.labels.get(usize::from(decision.sample.reading.recording)) {
            self.labelled += 1;
            self.correct += u32::from(decision.class == usize::from(label));
            let accuracy = 100.0 * f64::from(self.correct) / f64::from(self.labelled);
            let (recording, count) = (decision.sample.reading.recording + 1, self.labels.len());
            message += &format!(
                ", recording {recording} of {count}: {}, accuracy {accuracy:.1} %",
                LABELS[usize::from(label)]
            );
        }
        if !decision.trusted() {
            message += if decision.stuck == 0 { ", settling" } else { ", a channel is stuck" };
        }
        self.status.set_message(message);
    }
}

/// The magnitude of three axes over the last samples.
struct Signal {
    line: ProgressBar,
    first: usize,
    history: VecDeque<f32>,
}

impl Signal {
    fn push(&mut self, counts: &[i16]) {
        let axes = (self.first..self.first + 3).map(|channel| f32::from(counts[channel]) * INPUT_LSB[channel]);
        if self.history.len() == WIDTH {
            self.history.pop_front();
        }
        self.history.push_back(axes.map(|axis| axis * axis).sum::<f32>().sqrt());
        let latest = self.history.back().copied().unwrap_or_default();
        self.line.set_message(format!("{:<WIDTH$} {latest:.1}", sparkline(&self.history)));
    }
}

/// One character a value, from 0 to the largest.
fn sparkline(values: &VecDeque<f32>) -> String {
    let top = values.iter().copied().fold(f32::MIN_POSITIVE, f32::max);
    values.iter().map(|value| LEVELS[((value / top * LEVELS.len() as f32) as usize).min(LEVELS.len() - 1)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sparkline_spans_zero_to_the_largest() {
        assert_eq!(sparkline(&VecDeque::from([0.0, 4.0, 7.9, 8.0])), "▁▅██");
        assert_eq!(sparkline(&VecDeque::from([0.0, 0.0])), "▁▁");
    }
}
