//! The page, section by section.

mod accuracy;
mod architecture;
mod cost;
mod ranges;
mod time;

use std::fmt::{self, Write};

use crate::verify::Comparison;

use super::Report;
use super::svg::Svg;
use super::text::{Escaped, bytes, counted, number, percent, shortened, thousands};

const STYLE: &str = include_str!("style.css");

/// Nothing but the page's own style is loaded or run.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// Width of a picture: that of a phone's screen with a margin.
const WIDTH: f64 = 320.0;

/// HTML so far.
struct Page(String);

impl Page {
    /// Appends what is HTML already.
    fn html(&mut self, arguments: fmt::Arguments<'_>) {
        self.0.write_fmt(arguments).expect("a String takes all");
        self.0.push('\n');
    }

    /// A heading that the contents link to.
    fn section(&mut self, id: &str, title: &str) {
        self.html(format_args!(r#"<h2 id="{id}">{}</h2>"#, Escaped(title)));
    }

    fn paragraph(&mut self, class: &str, text: &str) {
        self.html(format_args!(r#"<p class="{class}">{}</p>"#, Escaped(text)));
    }

    /// A picture with its name and what to see in it.
    fn figure(&mut self, svg: &Svg, name: &str, caption: &str) {
        let (name, caption) = (Escaped(name), Escaped(caption));
        self.html(format_args!("<figure>{svg}<figcaption><b>{name}</b> {caption}</figcaption></figure>"));
    }

    /// A table whose rows begin with what they are about.
    fn table(&mut self, caption: &str, columns: &[&str], rows: &[Vec<String>]) {
        self.html(format_args!(r#"<div class="wide"><table><caption>{}</caption><thead><tr>"#, Escaped(caption)));
        columns.iter().for_each(|column| self.html(format_args!(r#"<th scope="col">{}</th>"#, Escaped(column))));
        self.html(format_args!("</tr></thead><tbody>"));
        for row in rows {
            let (first, rest) = row.split_first().expect("a row has cells");
            self.html(format_args!(r#"<tr><th scope="row">{}</th>"#, Escaped(first)));
            rest.iter().for_each(|cell| self.html(format_args!("<td>{}</td>", Escaped(cell))));
            self.html(format_args!("</tr>"));
        }
        self.html(format_args!("</tbody></table></div>"));
    }
}

/// The sections' anchors and names.
const CONTENTS: [(&str, &str); 6] = [
    ("architecture", "Architecture"),
    ("accuracy", "Accuracy"),
    ("time", "Error over time"),
    ("ranges", "Ranges and clipping"),
    ("cost", "Flash, RAM and instructions"),
    ("method", "How this was measured"),
];

/// The whole page.
pub(super) fn write(report: &Report) -> String {
    let mut page = Page(String::new());
    let title = &report.inspection.file;
    page.html(format_args!("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">"));
    page.html(format_args!(r#"<meta http-equiv="Content-Security-Policy" content="{POLICY}">"#));
    page.html(format_args!(r#"<meta name="viewport" content="width=device-width, initial-scale=1">"#));
    page.html(format_args!(r#"<meta name="color-scheme" content="light dark">"#));
    let label = report.label();
    page.html(format_args!("<title>{} in {label}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>", Escaped(title)));
    header(&mut page, report);
    advice(&mut page, report);
    page.html(format_args!("<main>"));
    architecture::write(&mut page, report);
    accuracy::write(&mut page, report);
    time::write(&mut page, report);
    ranges::write(&mut page, report);
    cost::write(&mut page, report);
    method(&mut page, report);
    page.html(format_args!("</main>\n</body>\n</html>"));
    page.0
}

fn header(page: &mut Page, report: &Report) {
    let inspection = &report.inspection;
    page.html(format_args!("<header><h1>{} in {}</h1>", Escaped(&inspection.file), report.label()));
    let layers = counted(inspection.layers.len(), "layer", "layers");
    let parameters = thousands(inspection.parameters as i64);
    let input = inspection.input;
    page.paragraph(
        "soft",
        &format!("{layers}, {parameters} parameters, takes {input} a step. SHA-256 {}", inspection.sha256),
    );
    page.html(format_args!(r#"<dl class="facts">"#));
    for (name, value, beside) in facts(report) {
        let (name, value, beside) = (Escaped(name), Escaped(&value), Escaped(&beside));
        page.html(format_args!("<div><dt>{name}</dt><dd>{value}<small>{beside}</small></dd></div>"));
    }
    page.html(format_args!("</dl><nav aria-label=\"Contents\"><ul>"));
    for (id, name) in CONTENTS {
        page.html(format_args!(r##"<li><a href="#{id}">{name}</a></li>"##));
    }
    page.html(format_args!("</ul></nav></header>"));
}

/// Name, value, and what it is beside.
fn facts(report: &Report) -> Vec<(&'static str, String, String)> {
    let (evaluation, inspection) = (&report.evaluation, &report.inspection);
    let mut facts = Vec::new();
    if let Some(classes) = &evaluation.classes {
        let [float, int8] = &classes.every;
        facts.push(("Accuracy, every step", percent(int8.accuracy()), format!("{} in f32", percent(float.accuracy()))));
        if let Some([float, int8]) = &classes.last {
            let beside = format!("{} in f32", percent(float.accuracy()));
            facts.push(("Accuracy, last step", percent(int8.accuracy()), beside));
        }
    }
    let int8 = &evaluation.int8;
    if report.model.output_size() > 1 {
        let agree = percent(int8.argmax_agrees as f64 / int8.steps as f64);
        facts.push(("Agrees with f64", agree, format!("at {} steps", thousands(int8.steps as i64))));
    }
    let peak = format!("outputs reach {}", number(int8.errors.peak));
    facts.push(("RMS error", number(int8.errors.rms), peak));
    let chosen = report.footprint();
    facts.push(("Flash", bytes(chosen.flash), format!("{} in f32", bytes(inspection.f32.flash))));
    facts.push(("RAM", bytes(chosen.ram), format!("{} in f32", bytes(inspection.f32.ram))));
    facts
}

fn advice(page: &mut Page, report: &Report) {
    let advice = &report.advice;
    let class = if advice.needed { "advice needed" } else { "advice" };
    page.html(format_args!(r#"<section class="{class}" id="first"><h2>Look at {} first</h2>"#, Escaped(&advice.place)));
    let verdict = if advice.needed { "Something should be done. " } else { "Nothing needs to be done. " };
    page.paragraph("", &format!("{verdict}{}", advice.reason));
    if !advice.remedies.is_empty() {
        page.html(format_args!("<ul>"));
        advice.remedies.iter().for_each(|remedy| page.html(format_args!("<li>{}</li>", Escaped(remedy))));
        page.html(format_args!("</ul>"));
    }
    if !report.trials.is_empty() {
        trials(page, report);
    }
    page.html(format_args!("</section>"));
}

/// Other choices beside this one.
fn trials(page: &mut Page, report: &Report) {
    let row = |option: &str, found: &Comparison| {
        let agrees = percent(found.argmax_agrees as f64 / found.steps as f64);
        vec![option.to_owned(), number(found.errors.rms), agrees]
    };
    let mut rows = vec![row("as it is", &report.evaluation.int8)];
    rows.extend(report.trials.iter().map(|trial| row(&trial.option, &trial.reference)));
    page.table("What would help, tried on the test recordings", &["", "RMS error", "agrees with f64"], &rows);
}

fn method(page: &mut Page, report: &Report) {
    page.section("method", "How this was measured");
    let text = "The kernels that ship ran on this machine; those of integers give the same bits on every target. The reference is the model’s equations in \
                f64. Every recording starts from the zero state.";
    page.paragraph("", text);
    let row = |name: &str, data: &super::Recordings| {
        let (recordings, steps) = (data.recordings.to_string(), thousands(data.steps as i64));
        vec![name.to_owned(), shortened(&data.file, 24), recordings, steps]
    };
    let rows = [row("calibration", &report.calibration), row("test", &report.test)];
    page.table("Recordings", &["", "file", "number", "steps each"], &rows);
    let text = format!("SHA-256: calibration {}, test {}.", report.calibration.sha256, report.test.sha256);
    page.paragraph("soft", &text);
    if report.calibration.sha256 == report.test.sha256 {
        let text = "The test recordings are the calibration recordings: clipping and accuracy on new data may be worse than shown here.";
        page.paragraph("", text);
    }
    page.paragraph("soft", concat!("Made by gru-export ", env!("CARGO_PKG_VERSION"), "."));
}
