//! Nodes that take parts of values, and put parts together.

use crate::error::{Error, Result, listed};
use crate::ir::{Layer, Merge};

use super::graph::Graph;
use super::layout::{Over, Part};
use super::node::Node;
use super::size::Size;
use super::tensor::Tensor;
use super::value::{Initial, Sizes, Steps, Stream, Value};

/// More layers than any GRU model has.
const MOST_LAYERS: usize = 64;

/// Part of an axis, as Slice gives it.
pub struct Range {
    pub axis: i64,
    start: i64,
    end: i64,
}

impl Range {
    /// Of an axis of this length.
    pub fn within(&self, len: usize) -> std::ops::Range<usize> {
        let len = len as i64;
        let place = |at: i64| (if at < 0 { at.saturating_add(len) } else { at }).clamp(0, len) as usize;
        place(self.start)..place(self.end)
    }
}

/// Which elements of an axis are taken.
#[derive(Clone, Copy)]
enum Pick {
    All,
    /// From the front.
    One(usize),
    Last,
    Other,
}

impl<'a> Graph<'a> {
    pub(super) fn slice(&mut self, node: Node<'a>) -> Result<Value<'a>> {
        let list = |name, index| {
            self.ints_or(node, name, index)?.ok_or_else(|| node.error(format!("expected {name}, found none")))
        };
        let (starts, ends) = (list("starts", 1)?, list("ends", 2)?);
        let axes = self.ints_or(node, "axes", 3)?.unwrap_or_else(|| (0..starts.len() as i64).collect());
        let steps = self.ints_or(node, "steps", 4)?.unwrap_or_default();
        let [from, to, over] = [&starts, &ends, &axes].map(Vec::len);
        if from != to || from != over {
            let problem = format!("expected as many starts as ends and axes, found {from}, {to} and {over}");
            return Err(node.error(problem));
        }
        if steps.iter().any(|&step| step != 1) {
            return Err(node.error(format!("expected steps of 1, found {steps:?}")));
        }
        let places = axes.iter().zip(starts.iter().zip(&ends));
        let ranges: Vec<Range> = places.map(|(&axis, (&start, &end))| Range { axis, start, end }).collect();
        Ok(match self.moved(node, 0)? {
            Value::Sizes(sizes) => Value::Sizes(sizes.sliced(node, &ranges)?),
            Value::Numbers(mut tensor) => {
                for range in ranges {
                    let axis = node.wrapped(range.axis, tensor.shape.len())?;
                    let range = range.within(tensor.shape[axis]);
                    if range.is_empty() {
                        return Err(node.error(format!("leaves nothing of a constant of shape {:?}", tensor.shape)));
                    }
                    tensor = tensor.sliced(axis, range, &self.reader)?;
                }
                Value::Numbers(tensor)
            }
            Value::Stream(mut stream) => {
                for range in ranges {
                    let axis = node.wrapped(range.axis, stream.layout.rank())?;
                    let pick = pick(&range, stream.layout.size(axis).as_ref());
                    self.pick(node, &mut stream, axis, pick)?;
                }
                Value::Stream(stream)
            }
            Value::Finals(finals) => match ranges[..] {
                [ref range] if range.axis == 0 && range.within(finals.len()).len() == 1 => {
                    Value::Stream(finals[range.within(finals.len()).start].clone())
                }
                _ => return Err(node.error("expected to take one layer's final state, found several or none")),
            },
            value => value,
        })
    }

    pub(super) fn gather(&mut self, node: Node<'a>) -> Result<Value<'a>> {
        if let Value::Stream(symbols) = self.value(node, 1)? {
            return self.embedding(node, symbols);
        }
        let indices = self.sizes(node, 1)?;
        let index = || match indices.list[..] {
            [ref index] => {
                index.number().ok_or_else(|| node.error(format!("expected a constant index, found {index}")))
            }
            _ => Err(node.error(format!("expected one index, found {}", indices.list.len()))),
        };
        Ok(match self.moved(node, 0)? {
            Value::Sizes(sizes) => Value::Sizes(sizes.gathered(node, &indices)?),
            Value::Stream(mut stream) => {
                let axis = node.axis(0, stream.layout.rank())?;
                let len = stream.layout.size(axis).and_then(|size| size.positive());
                let pick = match (index()?, len) {
                    (index, Some(len)) => Pick::One(node.wrapped(index, len)?),
                    (-1, None) => Pick::Last,
                    _ => Pick::Other,
                };
                self.pick(node, &mut stream, axis, pick)?;
                if !indices.is_list {
                    stream.layout.remove(axis);
                }
                Value::Stream(stream)
            }
            Value::Finals(finals) if node.int("axis", 0) == 0 => {
                let mut stream = finals[node.wrapped(index()?, finals.len())?].clone();
                if !indices.is_list {
                    stream.layout.remove(0);
                }
                Value::Stream(stream)
            }
            value @ Value::Initial(_) => value,
            found => {
                let problem =
                    format!("expected to gather from data, sizes or an embedding's table, found {}", found.kind());
                return Err(node.error(problem));
            }
        })
    }

    /// Leaves one element of an axis, where that has a meaning.
    fn pick(&self, node: Node<'a>, stream: &mut Stream<'a>, axis: usize, pick: Pick) -> Result<()> {
        let part = match stream.layout.axis(axis) {
            [] => None,
            [part] => Some(part.clone()),
            _ => return Err(node.error(format!("cuts the axes {} where they were joined", stream.layout))),
        };
        let only = part.as_ref().is_none_or(|part| part.size.is_one());
        let is_time =
            self.time.is_some() && part.as_ref().is_some_and(|part| Some(part.over) == self.time.map(Over::Input));
        let len = part.as_ref().and_then(|part| part.size.positive());
        match pick {
            Pick::All => {}
            Pick::One(0) | Pick::Last if only => {}
            Pick::One(index) if part.as_ref().is_some_and(|part| part.over == Over::Direction) => {
                stream.direction = Some(index);
                stream.layout.collapse(axis);
            }
            Pick::One(index) if is_time && len == Some(index + 1) => {
                stream.steps = Steps::Last;
                stream.layout.collapse(axis);
            }
            Pick::Last if is_time => {
                stream.steps = Steps::Last;
                stream.layout.collapse(axis);
            }
            _ if is_time => {
                return Err(node
                    .error(format!("takes other steps than the last from the axes {}", stream.layout))
                    .help("a stream has no first and no n-th step; export all steps, or the last"));
            }
            _ => return Err(node.error(format!("takes a part of axis {axis} of {}", stream.layout))),
        }
        Ok(())
    }

    pub(super) fn concat(&mut self, node: Node<'a>) -> Result<Value<'a>> {
        let values = (0..node.0.input.len()).map(|index| self.moved(node, index)).collect::<Result<Vec<_>>>()?;
        let mut kinds = Parts::default();
        let count = values.len();
        values.into_iter().for_each(|value| kinds.add(value));
        match kinds {
            Parts { sizes, .. } if sizes.len() == count && count > 0 => Ok(Value::Sizes(Sizes::joined(node, sizes)?)),
            Parts { initials, .. } if initials == count && count > 0 => Ok(Value::Initial(Initial { shape: None })),
            Parts { numbers, .. } if numbers.len() == count && count > 0 => {
                let axis = node.axis(0, numbers[0].shape.len())?;
                let others = |tensor: &Tensor| [&tensor.shape[..axis], &tensor.shape[axis + 1..]].concat();
                let rank = numbers[0].shape.len();
                if numbers.iter().any(|tensor| tensor.shape.len() != rank || others(tensor) != others(&numbers[0])) {
                    let shapes = listed(numbers.iter().map(|tensor| format!("{:?}", tensor.shape)));
                    return Err(node.error(format!("expected shapes that differ in axis {axis} alone, found {shapes}")));
                }
                Ok(Value::Numbers(Tensor::joined(&numbers, axis, &self.reader)?))
            }
            Parts { streams, .. } if streams.len() == 1 && count == 1 => Ok(Value::Stream(streams[0].clone())),
            Parts { streams, .. } if streams.len() == count && joins_directions(node, &streams) => {
                self.merged(node, &streams[0], &streams[1], Merge::Concat)
            }
            Parts { streams, .. }
                if streams.len() >= count
                    && streams.len() <= MOST_LAYERS
                    && streams.iter().all(|stream| stream.is_state) =>
            {
                match node.int("axis", 0) {
                    0 => Ok(Value::Finals(streams.into_iter().flat_map(Stream::directions).collect())),
                    axis => Err(node.error(format!("expected final states to be stacked along axis 0, found {axis}"))),
                }
            }
            _ => Err(self.branches(node)),
        }
    }

    /// The two directions of the last layer as one value.
    pub(super) fn merged(
        &mut self,
        node: Node<'a>,
        one: &Stream<'a>,
        other: &Stream<'a>,
        merge: Merge,
    ) -> Result<Value<'a>> {
        let directions = (one.direction, other.direction);
        let fits = directions == (Some(0), Some(1)) || directions == (Some(1), Some(0)) && merge != Merge::Concat;
        let same = one.depth == self.layers.len()
            && other.depth == one.depth
            && one.layout == other.layout
            && one.steps == other.steps;
        let (Some(Layer::Bidirectional(layer)), true, true) = (self.layers.last_mut(), fits, same) else {
            return Err(self.branches(node));
        };
        layer.merge = merge;
        let mut stream = Stream { direction: None, is_state: false, ..one.clone() };
        if merge == Merge::Concat
            && let Some(axis) = stream.feature_axis()
        {
            let size = Size::known(2 * layer.forward.hidden_size() as i64);
            stream.layout.set(axis, Part { over: Over::Feature, size });
        }
        self.settle_ends(&mut stream);
        Ok(Value::Stream(stream))
    }

    pub(super) fn branches(&self, node: Node<'a>) -> Error {
        node.error("combines two values that are computed from the model's input").help(
            "a model here is one chain of layers, without residual connections and parallel heads; of several values, only the two directions of one GRU are combined",
        )
    }
}

/// Values by kind.
#[derive(Default)]
struct Parts<'a> {
    sizes: Vec<Sizes>,
    numbers: Vec<Tensor>,
    streams: Vec<Stream<'a>>,
    initials: usize,
}

impl<'a> Parts<'a> {
    fn add(&mut self, value: Value<'a>) {
        match value {
            Value::Sizes(sizes) => self.sizes.push(sizes),
            Value::Numbers(tensor) => self.numbers.push(tensor),
            Value::Stream(stream) => self.streams.push(stream),
            Value::Finals(finals) => self.streams.extend(finals),
            Value::Initial(_) => self.initials += 1,
            Value::Constant(_) => {}
        }
    }
}

/// What a slice takes of an axis.
fn pick(range: &Range, size: Option<&Size>) -> Pick {
    /// Exporters write "to the end" as one of several large numbers.
    const END: i64 = i32::MAX as i64;
    match size.and_then(Size::positive) {
        Some(len) => {
            let range = range.within(len);
            match range.len() {
                all if all == len => Pick::All,
                1 => Pick::One(range.start),
                _ => Pick::Other,
            }
        }
        None if range.start == 0 && range.end >= END => Pick::All,
        None if range.start == -1 && range.end >= END => Pick::Last,
        None => Pick::Other,
    }
}

/// Whether they are two directions, joined along the features.
fn joins_directions(node: Node<'_>, streams: &[Stream<'_>]) -> bool {
    let is_one = |stream: &Stream<'_>| {
        let axis = node.axis(0, stream.layout.rank());
        stream.direction.is_some() && axis.is_ok_and(|axis| stream.feature_axis() == Some(axis))
    };
    streams.len() == 2 && streams.iter().all(is_one)
}
