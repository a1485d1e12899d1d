//! The layer to look at first, and what to do about it.

use crate::ir::Model;

use super::distribution::Distribution;
use super::evaluation::Evaluation;
use super::text::{number, percent};

/// A share of clipped values that calls for more calibration data.
const CLIPPED: f64 = 1e-3;

/// Growth of the error from the second quarter of a recording to the last that is called drift.
const DRIFT: f64 = 1.5;

/// An error below this share of a layer's signal does not drift, whatever it does.
const NEGLIGIBLE: f64 = 0.005;

/// A share of steps whose largest output stays the largest, above which nothing needs to be done.
const AGREEMENT: f64 = 0.995;

/// Where to look first.
pub(super) struct Advice {
    /// `None` is the input.
    pub(super) layer: Option<usize>,
    /// Its name.
    pub(super) place: String,
    /// Whether something should be done.
    pub(super) needed: bool,
    /// What was seen there.
    pub(super) reason: String,
    /// What to do.
    pub(super) remedies: Vec<String>,
    /// How much of the outputs' error each layer added: a share of its signal.
    pub(super) added: Vec<f64>,
}

impl Advice {
    pub(super) fn new(model: &Model, evaluation: &Evaluation, distributions: &[Distribution]) -> Self {
        let added = added(evaluation);
        let finding = clipping(distributions).or_else(|| drift(evaluation)).unwrap_or_else(|| largest(&added));
        let agreement = evaluation.int8.argmax_agrees as f64 / evaluation.int8.steps as f64;
        let needed = match finding.kind {
            Kind::Clipping | Kind::Drift => true,
            Kind::Largest => agreement < AGREEMENT && model.output_size() > 1,
        };
        let Finding { layer, reason, remedies, .. } = finding;
        let place = layer.map_or("the input".to_owned(), |index| model.layers()[index].name().to_owned());
        Self { layer, place, needed, reason, remedies, added }
    }
}

/// What kind of trouble.
enum Kind {
    Clipping,
    Drift,
    Largest,
}

struct Finding {
    kind: Kind,
    /// `None` is the input.
    layer: Option<usize>,
    reason: String,
    remedies: Vec<String>,
}

/// The tensor that is clipped most on the test, if any is clipped much more than on the calibration data.
fn clipping(distributions: &[Distribution]) -> Option<Finding> {
    let beyond = |distribution: &&Distribution| {
        let more = distribution.test.clipped_share() - distribution.calibration.clipped_share();
        more >= CLIPPED && !distribution.tensor.is_sum()
    };
    let worst =
        distributions.iter().filter(beyond).max_by(|a, b| a.test.clipped_share().total_cmp(&b.test.clipped_share()))?;
    let reason = format!(
        "{} of the values of its “{}” are beyond what int8 holds on the test recordings, and {} on the calibration data: the scales \
         were chosen by recordings that do not reach as far.",
        percent(worst.test.clipped_share()),
        worst.tensor.name,
        percent(worst.calibration.clipped_share()),
    );
    let remedies = vec![
        "Calibrate with recordings of everything that the device will meet: its loudest, fastest and strangest inputs too.".to_owned(),
    ];
    Some(Finding { kind: Kind::Clipping, layer: worst.tensor.layer, reason, remedies })
}

/// The first layer whose error grows with time.
fn drift(evaluation: &Evaluation) -> Option<Finding> {
    let (layer, growth) = evaluation.layers.iter().enumerate().find_map(|(index, layer)| {
        let matters = layer.whole.errors.rms > NEGLIGIBLE * layer.signal;
        layer.drift().filter(|&growth| matters && growth > DRIFT).map(|growth| (index, growth))
    })?;
    let reason = format!(
        "Its error grows with time: in the last quarter of a recording it is {} times that of the second quarter.",
        number(growth)
    );
    let remedies = vec![
        "Test on longer recordings to see where it settles, and reset the state between recordings where the task allows it."
            .to_owned(),
    ];
    Some(Finding { kind: Kind::Drift, layer: Some(layer), reason, remedies })
}

/// The layer that adds most of the error.
fn largest(added: &[f64]) -> Finding {
    let layer = (0..added.len()).max_by(|&a, &b| added[a].total_cmp(&added[b])).unwrap_or_default();
    let reason = format!(
        "It adds the largest part of the error: {} of its own signal. Nothing is clipped beyond the calibration data, and no error grows \
         with time.",
        percent(added[layer])
    );
    Finding { kind: Kind::Largest, layer: Some(layer), reason, remedies: Vec::new() }
}

/// How far each layer's relative error is beyond that of what it is given, as errors that are independent add up.
fn added(evaluation: &Evaluation) -> Vec<f64> {
    let mut before = 0.0;
    let relative = evaluation.layers.iter().map(|layer| layer.whole.errors.rms / layer.signal);
    relative
        .map(|relative| relative * relative)
        .map(|power| {
            let power = if power.is_finite() { power } else { 0.0 };
            let added = (power - before).max(0.0).sqrt();
            before = power;
            added
        })
        .collect()
}
