//! Model files to [`Model`]s: one module per source format, and [`FORMATS`], which knows them all.
//!
//! To add one: write `load/NAME.rs` with a `const FORMAT: Format`, list it in [`FORMATS`], and add a line to `tests/frameworks.rs`.

mod assemble;
mod gru;
mod infer;
mod keras;
mod npz;
mod onnx;
mod safetensors;
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

fn format_of(source: &Source) -> &Format {
    FORMATS.iter().find(|format| (format.recognise)(source)).unwrap_or(&FORMATS[FORMATS.len() - 1])
}

/// Reads a PyTorch `state_dict` in safetensors form: F16, BF16, F32 or F64.
///
/// Without a `spec` the architecture follows from names and shapes alone; where they allow several, or none,
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
