//! What was understood of the model: a diagram, equations and notes.

use crate::inspect::LayerReport;
use crate::ir::Input;

use super::super::svg::{Anchor, Svg};
use super::super::text::{Escaped, counted, shortened};
use super::{Page, Report, WIDTH};

/// Height of a layer's box, and of the arrow below it.
const BOX: f64 = 46.0;
const GAP: f64 = 30.0;

/// Where boxes begin and end.
const LEFT: f64 = 20.0;
const RIGHT: f64 = WIDTH - 60.0;

pub(super) fn write(page: &mut Page, report: &Report) {
    page.section("architecture", "Architecture");
    page.html(format_args!(r#"<div class="pair">"#));
    let svg = diagram(report);
    page.html(format_args!("<figure>{svg}</figure><div>"));
    for (names, form, equations) in forms(&report.inspection.layers) {
        page.html(format_args!("<h3>{}</h3>", Escaped(&names)));
        page.paragraph("soft", form);
        let lines: Vec<_> = equations.iter().map(|equation| Escaped(equation).to_string()).collect();
        page.html(format_args!("<pre>{}</pre>", lines.join("\n")));
    }
    for note in &report.inspection.notes {
        page.html(format_args!("<p><b>Note.</b> {}</p>", Escaped(note)));
    }
    page.html(format_args!("</div></div>"));
}

/// Layers with the same equations: their names, what they are, and the equations.
fn forms(layers: &[LayerReport]) -> Vec<(String, &str, &[String])> {
    let mut forms: Vec<(Vec<&str>, &LayerReport)> = Vec::new();
    for layer in layers {
        match forms.iter_mut().find(|(_, first)| first.equations == layer.equations) {
            Some((names, _)) => names.push(&layer.name),
            None => forms.push((vec![&layer.name], layer)),
        }
    }
    forms.into_iter().map(|(names, layer)| (names.join(", "), layer.form.as_str(), &layer.equations[..])).collect()
}

/// The layers, first to last, and the size of what goes from one to the next.
fn diagram(report: &Report) -> Svg {
    let layers = &report.inspection.layers;
    let height = (layers.len() as f64 + 2.0) * (BOX + GAP) - GAP;
    let mut svg = Svg::new("The layers of the model, first to last", WIDTH, height);
    let (input, values) = match report.inspection.input {
        Input::Vector(size) => (counted(size, "channel", "channels"), size.to_string()),
        Input::Symbol(count) => (format!("a symbol below {count}"), "1 symbol".to_owned()),
    };
    let standardized = report.inspection.standardization.is_some();
    end(&mut svg, 0.0, "input", &if standardized { format!("{input}, standardized") } else { input });
    arrow(&mut svg, BOX, &values);
    for (index, layer) in layers.iter().enumerate() {
        let top = (index as f64 + 1.0) * (BOX + GAP);
        let title = format!("{}: {}, {} values out", layer.name, layer.kind, layer.output_size);
        let precision = report.precisions[index].name();
        svg.group(&title, |svg| block(svg, top, layer, precision));
        arrow(&mut svg, top + BOX, &layer.output_size.to_string());
    }
    end(&mut svg, height - BOX, "output", &counted(report.model.output_size(), "value", "values"));
    svg
}

/// A layer; one that has a state has a loop.
fn block(svg: &mut Svg, top: f64, layer: &LayerReport, precision: &str) {
    svg.rect("box", [LEFT, top], [RIGHT - LEFT, BOX]);
    svg.text("strong", Anchor::Start, [LEFT + 12.0, top + 19.0], &shortened(&layer.name, 26));
    let parameters = if layer.parameters > 0 { format!(", {} parameters", layer.parameters) } else { String::new() };
    svg.text("soft", Anchor::Start, [LEFT + 12.0, top + 35.0], &format!("{}{parameters}", layer.kind));
    svg.text("soft", Anchor::End, [RIGHT - 10.0, top + 19.0], precision);
    if layer.reset.is_some() {
        let (near, far) = (RIGHT, RIGHT + 22.0);
        let (from, to) = (top + 34.0, top + 12.0);
        svg.path("flow", [[near, from], [far, from], [far, to], [near + 6.0, to]], false);
        svg.path("head", [[near, to], [near + 7.0, to - 4.0], [near + 7.0, to + 4.0]], true);
        let both = layer.kind == "two-way GRU";
        svg.text("soft", Anchor::Start, [far + 5.0, top + 27.0], if both { "h ⇅" } else { "h" });
    }
}

/// Where the model begins or ends.
fn end(svg: &mut Svg, top: f64, name: &str, what: &str) {
    let middle = (LEFT + RIGHT) / 2.0;
    svg.text("strong", Anchor::Middle, [middle, top + 20.0], name);
    svg.text("soft", Anchor::Middle, [middle, top + 36.0], what);
}

/// Down from one box to the next, beside it how many values go there.
fn arrow(svg: &mut Svg, top: f64, values: &str) {
    let (middle, bottom) = ((LEFT + RIGHT) / 2.0, top + GAP);
    svg.line("flow", [middle, top + 2.0], [middle, bottom - 7.0]);
    svg.path("head", [[middle, bottom - 1.0], [middle - 4.0, bottom - 8.0], [middle + 4.0, bottom - 8.0]], true);
    svg.text("soft", Anchor::Start, [middle + 8.0, top + GAP / 2.0 + 3.0], values);
}
