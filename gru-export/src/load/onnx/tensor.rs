//! The constants of a file, inline or in a file of data beside it.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::path::{Component, Path};
use std::rc::Rc;

use half::{bf16, f16};

use crate::error::{Error, Result, quoted};
use crate::source::Source;

use super::proto;

/// Constants may hold this many numbers beyond one for every second byte of the file.
const SPARE_NUMBERS: usize = 1 << 20;

/// Where tensors get their numbers.
pub struct Reader<'a> {
    source: &'a Source,
    data: RefCell<BTreeMap<String, Rc<Source>>>,
    /// Numbers that may yet be held.
    left: Cell<usize>,
}

/// Numbers in a row-major shape without zeros.
#[derive(Debug, Clone)]
pub struct Tensor {
    pub shape: Vec<usize>,
    pub values: Rc<[f64]>,
}

impl<'a> Reader<'a> {
    pub fn new(source: &'a Source) -> Self {
        let left = Cell::new(source.bytes().len() / 2 + SPARE_NUMBERS);
        Self { source, data: RefCell::default(), left }
    }

    /// The values of a tensor of floats.
    pub fn floats(&self, tensor: &proto::Tensor) -> Result<Tensor> {
        let name = &tensor.name;
        let (shape, len) = shape(tensor)?;
        let values: Rc<[f64]> = match tensor.data_type {
            1 if !tensor.float_data.is_empty() => self.listed(&tensor.float_data)?,
            11 if !tensor.double_data.is_empty() => self.listed(&tensor.double_data)?,
            1 => self.raw(tensor, len, |b| f64::from(f32::from_le_bytes(b)))?,
            10 => self.raw(tensor, len, |b| f16::from_le_bytes(b).to_f64())?,
            11 => self.raw(tensor, len, f64::from_le_bytes)?,
            16 => self.raw(tensor, len, |b| bf16::from_le_bytes(b).to_f64())?,
            other => {
                let problem = format!("expected FLOAT, FLOAT16, BFLOAT16 or DOUBLE, found {}", type_name(other));
                return Err(Error::tensor(name, problem).help(
                    "export the model in floats, before any quantization: int8 is made here, by --precision int8",
                ));
            }
        };
        if values.len() != len {
            return Err(Error::tensor(name, format!("expected {len} values for {shape:?}, found {}", values.len())));
        }
        match values.iter().find(|value| !value.is_finite()) {
            None => Ok(Tensor { shape, values }),
            Some(value) => Err(Error::tensor(name, format!("expected finite numbers, found {value}"))
                .help("training diverged; export an earlier checkpoint")),
        }
    }

    /// The values of a number or a short list of integers, and whether it is a list.
    pub fn ints(&self, tensor: &proto::Tensor) -> Result<(Vec<i64>, bool)> {
        const MOST: usize = 16;
        let shape: Vec<i64> = tensor.dims.to_vec();
        let len = match shape[..] {
            [] => 1,
            [len] if (0..=MOST as i64).contains(&len) => len as usize,
            _ => {
                return Err(Error::tensor(
                    &tensor.name,
                    format!("expected a short list of integers, found shape {shape:?}"),
                ));
            }
        };
        let values = match tensor.data_type {
            7 if !tensor.int64_data.is_empty() => tensor.int64_data.to_vec(),
            7 => self.raw(tensor, len, i64::from_le_bytes)?,
            6 => self.raw(tensor, len, |b| i64::from(i32::from_le_bytes(b)))?,
            other => {
                return Err(Error::tensor(
                    &tensor.name,
                    format!("expected INT32 or INT64, found {}", type_name(other)),
                ));
            }
        };
        if values.len() != len {
            let problem = format!("expected {len} values for {shape:?}, found {}", values.len());
            return Err(Error::tensor(&tensor.name, problem));
        }
        Ok((values, !shape.is_empty()))
    }

    fn listed<T: Copy + Into<f64>>(&self, values: &[T]) -> Result<Rc<[f64]>> {
        self.reserve(values.len())?;
        Ok(values.iter().map(|&value| value.into()).collect())
    }

    /// `len` numbers of `N` bytes each.
    fn raw<T, C: FromIterator<T>, const N: usize>(
        &self,
        tensor: &proto::Tensor,
        len: usize,
        number: impl Fn([u8; N]) -> T,
    ) -> Result<C> {
        let data;
        let bytes = if tensor.data_location == 1 {
            let (file, range) = self.external(tensor, len.saturating_mul(N))?;
            data = file;
            data.bytes().get(range).unwrap_or_default()
        } else {
            &tensor.raw_data[..]
        };
        if bytes.len() != len.saturating_mul(N) {
            let problem = format!("expected {len} values of {N} bytes, found {} bytes", bytes.len());
            return Err(Error::tensor(&tensor.name, problem).help("copy the file again, or export the model again"));
        }
        self.reserve(len)?;
        Ok(bytes.as_chunks().0.iter().map(|&chunk| number(chunk)).collect())
    }

    /// The file that holds a tensor's bytes, and where in it they are.
    fn external(&self, tensor: &proto::Tensor, len: usize) -> Result<(Rc<Source>, std::ops::Range<usize>)> {
        let entry =
            |key: &str| tensor.external_data.iter().find(|entry| entry.key == key).map(|entry| &entry.value[..]);
        let number = |key: &str, default: usize| match entry(key) {
            None => Ok(default),
            Some(text) => text.parse().map_err(|_| {
                let problem = format!("expected a number as the {key} of its external data, found {}", quoted(text));
                Error::tensor(&tensor.name, problem)
            }),
        };
        let location = entry("location").unwrap_or_default();
        let file = self.data_file(location).map_err(|error| match error.path() {
            Some(_) => {
                error.help("keep the file of weights beside the .onnx file, under the name it was exported with")
            }
            None => Error::tensor(&tensor.name, error.problem()),
        })?;
        let (offset, found) = (number("offset", 0)?, number("length", len)?);
        let end = offset.checked_add(len).filter(|&end| found == len && end <= file.bytes().len());
        match end {
            Some(end) => Ok((file, offset..end)),
            None => Err(Error::tensor(
                &tensor.name,
                format!(
                    "expected {len} bytes, found bytes {offset}..{} of {} bytes in {}",
                    offset.saturating_add(found),
                    file.bytes().len(),
                    quoted(location)
                ),
            )
            .help("the .onnx file and its file of weights are from different exports, or cut short; copy both again")),
        }
    }

