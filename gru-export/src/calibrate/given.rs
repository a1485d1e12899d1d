//! Ranges by hand, instead of recordings or over them.
//!
//! ```toml
//! # Raw units, one [min, max] per channel, one for all, or some: { 3 = [-2, 2] }
//! input = [[-20.0, 20.0], [-2.0, 2.0]]
//!
//! # Of what a layer gives, under the name that `inspect` shows; one for all units, one each, or some
//! [layer]
//! "head" = [-8.0, 8.0]
//! ```

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::bounds::{SUMS, bound, sums};
use super::{Calibration, Choice, Origin, Range, Tensor};
use crate::error::{Error, Result, listed, quoted};
use crate::ir::{Input, Layer, Model};
use crate::precision::Precision;
use crate::source::Source;

/// The ranges of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct GivenRanges {
    path: PathBuf,
    input: Option<Given>,
    layers: BTreeMap<String, Given>,
}

/// Of one vector.
#[derive(Debug, Clone, PartialEq)]
enum Given {
    /// For all units.
    All(Range),
    /// One per unit.
    Each(Vec<Range>),
    /// Of some units.
    Some(BTreeMap<usize, Range>),
}

impl GivenRanges {
    /// Parses the TOML form.
    ///
    /// # Errors
    /// Not UTF-8, not TOML, an unknown key, or something that is not a range.
    pub fn parse(source: &Source) -> Result<Self> {
        let parse = || {
            let text = std::str::from_utf8(source.bytes())
                .map_err(|error| Error::new(format!("expected UTF-8 text: {error}")))?;
            let mut table: Table = toml::from_str(text).map_err(|error: toml::de::Error| {
                let line = text[..error.span().map_or(0, |span| span.start)].matches('\n').count() + 1;
                Error::new(format!("line {line}: {}", error.message()))
            })?;
            let input = table.remove("input").map(|value| Given::parse("input", &value)).transpose()?;
            let layers = match table.remove("layer") {
                None => Table::new(),
                Some(Value::Table(layers)) => layers,
                Some(_) => return Err(Error::new("expected a table [layer] with the layers' names as its keys")),
            };
            if let Some(key) = table.keys().next() {
                return Err(Error::new(format!("unknown key {}", quoted(key))).help("the keys are input and layer"));
            }
            let layer = |(name, value): (String, Value)| {
                let given = Given::parse(&format!("layer {}", quoted(&name)), &value)?;
                Ok((name, given))
            };
            let layers = layers.into_iter().map(layer).collect::<Result<_>>()?;
            Ok(Self { path: source.path().to_owned(), input, layers })
        };
        parse().map_err(|error: Error| error.in_file(source.path()))
    }

    /// Reads and parses a file.
    ///
    /// # Errors
    /// As [`parse`](Self::parse), or it cannot be read.
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        Self::parse(&Source::read(path)?)
    }

    /// Puts the given ranges in place of those measured; returns of what there are any.
    pub(super) fn apply(&self, model: &Model, calibration: &mut Calibration) -> Result<Vec<Tensor>> {
        let mut apply = || {
            self.check_names(model)?;
            let mut tensors = Vec::new();
            if let Some(given) = &self.input {
                let measured = raw(model, &calibration.input, |x, mean, std| x * std + mean);
                let ranges = given.over("input", model.input_channels()?, Some(&measured))?;
                tensors.extend(given.units(ranges.len()).map(Tensor::Input));
                calibration.input = raw(model, &ranges, |x, mean, std| (x - mean) / std);
            }
            for (index, layer) in model.layers().iter().enumerate() {
                if let Some(given) = self.layers.get(layer.name()) {
                    let outputs = &mut calibration.outputs[index];
                    *outputs = given.over(&named(layer), layer.output_size(), Some(outputs))?;
                    tensors.push(Tensor::Output(index));
                }
            }
            Ok(tensors)
        };
        apply().map_err(|error: Error| error.in_file(&self.path))
    }

    /// All ranges, without recordings: those given, and those that the equations leave no choice of.
    pub(super) fn complete(&self, model: &Model) -> Result<(Calibration, Vec<Choice>)> {
        let complete = || {
            self.check_names(model)?;
            let mut missing = Vec::new();
            let mut choices = Vec::new();
            let mut note =
                |tensor| choices.push(Choice { tensor, origin: Origin::Given, clipped: 0.0, candidates: Vec::new() });
            let input = match (model.input(), &self.input) {
                (Input::Symbol(count), None) => vec![Range { min: 0.0, max: 1.0 }; count],
                (Input::Vector(_), None) => {
                    missing.push("input".to_owned());
                    Vec::new()
                }
                (_, Some(given)) => {
                    let ranges = given.over("input", model.input_channels()?, None)?;
                    (0..ranges.len()).for_each(|channel| note(Tensor::Input(channel)));
                    raw(model, &ranges, |x, mean, std| (x - mean) / std)
                }
            };
            let mut outputs: Vec<Vec<Range>> = Vec::new();
            for (index, layer) in model.layers().iter().enumerate() {
                let bound = bound(layer, outputs.last().unwrap_or(&input));
                let given = self.layers.get(layer.name());
                let ranges = match (given, bound) {
                    (Some(given), bound) => given.over(&named(layer), layer.output_size(), bound.as_deref())?,
                    (None, Some(bound)) => bound,
                    (None, None) => {
                        missing.push(named(layer));
                        Vec::new()
                    }
                };
                if given.is_some() {
                    note(Tensor::Output(index));
                }
                outputs.push(ranges);
            }
            if !missing.is_empty() {
                return Err(Error::new(format!("int8 needs the ranges of {}, which are missing", listed(missing)))
                    .help("give them, or typical input by --calibrate FILE; `inspect MODEL --ranges-template` prints a file to fill in"));
            }
            let preactivations = model.layers().iter().map(|layer| vec![Range::symmetric(SUMS); sums(layer)]).collect();
            Ok((Calibration { input, outputs, preactivations }, choices))
        };
        complete().map_err(|error: Error| error.in_file(&self.path))
    }

    /// A sentence for each range that nothing uses: of what is in f32 and read in f32.
    pub(crate) fn idle(&self, model: &Model, precisions: &[Precision]) -> Vec<String> {
        let in_f32 = |layer: usize| precisions.get(layer).is_none_or(|&precision| precision == Precision::F32);
        let input = (self.input.is_some() && in_f32(0)).then(|| "the range of the input has".to_owned());
        let layers = model.layers().iter().enumerate();
        let idle = layers.filter(|&(at, layer)| self.layers.contains_key(layer.name()) && in_f32(at) && in_f32(at + 1));
        let named = idle.map(|(_, layer)| format!("the range of {} has", named(layer)));
        input.into_iter().chain(named).map(|range| format!("{range} no effect: no layer in integers uses it")).collect()
    }

    fn check_names(&self, model: &Model) -> Result<()> {
        let known = |name: &str| model.layers().iter().any(|layer| layer.name() == name);
        match self.layers.keys().find(|name| !known(name)) {
            None => Ok(()),
            Some(name) => {
                let names = listed(model.layers().iter().map(|layer| quoted(layer.name())));
                Err(Error::new(format!("the model has no layer {}", quoted(name)))
                    .help(format!("its layers are {names}")))
            }
        }
    }
}

