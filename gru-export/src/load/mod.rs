//! Model files to [`Model`]s: one module per source format.

mod infer;
mod pytorch;
mod safetensors;

use crate::error::Result;
use crate::ir::Model;
use crate::source::Source;
use crate::spec::Spec;

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
    let read = || {
        let tensors = safetensors::Tensors::parse(source.bytes())?;
        let inferred;
        let spec = match spec {
            Some(spec) => spec,
            None => {
                inferred = infer::infer(&tensors)?;
                &inferred
            }
        };
        pytorch::assemble(spec, tensors)
    };
    read().map_err(|error| error.in_file(source.path()))
}
