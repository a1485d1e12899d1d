//! Bytes and instructions on microcontrollers.

use crate::inspect::Footprint;
use crate::precision::Precision;

use super::super::instructions::Core;
use super::super::svg::{Anchor, Scale, Svg};
use super::super::text::{bytes, percent, thousands};
use super::{Page, Report, WIDTH};

const ROW: f64 = 34.0;

pub(super) fn write(page: &mut Page, report: &Report) {
    page.section("cost", "Flash, RAM and instructions");
    let inspection = &report.inspection;
    let row = |name: &str, float: Footprint, chosen: Footprint| {
        let sizes = [float.flash, float.ram, chosen.flash, chosen.ram].map(bytes);
        [vec![name.to_owned()], sizes.to_vec()].concat()
    };
    let layers = inspection.layers.iter().zip(report.footprints());
    let mut rows: Vec<_> = layers.map(|(layer, chosen)| row(&layer.name, layer.f32, chosen)).collect();
    rows.push(row("all", inspection.f32, report.footprint()));
    let (flash, ram) = (format!("{} flash", report.label()), format!("{} RAM", report.label()));
    let columns = ["layer", "f32 flash", "f32 RAM", &flash, &ram];
    page.table("Weights, biases and scales as they are packed, and the state of one stream", &columns, &rows);

    let cores = Core::all();
    let layers = report.model.layers();
    let in_f32 = vec![Precision::F32; layers.len()];
    let cost = |core: &Core, precisions: &[Precision]| core.instructions(layers, precisions, report.wide_input);
    let costs: Vec<_> =
        cores.iter().map(|core| (core.name.as_str(), cost(core, &report.precisions), cost(core, &in_f32))).collect();
    page.html(format_args!(r#"<div class="pair">"#));
    page.figure(
        &bars(&costs),
        "Instructions of a step,",
        &format!("estimated. Full bars: {}, open bars: f32.", report.label()),
    );
    page.html(format_args!("<div>"));
    let shown = |instructions: Option<f64>| instructions.map_or("–".to_owned(), |n| thousands(rounded(n)));
    let rows: Vec<_> =
        costs.iter().map(|&(name, int8, float)| vec![name.to_owned(), shown(int8), shown(float)]).collect();
    page.table("Instructions of a step, estimated", &["core", report.label(), "f32"], &rows);
    let fits = cores.iter().flat_map(|core| [core.int8, core.float]).flatten();
    let error = fits.map(|fit| fit.error).fold(0.0, f64::max);
    let text = format!(
        "An estimate, not a measurement: multiply-accumulates, units and layers of this model, weighted as fits GRU steps of eight sizes that were \
         counted on each core under QEMU. It meets those within {}. Layers other than GRU are charged like its rows. Instructions are not \
         cycles, and reading the sensor and the program around the model come on top. –: the core has no floating point unit, f32 there \
         costs thirty to fifty times as much as int8.",
        percent(error)
    );
    page.paragraph("soft", &text);
    page.html(format_args!("</div></div>"));
}

/// To two digits, as an estimate deserves.
fn rounded(instructions: f64) -> i64 {
    let whole = instructions.round() as i64;
    let digits = whole.max(1).ilog10();
    let unit = 10_i64.pow(digits.saturating_sub(1));
    (whole + unit / 2) / unit * unit
}

fn bars(costs: &[(&str, Option<f64>, Option<f64>)]) -> Svg {
    let mut svg = Svg::new("Estimated instructions of a step on each core", WIDTH, costs.len() as f64 * ROW + 4.0);
    let most = costs.iter().flat_map(|&(_, int8, float)| [int8, float]).flatten().fold(1.0, f64::max);
    let (left, right) = (78.0, WIDTH - 54.0);
    let x = Scale { values: [0.0, most], places: [left, right] };
    for (row, &(name, int8, float)) in costs.iter().enumerate() {
        let top = row as f64 * ROW + 4.0;
        svg.text("", Anchor::End, [left - 8.0, top + 17.0], name);
        for (instructions, class, offset) in [(int8, "bar", 0.0), (float, "bar2", 14.0)] {
            let Some(instructions) = instructions else { continue };
            let (y, end) = (top + offset, x.at(instructions));
            svg.rect(class, [left, y + 1.0], [end - left, 10.0]);
            svg.text("soft", Anchor::Start, [end + 5.0, y + 9.5], &thousands(rounded(instructions)));
        }
    }
    svg
}
