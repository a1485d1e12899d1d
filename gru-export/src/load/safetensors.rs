//! safetensors files: a JSON header of names, types, shapes and byte ranges, then the bytes.

use std::collections::HashSet;
use std::fmt;

use half::{bf16, f16};
use safetensors::tensor::{Dtype, SafeTensors, TensorInfo, TensorView};
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};

use crate::error::{Error, Result};

use super::tensors::{Tensor, Tensors};
use super::{Format, Load};

const RESAVE: &str = "save the model again with safetensors.torch.save_file(model.state_dict(), \"model.safetensors\")";

/// A `state_dict` saved by safetensors.
pub(super) const FORMAT: Format = Format {
    recognise: |source| source.bytes().get(8) == Some(&b'{'),
    load: Load::Tensors(|source| parse(source.bytes())),
};

/// Longest header, in bytes: thousands of tensors. What it describes takes a dozen times its length.
const MAX_HEADER_LEN: usize = 1 << 20;

fn parse(bytes: &[u8]) -> Result<Tensors<'_>> {
    if let Some(header) = header(bytes)
        && header.len() > MAX_HEADER_LEN
    {
        let problem = format!("expected a header of at most {MAX_HEADER_LEN} bytes, found one of {}", header.len());
        return Err(Error::new(problem).help("save the tensors of the model to export alone"));
    }
    let file = SafeTensors::deserialize(bytes)
        .map_err(|error| culprit(bytes).or_else(|| mistaken(bytes)).unwrap_or_else(|| damaged(&error.to_string())))?;
    if let Some(error) = culprit(bytes) {
        return Err(error);
    }
    let tensors = file.tensors().into_iter().map(|(name, view)| {
        let (shape, dtype) = (view.shape().to_vec(), view.dtype().to_string());
        (name, Tensor { shape, dtype, decode: Box::new(move || Ok(decode(&view))) })
    });
    Ok(Tensors::new(tensors.collect(), "tensor.float()"))
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

/// Names the formats that are commonly taken for this one.
fn mistaken(bytes: &[u8]) -> Option<Error> {
    let found = match bytes {
        [] => "an empty file",
        [b'P', b'K', 3, 4, ..] | [0x80, 2..=5, ..] => "a PyTorch pickle",
        _ => return None,
    };
    Some(Error::new(format!("expected a safetensors file, found {found}")).help(RESAVE))
}

fn damaged(reason: &str) -> Error {
    Error::new(format!("not a valid safetensors file: {reason}"))
        .help("the file may be cut short or not be safetensors; copy it again, or save it again from PyTorch")
}

/// The JSON text, if it is all there.
fn header(bytes: &[u8]) -> Option<&[u8]> {
    let (len, rest) = bytes.split_first_chunk::<8>()?;
    rest.get(..usize::try_from(u64::from_le_bytes(*len)).ok()?)
}

/// The tensor that makes the header wrong, which the parser itself does not name.
fn culprit(bytes: &[u8]) -> Option<Error> {
    let (header, rest) = (header(bytes)?, &bytes[8..]);
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
