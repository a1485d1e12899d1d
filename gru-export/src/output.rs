//! Output files, written whole or not at all.

use std::io::{self, Write};
use std::path::Path;

use crate::error::{Error, Result};

/// Writes beside `path` under a temporary name, then renames.
///
/// # Errors
/// The directory is missing or not writable, or `path` is a directory.
pub fn write(path: &Path, contents: &[u8]) -> Result<()> {
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let write = || {
        let mut builder = tempfile::Builder::new();
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let mut file = builder.prefix(".gru-export-").tempfile_in(directory)?;
        file.write_all(contents)?;
        file.persist(path).map_err(|error| error.error)?;
        Ok(())
    };
    write().map_err(|error: io::Error| {
        // tempfile wraps the cause in the temporary path, which means nothing to the reader.
        let cause = error.get_ref().and_then(|wrapped| wrapped.source()).map(ToString::to_string);
        Error::io("write", &cause.map_or(error, io::Error::other)).in_file(path)
    })
}
