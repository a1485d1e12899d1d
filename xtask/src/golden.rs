//! PyTorch's outputs for the bundled recordings, and how near a run comes to them.

use anyhow::{Context, Result, ensure};
use gru_core::argmax;

use crate::matrix::root;
use crate::npy::Array;
use crate::report::Run;

const PATH: &str = "firmware-example/data/golden_motion.npy";

/// Logits `[recording, step, class]`.
pub struct Golden(Array);

/// How near a run comes to PyTorch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Agreement {
    /// Steps on which both decide for the same class.
    pub agreeing: u32,
    /// Steps compared.
    pub steps: u32,
    /// Largest absolute difference of a logit, where the run's logits are in real units.
    pub max_error: f32,
}

impl Golden {
    /// Reads the file.
    pub fn read() -> Result<Self> {
        let array = Array::read(root().join(PATH))?;
        ensure!(array.shape.len() == 3, "{PATH}: expected [recording, step, class], found {:?}", array.shape);
        Ok(Self(array))
    }

    /// Steps of all recordings.
    pub fn steps(&self) -> u32 {
        (self.0.shape[0] * self.0.shape[1]) as u32
    }

    /// Compares all decisions of a run.
    pub fn compare(&self, run: &Run) -> Result<Agreement> {
        let &[_, steps, classes] = &self.0.shape[..] else { unreachable!("read checked the shape") };
        let values = &self.0.values;
        let mut agreement = Agreement { agreeing: 0, steps: 0, max_error: 0.0 };
        for decision in &run.decisions {
            let at = (decision.recording * steps + decision.step) * classes;
            let expected =
                values.get(at..at + classes).with_context(|| format!("{PATH} has no output for {decision:?}"))?;
            ensure!(decision.logits.len() == classes, "expected {classes} logits, found {decision:?}");
            agreement.agreeing += u32::from(argmax(expected) == argmax(&decision.logits));
            agreement.steps += 1;
            let errors = expected.iter().zip(&decision.logits).map(|(&expected, &found)| (expected - found).abs());
            agreement.max_error = errors.fold(agreement.max_error, f32::max);
        }
        Ok(agreement)
    }
}

impl Agreement {
    /// From 0 to 1.
    pub fn share(self) -> f64 {
        f64::from(self.agreeing) / f64::from(self.steps)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Decision;

    fn run(logits: [f32; 2]) -> Run {
        let decision = Decision { recording: 0, step: 1, logits: logits.to_vec(), ..Decision::default() };
        Run { decisions: vec![decision], ..Run::default() }
    }

    #[test]
    fn a_run_is_held_against_its_step() {
        let golden = Golden(Array { shape: vec![1, 2, 2], values: vec![9.0, 9.0, 1.0, 2.0] });
        let agreement = golden.compare(&run([1.0, 1.75])).unwrap();
        assert_eq!(agreement, Agreement { agreeing: 1, steps: 1, max_error: 0.25 });
        assert_eq!(golden.compare(&run([2.0, 1.0])).unwrap().share(), 0.0);
    }

    #[test]
    fn a_step_beyond_the_recordings_is_an_error() {
        let golden = Golden(Array { shape: vec![1, 1, 2], values: vec![0.0, 1.0] });
        assert!(golden.compare(&run([0.0, 1.0])).is_err());
    }
}
