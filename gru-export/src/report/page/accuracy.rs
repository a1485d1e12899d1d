//! Right answers in f32 and in int8; where none are known, the errors of the outputs.

use super::super::evaluation::{Classes, ERROR_BINS, Evaluation};
use super::super::svg::{Anchor, Scale, Svg};
use super::super::text::{number, percent, shortened, thousands};
use super::super::truth::Confusion;
use super::{Page, Report, WIDTH};

/// Most classes that a matrix has numbers for.
const NUMBERED: usize = 12;

/// Most classes that are drawn.
const DRAWN: usize = 40;

/// Most confusions that are listed.
const LISTED: usize = 10;

pub(super) fn write(page: &mut Page, report: &Report) {
    page.section("accuracy", "Accuracy");
    let evaluation = &report.evaluation;
    match &evaluation.classes {
        Some(classes) => write_classes(page, classes, &report.names, report.label()),
        None => page.paragraph("soft", "No labels were given: what follows compares outputs, not answers."),
    }
    agreement(page, report);
    if evaluation.classes.is_none() {
        let caption = format!("{} minus f64, every output of every step. Height: share of the values.", report.label());
        page.figure(&errors(evaluation), "Errors of the outputs.", &caption);
    }
}

fn write_classes(page: &mut Page, classes: &Classes, names: &[String], label: &str) {
    let row = |name: &str, [float, int8]: &[Confusion; 2]| {
        let total = thousands(float.total() as i64);
        vec![name.to_owned(), percent(float.accuracy()), percent(int8.accuracy()), total]
    };
    let mut rows = vec![row("every step", &classes.every)];
    rows.extend(classes.last.as_ref().map(|last| row("last step", last)));
    page.table("Right answers", &["", "f32", label, "answers"], &rows);
    matrices(page, "every step", &classes.every, names, label);
    if let Some(last) = &classes.last {
        matrices(page, "last step", last, names, label);
    }
}

