//! safetensors files: a JSON header of names, types, shapes and byte ranges, then the bytes.

use std::collections::{BTreeMap, HashSet};
use std::fmt;

use half::{bf16, f16};
use safetensors::tensor::{Dtype, SafeTensors, TensorInfo, TensorView};
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};

use crate::error::{Error, Result, listed, quoted};
use crate::ir::{Matrix, Model};

use super::{Format, infer, pytorch};

const RESAVE: &str = "save the model again with safetensors.torch.save_file(model.state_dict(), \"model.safetensors\")";

/// A `state_dict` saved by safetensors.
pub(super) const FORMAT: Format = Format {
    recognise: |source| source.bytes().get(8) == Some(&b'{'),
    load: |source, spec| {
        let tensors = Tensors::parse(source.bytes())?;
        match spec {
            Some(spec) => pytorch::assemble(spec, tensors),
            None => {
                let spec = infer::infer(&tensors)?;
                Ok(infer::notes(&spec).into_iter().fold(pytorch::assemble(&spec, tensors)?, Model::with_note))
            }
        }
    },
};

/// The tensors of a file that no layer has taken yet.
pub(super) struct Tensors<'a>(BTreeMap<String, TensorView<'a>>);

impl<'a> Tensors<'a> {
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self> {
        let file = SafeTensors::deserialize(bytes).map_err(|error| {
            culprit(bytes).or_else(|| mistaken(bytes)).unwrap_or_else(|| damaged(&error.to_string()))
        })?;
        match culprit(bytes) {
            Some(error) => Err(error),
            None => Ok(Self(file.tensors().into_iter().collect())),
        }
    }

