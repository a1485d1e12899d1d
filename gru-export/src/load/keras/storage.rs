//! The bytes of an HDF5 file, as the reader gets them: so many of them may be object headers, and so many names may be read at once.
//!
//! The reader keeps the headers that it has parsed, each at many times its size, and a file can have one begin at every few bytes of another.
//! It copies the name of each child of a group, and all of them can be the same long one.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use hdf5_reader::error::{Error, Result};
use hdf5_reader::storage::{BytesStorage, Storage, StorageBuffer};

/// What a header begins with where its length stands.
const PREFIX_LEN: usize = 16;

/// Nodes of groups, of which nothing is kept.
const NODES: [&[u8]; 3] = [b"TREE", b"SNOD", b"HEAP"];

/// What Keras never writes: groups of another kind.
const DENSE: &[u8] = b"FRHP";

/// Bytes of headers, at least: those of a thousand variables.
const HEADERS: usize = 320 << 10;

/// Bytes of names at once, at least.
const COPIES: usize = 8 << 20;

pub(super) struct Bounded {
    bytes: BytesStorage,
    /// Longest header.
    max_header_len: usize,
    seen: Mutex<Seen>,
}

/// What was read so far.
struct Seen {
    /// Of what may be a header, or part of one.
    starts: BTreeSet<u64>,
    /// Bytes of headers that are left.
    headers: usize,
    /// The longest names of any group, together.
    names: usize,
    /// Bytes of copied names that are left.
    copies: usize,
}

impl Bounded {
    pub(super) fn new(bytes: Vec<u8>, max_header_len: usize) -> Self {
        let headers = HEADERS + bytes.len() / 64;
        let seen = Mutex::new(Seen { starts: BTreeSet::new(), headers, names: 0, copies: COPIES });
        Self { bytes: BytesStorage::new(bytes), max_header_len, seen }
    }

    /// Whatever names were copied before are gone.
    pub(super) fn begin(&self) {
        self.seen().copies = COPIES;
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Storage for Bounded {
    fn len(&self) -> u64 {
        self.bytes.len()
    }

    fn read_range(&self, offset: u64, len: usize) -> Result<StorageBuffer> {
        let read = self.bytes.read_range(offset, len)?;
        self.seen().note(offset, &read, self.max_header_len)?;
        Ok(read)
    }
}

impl Seen {
    fn note(&mut self, offset: u64, read: &[u8], max_header_len: usize) -> Result<()> {
        match read {
            _ if read.starts_with(DENSE) => return Err(limit("groups of another kind than Keras writes")),
            [b'H', b'E', b'A', b'P', _, _, _, _, len @ ..] if len.len() >= 8 => {
                let len = len.first_chunk().map_or(0, |len| u64::from_le_bytes(*len));
                self.names = self.names.max(usize::try_from(len).unwrap_or(usize::MAX));
            }
            [b'S', b'N', b'O', b'D', _, _, low, high, ..] => {
                // A child has a name, and may be another name for something else.
                let symbols = usize::from(u16::from_le_bytes([*low, *high]));
                let copies = symbols.checked_mul(2).and_then(|names| names.checked_mul(self.names));
                let left = copies.and_then(|copies| self.copies.checked_sub(copies));
                self.copies = left.ok_or_else(|| limit("more names in its groups than Keras writes"))?;
            }
            _ => {}
        }
        let may_be_header = (PREFIX_LEN + 1..=max_header_len).contains(&read.len())
            && !NODES.iter().any(|signature| read.starts_with(signature));
        if may_be_header && self.starts.insert(offset) {
            let left = self.headers.checked_sub(read.len());
            self.headers = left.ok_or_else(|| limit("more object headers than Keras writes"))?;
        }
        Ok(())
    }
}

fn limit(what: &str) -> Error {
    Error::ResourceLimit(what.to_owned())
}
