//! What the axes of the data run over, followed through transpositions and reshapes.

use std::fmt;

use super::size::Size;

/// What an axis, or a part of one, runs over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    /// Axis of the graph's input: the batch, time, or what becomes the first layer's features.
    Input(usize),
    /// The two directions of a bidirectional GRU.
    Direction,
    /// The values of one step.
    Feature,
}

/// A part of an axis: reshapes join parts into one axis and separate them again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    pub over: Over,
    pub size: Size,
}

/// The parts of each axis, slowest first; an axis without parts has size 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout(Vec<Vec<Part>>);

impl Layout {
    /// Of a graph's input.
    pub fn of_input(sizes: impl IntoIterator<Item = Size>) -> Self {
        let parts = sizes.into_iter().enumerate();
        Self(parts.map(|(axis, size)| vec![Part { over: Over::Input(axis), size }]).collect())
    }

    pub fn new(axes: impl Into<Vec<Vec<Part>>>) -> Self {
        Self(axes.into())
    }

    pub fn rank(&self) -> usize {
        self.0.len()
    }

    /// The parts of an axis.
    pub fn axis(&self, axis: usize) -> &[Part] {
        &self.0[axis]
    }

    /// The axis that is one part and no other.
    pub fn find(&self, over: Over) -> Option<usize> {
        self.0.iter().position(|parts| matches!(parts[..], [Part { over: only, .. }] if only == over))
    }

    pub fn contains(&self, over: Over) -> bool {
        self.0.iter().flatten().any(|part| part.over == over)
    }

    /// `None` where it is larger than any tensor's.
    pub fn size(&self, axis: usize) -> Option<Size> {
        Size::product(self.0[axis].iter().map(|part| &part.size))
    }

    /// As [`size`](Self::size), of every axis.
    pub fn sizes(&self) -> Option<Vec<Size>> {
        (0..self.rank()).map(|axis| self.size(axis)).collect()
    }

    pub fn set(&mut self, axis: usize, part: Part) {
        self.0[axis] = vec![part];
    }

    /// Leaves size 1 of an axis.
    pub fn collapse(&mut self, axis: usize) {
        self.0[axis].clear();
    }

    pub fn insert(&mut self, axis: usize) {
        self.0.insert(axis, Vec::new());
    }

    pub fn remove(&mut self, axis: usize) {
        self.0.remove(axis);
    }

    pub fn push(&mut self, part: Part) {
        self.0.push(vec![part]);
    }

    /// `permutation` names every axis once.
    pub fn transpose(&self, permutation: &[usize]) -> Self {
        Self(permutation.iter().map(|&axis| self.0[axis].clone()).collect())
    }

    /// The parts in the same order, cut into axes of these sizes; `None` stands for the rest.
    pub fn reshape(&self, sizes: &[Option<Size>]) -> Option<Self> {
        let mut parts: Vec<Part> = self.0.iter().flatten().cloned().collect();
        let rest = sizes.iter().position(Option::is_none).unwrap_or(sizes.len());
        let (mut axes, mut last) = (Vec::new(), Vec::new());
        for size in sizes[..rest].iter().flatten() {
            axes.push(take(&mut parts, size, |parts| if parts.is_empty() { None } else { Some(parts.remove(0)) })?);
        }
        for size in sizes[rest..].iter().flatten().rev() {
            let mut axis = take(&mut parts, size, Vec::pop)?;
            axis.reverse();
            last.push(axis);
        }
        if rest < sizes.len() {
            axes.push(parts);
        } else if parts.iter().any(|part| !part.size.is_one()) {
            return None;
        }
        axes.extend(last.into_iter().rev());
        axes.iter_mut().for_each(simplify);
        Some(Self(axes))
    }
}

/// Parts from one end whose product is `size`.
fn take(parts: &mut Vec<Part>, size: &Size, next: fn(&mut Vec<Part>) -> Option<Part>) -> Option<Vec<Part>> {
    let mut axis = Vec::new();
    let mut product = Size::ONE;
    if size.is_one() {
        let mut left = parts.clone();
        if let Some(part) = next(&mut left).filter(|part| part.size.is_one()) {
            *parts = left;
            axis.push(part);
        }
        return Some(axis);
    }
    while product != *size {
        let part = next(parts)?;
        product = product.times(&part.size)?;
        axis.push(part);
    }
    Some(axis)
}

/// Leaves out sizes of one beside others; directions before features are the features of both.
fn simplify(axis: &mut Vec<Part>) {
    while axis.len() > 1
        && let Some(one) = axis.iter().position(|part| part.size.is_one() && part.over != Over::Feature)
    {
        axis.remove(one);
    }
    if let [direction, feature] = &axis[..]
        && (direction.over, feature.over) == (Over::Direction, Over::Feature)
        && let Some(size) = direction.size.times(&feature.size)
    {
        *axis = vec![Part { over: Over::Feature, size }];
    }
}

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[")?;
        for (axis, parts) in self.0.iter().enumerate() {
            f.write_str(if axis > 0 { ", " } else { "" })?;
            if parts.is_empty() {
                f.write_str("1")?;
            }
            for (index, part) in parts.iter().enumerate() {
                let over = match part.over {
                    Over::Input(_) => "",
                    Over::Direction => "directions ",
                    Over::Feature => "features ",
                };
                write!(f, "{}{over}{}", if index > 0 { " × " } else { "" }, part.size)?;
            }
        }
        f.write_str("]")
    }
}
