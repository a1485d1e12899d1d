//! How the error of each layer goes on with time.

use super::super::evaluation::OverTime;
use super::super::svg::{Anchor, Scale, Svg};
use super::super::text::{number, percent};
use super::{Page, Report, WIDTH};

const HEIGHT: f64 = 150.0;

pub(super) fn write(page: &mut Page, report: &Report) {
    page.section("time", "Error over time");
    let text = format!(
        "RMS error of each layer’s outputs in {} against f64, as a share of their own RMS, at each step of a recording and over all recordings. \
         A curve that keeps rising is drift. All pictures have the same scale.",
        report.label()
    );
    page.paragraph("soft", &text);
    let layers = &report.evaluation.layers;
    let finite = layers.iter().flat_map(OverTime::relative).filter(|share| share.is_finite());
    let highest = finite.fold(0.0, f64::max).max(1e-9);
    page.html(format_args!(r#"<div class="grid">"#));
    for (layer, over_time) in report.inspection.layers.iter().zip(layers) {
        let svg = curve(over_time, &layer.name, report.evaluation.steps, highest);
        page.figure(&svg, &format!("{}.", layer.name), &drift(over_time));
    }
    page.html(format_args!("</div>"));
    let rows: Vec<_> = report
        .inspection
        .layers
        .iter()
        .zip(layers)
        .zip(&report.advice.added)
        .map(|((layer, over_time), &added)| {
            let errors = over_time.whole.errors;
            vec![
                layer.name.clone(),
                number(errors.max),
                number(errors.rms),
                percent(errors.rms / over_time.signal),
                percent(added),
            ]
        })
        .collect();
    let columns = ["layer", "largest", "RMS", "of signal", "added here"];
    let caption = "Error of each layer’s outputs over all steps, as a share of their own RMS, and how much of that the layer adds to what it is given";
    page.table(caption, &columns, &rows);
}

/// The last quarter beside the second, in words.
fn drift(over_time: &OverTime) -> String {
    match over_time.drift() {
        Some(growth) => {
            format!("Last quarter of a recording: {} times the error of the second quarter.", number(growth))
        }
        None => "Recordings too short, or too exact, to tell a drift.".to_owned(),
    }
}

/// So that the first and the last stay within the picture.
fn tick_anchor(tick: f64, last: f64) -> Anchor {
    match tick {
        0.0 => Anchor::Start,
        tick if tick > 0.95 * last => Anchor::End,
        _ => Anchor::Middle,
    }
}

fn curve(over_time: &OverTime, name: &str, steps: usize, highest: f64) -> Svg {
    let (left, right, top, base) = (46.0, WIDTH - 8.0, 10.0, HEIGHT - 30.0);
    let mut svg = Svg::new(format!("Error of {name} over {steps} steps"), WIDTH, HEIGHT);
    let relative = over_time.relative();
    let y = Scale { values: [0.0, highest], places: [base, top] };
    for tick in y.ticks(4.0) {
        svg.line("grid", [left, y.at(tick)], [right, y.at(tick)]);
        svg.text("soft", Anchor::End, [left - 5.0, y.at(tick) + 3.5], &format!("{} %", number(100.0 * tick)));
    }
    let x = Scale { values: [0.0, steps as f64], places: [left, right] };
    svg.line("axis", [left, base], [right, base]);
    for tick in x.ticks(4.0).into_iter().filter(|tick| tick.fract() == 0.0) {
        svg.text("soft", tick_anchor(tick, steps as f64), [x.at(tick), base + 14.0], &number(tick));
    }
    svg.text("soft", Anchor::End, [right, base + 26.0], "step");
    let width = steps as f64 / relative.len() as f64;
    let points: Vec<_> = relative
        .iter()
        .enumerate()
        .filter(|(_, share)| share.is_finite())
        .map(|(part, &share)| [x.at((part as f64 + 0.5) * width), y.at(share)])
        .collect();
    if let &[point] = &points[..] {
        svg.rect("bar", [point[0] - 2.0, point[1] - 2.0], [4.0, 4.0]);
    }
    svg.path("curve", points, false);
    svg
}
