use std::ops::Range;

use anyhow::Result;
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::case::{Precision, Shape};
use crate::measure::Timing;
use crate::report::single;

const SIZE: (u32, u32) = (1400, 600);
const FONT: &str = "Helvetica, Arial, sans-serif";
const TEXT: RGBColor = RGBColor(0x22, 0x22, 0x22);
const GRID: RGBColor = RGBColor(0xe4, 0xe4, 0xe4);

/// Backends from plain to best: colours that also differ in brightness (Okabe and Ito 2008).
const COLOURS: [RGBColor; 6] = [
    RGBColor(0x88, 0x88, 0x88),
    RGBColor(0xe6, 0x9f, 0x00),
    RGBColor(0x56, 0xb4, 0xe9),
    RGBColor(0xcc, 0x79, 0xa7),
    RGBColor(0x00, 0x9e, 0x73),
    RGBColor(0xd5, 0x5e, 0x00),
];

/// Width that the dots of one shape share, where shapes are 1 apart.
const SPREAD: f64 = 0.6;

/// Each step in units of its floor, on a logarithmic scale, one panel a precision; the last backend's ratios also as numbers.
pub fn svg(timings: &[Timing], processor: &str) -> Result<String> {
    let mut text = String::new();
    {
        let root = SVGBackend::with_string(&mut text, SIZE).into_drawing_area();
        root.fill(&WHITE)?;
        let title = format!("One step, in units of the time that streaming the weights takes — {processor}");
        let root = root.titled(&title, (FONT, 20).into_font().color(&TEXT))?;
        let panels = root.split_evenly((1, 2));
        for (area, precision) in panels.iter().zip([Precision::F32, Precision::Int8]) {
            panel(area, timings, precision)?;
        }
        root.present()?;
    }
    Ok(text)
}

fn panel(area: &DrawingArea<SVGBackend<'_>, Shift>, timings: &[Timing], precision: Precision) -> Result<()> {
    let (shapes, isas) = (distinct(timings, |timing| timing.shape), distinct(timings, |timing| timing.isa));
    let place = |shape: Shape| shapes.iter().position(|&other| other == shape).unwrap_or_default() as f64;

    let scale = scale(timings);
    let mut chart = ChartBuilder::on(area)
        .caption(precision.to_string(), (FONT, 20).into_font().color(&TEXT))
        .margin(12)
        .x_label_area_size(48)
        .y_label_area_size(56)
        .build_cartesian_2d(-0.5..shapes.len() as f64 - 0.5, scale.clone().log_scale())?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(GRID)
        .axis_style(TEXT)
        .label_style((FONT, 16).into_font().color(&TEXT))
        .x_desc("input × hidden size")
        .y_desc("median step / floor")
        .x_labels(shapes.len())
        .x_label_formatter(&|&x| {
            let shape = shapes.get(x.round() as usize).filter(|_| x >= 0.0 && x.fract() == 0.0);
            shape.map(|shape| format!("{}×{}", shape.input, shape.hidden)).unwrap_or_default()
        })
        .y_label_formatter(&|y| y.to_string())
        .draw()?;
    let floor = [(-0.5, 1.0), (shapes.len() as f64 - 0.5, 1.0)];
    chart.draw_series(LineSeries::new(floor, TEXT.stroke_width(2)))?;

    for (rank, isa) in isas.iter().enumerate() {
        let colour = COLOURS[(rank + COLOURS.len() - isas.len()) % COLOURS.len()];
        let shift = SPREAD * ((rank as f64 + 0.5) / isas.len() as f64 - 0.5);
        let chosen = single(timings).filter(|timing| timing.isa == *isa && timing.precision == precision);
        let dots =
            chosen.clone().map(|timing| Circle::new((place(timing.shape) + shift, timing.ratio()), 6, colour.filled()));
        chart.draw_series(dots)?.label(*isa).legend(move |(x, y)| Circle::new((x + 10, y), 6, colour.filled()));
        if rank + 1 == isas.len() {
            let style = (FONT, 16).into_font().color(&colour).pos(Pos::new(HPos::Center, VPos::Bottom));
            let ratios = chosen.map(|timing| {
                Text::new(format!("{:.2}", timing.ratio()), (place(timing.shape), scale.start), style.clone())
            });
            chart.draw_series(ratios)?;
        }
    }
    if precision == Precision::F32 {
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::UpperRight)
            .background_style(WHITE)
            .border_style(GRID)
            .label_font((FONT, 16).into_font().color(&TEXT))
            .draw()?;
    }
    Ok(())
}

/// What holds every ratio and 1, with room for the labels.
fn scale(timings: &[Timing]) -> Range<f64> {
    let ratios = || single(timings).map(Timing::ratio);
    ratios().fold(1.0, f64::min) / 1.6..ratios().fold(1.0, f64::max) * 1.5
}

/// Each value once, in the order of the timings.
fn distinct<T: PartialEq>(timings: &[Timing], value: impl Fn(&Timing) -> T) -> Vec<T> {
    let mut values = Vec::new();
    for timing in timings {
        let value = value(timing);
        if !values.contains(&value) {
            values.push(value);
        }
    }
    values
}
