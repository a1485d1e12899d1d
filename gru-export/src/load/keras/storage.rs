//! The bytes of an HDF5 file, as the reader gets them: so many of them may be object headers.
//!
//! The reader keeps the headers that it has parsed, each at many times its size, and a file can have one begin at every few bytes of another.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use hdf5_reader::error::{Error, Result};
use hdf5_reader::storage::{BytesStorage, Storage, StorageBuffer};

/// What a header begins with where its length stands.
const PREFIX_LEN: usize = 16;

/// Structures that are not kept.
const NODES: [&[u8]; 3] = [b"TREE", b"SNOD", b"HEAP"];

/// Bytes of headers, at least: those of a thousand variables.
const HEADERS: usize = 320 << 10;

pub(super) struct HeaderBound {
    bytes: BytesStorage,
    /// Longest header.
    max_header_len: usize,
    seen: Mutex<Seen>,
}

/// What was read so far that may be a header, or part of one.
struct Seen {
    starts: BTreeSet<u64>,
    left: usize,
}

impl HeaderBound {
    pub(super) fn new(bytes: Vec<u8>, max_header_len: usize) -> Self {
        let left = HEADERS + bytes.len() / 64;
        let seen = Mutex::new(Seen { starts: BTreeSet::new(), left });
        Self { bytes: BytesStorage::new(bytes), max_header_len, seen }
    }
}

impl Storage for HeaderBound {
    fn len(&self) -> u64 {
        self.bytes.len()
    }

    fn read_range(&self, offset: u64, len: usize) -> Result<StorageBuffer> {
        let read = self.bytes.read_range(offset, len)?;
        let may_be_header = (PREFIX_LEN + 1..=self.max_header_len).contains(&len)
            && !NODES.iter().any(|signature| read.starts_with(signature));
        if may_be_header {
            let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            if seen.starts.insert(offset) {
                let left = seen.left.checked_sub(len);
                seen.left = left.ok_or_else(|| Error::ResourceLimit("more object headers than Keras writes".into()))?;
            }
        }
        Ok(read)
    }
}
