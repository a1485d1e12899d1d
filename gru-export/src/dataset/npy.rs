//! NumPy's array format, versions 1 to 3, and zip archives of it.
//!
//! Format: <https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>.

use std::borrow::Cow;
use std::io::{Cursor, Read};

use half::f16;
use zip::ZipArchive;
use zip::result::ZipError;

use crate::error::{Error, Result, listed, quoted};
use crate::source::MAX_FILE_LEN;

use super::Array;

const MAGIC: &[u8] = b"\x93NUMPY";

/// A scalar type: converts one little-endian element of `len` bytes.
struct Scalar {
    len: usize,
    value: fn(&[u8]) -> f64,
}

pub(super) fn parse(bytes: &[u8]) -> Result<Array> {
    let (header, data) = split(bytes).ok_or_else(|| Error::new("not a valid .npy file: the header is cut short"))?;
    let damaged = |what: &str| Error::new(format!("not a valid .npy file: {what}"));
    let descr = field(header, "descr").and_then(unquoted).ok_or_else(|| damaged("no `descr` in the header"))?;
    let (big_endian, scalar) = scalar(descr).ok_or_else(|| {
        Error::new(format!("expected floating-point or integer numbers, found dtype {}", quoted(descr)))
            .help("convert with array.astype(numpy.float32)")
    })?;
    let shape = field(header, "shape").and_then(tuple).ok_or_else(|| damaged("no `shape` in the header"))?;
    if field(header, "fortran_order").is_none_or(|order| !order.starts_with("False")) && shape.len() > 1 {
        return Err(Error::new("expected C order, found Fortran order").help("save numpy.ascontiguousarray(array)"));
    }
    let expected = shape.iter().try_fold(scalar.len, |len, &n| len.checked_mul(n));
    if expected != Some(data.len()) {
        return Err(damaged(&format!(
            "shape {shape:?} of dtype {} does not take the file's {} bytes",
            quoted(descr),
            data.len()
        )));
    }
    let values: Vec<f64> = data
        .chunks_exact(scalar.len)
        .map(|chunk| {
            let mut element = [0; 8];
            element[..scalar.len].copy_from_slice(chunk);
            if big_endian {
                element[..scalar.len].reverse();
            }
            (scalar.value)(&element)
        })
        .collect();
    Ok(Array { shape, values })
}

pub(super) fn parse_member(bytes: &[u8], name: Option<&str>) -> Result<Array> {
    let damaged = |error: ZipError| Error::new(format!("not a valid .npz file: {error}"));
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(damaged)?;
    let stem = |name: Result<Cow<'_, str>, ZipError>| Ok(name?.trim_end_matches(".npy").to_owned());
    let names: Vec<String> = archive.file_names().map(stem).collect::<Result<_, _>>().map_err(damaged)?;
    let name = match (name, &names[..]) {
        (Some(name), _) if names.iter().any(|found| found == name) => name,
        (None, [name]) => name,
        _ => {
            let wanted = name.map_or("expected one array".to_owned(), |name| format!("no array {}", quoted(name)));
            return Err(Error::new(format!("{wanted}, found {}", listed(names.iter().map(|name| quoted(name)))))
                .help("name one of them: FILE.npz:NAME"));
        }
    };
    let mut member = Vec::new();
    let file = archive.by_name(&format!("{name}.npy")).map_err(damaged)?;
    file.take(MAX_FILE_LEN)
        .read_to_end(&mut member)
        .map_err(|error| Error::io(&format!("unpack {}", quoted(name)), &error))?;
    parse(&member)
}

/// `values` as a little-endian f32 `.npy` file of the given shape.
///
/// # Panics
/// If there are not as many values as the shape says.
pub fn write_npy(shape: &[usize], values: &[f32]) -> Vec<u8> {
    assert_eq!(shape.iter().product::<usize>(), values.len(), "shape {shape:?}");
    let dims: String = shape.iter().map(|n| format!("{n},")).collect();
    let header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({dims}), }}");
    let padded = (MAGIC.len() + 4 + header.len() + 1).next_multiple_of(64) - MAGIC.len() - 4;
    let mut bytes = MAGIC.to_vec();
    bytes.extend([1, 0]);
    bytes.extend(u16::try_from(padded).expect("a header of a few dimensions").to_le_bytes());
    bytes.extend(format!("{header:<width$}\n", width = padded - 1).bytes());
    bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
    bytes
}

/// The header's text and the data after it.
fn split(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let rest = bytes.strip_prefix(MAGIC)?;
    let (version, rest) = rest.split_first_chunk::<2>()?;
    let (len, rest) = match version {
        [1, _] => {
            let (len, rest) = rest.split_first_chunk()?;
            (usize::from(u16::from_le_bytes(*len)), rest)
        }
        _ => {
            let (len, rest) = rest.split_first_chunk()?;
            (usize::try_from(u32::from_le_bytes(*len)).ok()?, rest)
        }
    };
    let (header, data) = rest.split_at_checked(len)?;
    Some((std::str::from_utf8(header).ok()?, data))
}

/// What follows `'key':` in the header's Python dict.
fn field<'a>(header: &'a str, key: &str) -> Option<&'a str> {
    let (_, value) = header.split_once(&format!("'{key}':"))?;
    Some(value.trim_start())
}

fn unquoted(value: &str) -> Option<&str> {
    value.strip_prefix('\'')?.split('\'').next()
}

fn tuple(value: &str) -> Option<Vec<usize>> {
    let (items, _) = value.strip_prefix('(')?.split_once(')')?;
    items.split(',').map(str::trim).filter(|item| !item.is_empty()).map(|item| item.parse().ok()).collect()
}

/// Whether elements are big-endian, and their type; 64-bit integers lose what an `f64` cannot hold.
fn scalar(descr: &str) -> Option<(bool, Scalar)> {
    macro_rules! scalar {
        ($type:ty, $to_f64:expr) => {
            Scalar {
                len: size_of::<$type>(),
                value: |bytes| {
                    let element = bytes.first_chunk().expect("eight bytes");
                    $to_f64(<$type>::from_le_bytes(*element))
                },
            }
        };
    }
    let (order, kind) = descr.split_at_checked(1)?;
    let scalar = match kind {
        "f2" => scalar!(f16, f64::from),
        "f4" => scalar!(f32, f64::from),
        "f8" => scalar!(f64, f64::from),
        "i1" => scalar!(i8, f64::from),
        "i2" => scalar!(i16, f64::from),
        "i4" => scalar!(i32, f64::from),
        "i8" => scalar!(i64, |value| value as f64),
        "u1" => scalar!(u8, f64::from),
        "u2" => scalar!(u16, f64::from),
        "u4" => scalar!(u32, f64::from),
        "u8" => scalar!(u64, |value| value as f64),
        _ => return None,
    };
    Some((order == ">", scalar))
}
