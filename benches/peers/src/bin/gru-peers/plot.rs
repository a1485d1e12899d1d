//! The medians as dots.

use anyhow::Result;
use gru_peers_case::{Precision, Shape};
use plotters::coord::Shift;
use plotters::prelude::*;

use crate::race::{Mode, Timing};

const SIZE: (u32, u32) = (1500, 640);
const FONT: &str = "Helvetica, Arial, sans-serif";
const TEXT: RGBColor = RGBColor(0x22, 0x22, 0x22);
const GRID: RGBColor = RGBColor(0xe4, 0xe4, 0xe4);

/// One a library, this project's first: colours that also differ in brightness (Okabe and Ito 2008, and three more).
const COLOURS: [RGBColor; 10] = [
    RGBColor(0xd5, 0x5e, 0x00),
    RGBColor(0x00, 0x9e, 0x73),
    RGBColor(0x56, 0xb4, 0xe9),
    RGBColor(0xe6, 0x9f, 0x00),
    RGBColor(0xcc, 0x79, 0xa7),
    RGBColor(0x00, 0x72, 0xb2),
    RGBColor(0x88, 0x88, 0x88),
    RGBColor(0x33, 0x33, 0x33),
    RGBColor(0x8c, 0x56, 0x4b),
    RGBColor(0xbc, 0xbd, 0x22),
];

/// Width that the dots of one shape share, where shapes are 1 apart.
const SPREAD: f64 = 0.7;

/// Medians per step on a logarithmic scale, one panel a mode: f32 filled, int8 hollow.
pub fn svg(timings: &[Timing], processor: &str) -> Result<String> {
    let mut text = String::new();
    {
        let root = SVGBackend::with_string(&mut text, SIZE).into_drawing_area();
        root.fill(&WHITE)?;
        let root = root
            .titled(&format!("A step of a GRU layer — {processor}, one thread"), (FONT, 20).into_font().color(&TEXT))?;
        for (area, mode) in root.split_evenly((1, 2)).iter().zip(Mode::ALL) {
            panel(area, timings, mode)?;
        }
        root.present()?;
    }
    Ok(text)
}

fn panel(area: &DrawingArea<SVGBackend<'_>, Shift>, timings: &[Timing], mode: Mode) -> Result<()> {
    let shapes = distinct(timings, |timing| timing.shape);
    let names = distinct(timings, |timing| library(timing).to_owned());
    let place = |shape: Shape| shapes.iter().position(|&other| other == shape).unwrap_or_default() as f64;
    let of_mode = || timings.iter().filter(|timing| timing.mode == mode);
    let all = || timings.iter().map(|timing| timing.median);
    let (least, most) = (all().fold(f64::INFINITY, f64::min), all().fold(0.0, f64::max));

    let caption = match mode {
        Mode::Step => "one step a call",
        Mode::Window => "a window of 100 steps a call",
    };
    let mut chart = ChartBuilder::on(area)
        .caption(caption, (FONT, 20).into_font().color(&TEXT))
        .margin(12)
        .x_label_area_size(48)
        .y_label_area_size(96)
        // Room for the names above the dots.
        .build_cartesian_2d(
            -0.5..shapes.len() as f64 - 0.5,
            (least / 1.5..most * (most / least).powf(0.6)).log_scale(),
        )?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(GRID)
        .axis_style(TEXT)
        .label_style((FONT, 16).into_font().color(&TEXT))
        .x_desc("input × hidden size")
        .y_desc("median ns per step")
        .x_labels(shapes.len())
        .x_label_formatter(&|&x| {
            let shape = shapes.get(x.round() as usize).filter(|_| x >= 0.0 && x.fract() == 0.0);
            shape.map(|shape| format!("{}×{}", shape.input, shape.hidden)).unwrap_or_default()
        })
        .y_label_formatter(&|y| format!("{y:.0}"))
        .draw()?;
    for (rank, name) in names.iter().enumerate() {
        let colour = COLOURS[rank % COLOURS.len()];
        let shift = SPREAD * ((rank as f64 + 0.5) / names.len() as f64 - 0.5);
        let dots = of_mode().filter(|timing| library(timing) == *name).map(|timing| {
            let style = match timing.entrant.precision {
                Precision::F32 => colour.filled(),
                Precision::Int8 => colour.stroke_width(2),
            };
            Circle::new((place(timing.shape) + shift, timing.median), 5, style)
        });
        chart.draw_series(dots)?.label(name).legend(move |(x, y)| Circle::new((x + 10, y), 5, colour.filled()));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .background_style(WHITE)
        .border_style(GRID)
        .label_font((FONT, 14).into_font().color(&TEXT))
        .draw()?;
    Ok(())
}

/// Its name without what was done to the model.
fn library(timing: &Timing) -> &str {
    timing.entrant.name.split(',').next().unwrap_or_default()
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
