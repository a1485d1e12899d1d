//! Input files, read whole and bounded, with their digest.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::error::{Error, Result};

/// The largest file that is read, in bytes: far above what a microcontroller's flash can hold.
pub const MAX_FILE_LEN: u64 = 1 << 30;

/// A file's contents and where they came from.
#[derive(Debug, Clone)]
pub struct Source {
    path: PathBuf,
    bytes: Vec<u8>,
}

impl Source {
    /// Reads a regular file of at most [`MAX_FILE_LEN`] bytes.
    ///
    /// # Errors
    /// The path is missing, unreadable, a directory or device, or too large.
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        Self::read_bounded(path).map_err(|error| error.in_file(path))
    }

    /// Contents that are in memory already; `path` is what errors call them.
    pub fn from_bytes(path: impl Into<PathBuf>, bytes: Vec<u8>) -> Self {
        Self { path: path.into(), bytes }
    }

    fn read_bounded(path: &Path) -> Result<Self> {
        let failed = |error: std::io::Error| Error::io("read", &error);
        let metadata = fs::metadata(path).map_err(failed)?;
        if !metadata.is_file() {
            let found = if metadata.is_dir() { "a directory" } else { "a device or pipe" };
            return Err(Error::new(format!("expected a regular file, found {found}")));
        }
        let fits = |len: u64| match len {
            0..=MAX_FILE_LEN => Ok(()),
            _ => Err(Error::new(format!("expected a file of at most {MAX_FILE_LEN} bytes, found {len}"))),
        };
        fits(metadata.len())?;
        let mut bytes = Vec::new();
        File::open(path).and_then(|file| file.take(MAX_FILE_LEN + 1).read_to_end(&mut bytes)).map_err(failed)?;
        // It may have grown.
        fits(bytes.len() as u64)?;
        Ok(Self::from_bytes(path, bytes))
    }

    /// The path as given.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The path's last component: the part that is the same on every machine.
    pub fn file_name(&self) -> String {
        self.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// The whole contents.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// SHA-256 of the contents, as 64 lowercase hexadecimal digits.
    pub fn sha256(&self) -> String {
        Sha256::digest(&self.bytes).iter().map(|byte| format!("{byte:02x}")).collect()
    }
}
