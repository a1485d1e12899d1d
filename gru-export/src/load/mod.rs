//! Model files to [`Model`]s: one module per source format, and [`FORMATS`], which knows them all.
//!
//! To add one: write `load/NAME.rs` with a `const FORMAT: Format`, list it in [`FORMATS`], and add a line to `tests/frameworks.rs`.

mod infer;
mod keras;
mod onnx;
mod pytorch;
mod safetensors;

use crate::error::Result;
use crate::ir::Model;
use crate::source::Source;
use crate::spec::Spec;

/// A kind of model file.
struct Format {
    /// Whether a file is of this kind, by its first bytes and its name.
    recognise: fn(&Source) -> bool,
    /// Reads one, in the way that a spec says where there is one.
    load: fn(&Source, Option<&Spec>) -> Result<Model>,
}

/// Every kind; a file that none recognises is left to the last, whose error says what is understood.
const FORMATS: &[Format] = &[keras::FORMAT, onnx::FORMAT, safetensors::FORMAT];

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
    let format = FORMATS.iter().find(|format| (format.recognise)(source)).unwrap_or(&FORMATS[FORMATS.len() - 1]);
    (format.load)(source, spec).map_err(|error| error.in_file(source.path()))
}