impl Given {
    fn parse(what: &str, value: &Value) -> Result<Self> {
        match value {
            Value::Array(items) if items.first().is_some_and(Value::is_array) => {
                items.iter().map(|item| range(what, item)).collect::<Result<_>>().map(Self::Each)
            }
            Value::Array(_) => range(what, value).map(Self::All),
            Value::Table(table) => {
                let entry = |(unit, value): (&String, &Value)| {
                    let index = unit.parse().map_err(|_| {
                        Error::new(format!("{what}: expected the number of a unit from 0, found {}", quoted(unit)))
                    })?;
                    Ok((index, range(&format!("{what}, unit {index}"), value)?))
                };
                table.iter().map(entry).collect::<Result<_>>().map(Self::Some)
            }
            _ => Err(not_a_range(what, &format!("a single {}", value.type_str()))),
        }
    }

    /// One range per unit, those not given from `others`.
    fn over(&self, what: &str, size: usize, others: Option<&[Range]>) -> Result<Vec<Range>> {
        match self {
            Self::All(range) => Ok(vec![*range; size]),
            Self::Each(ranges) if ranges.len() == size => Ok(ranges.clone()),
            Self::Each(ranges) => {
                Err(Error::new(format!("{what}: expected {size} ranges [min, max], found {}", ranges.len()))
                    .help("give one for each unit, or a single one for all"))
            }
            Self::Some(some) => {
                if let Some(unit) = some.keys().find(|&&unit| unit >= size) {
                    return Err(Error::new(format!("{what}: there is no unit {unit}, the last is {}", size - 1)));
                }
                let known =
                    |unit: usize| some.get(&unit).or_else(|| others.and_then(|others| others.get(unit))).copied();
                let missing: Vec<_> = (0..size).filter(|&unit| known(unit).is_none()).collect();
                if !missing.is_empty() {
                    return Err(Error::new(format!("{what}: the ranges of units {} are missing", listed(missing)))
                        .help("give them, or typical input by --calibrate FILE"));
                }
                Ok((0..size).filter_map(known).collect())
            }
        }
    }

    /// Which of so many units.
    fn units(&self, size: usize) -> impl Iterator<Item = usize> {
        (0..size).filter(move |unit| if let Self::Some(some) = self { some.contains_key(unit) } else { true })
    }
}

fn range(what: &str, value: &Value) -> Result<Range> {
    match value.as_array().map(|ends| ends.iter().map(number).collect::<Option<Vec<f64>>>()) {
        Some(Some(ends)) => match ends[..] {
            [min, max] if min < max && (max - min).is_finite() => Ok(Range { min, max }),
            [min, max] => Err(not_a_range(what, &format!("[{min}, {max}]"))),
            _ => Err(not_a_range(what, &format!("{} numbers", ends.len()))),
        },
        Some(None) => Err(not_a_range(what, "an array of other things than numbers")),
        None => Err(not_a_range(what, &format!("a single {}", value.type_str()))),
    }
}

fn number(value: &Value) -> Option<f64> {
    value.as_float().or_else(|| value.as_integer().map(|integer| integer as f64))
}

fn not_a_range(what: &str, found: &str) -> Error {
    Error::new(format!("{what}: expected [min, max] with min below max, found {found}"))
}

/// As errors call it.
fn named(layer: &Layer) -> String {
    format!("layer {}", quoted(layer.name()))
}

impl Model {
    fn input_channels(&self) -> Result<usize> {
        match self.input() {
            Input::Vector(size) => Ok(size),
            input @ Input::Symbol(_) => {
                Err(Error::new(format!("input: the model takes {input}, which have no range"))
                    .help("leave `input` out"))
            }
        }
    }
}

/// Ranges to or from raw units, by a function of a value, the mean and the standard deviation.
fn raw(model: &Model, ranges: &[Range], f: impl Fn(f64, f64, f64) -> f64) -> Vec<Range> {
    let convert = |(channel, range): (usize, &Range)| {
        let (mean, std) = model.standardization().map_or((0.0, 1.0), |by| (by.mean[channel], by.std[channel]));
        Range { min: f(range.min, mean, std), max: f(range.max, mean, std) }
    };
    ranges.iter().enumerate().map(convert).collect()
}
