//! Arithmetic on shapes, and the constants it ends in.

use crate::error::Result;

use super::graph::Graph;
use super::node::Node;
use super::proto;
use super::size::Size;
use super::tensor::Reader;
use super::value::{Initial, Sizes, Value};

const TOO_LARGE: &str = "the product of the sizes is larger than any tensor";

impl Sizes {
    pub fn read(tensor: &proto::Tensor, reader: &Reader<'_>) -> Result<Self> {
        let (values, is_list) = reader.ints(tensor)?;
        Ok(Self { list: values.into_iter().map(Size::known).collect(), is_list })
    }

    fn list(sizes: Vec<Size>) -> Self {
        Self { list: sizes, is_list: true }
    }
}

impl<'a> Graph<'a> {
    pub(super) fn constant(&mut self, node: Node<'a>) -> Result<Value<'a>> {
        let [attribute] = &node.0.attribute[..] else {
            return Err(node.error(format!("expected one attribute, found {}", node.0.attribute.len())));
        };
        let ints = |values: &[i64], is_list| {
            Value::Sizes(Sizes { list: values.iter().copied().map(Size::known).collect(), is_list })
        };
        Ok(match (&attribute.name[..], &attribute.t) {
            ("value", Some(tensor)) => Value::Constant(tensor),
            ("value_int", _) => ints(&[attribute.i], false),
            ("value_ints", _) => ints(&attribute.ints, true),
            (name, _) => return Err(node.error(format!("expected integers or a tensor, found the attribute {name:?}"))),
        })
    }

    pub(super) fn constant_of_shape(&mut self, node: Node<'a>) -> Result<Value<'a>> {
        let shape = self.sizes(node, 0)?;
        if let Some(tensor) = node.attribute("value").and_then(|attribute| attribute.t.as_deref())
            && !self.reader.floats(tensor)?.is_zero()
        {
            return Err(node.error("expected zeros, as of an initial state, found other values"));
        }
        Ok(Value::Initial(Initial { shape: Some(shape.list) }))
    }

    /// Zeros in another shape.
    pub(super) fn expand(&mut self, node: Node<'a>) -> Result<Value<'a>> {
        let initial = match self.value(node, 0)? {
            Value::Initial(_) => true,
            Value::Constant(_) | Value::Numbers(_) => self.numbers(node, 0)?.is_zero(),
            _ => false,
        };
        if !initial {
            return Err(node
                .error("expected zeros, as of an initial state, found other values")
                .help("a learned initial state is not supported: start from zeros and train again"));
        }
        Ok(Value::Initial(Initial { shape: Some(self.sizes(node, 1)?.list) }))
    }

    pub(super) fn shape(&mut self, node: Node<'a>) -> Result<Value<'a>> {
        let value = self.value(node, 0)?;
        let kind = value.kind();
        let sizes = match value {
            Value::Constant(tensor) => Some(tensor.dims.iter().copied().map(Size::known).collect()),
            Value::Numbers(tensor) => Some(tensor.shape.iter().map(|&size| Size::known(size as i64)).collect()),
            Value::Stream(stream) => stream.layout.sizes(),
            Value::Initial(initial) => initial.shape,
            Value::Sizes(_) | Value::Finals(_) => None,
        };
        let sizes: Vec<Size> = sizes.ok_or_else(|| node.error(format!("the shape of {kind} is not known")))?;
        let rank = sizes.len() as i64;
        let end = |name, default| {
            let at = node.int(name, default);
            (if at < 0 { at.saturating_add(rank) } else { at }).clamp(0, rank) as usize
        };
        Ok(Value::Sizes(Sizes::list(sizes.get(end("start", 0)..end("end", rank)).unwrap_or_default().to_vec())))
    }

    /// A product of sizes; one of them may be a single number.
    pub(super) fn product(&self, node: Node<'a>) -> Result<Value<'a>> {
        let (a, b) = (self.sizes(node, 0)?, self.sizes(node, 1)?);
        let list: Option<Vec<Size>> = match (&a.list[..], &b.list[..]) {
            (one, [by]) | ([by], one) => one.iter().map(|size| size.times(by)).collect(),
            (a, b) if a.len() == b.len() => a.iter().zip(b).map(|(a, b)| a.times(b)).collect(),
            (a, b) => {
                return Err(node.error(format!("expected lists of as many sizes, found {} and {}", a.len(), b.len())));
            }
        };
        let list = list.ok_or_else(|| node.error(TOO_LARGE))?;
        Ok(Value::Sizes(Sizes { list, is_list: a.is_list || b.is_list }))
    }

    /// The product of a list of sizes.
    pub(super) fn reduce_product(&self, node: Node<'a>) -> Result<Value<'a>> {
        let product = Size::product(&self.sizes(node, 0)?.list);
        let product = product.ok_or_else(|| node.error(TOO_LARGE))?;
        Ok(Value::Sizes(Sizes { list: vec![product], is_list: node.int("keepdims", 1) != 0 }))
    }
}

impl Sizes {
    /// One axis more, or one less; both leave the numbers.
    pub fn reshaped(self, node: Node<'_>, is_list: bool) -> Result<Self> {
        if is_list || self.list.len() == 1 {
            return Ok(Self { is_list, ..self });
        }
        Err(node.error(format!("expected a single size, found {}", self.list.len())))
    }

    pub fn sliced(self, node: Node<'_>, ranges: &[super::selection::Range]) -> Result<Self> {
        match ranges {
            [range] if self.is_list && matches!(range.axis, 0 | -1) => {
                let range = range.within(self.list.len());
                Ok(Self::list(self.list.get(range).unwrap_or_default().to_vec()))
            }
            _ => {
                let axes: Vec<i64> = ranges.iter().map(|range| range.axis).collect();
                Err(node.error(format!("expected to slice a list of sizes along its one axis, found axes {axes:?}")))
            }
        }
    }

    pub fn gathered(self, node: Node<'_>, indices: &Self) -> Result<Self> {
        let pick = |index: &Size| {
            let varying = || node.error(format!("expected constant indices, found {index}"));
            let index = index.number().ok_or_else(varying)?;
            Ok(self.list[node.wrapped(index, self.list.len())?].clone())
        };
        Ok(Self { list: indices.list.iter().map(pick).collect::<Result<_>>()?, is_list: indices.is_list })
    }

    pub fn joined(node: Node<'_>, parts: Vec<Self>) -> Result<Self> {
        const MOST: usize = 64;
        let list: Vec<Size> = parts.into_iter().flat_map(|part| part.list).collect();
        if list.len() > MOST {
            return Err(node.error(format!("expected at most {MOST} sizes, found {}", list.len())));
        }
        Ok(Self::list(list))
    }
}
