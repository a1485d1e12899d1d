//! Named tensors of a file, whatever its format; each is decoded when a layer takes it.

use std::collections::BTreeMap;

use crate::error::{Error, Result, listed, quoted};
use crate::ir::Matrix;

/// The tensors of a file that no layer has taken yet.
pub(super) struct Tensors<'a> {
    tensors: BTreeMap<String, Tensor<'a>>,
    /// How its framework makes numbers floats.
    to_float: &'static str,
}

/// A tensor as its file describes it.
pub(super) struct Tensor<'a> {
    pub(super) shape: Vec<usize>,
    /// The element type in the file's words.
    pub(super) dtype: String,
    /// The elements, row-major; none if they are no floats.
    pub(super) decode: Box<dyn FnOnce() -> Result<Option<Vec<f64>>> + 'a>,
}

impl<'a> Tensors<'a> {
    pub(super) fn new(tensors: BTreeMap<String, Tensor<'a>>, to_float: &'static str) -> Self {
        Self { tensors, to_float }
    }

    /// The names and shapes that are left, in the order of names.
    pub(super) fn shapes(&self) -> impl Iterator<Item = (&str, &[usize])> {
        self.tensors.iter().map(|(name, tensor)| (name.as_str(), &tensor.shape[..]))
    }

    /// A line for each that is left: name, shape, type.
    pub(super) fn descriptions(&self) -> impl Iterator<Item = String> {
        let width = self.tensors.keys().map(|name| quoted(name).chars().count()).max().unwrap_or_default();
        self.tensors
            .iter()
            .map(move |(name, Tensor { shape, dtype, .. })| format!("{:width$}  {shape:?}  {dtype}", quoted(name)))
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.tensors.contains_key(name)
    }

    /// The shape of a tensor that must be there.
    pub(super) fn shape(&self, name: &str) -> Result<&[usize]> {
        self.tensors.get(name).map(|tensor| &tensor.shape[..]).ok_or_else(|| self.missing(name))
    }

    /// The two sides of a matrix that must be there, neither zero.
    pub(super) fn matrix_shape(&self, name: &str) -> Result<(usize, usize)> {
        match *self.shape(name)? {
            [rows, cols] if rows > 0 && cols > 0 => Ok((rows, cols)),
            ref shape => Err(Error::tensor(name, format!("expected a matrix, found shape {shape:?}"))),
        }
    }

    pub(super) fn take_matrix(&mut self, name: &str) -> Result<Matrix> {
        let (rows, cols) = self.matrix_shape(name)?;
        Ok(Matrix::new(rows, cols, self.take(name)?))
    }

    /// A vector, or a matrix of one row or one column.
    pub(super) fn take_vector(&mut self, name: &str, len: usize) -> Result<Vec<f64>> {
        let shape = self.shape(name)?;
        if !matches!(*shape, [n] | [1, n] | [n, 1] if n == len) {
            return Err(Error::tensor(name, format!("expected shape [{len}], found {shape:?}")));
        }
        self.take(name)
    }

    /// Leaves out a tensor that may be there and says nothing.
    pub(super) fn discard(&mut self, name: &str) {
        self.tensors.remove(name);
    }

    /// Fails unless every tensor has been taken.
    pub(super) fn finish(self) -> Result<()> {
        if self.tensors.is_empty() {
            return Ok(());
        }
        let left = listed(self.shapes().map(|(name, shape)| format!("{} {shape:?}", quoted(name))));
        Err(Error::new(format!("no layer takes {left}")).help(
            "understood by their names are PyTorch's nn.GRU, nn.GRUCell, nn.Linear, nn.Embedding, nn.BatchNorm1d, nn.LayerNorm, Flax's GRUCell, \
             Dense, Embed, and the buffers input_mean and input_std; say what others are in a --spec, or leave them out of the file",
        ))
    }

    fn missing(&self, name: &str) -> Error {
        let found = listed(self.tensors.keys().map(|name| quoted(name)));
        Error::tensor(name, format!("missing, or used twice; left in the file: {found}"))
    }

    fn take(&mut self, name: &str) -> Result<Vec<f64>> {
        let Tensor { shape, dtype, decode } = self.tensors.remove(name).expect("its shape was looked at");
        let values = decode()?.ok_or_else(|| {
            Error::tensor(name, format!("expected F16, BF16, F32 or F64, found {dtype}"))
                .help(format!("convert it with {} before saving", self.to_float))
        })?;
        match values.iter().position(|value| !value.is_finite()) {
            None => Ok(values),
            Some(at) => Err(Error::tensor(
                name,
                format!("expected finite numbers, found {} at {:?}", values[at], position(at, &shape)),
            )
            .help("training diverged; export an earlier checkpoint")),
        }
    }
}

/// The index of the flat element `at` in a row-major shape.
fn position(mut at: usize, shape: &[usize]) -> Vec<usize> {
    let mut index: Vec<usize> = shape.iter().rev().map(|&n| (at % n, at /= n).0).collect();
    index.reverse();
    index
}
