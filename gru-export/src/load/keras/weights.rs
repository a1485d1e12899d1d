//! HDF5 files of weights, read within bounds.
//!
//! What Keras writes is contiguous floating-point datasets in plain groups. Chunks and their compression are refused, not read:
//! no dataset can then hold more bytes than the file.

use std::sync::Arc;

use half::f16;
use hdf5_reader::error::Error as Hdf5Error;
use hdf5_reader::{Datatype, Hdf5File, OpenOptions};

use crate::error::{Error, Result};
use crate::ir::Matrix;

use super::SAVE_KERAS;
use super::storage::Bounded;

/// Largest object header: Keras' take a few hundred bytes. Parsed, a header takes many times its size.
const MAX_HEADER_LEN: usize = 4 << 10;

/// Layers that [`Bounded`] has room for: a GRU has six object headers.
const MOST_LAYERS: usize = 250;

pub(super) fn is_hdf5(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\x89HDF")
}

/// The file, and how many bytes of datasets it can still hold if none is counted twice.
pub(super) struct Weights {
    file: Hdf5File,
    storage: Arc<Bounded>,
    left: usize,
}

/// A dataset of finite numbers, row-major.
pub(super) struct Tensor {
    name: String,
    shape: Vec<usize>,
    bytes: Vec<u8>,
    size: usize,
}

impl Weights {
    pub(super) fn open(bytes: Vec<u8>) -> Result<Self> {
        let left = bytes.len();
        let options = OpenOptions {
            chunk_cache_bytes: 0,
            max_chunk_bytes: 0,
            max_read_bytes: left,
            max_object_header_bytes: MAX_HEADER_LEN.min(left),
            ..OpenOptions::default()
        };
        let storage = Arc::new(Bounded::new(bytes, MAX_HEADER_LEN));
        let file = Hdf5File::from_storage_with_options(storage.clone(), options).map_err(|error| damaged(&error))?;
        Ok(Self { file, storage, left })
    }

    /// The names of the groups in a group, in order.
    pub(super) fn groups(&self, path: &str) -> Result<Vec<String>> {
        self.storage.begin();
        let names = self.file.group(path).and_then(|group| group.member_names());
        names.map(|(groups, _)| groups).map_err(|error| damaged(&error))
    }

    /// How many variables the object at `path` has.
    pub(super) fn variables(&self, path: &str) -> Result<usize> {
        self.storage.begin();
        let names = self.file.group(&format!("{path}/vars")).and_then(|group| group.member_names());
        names.map(|(_, datasets)| datasets.len()).map_err(|error| damaged(&error))
    }

    /// Variable number `index` of the object at `path`.
    pub(super) fn variable(&mut self, path: &str, index: usize) -> Result<Tensor> {
        let name = format!("{path}/vars/{index}");
        let failed = |error: Hdf5Error| {
            Error::tensor(&name, reason(&error))
                .help(format!("the weights may be damaged, or not be those of the file's config; {SAVE_KERAS} again"))
        };
        self.storage.begin();
        let dataset = self.file.dataset(&name).map_err(failed)?;
        let size = match *dataset.dtype() {
            Datatype::FloatingPoint { size, .. } if is_ieee(size, &dataset.raw_datatype().map_err(failed)?) => size,
            ref found => {
                let found = format!("{found:?}");
                let found = found.split([' ', '{']).next().unwrap_or_default();
                return Err(Error::tensor(&name, format!("expected float16, float32 or float64, found {found}"))
                    .help("save a model of dtype float32"));
            }
        };
        if dataset.chunks().is_some() {
            return Err(Error::tensor(&name, "expected a contiguous dataset, found chunks")
                .help(format!("Keras writes none; {SAVE_KERAS} again, without another tool after it")));
        }
        let shape: Option<Vec<usize>> = dataset.shape().iter().map(|&n| usize::try_from(n).ok()).collect();
        let len = shape.as_ref().and_then(|s| s.iter().try_fold(size.into(), |len: usize, &n| len.checked_mul(n)));
        let (Some(shape), Some(left)) = (shape, len.and_then(|len| self.left.checked_sub(len))) else {
            return Err(Error::tensor(&name, format!("shape {:?} is larger than the file", dataset.shape())));
        };
        self.left = left;
        let bytes = dataset.read_native_bytes().map_err(failed)?;
        let tensor = Tensor { name, shape, bytes, size: size.into() };
        match (0..tensor.len()).find(|&at| !tensor.value(at).is_finite()) {
            None => Ok(tensor),
            Some(at) => Err(Error::tensor(
                &tensor.name,
                format!("expected finite numbers, found {} at element {at}", tensor.value(at)),
            )
            .help("training diverged; export an earlier checkpoint")),
        }
    }
}

