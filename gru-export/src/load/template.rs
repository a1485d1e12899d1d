//! A spec to start from.

use std::fmt::Write;

use crate::error::{listed, quoted};
use crate::spec::string;

use super::infer::infer;
use super::tensors::Tensors;

/// What a spec can look like, where nothing is known.
const EXAMPLE: &str = r#"layer = []  # instead of this line, a table for each layer, such as:

# [[layer]]
# type = "gru"
# weight_ih = { r = "…", z = "…", n = "…" }   # or one tensor of all gates, and gate_order = "rzn"
# weight_hh = { r = "…", z = "…", n = "…" }   # or, for both, weight = { … } and concatenated = "x,h" or "h,x"
# bias_ih = { r = "…", z = "…", n = "…" }     # if there is one
# bias_hh = { r = "…", z = "…", n = "…" }     # if there is a second one
# layout = "output-major"                     # [outputs, inputs], or "input-major"
# reset = "after"                             # n = tanh(W x + r ⊙ (U h)); or "before": n = tanh(W x + U (r ⊙ h)); or "none"
# update = "keep"                             # h' = (1 − z) ⊙ n + z ⊙ h; or "replace": h' = (1 − z) ⊙ h + z ⊙ n; or "none"

# [[layer]]
# type = "dense"
# weight = "…"
# bias = "…"
# layout = "output-major"
"#;

/// The TOML text.
pub(super) fn write(file: &str, tensors: &Tensors<'_>) -> String {
    let mut head =
        format!("# The layers of {}, first to last, for gru-export --spec.\n#\n# Its tensors:\n", quoted(file));
    for line in tensors.descriptions() {
        writeln!(head, "#   {line}").expect("a String takes everything");
    }
    let mut remark = |text: &str| write!(head, "#\n# {text}\n").expect("a String takes everything");
    let reading = match infer(tensors) {
        Ok(reading) => reading,
        Err(error) => {
            remark(error.problem());
            return format!("{head}\n{EXAMPLE}");
        }
    };
    let layers = reading.spec.to_toml(&reading.open);
    if let Some(doubt) = &reading.doubt {
        remark(&format!("TO DECIDE: {}", doubt.problem()));
    }
    reading.notes.iter().for_each(|note| remark(&format!("Note: {note}")));
    let is_layer = |name: &&str| !name.ends_with("num_batches_tracked");
    let unused: Vec<_> = tensors
        .shapes()
        .map(|(name, _)| name)
        .filter(is_layer)
        .filter(|name| !layers.contains(&string(name)))
        .collect();
    if !unused.is_empty() {
        let unused = listed(unused.into_iter().map(quoted));
        remark(&format!("TO DECIDE: no layer takes {unused}: add one, or leave them out of the file."));
    }
    format!("{head}{layers}")
}
