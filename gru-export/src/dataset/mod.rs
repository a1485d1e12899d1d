//! Recorded input: `.npy` and `.npz` arrays and CSV tables, in raw units.

pub(crate) mod npy;
mod table;
mod values;

use std::borrow::Cow;
use std::path::Path;

use crate::error::{Error, Result, listed};
use crate::ir::Input;
use crate::source::Source;

use values::Values;

pub use npy::write_npy;

/// A dense array of numbers, row-major.
#[derive(Debug, Clone, PartialEq)]
pub struct Array {
    /// Outermost first.
    pub shape: Vec<usize>,
    /// As many as the product of `shape`; all finite.
    values: Values,
}

impl Array {
    /// Row-major.
    ///
    /// # Panics
    /// If there are not as many values as the shape says.
    pub fn new(shape: Vec<usize>, values: Vec<f64>) -> Self {
        assert_eq!(shape.iter().product::<usize>(), values.len(), "shape {shape:?}");
        Self { shape, values: Values::Wide(values) }
    }

    /// As many as the product of `shape`, row-major; all finite.
    pub fn values(&self) -> Cow<'_, [f64]> {
        self.values.slice(0..self.values.len())
    }

    /// Reads `FILE.npy`, the only array of `FILE.npz`, the array NAME of `FILE.npz:NAME`, or a CSV table.
    ///
    /// Floats and integers of any width and byte order are read; an array takes at most four times its file.
    ///
    /// # Errors
    /// The file cannot be read or is damaged, or a value is not a finite number that `f64` holds exactly.
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        Ok(Self::read_with_digest(path.as_ref())?.0)
    }

    fn read_with_digest(path: &Path) -> Result<(Self, String)> {
        let (path, member) = split_member(path);
        let source = Source::read(path)?;
        Ok((Self::parse(&source, member)?, source.sha256()))
    }

    /// As [`read`](Self::read), of contents in memory; `member` chooses the array of an archive.
    ///
    /// # Errors
    /// The contents are damaged, or a value is not a finite number.
    pub fn parse(source: &Source, member: Option<&str>) -> Result<Self> {
        let array = match source.bytes() {
            [0x93, b'N', b'U', b'M', b'P', b'Y', ..] => npy::parse(source.bytes()),
            [b'P', b'K', ..] => npy::parse_member(source.bytes(), member),
            text => table::parse(text),
        };
        array.and_then(Self::finite).map_err(|error| error.in_file(source.path()))
    }

    fn finite(self) -> Result<Self> {
        let bad = self.values.iter().position(|value| !value.is_finite());
        match bad {
            None => Ok(self),
            Some(at) => {
                let (value, position) = (self.values.get(at), self.position(at));
                Err(Error::new(format!("expected finite numbers, found {value} at {position}")))
            }
        }
    }

    /// Where a flat index is, in words.
    fn position(&self, at: usize) -> String {
        let width = self.shape.last().copied().unwrap_or(1);
        format!("row {}, column {}", at / width, at % width)
    }
}

/// `FILE.npz:NAME` as its two parts.
fn split_member(path: &Path) -> (&Path, Option<&str>) {
    let parts = path.to_str().and_then(|text| text.rsplit_once(':'));
    match parts {
        Some((file, name)) if file.ends_with(".npz") => (Path::new(file), Some(name)),
        _ => (path, None),
    }
}

/// The file that a path with an optional `:NAME` means.
pub(crate) fn file_of(path: &Path) -> &Path {
    split_member(path).0
}

/// Input sequences for one model, each played from a zero state.
#[derive(Debug, Clone, PartialEq)]
pub struct Dataset {
    steps: usize,
    width: usize,
    values: Values,
    /// What each channel is multiplied by, if by anything.
    factors: Option<Vec<f64>>,
    sha256: String,
}

/// One recording of a [`Dataset`].
#[derive(Debug, Clone, PartialEq)]
pub struct Sequence<'a> {
    width: usize,
    values: Cow<'a, [f64]>,
}

impl Sequence<'_> {
    /// Of each step in order, raw units.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = &[f64]> {
        self.values.chunks_exact(self.width)
    }

    /// Of each step in order.
    pub fn samples(&self, input: Input) -> Vec<Sample<'_>> {
        self.rows().map(|row| Sample::new(input, row)).collect()
    }
}

/// The input of one step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Sample<'a> {
    /// Raw units, one value a channel.
    Vector(&'a [f64]),
    /// An integer below the number of symbols.
    Symbol(usize),
}

impl<'a> Sample<'a> {
    /// The sample that a row of a [`Dataset`] for `input` is.
    pub fn new(input: Input, row: &'a [f64]) -> Self {
        match input {
            Input::Vector(_) => Self::Vector(row),
            Input::Symbol(_) => Self::Symbol(row[0] as usize),
        }
    }
}

