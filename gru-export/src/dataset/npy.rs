//! NumPy's array format, versions 1 to 3, and zip archives of it.
//!
//! Format: <https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>.

use std::borrow::Cow;
use std::io::{self, Cursor, Read};

use half::f16;
use zip::ZipArchive;
use zip::result::ZipError;

use crate::error::{Error, Result, listed, quoted};

use super::{Array, Values};

/// Largest header of an array in an archive: NumPy's take 128 bytes.
pub(crate) const MAX_HEADER_LEN: u64 = 1 << 12;

/// Bytes that packed arrays may take in memory beyond four times their file.
const PACKED_ROOM: usize = 12 << 20;

/// What to do about a file that is not whole.
pub(crate) const AGAIN: &str = "the file may be damaged; copy it again, or save it again";

const MAGIC: &[u8] = b"\x93NUMPY";

/// A scalar type: converts one little-endian element of `len` bytes.
#[derive(Clone, Copy)]
struct Scalar {
    len: usize,
    /// Whether f32 holds every value.
    is_narrow: bool,
    value: fn(&[u8]) -> f64,
}

/// What a file says before its data.
pub(crate) struct Header {
    pub(crate) shape: Vec<usize>,
    /// NumPy's name of the element type, such as `<f4`.
    pub(crate) descr: String,
    big_endian: bool,
    /// None for what is not a number.
    scalar: Option<Scalar>,
    column_major: bool,
}

impl Header {
    /// The header and the bytes after it.
    pub(crate) fn parse(bytes: &[u8]) -> Result<(Self, &[u8])> {
        let (header, data) = split(bytes).ok_or_else(|| damaged("the header is cut short"))?;
        let descr = field(header, "descr").ok_or_else(|| damaged("no `descr` in the header"))?;
        let descr = unquoted(descr).unwrap_or("of several fields");
        let (big_endian, scalar) = scalar(descr);
        let shape = field(header, "shape").and_then(tuple).ok_or_else(|| damaged("no `shape` in the header"))?;
        let column_major = field(header, "fortran_order").is_none_or(|order| !order.starts_with("False"));
        Ok((Self { shape, descr: descr.to_owned(), big_endian, scalar, column_major }, data))
    }

    /// Bytes of the data, unless that is beyond memory or the elements are no numbers.
    fn data_len(&self) -> Option<usize> {
        self.shape.iter().try_fold(self.scalar?.len, |len, &n| len.checked_mul(n))
    }

    /// The elements of a whole file in row-major order.
    fn decode(&self, data: &[u8]) -> Result<Values> {
        let scalar = self.number()?;
        if self.data_len() != Some(data.len()) {
            return Err(damaged(&format!(
                "shape {:?} of dtype {} does not take the file's {} bytes",
                self.shape,
                quoted(&self.descr),
                data.len()
            )));
        }
        Ok(self.read_whole(scalar, data).expect("as many bytes as elements"))
    }

    /// The type of the elements, which must be numbers.
    fn number(&self) -> Result<Scalar> {
        self.scalar.ok_or_else(|| {
            Error::new(format!("expected floating-point or integer numbers, found dtype {}", quoted(&self.descr)))
                .help("convert with array.astype(numpy.float32)")
        })
    }

    /// Bytes that the elements take in memory.
    fn decoded_len(&self) -> Option<usize> {
        let width = if self.scalar?.is_narrow { size_of::<f32>() } else { size_of::<f64>() };
        self.shape.iter().try_fold(width, |len, &n| len.checked_mul(n))
    }

    /// The elements of a float array in row-major order, from the bytes after the header; none for another array.
    pub(crate) fn read_floats(&self, data: impl Read) -> io::Result<Option<Vec<f64>>> {
        let floats = self.scalar.filter(|_| self.descr[1..].starts_with('f'));
        floats.map(|scalar| self.read(scalar, data, |value| value)).transpose()
    }

    /// The elements in row-major order, from the bytes after the header, and nothing after them.
    fn read_whole(&self, scalar: Scalar, data: impl Read) -> io::Result<Values> {
        Ok(match scalar.is_narrow {
            true => Values::Narrow(self.read(scalar, data, |value| value as f32)?),
            false => Values::Wide(self.read(scalar, data, |value| value)?),
        })
    }

