//! Numbers of a file in at most four times its memory.

use std::borrow::Cow;
use std::ops::Range;

/// Numbers in the narrowest float that holds all of their type.
#[derive(Debug, Clone)]
pub(crate) enum Values {
    /// Of one or two bytes, or f32.
    Narrow(Vec<f32>),
    Wide(Vec<f64>),
}

impl Values {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Narrow(values) => values.len(),
            Self::Wide(values) => values.len(),
        }
    }

    /// # Panics
    /// If there are not so many.
    pub(crate) fn get(&self, at: usize) -> f64 {
        match self {
            Self::Narrow(values) => values[at].into(),
            Self::Wide(values) => values[at],
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = f64> {
        (0..self.len()).map(|at| self.get(at))
    }

    /// # Panics
    /// If there are not so many.
    pub(crate) fn slice(&self, range: Range<usize>) -> Cow<'_, [f64]> {
        match self {
            Self::Narrow(values) => values[range].iter().map(|&value| value.into()).collect(),
            Self::Wide(values) => Cow::Borrowed(&values[range]),
        }
    }
}

impl PartialEq for Values {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}