impl Tensor {
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Fails unless the shape is this.
    pub(super) fn expect(self, shape: &[usize]) -> Result<Self> {
        if self.shape == shape {
            return Ok(self);
        }
        Err(Error::tensor(&self.name, format!("expected shape {shape:?}, found {:?}", self.shape)))
    }

    /// The two sides of a matrix, neither zero.
    pub(super) fn sides(&self) -> Result<(usize, usize)> {
        match self.shape[..] {
            [rows, cols] if rows > 0 && cols > 0 => Ok((rows, cols)),
            _ => Err(Error::tensor(&self.name, format!("expected a matrix, found shape {:?}", self.shape))),
        }
    }

    fn len(&self) -> usize {
        self.bytes.len() / self.size
    }

    fn value(&self, at: usize) -> f64 {
        fn element<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
            bytes.as_chunks().0[at]
        }
        match self.size {
            2 => f16::from_ne_bytes(element(&self.bytes, at)).to_f64(),
            4 => f32::from_ne_bytes(element(&self.bytes, at)).into(),
            _ => f64::from_ne_bytes(element(&self.bytes, at)),
        }
    }

    pub(super) fn values(&self) -> Vec<f64> {
        (0..self.len()).map(|at| self.value(at)).collect()
    }

    /// As it stands.
    pub(super) fn matrix(&self) -> Result<Matrix> {
        let (rows, cols) = self.sides()?;
        Ok(Matrix::new(rows, cols, self.values()))
    }

    /// Part `part` of `parts` of the columns, transposed: an input-major kernel's rows are its inputs.
    pub(super) fn transposed(&self, part: usize, parts: usize) -> Result<Matrix> {
        let (rows, cols) = self.sides()?;
        let outputs = cols / parts;
        let columns = part * outputs..(part + 1) * outputs;
        let data = columns.flat_map(|col| (0..rows).map(move |row| self.value(row * cols + col))).collect();
        Ok(Matrix::new(outputs, rows, data))
    }
}

/// Whether a datatype message is of the IEEE format of its size: by the exponent's bits.
fn is_ieee(size: u8, message: &[u8]) -> bool {
    matches!((size, message.get(13)), (2, Some(5)) | (4, Some(8)) | (8, Some(11)))
}

/// What went wrong, without the path that the reader puts before it.
fn reason(error: &Hdf5Error) -> String {
    match error {
        Hdf5Error::Context { source, .. } => reason(source),
        Hdf5Error::DatasetNotFound(_) | Hdf5Error::GroupNotFound(_) => "missing".to_owned(),
        other => other.to_string().replace(char::is_control, "?"),
    }
}

fn damaged(error: &Hdf5Error) -> Error {
    let help = match error {
        Hdf5Error::ResourceLimit(_) => format!(
            "files of up to {MOST_LAYERS} layers are read, as Keras writes them, within four times their memory; {SAVE_KERAS} again"
        ),
        _ => format!("the file may be cut short; copy it again, or {SAVE_KERAS}"),
    };
    Error::new(format!("not a valid HDF5 file of weights: {}", reason(error))).help(help)
}
