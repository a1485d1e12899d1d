//! Which range of a tensor the steps of int8 cover.

use std::fmt;
use std::str::FromStr;

use super::{Distribution, Range, STEPS};
use crate::error::{Error, Result, quoted};

/// Ends that [`Method::MeanSquare`] tries on either side.
const ENDS: u32 = 64;

/// How a range is taken from the values seen.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[non_exhaustive]
pub enum Method {
    /// For each tensor [`MinMax`](Self::MinMax), or one that clips where that was measured to make the model's outputs better on the recordings.
    #[default]
    Auto,
    /// From the smallest value to the largest.
    MinMax,
    /// As many per cent of the values, the same share clipped at both ends. Above 50, at most 100.
    Percentile(f64),
    /// Where rounding and clipping together make the least mean square error.
    MeanSquare,
}

impl Method {
    /// What [`Auto`](Self::Auto) tries.
    pub(super) const CLIPPING: [Self; 4] =
        [Self::Percentile(99.99), Self::Percentile(99.9), Self::Percentile(99.0), Self::MeanSquare];

    /// The range of the values seen, around zero if `symmetric`. [`Auto`](Self::Auto) takes all.
    pub(super) fn range(self, seen: &Distribution, symmetric: bool) -> Range {
        let all = seen.range();
        let whole = if symmetric { Range::symmetric(all.max_abs()) } else { all };
        if seen.count() == 0 || !(whole.max - whole.min).is_finite() {
            return whole;
        }
        match self {
            Self::Auto | Self::MinMax => whole,
            Self::Percentile(percent) => central(seen, percent / 100.0, symmetric),
            Self::MeanSquare => least_error(seen, whole, symmetric),
        }
    }
}

/// The range of this share of the values, as many clipped below as above, or around zero.
fn central(seen: &Distribution, share: f64, symmetric: bool) -> Range {
    let clipped = |tail: f64| (tail * seen.count() as f64).floor() as u64;
    if symmetric {
        let mut magnitudes: Vec<_> = seen.values().map(|(value, count)| (value.abs(), count)).collect();
        magnitudes.sort_by(|a, b| b.0.total_cmp(&a.0));
        return Range::symmetric(after(clipped(1.0 - share), magnitudes));
    }
    let clipped = clipped((1.0 - share) / 2.0);
    Range { min: after(clipped, seen.values()), max: after(clipped, seen.values().rev()) }
}

/// The value that comes after so many others.
fn after(others: u64, values: impl IntoIterator<Item = (f64, u64)>) -> f64 {
    let mut passed = 0;
    let next = values.into_iter().find(|&(_, count)| {
        passed += count;
        passed > others
    });
    next.map_or(0.0, |(value, _)| value)
}

/// The range within `whole` that makes the least mean square error, by trying [`ENDS`] of each side; the wider of equal ones.
fn least_error(seen: &Distribution, whole: Range, symmetric: bool) -> Range {
    let middle = whole.min / 2.0 + whole.max / 2.0;
    let tails = Tails::new(seen, middle);
    let part = |end: u32| f64::from(ENDS - end) / f64::from(ENDS);
    let range = |(low, high): (u32, u32)| Range {
        min: middle + (whole.min - middle) * part(low),
        max: middle + (whole.max - middle) * part(high),
    };
    let ends = (0..ENDS).flat_map(|low| (0..ENDS).map(move |high| (low, high)));
    let tried = ends.filter(|(low, high)| !symmetric || low == high).map(range);
    tried.min_by(|a, b| tails.error(*a).total_cmp(&tails.error(*b))).unwrap_or(whole)
}

/// Sums over the values below each value, from which the error of any range follows.
struct Tails {
    middle: f64,
    /// Relative to `middle`, ascending.
    values: Vec<f64>,
    /// Of the values before each: how many, their sum, their squares' sum. One more than `values`.
    sums: Vec<[f64; 3]>,
}

impl Tails {
    fn new(seen: &Distribution, middle: f64) -> Self {
        let (mut values, mut sums) = (Vec::new(), vec![[0.0; 3]]);
        let mut sum = [0.0; 3];
        for (value, count) in seen.values() {
            let (value, count) = (value - middle, count as f64);
            sum = [sum[0] + count, sum[1] + count * value, sum[2] + count * value * value];
            values.push(value);
            sums.push(sum);
        }
        Self { middle, values, sums }
    }

