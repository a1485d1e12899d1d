//! A small writer of SVG. Colours come from the page's style sheet by class, so that a picture follows dark mode and print, which the plot crates'
//! fixed colours do not; that, and no dependency, is why it is written here.

use std::fmt::{self, Write};

use super::text::Escaped;

/// A picture that scales with its place, in units that are CSS pixels where it stands at its own width.
pub(super) struct Svg {
    title: String,
    width: f64,
    height: f64,
    body: String,
}

/// Which end of a text stands at its place.
#[derive(Clone, Copy)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

impl Svg {
    /// The title is what a screen reader says of it.
    pub(super) fn new(title: impl Into<String>, width: f64, height: f64) -> Self {
        Self { title: title.into(), width, height, body: String::new() }
    }

    pub(super) fn line(&mut self, class: &str, [x1, y1]: [f64; 2], [x2, y2]: [f64; 2]) {
        let (x1, y1, x2, y2) = (Place(x1), Place(y1), Place(x2), Place(y2));
        self.push(format_args!(r#"<line class="{class}" x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}"/>"#));
    }

    pub(super) fn rect(&mut self, class: &str, [x, y]: [f64; 2], [width, height]: [f64; 2]) {
        let (x, y, width, height) = (Place(x), Place(y), Place(width), Place(height));
        self.push(format_args!(r#"<rect class="{class}" x="{x}" y="{y}" width="{width}" height="{height}"/>"#));
    }

    /// A line through the points, and back to the first if it is `closed`.
    pub(super) fn path(&mut self, class: &str, points: impl IntoIterator<Item = [f64; 2]>, closed: bool) {
        let mut path = String::new();
        for [x, y] in points {
            let command = if path.is_empty() { 'M' } else { 'L' };
            push(&mut path, format_args!("{command}{} {}", Place(x), Place(y)));
        }
        let end = if closed { "Z" } else { "" };
        self.push(format_args!(r#"<path class="{class}" d="{path}{end}"/>"#));
    }

    pub(super) fn text(&mut self, class: &str, anchor: Anchor, [x, y]: [f64; 2], text: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let (x, y, text) = (Place(x), Place(y), Escaped(text));
        self.push(format_args!(r#"<text class="{class}" x="{x}" y="{y}" text-anchor="{anchor}">{text}</text>"#));
    }

    /// What `draw` draws, with a title of its own.
    pub(super) fn group(&mut self, title: &str, draw: impl FnOnce(&mut Self)) {
        self.push(format_args!("<g><title>{}</title>", Escaped(title)));
        draw(self);
        self.body.push_str("</g>");
    }

    fn push(&mut self, arguments: fmt::Arguments<'_>) {
        push(&mut self.body, arguments);
    }
}

fn push(text: &mut String, arguments: fmt::Arguments<'_>) {
    text.write_fmt(arguments).expect("a String takes all");
}

impl fmt::Display for Svg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { title, width, height, body } = self;
        let (width, height) = (Place(*width), Place(*height));
        let title = Escaped(title);
        writeln!(
            f,
            r#"<svg role="img" viewBox="0 0 {width} {height}" width="{width}" height="{height}"><title>{title}</title>{body}</svg>"#
        )
    }
}

/// A coordinate, to a tenth of a unit.
struct Place(f64);

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tenths = (self.0 * 10.0).round() as i64;
        match tenths % 10 {
            0 => write!(f, "{}", tenths / 10),
            tenth => write!(f, "{}{}.{}", if tenths < 0 { "-" } else { "" }, tenths.abs() / 10, tenth.abs()),
        }
    }
}

/// Values to places along an axis.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Scale {
    /// The values at its ends; they differ.
    pub(super) values: [f64; 2],
    /// The places of its ends.
    pub(super) places: [f64; 2],
}

impl Scale {
    pub(super) fn at(&self, value: f64) -> f64 {
        let [first, last] = self.values;
        let [start, end] = self.places;
        start + ((value - first) / (last - first)).clamp(0.0, 1.0) * (end - start)
    }

    /// Round values on the axis, about so many.
    pub(super) fn ticks(&self, count: f64) -> Vec<f64> {
        let [first, last] = self.values;
        let rough = (last - first) / count;
        let power = power_of_ten(libm::log10(rough).floor() as i32);
        let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|digit| digit * power).find(|&step| step >= rough);
        let step = step.unwrap_or(10.0 * power);
        let (from, to) = ((first / step).ceil() as i64, (last / step).floor() as i64);
        (from..=to).map(|multiple| multiple as f64 * step).collect()
    }
}

/// The same on every machine, which `powi` does not promise.
fn power_of_ten(exponent: i32) -> f64 {
    format!("1e{exponent}").parse().expect("a number")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round() {
        let ticks = |first, last| Scale { values: [first, last], places: [0.0, 1.0] }.ticks(4.0);
        assert_eq!(ticks(0.0, 100.0), [0.0, 50.0, 100.0]);
        assert_eq!(ticks(-1.1, 1.1), [-1.0, 0.0, 1.0]);
        assert_eq!(ticks(0.0, 0.004), [0.0, 0.001, 0.002, 0.003, 0.004]);
    }

    #[test]
    fn texts_are_escaped() {
        let mut svg = Svg::new("<a>", 1.0, 1.0);
        svg.text("x", Anchor::Start, [0.25, -0.05], "</svg><script>");
        svg.group("\"&'", |_| ());
        let text = svg.to_string();
        assert!(text.contains("<title>&lt;a&gt;</title>"), "{text}");
        assert!(text.contains(r#"x="0.3" y="-0.1""#), "{text}");
        assert!(text.contains(">&lt;/svg&gt;&lt;script&gt;</text>"), "{text}");
        assert!(text.contains("<title>&quot;&amp;&#39;</title>"), "{text}");
    }
}
