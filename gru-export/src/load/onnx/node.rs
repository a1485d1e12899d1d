//! A node's attributes, and errors that name it.

use crate::error::{Error, Result, quoted};

use super::proto;

/// One operation of the graph.
#[derive(Clone, Copy)]
pub struct Node<'a>(pub &'a proto::Node);

impl<'a> Node<'a> {
    /// The operator.
    pub fn op(self) -> &'a str {
        &self.0.op_type
    }

    /// Its name, else that of what it computes.
    pub fn name(self) -> &'a str {
        let name = Some(&self.0.name).filter(|name| !name.is_empty()).or(self.0.output.first());
        name.map_or("", |name| name.trim_matches('/'))
    }

    pub fn error(self, problem: impl std::fmt::Display) -> Error {
        Error::new(format!("node {} ({}): {problem}", quoted(self.name()), self.op().escape_debug()))
    }

    /// The name of an input that is there.
    pub fn input(self, index: usize) -> Option<&'a str> {
        self.0.input.get(index).map(String::as_str).filter(|name| !name.is_empty())
    }

    pub fn attribute(self, name: &str) -> Option<&'a proto::Attribute> {
        self.0.attribute.iter().find(|attribute| attribute.name == name)
    }

    pub fn int(self, name: &str, default: i64) -> i64 {
        self.attribute(name).map_or(default, |attribute| attribute.i)
    }

    pub fn float(self, name: &str, default: f64) -> Result<f64> {
        let value = self.attribute(name).map_or(default, |attribute| f64::from(attribute.f));
        if value.is_finite() { Ok(value) } else { Err(self.error(format!("expected a finite {name}, found {value}"))) }
    }

    pub fn text(self, name: &str, default: &str) -> String {
        self.attribute(name).map_or_else(|| default.to_owned(), |attribute| text(&attribute.s))
    }

    pub fn texts(self, name: &str) -> Vec<String> {
        self.attribute(name).map_or_else(Vec::new, |attribute| attribute.strings.iter().map(|s| text(s)).collect())
    }

    /// The attribute `axis`, counted from the front, of a value of `rank` axes.
    pub fn axis(self, default: i64, rank: usize) -> Result<usize> {
        self.wrapped(self.int("axis", default), rank)
    }

    /// An axis, or an index, counted from the front.
    pub fn wrapped(self, index: i64, count: usize) -> Result<usize> {
        let from_front = if index < 0 { index.checked_add_unsigned(count as u64) } else { Some(index) };
        from_front
            .and_then(|index| usize::try_from(index).ok())
            .filter(|&index| index < count)
            .ok_or_else(|| self.error(format!("expected an index or axis below {count}, found {index}")))
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
