//! Sizes of axes, which may vary from run to run.

use std::fmt;
use std::rc::Rc;

/// A number times the sizes of axes that vary: `2·T·B`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Size {
    number: i64,
    /// Sorted.
    names: Vec<Rc<str>>,
}

impl Size {
    pub const ONE: Self = Self::known(1);

    pub const fn known(number: i64) -> Self {
        Self { number, names: Vec::new() }
    }

    pub fn named(name: &str) -> Self {
        Self { number: 1, names: vec![name.into()] }
    }

    /// The number, if the size never varies.
    pub fn number(&self) -> Option<i64> {
        self.names.is_empty().then_some(self.number)
    }

    /// A size that is positive and never varies.
    pub fn positive(&self) -> Option<usize> {
        self.number().and_then(|number| usize::try_from(number).ok()).filter(|&number| number > 0)
    }

    pub fn is_one(&self) -> bool {
        self.number() == Some(1)
    }

    /// `None` where the product is larger than any tensor's.
    pub fn times(&self, other: &Self) -> Option<Self> {
        const MOST: usize = 8;
        let number = self.number.checked_mul(other.number)?;
        let mut names = [&self.names[..], &other.names].concat();
        names.sort();
        (names.len() <= MOST).then_some(Self { number, names })
    }

    pub fn product<'a>(sizes: impl IntoIterator<Item = &'a Self>) -> Option<Self> {
        sizes.into_iter().try_fold(Self::ONE, |product, size| product.times(size))
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.number != 1 || self.names.is_empty() {
            write!(f, "{}", self.number)?;
        }
        for (index, name) in self.names.iter().enumerate() {
            let dot = if index > 0 || self.number != 1 { "·" } else { "" };
            write!(f, "{dot}{}", name.escape_debug())?;
        }
        Ok(())
    }
}
