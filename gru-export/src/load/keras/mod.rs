//! Keras 3 models: `.keras` archives, and `.weights.h5` files where names and shapes leave no choice.
//!
//! A `.keras` file is a zip archive of `config.json`, the layers; `metadata.json`, the version; and `model.weights.h5`.
//! Format: <https://github.com/keras-team/keras/blob/master/keras/src/saving/saving_lib.py>.

mod archive;
mod bare;
mod cell;
mod chain;
mod layers;
mod storage;
mod weights;

use crate::error::{Error, Result};
use crate::ir::Model;
use crate::source::Source;

use super::{Format, Load};
use archive::Archive;
use weights::Weights;

const SAVE_KERAS: &str = "save the whole model with model.save(\"model.keras\")";

/// What `model.save` and `model.save_weights` of Keras 3 write.
pub(super) const FORMAT: Format = Format {
    recognise: |source| weights::is_hdf5(source.bytes()) || archive::is_keras(source),
    load: Load::Model(load),
};

fn load(source: &Source) -> Result<Model> {
    if weights::is_hdf5(source.bytes()) {
        let model = Weights::open(source.bytes().to_vec()).and_then(bare::load);
        return model.map_err(|error| if is_legacy(source.bytes()) { legacy() } else { error });
    }
    let archive = Archive::open(source.bytes())?;
    archive.check_version()?;
    let config = archive.config()?;
    let chain = chain::parse(&config)?;
    layers::build(&chain, Weights::open(archive.weights()?)?)
}

/// Whether an HDF5 file is of the format before Keras 3, which names its groups so.
fn is_legacy(bytes: &[u8]) -> bool {
    let name = b"model_weights";
    bytes.windows(name.len()).any(|window| window == name)
}

fn legacy() -> Error {
    Error::new("expected a .keras file, found an HDF5 file of the format before Keras 3")
        .help("load it in Keras and save it with model.save(\"model.keras\")")
}