    /// A file in the model's own directory.
    fn data_file(&self, location: &str) -> Result<Rc<Source>> {
        if let Some(file) = self.data.borrow().get(location) {
            return Ok(Rc::clone(file));
        }
        let mut components = Path::new(location).components();
        let (Some(Component::Normal(_)), None) = (components.next(), components.next()) else {
            let problem = format!("expected its external data in a file beside the model, found {}", quoted(location));
            return Err(Error::new(problem));
        };
        let file = Rc::new(Source::read(self.source.path().with_file_name(location))?);
        self.left.set(self.left.get().saturating_add(file.bytes().len() / 2));
        self.data.borrow_mut().insert(location.to_owned(), Rc::clone(&file));
        Ok(file)
    }

    /// Fails where constants would take much more memory than the file does.
    pub fn reserve(&self, numbers: usize) -> Result<()> {
        match self.left.get().checked_sub(numbers) {
            Some(left) => {
                self.left.set(left);
                Ok(())
            }
            None => Err(Error::new("the graph's constants, when computed, are much larger than the file")
                .help("export with constant folding")),
        }
    }
}

impl Tensor {
    pub fn is_zero(&self) -> bool {
        self.values.iter().all(|&value| value == 0.0)
    }

    /// The same numbers in another shape of as many.
    pub fn reshaped(&self, shape: Vec<usize>) -> Self {
        Self { shape, values: Rc::clone(&self.values) }
    }

    pub fn transposed(&self, permutation: &[usize], reader: &Reader<'_>) -> Result<Self> {
        let strides = self.strides();
        let pick = |from: &[usize]| permutation.iter().map(|&axis| from[axis]).collect::<Vec<_>>();
        self.strided(pick(&self.shape), &pick(&strides), 0, reader)
    }

    /// Part of one axis, which must be within it and not empty.
    pub fn sliced(&self, axis: usize, range: std::ops::Range<usize>, reader: &Reader<'_>) -> Result<Self> {
        let strides = self.strides();
        let mut shape = self.shape.clone();
        shape[axis] = range.len();
        self.strided(shape, &strides, range.start * strides[axis], reader)
    }

    /// One after the other along an axis; all other sizes must be equal.
    pub fn joined(parts: &[Self], axis: usize, reader: &Reader<'_>) -> Result<Self> {
        reader.reserve(parts.iter().map(|part| part.values.len()).sum())?;
        let mut shape = parts[0].shape.clone();
        let outer: usize = shape[..axis].iter().product();
        shape[axis] = parts.iter().map(|part| part.shape[axis]).sum();
        let chunk = |part: &Self, index: usize| {
            let len = part.values.len() / outer;
            index * len..(index + 1) * len
        };
        let values =
            (0..outer).flat_map(|index| parts.iter().flat_map(move |part| part.values[chunk(part, index)].iter()));
        Ok(Self { values: values.copied().collect(), shape })
    }

    fn strides(&self) -> Vec<usize> {
        let mut strides = vec![1; self.shape.len()];
        for axis in (1..self.shape.len()).rev() {
            strides[axis - 1] = strides[axis] * self.shape[axis];
        }
        strides
    }

    fn strided(&self, shape: Vec<usize>, strides: &[usize], offset: usize, reader: &Reader<'_>) -> Result<Self> {
        let len = shape.iter().product();
        reader.reserve(len)?;
        let element = |mut at: usize| {
            let axes = shape.iter().zip(strides).rev();
            offset + axes.map(|(size, stride)| (at % size * stride, at /= size).0).sum::<usize>()
        };
        let values = (0..len).map(|at| self.values[element(at)]).collect();
        Ok(Self { shape, values })
    }
}

/// The shape of a tensor and the number of its elements; none is zero.
fn shape(tensor: &proto::Tensor) -> Result<(Vec<usize>, usize)> {
    let sizes = tensor.dims.iter().map(|&size| usize::try_from(size).ok().filter(|&size| size > 0));
    let shape: Option<Vec<usize>> = sizes.collect();
    shape
        .and_then(|shape| {
            let len = shape.iter().try_fold(1usize, |len, &size| len.checked_mul(size))?;
            Some((shape, len))
        })
        .ok_or_else(|| {
            Error::tensor(
                &tensor.name,
                format!("expected sizes above zero that fit memory, found shape {:?}", &tensor.dims[..]),
            )
        })
}

/// As `onnx.proto` calls a type of elements.
pub fn type_name(number: i32) -> String {
    const NAMES: [&str; 17] = [
        "UNDEFINED",
        "FLOAT",
        "UINT8",
        "INT8",
        "UINT16",
        "INT16",
        "INT32",
        "INT64",
        "STRING",
        "BOOL",
        "FLOAT16",
        "DOUBLE",
        "UINT32",
        "UINT64",
        "COMPLEX64",
        "COMPLEX128",
        "BFLOAT16",
    ];
    let name = usize::try_from(number).ok().and_then(|number| NAMES.get(number));
    name.map_or_else(|| format!("type {number}"), |name| (*name).to_owned())
}
