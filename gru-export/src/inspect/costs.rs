//! The table of layers and their bytes.

use std::fmt;

use super::{Chosen, Footprint, LayerReport, Report};
use crate::ir::Input;
use crate::weights::Weights;

/// A line for each layer and one for all: bytes in f32 and in int8, or in the precisions asked for.
pub(super) fn table(f: &mut fmt::Formatter<'_>, report: &Report, width: usize) -> fmt::Result {
    let chosen: Option<Vec<Chosen>> = report.layers.iter().map(|layer| layer.chosen).collect();
    let columns = format!("{:width$}  {:12}  {:>13}  {:>10}", "layer", "kind", "in → out", "parameters");
    let empty = " ".repeat(columns.chars().count());
    match &chosen {
        None => {
            let float = match report.weights {
                Weights::F32 => "f32 bytes",
                Weights::F16 => "f16 weights, bytes",
            };
            writeln!(f, "\n{empty}  {float:>19}  {:>19}", "int8 bytes")?;
            writeln!(f, "{columns}  {0:>10} {1:>8}  {0:>10} {1:>8}", "flash", "RAM")?;
        }
        Some(_) => {
            writeln!(f, "\n{empty}  {:9}  {:>19}", "", "bytes")?;
            writeln!(f, "{columns}  {:9}  {:>10} {:>8}", "precision", "flash", "RAM")?;
        }
    }
    for layer in &report.layers {
        let LayerReport { name, kind, output_size, .. } = layer;
        let (Input::Vector(inputs) | Input::Symbol(inputs)) = layer.input;
        write!(f, "{name:width$}  {kind:12}  {:>13}  {:>10}", format!("{inputs} → {output_size}"), layer.parameters)?;
        match layer.chosen {
            None => writeln!(f, "{}{}", bytes(layer.in_f32(report.weights)), bytes(layer.int8))?,
            Some(Chosen { precision, footprint }) => writeln!(f, "  {:9}{}", precision.name(), bytes(footprint))?,
        }
    }
    write!(f, "{:width$}  {:12}  {:>13}  {:>10}", "total", "", "", report.parameters)?;
    match chosen {
        None => writeln!(f, "{}{}", bytes(report.in_f32()), bytes(report.int8)),
        Some(layers) => {
            let total = layers.into_iter().map(|layer| layer.footprint).fold(Footprint::default(), |a, b| a + b);
            writeln!(f, "  {:9}{}", "", bytes(total))
        }
    }
}

fn bytes(Footprint { flash, ram }: Footprint) -> String {
    format!("  {flash:>10} {ram:>8}")
}