/// Both matrices side by side, or a list where they are too large to draw.
fn matrices(page: &mut Page, what: &str, [float, int8]: &[Confusion; 2], names: &[String], label: &str) {
    if int8.classes() > DRAWN {
        return confusions(page, what, [float, int8], names, label);
    }
    page.html(format_args!(r#"<div class="grid">"#));
    for (precision, confusion) in [("f32", float), (label, int8)] {
        let caption = format!("{what}. Rows: the right class, columns: the class given; percent of the row.");
        page.figure(&matrix(confusion, names, precision, what), &format!("{precision},"), &caption);
    }
    page.html(format_args!("</div>"));
}

fn matrix(confusion: &Confusion, names: &[String], precision: &str, what: &str) -> Svg {
    let classes = confusion.classes();
    let (left, top) = (if classes > NUMBERED { 26.0 } else { 92.0 }, 20.0);
    let cell = ((WIDTH - left - 2.0) / classes as f64).min(48.0);
    let height = if classes > NUMBERED { cell } else { cell.min(34.0) };
    let mut svg = Svg::new(
        format!("Confusion matrix, {precision}, {what}: {} right", percent(confusion.accuracy())),
        WIDTH,
        top + classes as f64 * height + 4.0,
    );
    for right in 0..classes {
        let y = top + right as f64 * height;
        if classes <= NUMBERED {
            let label = format!("{right} {}", if names[right] == right.to_string() { "" } else { &names[right] });
            svg.text("", Anchor::End, [left - 8.0, y + height / 2.0 + 4.0], &shortened(label.trim(), 14));
            svg.text("soft", Anchor::Middle, [left + (right as f64 + 0.5) * cell, top - 7.0], &right.to_string());
        }
        let of_class = confusion.of_class(right);
        for given in 0..classes {
            let x = left + given as f64 * cell;
            let share = confusion.count(right, given) as f64 / of_class.max(1) as f64;
            let title =
                format!("{} taken for {}: {} of {of_class}", names[right], names[given], confusion.count(right, given));
            svg.group(&title, |svg| {
                let heat = heat(share);
                svg.rect(["h0", "h1", "h2", "h3", "h4"][heat], [x, y], [cell, height]);
                svg.rect("frame", [x, y], [cell, height]);
                if classes <= NUMBERED && of_class > 0 {
                    let class = if heat > 2 { "on-dark" } else { "" };
                    svg.text(class, Anchor::Middle, [x + cell / 2.0, y + height / 2.0 + 4.0], &whole_percent(share));
                }
            });
        }
    }
    svg
}

/// Which of five shades.
fn heat(share: f64) -> usize {
    [0.0, 0.05, 0.25, 0.6].iter().filter(|&&least| share > least).count()
}

fn whole_percent(share: f64) -> String {
    match 100.0 * share {
        0.0 => "·".to_owned(),
        percent if percent < 0.5 => "<1".to_owned(),
        percent => format!("{percent:.0}"),
    }
}

/// The most frequent mistakes of integers.
fn confusions(page: &mut Page, what: &str, [float, int8]: [&Confusion; 2], names: &[String], label: &str) {
    let classes = int8.classes();
    let mut pairs: Vec<(usize, usize)> = (0..classes)
        .flat_map(|right| (0..classes).map(move |given| (right, given)))
        .filter(|&(right, given)| right != given && int8.count(right, given) > 0)
        .collect();
    pairs.sort_by_key(|&(right, given)| (std::cmp::Reverse(int8.count(right, given)), right, given));
    let rows: Vec<_> = pairs
        .into_iter()
        .take(LISTED)
        .map(|(right, given)| {
            let counts = [float, int8].map(|confusion| confusion.count(right, given).to_string());
            [vec![names[right].clone(), names[given].clone()], counts.to_vec()].concat()
        })
        .collect();
    page.table(&format!("The most frequent mistakes in {label}, {what}"), &["right", "given", "f32", label], &rows);
}

/// Both arithmetics against the reference.
fn agreement(page: &mut Page, report: &Report) {
    let evaluation = &report.evaluation;
    let several = report.model.output_size() > 1;
    let agree = |agrees: usize| {
        if several { percent(agrees as f64 / evaluation.int8.steps as f64) } else { "–".to_owned() }
    };
    let int8 = &evaluation.int8;
    // The last bits of f32 depend on the machine.
    let bound = |error: f64| match error {
        0.0 => "none".to_owned(),
        error => format!("below {}", number(ten_to(libm::log10(error).floor() as i32 + 1))),
    };
    let float = &evaluation.float;
    let rows = [
        vec!["f32".to_owned(), bound(float.errors.max), bound(float.errors.rms), agree(float.argmax_agrees)],
        vec![report.label().to_owned(), number(int8.errors.max), number(int8.errors.rms), agree(int8.argmax_agrees)],
    ];
    let columns = ["", "largest", "RMS", "agrees"];
    let caption = "Errors of the outputs against f64; they agree where the largest output is the same";
    page.table(caption, &columns, &rows);
}

fn ten_to(exponent: i32) -> f64 {
    format!("1e{exponent}").parse().expect("a number")
}

fn errors(evaluation: &Evaluation) -> Svg {
    let (height, base) = (150.0, 124.0);
    let max = evaluation.int8.errors.max;
    let mut svg =
        Svg::new(format!("Histogram of the outputs’ errors, none larger than {}", number(max)), WIDTH, height);
    let total: u64 = evaluation.errors.iter().sum();
    let highest = evaluation.errors.iter().copied().max().unwrap_or_default().max(1);
    let x = Scale { values: [-1.0, 1.0], places: [10.0, WIDTH - 10.0] };
    let y = Scale { values: [0.0, highest as f64], places: [base, 12.0] };
    let width = (WIDTH - 20.0) / ERROR_BINS as f64;
    for (bin, &count) in evaluation.errors.iter().enumerate() {
        let (left, top) = (10.0 + bin as f64 * width, y.at(count as f64));
        let share = percent(count as f64 / total.max(1) as f64);
        svg.group(&share, |svg| svg.rect("bar", [left + 0.5, top], [width - 1.0, base - top]));
    }
    svg.line("axis", [10.0, base], [WIDTH - 10.0, base]);
    for (value, anchor) in [(-1.0, Anchor::Start), (0.0, Anchor::Middle), (1.0, Anchor::End)] {
        svg.text("soft", anchor, [x.at(value), base + 15.0], &number(value * max));
    }
    svg
}