    /// The names and shapes that are left, in the order of names.
    pub(super) fn shapes(&self) -> impl Iterator<Item = (&str, &[usize])> {
        self.0.iter().map(|(name, view)| (name.as_str(), view.shape()))
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// The shape of a tensor that must be there.
    pub(super) fn shape(&self, name: &str) -> Result<&[usize]> {
        self.0.get(name).map(TensorView::shape).ok_or_else(|| self.missing(name))
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

    pub(super) fn take_vector(&mut self, name: &str, len: usize) -> Result<Vec<f64>> {
        let shape = self.shape(name)?;
        if shape != [len] {
            return Err(Error::tensor(name, format!("expected shape [{len}], found {shape:?}")));
        }
        self.take(name)
    }

    /// Leaves out a tensor that may be there and says nothing.
    pub(super) fn discard(&mut self, name: &str) {
        self.0.remove(name);
    }

    /// Fails unless every tensor has been taken.
    pub(super) fn finish(self) -> Result<()> {
        if self.0.is_empty() {
            return Ok(());
        }
        let left = listed(self.shapes().map(|(name, shape)| format!("{} {shape:?}", quoted(name))));
        Err(Error::new(format!("no layer takes {left}")).help(
            "understood are nn.GRU, nn.GRUCell, nn.Linear, nn.Embedding, nn.BatchNorm1d, nn.LayerNorm and the buffers input_mean and \
             input_std; remove other tensors from the state_dict before saving it",
        ))
    }

    fn missing(&self, name: &str) -> Error {
        let found = listed(self.0.keys().map(|name| quoted(name)));
        Error::tensor(name, format!("missing, or used twice; left in the file: {found}"))
    }

    fn take(&mut self, name: &str) -> Result<Vec<f64>> {
        let view = self.0.remove(name).ok_or_else(|| self.missing(name))?;
        let values = decode(&view).ok_or_else(|| {
            Error::tensor(name, format!("expected F16, BF16, F32 or F64, found {}", view.dtype()))
                .help("convert it with tensor.float() before saving")
        })?;
        match values.iter().position(|value| !value.is_finite()) {
            None => Ok(values),
            Some(at) => Err(Error::tensor(
                name,
                format!("expected finite numbers, found {} at {:?}", values[at], position(at, view.shape())),
            )
            .help("training diverged; export an earlier checkpoint")),
        }
    }
}

fn decode(view: &TensorView<'_>) -> Option<Vec<f64>> {
    fn each<const N: usize>(bytes: &[u8], value: impl Fn([u8; N]) -> f64) -> Vec<f64> {
        bytes.as_chunks().0.iter().map(|&chunk| value(chunk)).collect()
    }
    let bytes = view.data();
    Some(match view.dtype() {
        Dtype::F16 => each(bytes, |b| f16::from_le_bytes(b).to_f64()),
        Dtype::BF16 => each(bytes, |b| bf16::from_le_bytes(b).to_f64()),
        Dtype::F32 => each(bytes, |b| f64::from(f32::from_le_bytes(b))),
        Dtype::F64 => each(bytes, f64::from_le_bytes),
        _ => return None,
    })
}

/// The index of the flat element `at` in a row-major shape.
fn position(mut at: usize, shape: &[usize]) -> Vec<usize> {
    let mut index: Vec<usize> = shape.iter().rev().map(|&n| (at % n, at /= n).0).collect();
    index.reverse();
    index
}

/// Names the formats that are commonly taken for this one.
fn mistaken(bytes: &[u8]) -> Option<Error> {
    let found = match bytes {
        [] => "an empty file",
        [b'P', b'K', 3, 4, ..] | [0x80, 2..=5, ..] => "a PyTorch pickle",
        [0x93, b'N', b'U', b'M', b'P', b'Y', ..] => "a NumPy array",
        _ => return None,
    };
    Some(Error::new(format!("expected a safetensors file, found {found}")).help(RESAVE))
}

fn damaged(reason: &str) -> Error {
    Error::new(format!("not a valid safetensors file: {reason}"))
        .help("the file may be cut short or not be safetensors; copy it again, or save it again from PyTorch")
}

/// The tensor that makes the header wrong, which the parser itself does not name.
fn culprit(bytes: &[u8]) -> Option<Error> {
    let (len, rest) = bytes.split_first_chunk::<8>()?;
    let header = rest.get(..usize::try_from(u64::from_le_bytes(*len)).ok()?)?;
    let Entries(mut entries) = serde_json::from_slice(header).ok()?;

    let mut names = HashSet::new();
    if let Some((name, _)) = entries.iter().find(|(name, _)| !names.insert(name)) {
        return Some(Error::tensor(name, "expected once in the header, found twice").help(RESAVE));
    }
    entries.sort_by_key(|(_, info)| info.data_offsets);
    let mut expected = 0;
    for (name, TensorInfo { dtype, shape, data_offsets: (start, end) }) in &entries {
        let Some(bits) = shape.iter().try_fold(dtype.bitsize(), |len, &n| len.checked_mul(n)) else {
            return Some(Error::tensor(name, format!("shape {shape:?} is larger than memory")).help(RESAVE));
        };
        if end.checked_sub(*start) != Some(bits / 8) {
            let problem =
                format!("expected {} bytes for {dtype} {shape:?}, found the byte range {start}..{end}", bits / 8);
            return Some(Error::tensor(name, problem).help(RESAVE));
        }
        if *start != expected {
            let relation = if *start < expected { "overlaps" } else { "leaves a gap after" };
            let problem =
                format!("byte range {start}..{end} {relation} the tensor before it, which ends at {expected}");
            return Some(Error::tensor(name, problem).help(RESAVE));
        }
        expected = *end;
    }
    let found = rest.len() - header.len();
    (expected != found)
        .then(|| damaged(&format!("the header describes {expected} bytes of tensors, the file has {found}")))
}

/// The header's tensors in order, doubled names included.
struct Entries(Vec<(String, TensorInfo)>);

impl<'de> serde::Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Header;
        impl<'de> Visitor<'de> for Header {
            type Value = Entries;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map from tensor names to descriptions")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries, A::Error> {
                let mut entries = Vec::new();
                while let Some(name) = map.next_key::<String>()? {
                    if name == "__metadata__" {
                        map.next_value::<IgnoredAny>()?;
                    } else {
                        entries.push((name, map.next_value()?));
                    }
                }
                Ok(Entries(entries))
            }
        }
        deserializer.deserialize_map(Header)
    }
}
