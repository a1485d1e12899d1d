//! How often each value was seen, in bounded memory.

use std::collections::BTreeMap;

use super::{Range, STEPS};

/// Bins that are kept at most.
const BINS: usize = 2048;

/// The values of one tensor over all recordings: exact while few differ, then in bins of equal relative width, as narrow as 2048 of them allow.
///
/// The same values give the same bins in any order.
#[derive(Debug, Clone, PartialEq)]
pub struct Distribution {
    range: Range,
    count: u64,
    /// By the bits of the value in ascending order, without the lowest `coarseness` of them.
    bins: BTreeMap<i64, u64>,
    coarseness: u32,
}

impl Default for Distribution {
    fn default() -> Self {
        Self { range: Range::EMPTY, count: 0, bins: BTreeMap::new(), coarseness: 0 }
    }
}

impl Distribution {
    /// One value more. One that is not finite widens the range alone.
    pub fn add(&mut self, value: f64) {
        self.range = self.range.with(value);
        if value.is_finite() {
            self.insert(ascending(value) >> self.coarseness, 1);
        }
    }

    fn insert(&mut self, bin: i64, count: u64) {
        *self.bins.entry(bin).or_default() += count;
        self.count += count;
        if self.bins.len() > BINS {
            self.coarsen(self.excess());
        }
    }

    /// How many bits more to leave out, the fewest that suffice. Values of full precision share a bin only without some forty of them:
    /// to build the bins anew for each would take longer than all else that is measured.
    fn excess(&self) -> u32 {
        // Neighbours, by how many bits they must lose to be one.
        let mut neighbours = [0; i64::BITS as usize + 1];
        for (low, high) in self.bins.keys().zip(self.bins.keys().skip(1)) {
            neighbours[(i64::BITS - (low ^ high).leading_zeros()) as usize] += 1;
        }
        let mut bins = self.bins.len();
        let enough = neighbours.iter().position(|&merged| {
            bins -= merged;
            bins <= BINS
        });
        enough.map_or(0, |bits| bits as u32)
    }

    /// Leaves out so many bits more of the same values.
    fn coarsen(&mut self, bits: u32) {
        self.coarseness += bits;
        let mut bins: Vec<(i64, u64)> = Vec::with_capacity(BINS);
        for (bin, count) in std::mem::take(&mut self.bins) {
            match bins.last_mut() {
                Some((last, sum)) if *last == bin >> bits => *sum += count,
                _ => bins.push((bin >> bits, count)),
            }
        }
        self.bins = bins.into_iter().collect();
    }

    /// All values of several tensors as those of one.
    pub fn merged<'a>(parts: impl IntoIterator<Item = &'a Self>) -> Self {
        let mut all = Self::default();
        for part in parts {
            all.range = all.range.and(part.range);
            if all.coarseness < part.coarseness {
                all.coarsen(part.coarseness - all.coarseness);
            }
            for (&bin, &count) in &part.bins {
                // A bin that came before may have made the bins coarser.
                let bin = bin >> (all.coarseness - part.coarseness);
                all.insert(bin, count);
            }
        }
        all
    }

    /// The smallest and the largest value.
    pub fn range(&self) -> Range {
        self.range
    }

    /// How many values were seen.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Values in ascending order, each with how often it was seen; where a bin has several, its middle stands for them.
    pub fn values(&self) -> impl DoubleEndedIterator<Item = (f64, u64)> {
        self.bins.iter().map(|(&bin, &count)| {
            let lowest = of_ascending(bin << self.coarseness).max(self.range.min);
            let highest = of_ascending((bin << self.coarseness) + ((1 << self.coarseness) - 1)).min(self.range.max);
            (lowest / 2.0 + highest / 2.0, count)
        })
    }

    /// The share of the values that int8 over this range clips: those more than half a step outside.
    pub fn clipped(&self, range: Range) -> f64 {
        let half = (range.max - range.min) / 2.0 / STEPS;
        let beyond = |(value, _): &(f64, u64)| *value < range.min - half || *value > range.max + half;
        let outside: u64 = self.values().filter(beyond).map(|(_, count)| count).sum();
        outside as f64 / self.count.max(1) as f64
    }
}

/// The bits of a finite value as an integer that grows with it. The two zeros are one.
fn ascending(value: f64) -> i64 {
    let bits = (value + 0.0).to_bits().cast_signed();
    bits ^ ((bits >> 63).cast_unsigned() >> 1).cast_signed()
}

/// The value that [`ascending`] was given.
fn of_ascending(order: i64) -> f64 {
    f64::from_bits((order ^ ((order >> 63).cast_unsigned() >> 1).cast_signed()).cast_unsigned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: impl IntoIterator<Item = f64>) -> Distribution {
        let mut distribution = Distribution::default();
        values.into_iter().for_each(|value| distribution.add(value));
        distribution
    }

    #[test]
    fn few_values_are_exact() {
        let seen = of([3.5, -1.0, 0.0, -0.0, f64::INFINITY, 1e300, -1.0]);
        let expected = [(-1.0, 2), (0.0, 2), (3.5, 1), (1e300, 1)];
        assert_eq!(seen.values().collect::<Vec<_>>(), expected);
        assert_eq!((seen.count(), seen.range()), (6, Range { min: -1.0, max: f64::INFINITY }));
        assert_eq!(seen.clipped(Range { min: -0.9, max: 3.5 }), 0.5);
    }

    #[test]
    fn many_values_keep_their_order_and_three_digits() {
        let values = || (0..100_000).map(|i| f64::from(i - 30_000) / 7.0);
        let seen = of(values());
        assert!(seen.values().count() <= BINS);
        assert!(seen.values().is_sorted_by(|a, b| a.0 < b.0));
        assert_eq!(seen.values().map(|(_, count)| count).sum::<u64>(), 100_000);
        let range = Range { min: -1000.0, max: 5000.0 };
        let outside = values().filter(|&value| value < range.min || value > range.max).count() as f64 / 1e5;
        assert!((seen.clipped(range) - outside).abs() < 0.002, "{} and {outside}", seen.clipped(range));
    }

    #[test]
    fn neither_order_nor_parts_matter() {
        let values: Vec<f64> = (0..50_000).map(|i| (f64::from(i) * 0.618).fract() * f64::from(i % 7 - 3)).collect();
        let seen = of(values.iter().copied());
        assert_eq!(of(values.iter().rev().copied()), seen);
        let parts: Vec<_> = values.chunks(999).map(|part| of(part.iter().copied())).collect();
        assert_eq!(Distribution::merged(&parts), seen);
    }
}
