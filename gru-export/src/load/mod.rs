//! Model files to [`Model`]s: one module per source format, and [`FORMATS`], which knows them all.
//!
//! To add one: write `load/NAME.rs` with a `const FORMAT: Format`, list it in [`FORMATS`], and add a line to a file of `tests/frameworks`; README.md
//! says more.

mod assemble;
mod gru;
mod infer;
mod keras;
mod npz;
mod onnx;
mod safetensors;
mod template;
mod tensors;

use crate::error::{Error, Result};
use crate::ir::Model;
use crate::source::Source;
use crate::spec::Spec;

use infer::Reading;
use tensors::Tensors;

/// A kind of model file.
struct Format {
    /// Whether a file is of this kind, by its first bytes and its name.
    recognise: fn(&Source) -> bool,
    /// Reads one.
    load: Load,
}

/// What a file of a kind tells.
enum Load {
    /// Its layers.
    Model(fn(&Source) -> Result<Model>),
    /// Names and numbers; the layers follow from the names, or from a spec.
    Tensors(fn(&Source) -> Result<Tensors<'_>>),
}

/// Every kind; a file that none recognises is left to the last, whose error says what is understood.
const FORMATS: &[Format] = &[keras::FORMAT, onnx::FORMAT, npz::FORMAT, safetensors::FORMAT];

/// A spec to start from: every tensor of the file, and the layers that names and shapes suggest.
///
/// It parses as it is. Choices that are still to be made hold the first possibility and are marked.
///
/// # Errors
/// The file is damaged, or says itself what its layers are.
pub fn spec_template(source: &Source) -> Result<String> {
    let template = || match format_of(source).load {
        Load::Tensors(read) => Ok(template::write(&source.file_name(), &read(source)?)),
        Load::Model(_) => Err(Error::new("the file itself says what its layers are, and takes no spec")),
    };
    template().map_err(|error| error.in_file(source.path()))
}

fn format_of(source: &Source) -> &Format {
    FORMATS.iter().find(|format| (format.recognise)(source)).unwrap_or(&FORMATS[FORMATS.len() - 1])
}

/// Reads a model file: ONNX, Keras 3, or tensors in safetensors or `.npz` form, as PyTorch's, Flax's and NumPy's users save them.
///
/// The architecture of tensors follows from names and shapes alone, or from a `spec`; where names and shapes allow several, or none,
/// that is an error which lists them. Every tensor of the file is used.
///
/// # Errors
/// The file is damaged, or is not such a model.
///
/// # Example
/// ```no_run
/// # fn main() -> gru_export::Result<()> {
/// let source = gru_export::Source::read("models/motion.safetensors")?;
/// let model = gru_export::load(&source, None)?;
/// assert_eq!(model.output_size(), 4);
/// # Ok(())
/// # }
/// ```
pub fn load(source: &Source, spec: Option<&Spec>) -> Result<Model> {
    let load = || match (&format_of(source).load, spec) {
        (Load::Model(load), None) => load(source),
        (Load::Model(_), Some(_)) => {
            Err(Error::new("the file itself says what its layers are, which a spec cannot change")
                .help("leave out --spec"))
        }
        (Load::Tensors(read), Some(spec)) => assemble::assemble(spec, read(source)?),
        (Load::Tensors(read), None) => {
            let tensors = read(source)?;
            let Reading { spec, notes, doubt, .. } = infer::infer(&tensors)?;
            doubt.map_or(Ok(()), Err)?;
            Ok(notes.into_iter().fold(assemble::assemble(&spec, tensors)?, Model::with_note))
        }
    };
    load().map_err(|error| error.in_file(source.path()))
}