    /// Sum of squares of what clipping and rounding to int8 change.
    fn error(&self, range: Range) -> f64 {
        let (min, max) = (range.min - self.middle, range.max - self.middle);
        let below = self.sums[self.values.partition_point(|&value| value < min)];
        let within = self.sums[self.values.partition_point(|&value| value <= max)];
        let all = self.sums[self.values.len()];
        let clipped = |[count, sum, squares]: [f64; 3], end: f64| squares - 2.0 * end * sum + end * end * count;
        let above = [0, 1, 2].map(|power| all[power] - within[power]);
        let step = (max - min) / STEPS;
        clipped(below, min) + clipped(above, max) + step * step / 12.0 * (within[0] - below[0])
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::MinMax => f.write_str("min-max"),
            Self::Percentile(percent) => write!(f, "percentile={percent}"),
            Self::MeanSquare => f.write_str("mse"),
        }
    }
}

impl FromStr for Method {
    type Err = Error;

    /// As [`Display`](fmt::Display) writes it.
    fn from_str(text: &str) -> Result<Self> {
        match text {
            "auto" => return Ok(Self::Auto),
            "min-max" => return Ok(Self::MinMax),
            "mse" => return Ok(Self::MeanSquare),
            _ => {}
        }
        let percent = text.strip_prefix("percentile=").and_then(|percent| percent.parse().ok());
        percent.filter(|percent| (50.0..=100.0).contains(percent)).map(Self::Percentile).ok_or_else(|| {
            Error::new(format!(
                "expected auto, min-max, mse or percentile=P with P from 50 to 100, found {}",
                quoted(text)
            ))
        })
    }
}

impl serde::Serialize for Method {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values evenly from −1 to 1, and one far away.
    fn with_outlier(outlier: f64) -> Distribution {
        let mut seen = Distribution::default();
        (-1000..=1000).for_each(|i| seen.add(f64::from(i) / 1000.0));
        seen.add(outlier);
        seen
    }

    #[test]
    fn a_percentile_leaves_out_both_ends() {
        let range = Method::Percentile(90.0).range(&with_outlier(50.0), false);
        assert!((range.min + 0.9).abs() < 0.005 && (range.max - 0.9).abs() < 0.005, "{range:?}");
        let range = Method::Percentile(90.0).range(&with_outlier(50.0), true);
        assert!((range.max - 0.9).abs() < 0.005 && range.min == -range.max, "{range:?}");
        let all = Method::Percentile(100.0).range(&with_outlier(50.0), false);
        assert_eq!(all, Range { min: -1.0, max: 50.0 });
    }

    #[test]
    fn the_least_error_is_no_larger_than_any_tried_by_hand() {
        for (outlier, symmetric) in [(1.0, false), (4.0, false), (50.0, false), (-9.0, true)] {
            let seen = with_outlier(outlier);
            let error = |range: Range| {
                let step = (range.max - range.min) / STEPS;
                let of = |(value, count): (f64, u64)| {
                    let clipped = value.clamp(range.min, range.max);
                    let rounding = if clipped == value { step * step / 12.0 } else { 0.0 };
                    (rounding + (value - clipped) * (value - clipped)) * count as f64
                };
                seen.values().map(of).sum::<f64>()
            };
            let chosen = Method::MeanSquare.range(&seen, symmetric);
            for method in [Method::MinMax, Method::Percentile(99.9), Method::Percentile(90.0)] {
                let other = method.range(&seen, symmetric);
                assert!(error(chosen) <= error(other) * 1.01, "{outlier}: {chosen:?} and {method} {other:?}");
            }
        }
    }

    #[test]
    fn nothing_seen_and_nothing_finite_are_no_trouble() {
        let mut infinite = Distribution::default();
        infinite.add(f64::INFINITY);
        infinite.add(1.0);
        let mut wide = Distribution::default();
        [-f64::MAX, f64::MAX].into_iter().for_each(|value| wide.add(value));
        for method in [Method::MinMax, Method::MeanSquare, Method::Percentile(99.0)] {
            for symmetric in [false, true] {
                assert_eq!(method.range(&Distribution::default(), symmetric).max, f64::NEG_INFINITY);
                assert_eq!(method.range(&infinite, symmetric).max, f64::INFINITY);
                assert_eq!(method.range(&wide, symmetric).max, f64::MAX);
            }
        }
    }

    #[test]
    fn methods_are_read_as_they_are_written() {
        for method in [Method::Auto, Method::MinMax, Method::MeanSquare, Method::Percentile(99.95)] {
            assert_eq!(method.to_string().parse(), Ok(method));
        }
        for text in ["", "median", "percentile", "percentile=", "percentile=49", "percentile=101", "percentile=NaN"] {
            assert!(text.parse::<Method>().is_err(), "{text}");
        }
    }
}
