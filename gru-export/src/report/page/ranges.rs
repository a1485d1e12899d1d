//! Where the values of each tensor are, and what int8 holds of them.

use crate::calibrate::{Choice, Range};

use super::super::distribution::{BINS, Counts, Distribution};
use super::super::svg::{Anchor, Scale, Svg};
use super::super::text::{number, percent};
use super::{Page, Report, WIDTH};

const HEIGHT: f64 = 112.0;

/// Most channels of an input that are drawn; those that are clipped most.
const CHANNELS: usize = 24;

pub(super) fn write(page: &mut Page, report: &Report) {
    page.section("ranges", "Ranges and clipping");
    let text = "Areas: values on the test recordings; dashed outlines: on the calibration data. Height: square root of the share. Upright lines: the \
                limits of what the integers hold, dotted where those of another value of the tensor are narrower; beyond them, shaded, values \
                are clipped. Sums of gates saturate without harm where σ and tanh are flat.";
    page.paragraph("soft", text);
    let (input, rest): (Vec<_>, Vec<_>) =
        report.distributions.iter().partition(|distribution| distribution.tensor.layer.is_none());
    if !input.is_empty() {
        page.html(format_args!("<h3>Input, raw units</h3>"));
        if input.len() > CHANNELS {
            page.paragraph("soft", &format!("{CHANNELS} of {} channels, those that are clipped most.", input.len()));
        }
        figures(page, &most_clipped(input));
    }
    for (index, layer) in report.inspection.layers.iter().enumerate() {
        let own: Vec<_> =
            rest.iter().copied().filter(|distribution| distribution.tensor.layer == Some(index)).collect();
        if !own.is_empty() {
            page.html(format_args!("<h3>{}</h3>", super::Escaped(&layer.name)));
            figures(page, &own);
        }
    }
    choices(page, report);
}

/// How the range of each tensor was chosen, and what was decided besides.
fn choices(page: &mut Page, report: &Report) {
    let row = |choice: &Choice| {
        let tried = choice.candidates.iter().map(|tried| format!("{} {}", tried.method, number(tried.rms)));
        let tried = tried.collect::<Vec<_>>().join(", ");
        vec![choice.tensor.name(&report.model), choice.origin.to_string(), percent(choice.clipped), tried]
    };
    let rows: Vec<_> = report.fit.choices.iter().map(row).collect();
    if !rows.is_empty() {
        let caption = "How ranges were chosen: by which method, the share of calibration data that it clips, and the outputs’ RMS error there \
                       with each method tried";
        page.table(caption, &["of", "by", "clips", "tried"], &rows);
    }
    for note in report.fit.notes(&report.model) {
        page.html(format_args!("<p><b>Note.</b> {}</p>", super::Escaped(&note)));
    }
}

/// In their own order.
fn most_clipped(mut input: Vec<&Distribution>) -> Vec<&Distribution> {
    if input.len() > CHANNELS {
        let mut order: Vec<usize> = (0..input.len()).collect();
        order.sort_by(|&a, &b| input[b].test.clipped.cmp(&input[a].test.clipped).then(a.cmp(&b)));
        order.truncate(CHANNELS);
        order.sort_unstable();
        input = order.into_iter().map(|at| input[at]).collect();
    }
    input
}

fn figures(page: &mut Page, distributions: &[&Distribution]) {
    page.html(format_args!(r#"<div class="grid">"#));
    for distribution in distributions {
        let name = format!("{},", distribution.tensor.name);
        page.figure(&picture(distribution), &name, &caption(distribution));
    }
    page.html(format_args!("</div>"));
}

fn caption(distribution: &Distribution) -> String {
    let clipped = |counts: &Counts| percent(counts.clipped_share());
    let verb = if distribution.tensor.is_sum() { "saturated" } else { "clipped" };
    let clipped = match (distribution.calibration.clipped, distribution.test.clipped) {
        (0, 0) => format!("nothing {verb}"),
        _ => format!(
            "{verb}: {} of test, {} of calibration",
            clipped(&distribution.test),
            clipped(&distribution.calibration)
        ),
    };
    format!("{} bits; {clipped}.", distribution.tensor.bits)
}

fn picture(distribution: &Distribution) -> Svg {
    let (left, right, top, base) = (4.0, WIDTH - 4.0, 8.0, HEIGHT - 22.0);
    let Distribution { tensor, span, calibration, test } = distribution;
    let mut svg = Svg::new(format!("Values of {}: {}", tensor.name, caption(distribution)), WIDTH, HEIGHT);
    let x = Scale { values: [span.min, span.max], places: [left, right] };
    let [inner, outer] = tensor.extremes();
    svg.rect("beyond", [left, top], [x.at(outer.min) - left, base - top]);
    svg.rect("beyond", [x.at(outer.max), top], [right - x.at(outer.max), base - top]);
    let height = |counts: &Counts, bin: usize| (counts.bins[bin] as f64 / counts.values.max(1) as f64).sqrt();
    let highest = [calibration, test].into_iter().flat_map(|counts| (0..BINS).map(move |bin| height(counts, bin)));
    let y = Scale { values: [0.0, highest.fold(1e-9, f64::max)], places: [base, top + 4.0] };
    let bin = Scale { values: [0.0, BINS as f64], places: [left, right] };
    let steps = |counts: &Counts| -> Vec<[f64; 2]> {
        let tops = (0..BINS).flat_map(|at| [at, at + 1].map(|edge| [bin.at(edge as f64), y.at(height(counts, at))]));
        std::iter::once([left, base]).chain(tops).chain([[right, base]]).collect()
    };
    svg.path("area", steps(test), true);
    svg.path("outline", steps(calibration), false);
    svg.line("axis", [left, base], [right, base]);
    let mut mark = |class: &str, Range { min, max }: Range| {
        [min, max].into_iter().for_each(|limit| svg.line(class, [x.at(limit), top], [x.at(limit), base]));
    };
    mark("limit", outer);
    if inner != outer && inner.min < inner.max {
        mark("inner", inner);
    }
    for tick in x.ticks(5.0) {
        svg.line("axis", [x.at(tick), base], [x.at(tick), base + 3.0]);
        svg.text("soft", Anchor::Middle, [x.at(tick).clamp(12.0, WIDTH - 12.0), base + 15.0], &number(tick));
    }
    svg
}