impl Dataset {
    /// Reads input for a model: `[T, I]` or `[N, T, I]` of raw units for a vector input of size I,
    /// `[T]` or `[N, T]` of integers for a symbol input.
    ///
    /// # Errors
    /// As [`Array::read`], or the shape or a symbol does not fit the model.
    pub fn read(path: impl AsRef<Path>, input: Input) -> Result<Self> {
        let path = path.as_ref();
        let (array, sha256) = Array::read_with_digest(path)?;
        Self::new(array, input, sha256).map_err(|error| error.in_file(path))
    }

    fn new(array: Array, input: Input, sha256: String) -> Result<Self> {
        let (shape, values) = (&array.shape, &array.values);
        let (steps, width) = match (input, &shape[..]) {
            (Input::Vector(i), &[.., t, width]) if width == i && shape.len() <= 3 => (t, width),
            (Input::Symbol(_), &([t, 1] | [.., t])) if shape.len() <= 2 => (t, 1),
            _ => {
                let expected = match input {
                    Input::Vector(i) => format!("[T, {i}] or [N, T, {i}]"),
                    Input::Symbol(_) => "[T] or [N, T] of symbols".to_owned(),
                };
                return Err(Error::new(format!("expected shape {expected}, found {shape:?}")).help(
                    "T steps of the model's inputs, N recordings; one column a channel, in the order of training",
                ));
            }
        };
        if values.len() == 0 {
            return Err(Error::new(format!("expected at least one step, found shape {shape:?}")));
        }
        if let Input::Symbol(count) = input {
            let fits = |value: f64| value.fract() == 0.0 && (0.0..count as f64).contains(&value);
            if let Some(at) = values.iter().position(|value| !fits(value)) {
                let problem = format!(
                    "expected integers from 0 to {}, found {} at {}",
                    count - 1,
                    values.get(at),
                    array.position(at)
                );
                return Err(Error::new(problem));
            }
        }
        Ok(Self { steps, width, values: array.values, factors: None, sha256 })
    }

    /// Every channel multiplied by its factor.
    #[must_use]
    pub fn scaled(mut self, factors: &[f64]) -> Self {
        let before = self.factors.unwrap_or_else(|| vec![1.0; self.width]);
        self.factors = Some(before.iter().zip(factors).map(|(before, factor)| before * factor).collect());
        self
    }

    /// The sequences in order.
    pub fn sequences(&self) -> impl ExactSizeIterator<Item = Sequence<'_>> {
        self.starts(self.steps)
    }

    /// The first steps of each sequence, at most `steps` of them.
    pub(crate) fn starts(&self, steps: usize) -> impl ExactSizeIterator<Item = Sequence<'_>> {
        let (len, taken) = (self.steps * self.width, steps.min(self.steps) * self.width);
        (0..self.values.len() / len).map(move |sequence| {
            let mut values = self.values.slice(sequence * len..sequence * len + taken);
            if let Some(factors) = &self.factors {
                let scaled = |row: &mut [f64]| row.iter_mut().zip(factors).for_each(|(value, factor)| *value *= factor);
                values.to_mut().chunks_exact_mut(self.width).for_each(scaled);
            }
            Sequence { width: self.width, values }
        })
    }

    /// Steps of all sequences together, at least one.
    pub fn total_steps(&self) -> usize {
        self.values.len() / self.width
    }

    /// SHA-256 of the file, as 64 lowercase hexadecimal digits.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }
}

/// Numbers given per input channel: written out, or in a file.
#[derive(Debug, Clone, PartialEq)]
pub enum Channels {
    /// One number a channel.
    Numbers(Vec<f64>),
    /// A file that [`Array::read`] reads, with one number a channel.
    File(std::path::PathBuf),
}

impl Channels {
    /// The `size` numbers; `what` they are, for errors.
    pub(crate) fn read(&self, what: &str, size: usize) -> Result<Vec<f64>> {
        let values = match self {
            Self::Numbers(numbers) => numbers.clone(),
            Self::File(path) => Array::read(path)?.values().into_owned(),
        };
        if values.len() == size {
            return Ok(values);
        }
        let error = Error::new(format!(
            "expected the {what} of {size} input channels, found {} numbers: {}",
            values.len(),
            listed(&values)
        ));
        Err(match self {
            Self::Numbers(_) => error,
            Self::File(path) => error.in_file(path),
        })
    }
}

impl From<&str> for Channels {
    /// Comma-separated numbers, or else a path.
    fn from(text: &str) -> Self {
        let numbers: Result<Vec<f64>, _> = text.split(',').map(|number| number.trim().parse()).collect();
        numbers.map_or_else(|_| Self::File(text.into()), Self::Numbers)
    }
}

impl<const N: usize> From<[f64; N]> for Channels {
    fn from(numbers: [f64; N]) -> Self {
        Self::Numbers(numbers.into())
    }
}

impl From<Vec<f64>> for Channels {
    fn from(numbers: Vec<f64>) -> Self {
        Self::Numbers(numbers)
    }
}