    fn read<T: Clone + Default>(
        &self,
        scalar: Scalar,
        mut data: impl Read,
        convert: impl Fn(f64) -> T,
    ) -> io::Result<Vec<T>> {
        const BLOCK: usize = 1 << 13;
        let count = self.shape.iter().product();
        let mut values = vec![T::default(); count];
        let (mut block, mut done) = ([0; BLOCK], 0);
        while done < count {
            let bytes = &mut block[..BLOCK.min((count - done) * scalar.len)];
            data.read_exact(bytes).map_err(|error| match error.kind() {
                io::ErrorKind::UnexpectedEof => {
                    io::Error::other(format!("fewer bytes than shape {:?} takes", self.shape))
                }
                _ => error,
            })?;
            for chunk in bytes.chunks_exact(scalar.len) {
                let mut element = [0; 8];
                element[..scalar.len].copy_from_slice(chunk);
                if self.big_endian {
                    element[..scalar.len].reverse();
                }
                let place = if self.column_major { self.row_major(done) } else { done };
                values[place] = convert((scalar.value)(&element));
                done += 1;
            }
        }
        // At its end an archive checks what was read.
        match data.read(&mut [0])? {
            0 => Ok(values),
            _ => Err(io::Error::other(format!("more bytes than shape {:?} takes", self.shape))),
        }
    }

    /// The place in row-major order of the element at `place` of column-major order.
    fn row_major(&self, mut place: usize) -> usize {
        let mut stride: usize = self.shape.iter().product();
        self.shape.iter().fold(0, |at, &n| {
            stride /= n;
            let index = place % n;
            place /= n;
            at + index * stride
        })
    }
}

fn damaged(what: &str) -> Error {
    Error::new(format!("not a valid .npy file: {what}")).help(AGAIN)
}

pub(super) fn parse(bytes: &[u8]) -> Result<Array> {
    let (header, data) = Header::parse(bytes)?;
    let values = header.decode(data)?;
    Ok(Array { shape: header.shape, values })
}

pub(super) fn parse_member(bytes: &[u8], name: Option<&str>) -> Result<Array> {
    let damaged = |error: ZipError| Error::new(format!("not a valid .npz file: {error}")).help(AGAIN);
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
    let unpacking =
        |error: io::Error| Error::new(format!("array {}: cannot be unpacked: {error}", quoted(name))).help(AGAIN);
    let mut member = archive.by_name(&format!("{name}.npy")).map_err(damaged)?;
    let mut start = Vec::new();
    (&mut member).take(MAX_HEADER_LEN).read_to_end(&mut start).map_err(unpacking)?;
    let (header, data) = Header::parse(&start)?;
    let scalar = header.number()?;
    let room = (4 * bytes.len()).saturating_add(PACKED_ROOM);
    if header.decoded_len().is_none_or(|len| len > room) {
        let problem =
            format!("array {}: shape {:?} is far beyond the file's {} bytes", quoted(name), header.shape, bytes.len());
        return Err(Error::new(problem).help("save large arrays with numpy.save or numpy.savez, not packed"));
    }
    let values = header.read_whole(scalar, data.chain(member)).map_err(unpacking)?;
    Ok(Array { shape: header.shape, values })
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

/// Whether elements are big-endian, and their type if it is a number; 64-bit integers lose what an `f64` cannot hold.
fn scalar(descr: &str) -> (bool, Option<Scalar>) {
    macro_rules! scalar {
        ($type:ty, $narrow:literal, $to_f64:expr) => {
            Scalar {
                len: size_of::<$type>(),
                is_narrow: $narrow,
                value: |bytes| {
                    let element = bytes.first_chunk().expect("eight bytes");
                    $to_f64(<$type>::from_le_bytes(*element))
                },
            }
        };
    }
    let (order, kind) = descr.split_at_checked(1).unwrap_or_default();
    let scalar = Some(match kind {
        "f2" => scalar!(f16, true, f64::from),
        "f4" => scalar!(f32, true, f64::from),
        "f8" => scalar!(f64, false, f64::from),
        "i1" => scalar!(i8, true, f64::from),
        "i2" => scalar!(i16, true, f64::from),
        "i4" => scalar!(i32, false, f64::from),
        "i8" => scalar!(i64, false, |value| value as f64),
        "u1" => scalar!(u8, true, f64::from),
        "u2" => scalar!(u16, true, f64::from),
        "u4" => scalar!(u32, false, f64::from),
        "u8" => scalar!(u64, false, |value| value as f64),
        _ => return (false, None),
    });
    (order == ">", scalar)
}
