//! The zip archive, unpacked within bounds.

use std::io::{Cursor, Read};

use serde::Deserialize;
use zip::ZipArchive;
use zip::result::ZipError;

use crate::error::{Error, Result, listed, quoted};
use crate::source::Source;

use super::SAVE_KERAS;

const CONFIG: &str = "config.json";
const METADATA: &str = "metadata.json";
const WEIGHTS: &str = "model.weights.h5";

/// Largest `config.json`: hundreds of layers.
const MAX_CONFIG_LEN: usize = 512 << 10;

/// Largest number of members: Keras writes three, and one per vocabulary of a text layer.
const MAX_MEMBERS: usize = 256;

/// A `.keras` file.
pub(super) struct Archive<'a> {
    bytes: &'a [u8],
    members: ZipArchive<Cursor<&'a [u8]>>,
}

/// Whether a file is meant to be one, by its members or, where it is damaged, by its name.
pub(super) fn is_keras(source: &Source) -> bool {
    let named = source.path().extension().is_some_and(|extension| extension.eq_ignore_ascii_case("keras"));
    named || Archive::open(source.bytes()).is_ok_and(|archive| archive.has(CONFIG) && archive.has(METADATA))
}

impl<'a> Archive<'a> {
    pub(super) fn open(bytes: &'a [u8]) -> Result<Self> {
        let entries = bytes.windows(4).filter(|window| window == b"PK\x01\x02").take(MAX_MEMBERS + 1).count();
        if entries > MAX_MEMBERS {
            return Err(Error::new(format!("expected a .keras archive of at most {MAX_MEMBERS} members, found more")));
        }
        let members = ZipArchive::new(Cursor::new(bytes)).map_err(|error| damaged(&error))?;
        Ok(Self { bytes, members })
    }

    fn has(&self, member: &str) -> bool {
        self.members.index_for_name(member).is_some()
    }

    /// Fails unless Keras 3 wrote the file.
    pub(super) fn check_version(&self) -> Result<()> {
        #[derive(Deserialize)]
        struct Metadata {
            keras_version: String,
        }
        let Metadata { keras_version } = serde_json::from_str(&self.text(METADATA)?)
            .map_err(|error| Error::new(format!("{METADATA}: {error}")).help(SAVE_KERAS))?;
        if keras_version.starts_with("3.") {
            return Ok(());
        }
        Err(Error::new(format!("expected a file of Keras 3, found one of Keras {}", quoted(&keras_version)))
            .help("load it in Keras 3 and save it again; the two differ in equations, hard_sigmoid for one"))
    }

    /// The text of `config.json`.
    pub(super) fn config(&self) -> Result<String> {
        self.text(CONFIG)
    }

    /// The bytes of `model.weights.h5`.
    pub(super) fn weights(&self) -> Result<Vec<u8>> {
        // Keras stores the member as it is. Packed numbers hardly shrink; what does is not a trained model.
        self.unpacked(WEIGHTS, self.bytes.len() + (1 << 20))
    }

    fn text(&self, member: &str) -> Result<String> {
        String::from_utf8(self.unpacked(member, MAX_CONFIG_LEN)?)
            .map_err(|_| Error::new(format!("{member}: expected UTF-8 text")).help(SAVE_KERAS))
    }

    fn unpacked(&self, member: &str, max_len: usize) -> Result<Vec<u8>> {
        if !self.has(member) {
            let found = listed(self.members.file_names().flatten().map(|name| quoted(&name)));
            let error = Error::new(format!("expected a .keras archive with {}, found {found}", quoted(member)));
            return Err(error.help(SAVE_KERAS));
        }
        let mut bytes = Vec::new();
        let mut members = self.members.clone();
        let file = members.by_name(member).map_err(|error| damaged(&error))?;
        file.take(max_len as u64 + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| Error::io(&format!("unpack {}", quoted(member)), &error).help(copy_again()))?;
        if bytes.len() > max_len {
            return Err(Error::new(format!("{member}: expected at most {max_len} bytes, found more")).help(SAVE_KERAS));
        }
        Ok(bytes)
    }
}

fn damaged(error: &ZipError) -> Error {
    Error::new(format!("not a valid .keras file: {error}")).help(copy_again())
}

fn copy_again() -> String {
    format!("the file may be damaged or cut short; copy it again, or {SAVE_KERAS}")
}
