//! `.npz` files: a zip archive of NumPy arrays.

use std::collections::BTreeMap;
use std::io::{self, Cursor, Read};

use zip::ZipArchive;
use zip::result::ZipError;

use crate::dataset::npy::{AGAIN, Header, MAX_HEADER_LEN};
use crate::error::{Error, Result, quoted};

use super::tensors::{Tensor, Tensors};
use super::{Format, Load};

/// Arrays saved by `numpy.savez`.
pub(super) const FORMAT: Format = Format {
    recognise: |source| {
        let named = source.path().extension().is_some_and(|extension| extension.eq_ignore_ascii_case("npz"));
        named || is_npy(source.bytes()) || source.bytes().starts_with(b"PK\x03\x04") && parse(source.bytes()).is_ok()
    },
    load: Load::Tensors(|source| parse(source.bytes())),
};

const SAVE: &str = "save the arrays with numpy.savez(\"model.npz\", **{name: array, …})";

/// Largest number of arrays: a thousand layers.
const MAX_ARRAYS: usize = 1 << 13;

fn is_npy(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\x93NUMPY")
}

fn parse(bytes: &[u8]) -> Result<Tensors<'_>> {
    if is_npy(bytes) {
        return Err(Error::new("expected the named arrays of a model, found a single array").help(SAVE));
    }
    let entries = bytes.windows(4).filter(|window| window == b"PK\x01\x02").take(MAX_ARRAYS + 1).count();
    if entries > MAX_ARRAYS {
        return Err(Error::new(format!("expected at most {MAX_ARRAYS} arrays in the .npz file, found more")).help(SAVE));
    }
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|error| damaged(&error))?;
    // As f64, all arrays together, and a copy of one of them while it becomes a layer. Packed weights hardly shrink.
    let mut budget = (2 * bytes.len()).saturating_add(5 << 20);
    let mut tensors = BTreeMap::new();
    for at in 0..archive.len() {
        let member = archive.by_index(at).map_err(|error| damaged(&error))?;
        let name = member.name().map_err(|error| damaged(&error))?.into_owned();
        let name = name.strip_suffix(".npy").ok_or_else(|| {
            Error::new(format!("expected .npy arrays in the .npz file, found {}", quoted(&name))).help(SAVE)
        })?;
        let mut start = Vec::new();
        member.take(MAX_HEADER_LEN).read_to_end(&mut start).map_err(|error| unpacking(name, &error))?;
        let (header, data) = Header::parse(&start).map_err(|error| Error::tensor(name, error.problem()).help(SAVE))?;
        let header_len = start.len() - data.len();
        if header.descr.ends_with('O') {
            return Err(Error::tensor(
                name,
                format!("expected numbers, found pickled Python objects ({})", header.descr),
            )
            .help("flatten nested dictionaries, so that each array is saved under a name of its own"));
        }
        let elements = header.shape.iter().try_fold(1usize, |len, &n| len.checked_mul(n));
        budget = elements.and_then(|n| budget.checked_sub(n.checked_mul(size_of::<f64>())?)).ok_or_else(|| {
            Error::tensor(
                name,
                format!("shape {:?} is beyond what the file's {} bytes hold", header.shape, bytes.len()),
            )
            .help("save with numpy.savez, not numpy.savez_compressed")
        })?;
        let tensor = Tensor {
            shape: header.shape.clone(),
            dtype: header.descr.clone(),
            decode: {
                let (mut archive, name) = (archive.clone(), name.to_owned());
                Box::new(move || {
                    let mut member = archive.by_index(at).map_err(|error| damaged(&error))?;
                    let unpacked = io::copy(&mut (&mut member).take(header_len as u64), &mut io::sink())
                        .and_then(|_| header.read_floats(member));
                    unpacked.map_err(|error| unpacking(&name, &error))
                })
            },
        };
        if tensors.insert(name.to_owned(), tensor).is_some() {
            return Err(Error::tensor(name, "expected once in the .npz file, found twice").help(SAVE));
        }
    }
    Ok(Tensors::new(tensors, "array.astype(numpy.float32)"))
}

fn damaged(error: &ZipError) -> Error {
    Error::new(format!("not a valid .npz file: {error}")).help(SAVE)
}

fn unpacking(name: &str, error: &io::Error) -> Error {
    Error::tensor(name, format!("cannot be unpacked: {error}")).help(AGAIN)
}
