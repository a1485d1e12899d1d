//! Nodes that change the axes of values and nothing else.

use crate::error::{Result, listed};

use super::graph::Graph;
use super::layout::Over;
use super::node::Node;
use super::size::Size;
use super::tensor::{Tensor, type_name};
use super::value::{Initial, Sizes, Value};

/// More axes than any GRU model has.
const MAX_RANK: usize = 8;

impl<'a> Graph<'a> {
    /// An input as what it is: floats, sizes, data or state.
    pub(super) fn moved(&self, node: Node<'a>, index: usize) -> Result<Value<'a>> {
        Ok(match self.value(node, index)? {
            Value::Constant(tensor) if matches!(tensor.data_type, 6 | 7) => {
                Value::Sizes(Sizes::read(tensor, &self.reader)?)
            }
            Value::Constant(tensor) => Value::Numbers(self.reader.floats(tensor)?),
            Value::Initial(_) => Value::Initial(Initial { shape: None }),
            value => value,
        })
    }

    pub(super) fn cast(&mut self, node: Node<'a>) -> Result<Value<'a>> {
        const FLOATS: [i64; 4] = [1, 10, 11, 16];
        let value = self.moved(node, 0)?;
        let to_float = FLOATS.contains(&node.int("to", 0));
        let fits = match &value {
            Value::Sizes(_) => !to_float,
            // Symbols before the embedding, floats after it.
            Value::Stream(stream) => to_float || stream.depth == 0,
            _ => to_float,
        };
        let to = type_name(node.int("to", 0) as i32);
        if fits { Ok(value) } else { Err(node.error(format!("casts of {} to {to} are not supported", value.kind()))) }
    }

    pub(super) fn transpose(&mut self, node: Node<'a>) -> Result<Value<'a>> {
        let permutation = |rank: usize| {
            let default = || (0..rank as i64).rev().collect();
            let axes: Vec<i64> = node.attribute("perm").map_or_else(default, |perm| perm.ints.to_vec());
            let permutation = axes.iter().map(|&axis| node.wrapped(axis, rank)).collect::<Result<Vec<_>>>()?;
            let is_whole = permutation.len() == rank && (0..rank).all(|axis| permutation.contains(&axis));
            is_whole
                .then_some(permutation)
                .ok_or_else(|| node.error(format!("expected a permutation of {rank} axes, found {axes:?}")))
        };
        Ok(match self.moved(node, 0)? {
            Value::Numbers(tensor) => {
                Value::Numbers(tensor.transposed(&permutation(tensor.shape.len())?, &self.reader)?)
            }
            Value::Stream(mut stream) => {
                stream.layout = stream.layout.transpose(&permutation(stream.layout.rank())?);
                Value::Stream(stream)
            }
            value @ Value::Initial(_) => value,
            found => {
                return Err(node.error(format!("expected to transpose data or a constant, found {}", found.kind())));
            }
        })
    }

    pub(super) fn squeeze(&mut self, node: Node<'a>) -> Result<Value<'a>> {
        let axes = self.ints_or(node, "axes", 1)?;
        let wrapped = |rank: usize| {
            let axes = axes.as_ref().map(|axes| axes.iter().map(|&axis| node.wrapped(axis, rank)).collect());
            axes.unwrap_or_else(|| Ok((0..rank).collect::<Vec<_>>()))
        };
        let named = axes.is_some();
        Ok(match self.moved(node, 0)? {
            Value::Sizes(sizes) => Value::Sizes(sizes.reshaped(node, false)?),
            Value::Numbers(tensor) => {
                let removed = wrapped(tensor.shape.len())?;
                let axes = tensor.shape.iter().enumerate();
                let kept = axes.filter(|(axis, size)| **size != 1 || !removed.contains(axis)).map(|(_, &size)| size);
                let shape = kept.collect();
                Value::Numbers(tensor.reshaped(shape))
            }
            Value::Stream(mut stream) => {
                let mut removed = wrapped(stream.layout.rank())?;
                removed.sort_unstable();
                removed.dedup();
                for axis in removed.into_iter().rev() {
                    let parts = stream.layout.axis(axis);
                    let is_one =
                        parts.iter().all(|part| part.size.is_one() || named && matches!(part.over, Over::Input(_)));
                    if is_one {
                        stream.layout.remove(axis);
                    } else if named {
                        return Err(
                            node.error(format!("expected size 1 in axis {axis}, found the axes {}", stream.layout))
                        );
                    }
                }
                Value::Stream(stream)
            }
            value @ Value::Initial(_) => value,
            found => return Err(node.error(format!("expected to squeeze data or a constant, found {}", found.kind()))),
        })
    }

    pub(super) fn unsqueeze(&mut self, node: Node<'a>) -> Result<Value<'a>> {
        let axes = self.ints_or(node, "axes", 1)?.ok_or_else(|| node.error("expected axes, found none"))?;
        let places = |rank: usize| {
            let rank = rank + axes.len();
            if rank > MAX_RANK {
                return Err(node.error(format!("expected at most {MAX_RANK} axes, found {rank}")));
            }
            let mut places = axes.iter().map(|&axis| node.wrapped(axis, rank)).collect::<Result<Vec<_>>>()?;
            places.sort_unstable();
            match places.windows(2).any(|pair| pair[0] == pair[1]) {
                false => Ok(places),
                true => Err(node.error(format!("expected different axes, found {axes:?}"))),
            }
        };
        Ok(match self.moved(node, 0)? {
            Value::Sizes(sizes) if !sizes.is_list => Value::Sizes(sizes.reshaped(node, true)?),
            Value::Numbers(tensor) => {
                let mut shape = tensor.shape.clone();
                places(shape.len())?.into_iter().for_each(|axis| shape.insert(axis, 1));
                Value::Numbers(tensor.reshaped(shape))
            }
            Value::Stream(mut stream) => {
                places(stream.layout.rank())?.into_iter().for_each(|axis| stream.layout.insert(axis));
                Value::Stream(stream)
            }
            value @ Value::Initial(_) => value,
            found => {
                return Err(node.error(format!("expected to unsqueeze data or a constant, found {}", found.kind())));
            }
        })
    }

    pub(super) fn reshape(&mut self, node: Node<'a>) -> Result<Value<'a>> {
        let value = self.moved(node, 0)?;
        let found = match &value {
            Value::Stream(stream) => stream.layout.sizes().unwrap_or_default(),
            Value::Numbers(tensor) => tensor.shape.iter().map(|&size| Size::known(size as i64)).collect(),
            _ => Vec::new(),
        };
        let mut sizes = if node.op() == "Flatten" {
            let axis = node.axis(1, found.len() + 1)?;
            let whole = [&found[..axis], &found[axis..]].map(Size::product);
            let too_large = || node.error(format!("the axes [{}] are larger than any tensor's", listed(&found)));
            whole.into_iter().collect::<Option<Vec<_>>>().ok_or_else(too_large)?
        } else {
            self.sizes(node, 1)?.list
        };
        if sizes.len() > MAX_RANK {
            return Err(node.error(format!("expected at most {MAX_RANK} axes, found {}", sizes.len())));
        }
        for (axis, size) in sizes.iter_mut().enumerate().filter(|(_, size)| size.number() == Some(0)) {
            let absent = || node.error(format!("copies the size of axis {axis}, of {} axes", found.len()));
            *size = found.get(axis).cloned().ok_or_else(absent)?;
        }
        let sizes: Vec<_> = sizes.into_iter().map(|size| Some(size).filter(|size| size.number() != Some(-1))).collect();
        if sizes.iter().filter(|size| size.is_none()).count() > 1 {
            return Err(node.error("expected at most one size to be left open"));
        }
        Ok(match value {
            Value::Sizes(list) => Value::Sizes(list.reshaped(node, !sizes.is_empty())?),
            Value::Numbers(tensor) => Value::Numbers(reshaped(node, &tensor, &sizes)?),
            Value::Stream(mut stream) => {
                let layout = stream.layout.reshape(&sizes).ok_or_else(|| {
                    let sizes: Vec<_> =
                        sizes.iter().map(|size| size.as_ref().map_or_else(|| "…".into(), Size::to_string)).collect();
                    node.error(format!(
                        "cannot follow the axes {} into the sizes [{}]",
                        stream.layout,
                        sizes.join(", ")
                    ))
                    .help("export with the batch and time axes dynamic")
                })?;
                stream.layout = layout;
                Value::Stream(stream)
            }
            value => value,
        })
    }
}

fn reshaped(node: Node<'_>, tensor: &Tensor, sizes: &[Option<Size>]) -> Result<Tensor> {
    let misfit = || node.error(format!("a constant of shape {:?} does not fit the new shape", tensor.shape));
    let known = sizes.iter().flatten().map(|size| size.positive().ok_or_else(misfit)).collect::<Result<Vec<_>>>()?;
    let product = known.iter().try_fold(1usize, |product, &size| product.checked_mul(size)).ok_or_else(misfit)?;
    let len = tensor.values.len();
    let open = sizes.iter().any(Option::is_none);
    if !len.is_multiple_of(product) || !open && len != product {
        return Err(misfit());
    }
    let mut known = known.into_iter();
    Ok(tensor.reshaped(
        sizes.iter().map(|size| if size.is_some() { known.next().unwrap_or(1) } else { len / product }).collect(),
    ))
}
