//! A GRU layer from its tensors: gates split, conventions made canonical, biases merged.

use crate::error::{Error, Result};
use crate::ir::{Gru, Matrix, Reset};
use crate::spec::{Concatenation, GateOrder, Gates, GruSpec, Layout, Update, Weights};

use super::assemble::{layer_name, output_major};
use super::tensors::Tensors;

pub(super) fn assemble(spec: &GruSpec, tensors: &mut Tensors<'_>) -> Result<Gru> {
    let (i, h) = sizes(spec, tensors)?;
    let (weight_ih, weight_hh) = match &spec.weights {
        Weights::Separate { ih, hh } => (matrices(ih, spec, (h, i), tensors)?, matrices(hh, spec, (h, h), tensors)?),
        Weights::Concatenated { weight, order } => {
            let both = matrices(weight, spec, (h, i + h), tensors)?;
            let state_at = if *order == Concatenation::InputFirst { i } else { 0 };
            let input_at = if *order == Concatenation::InputFirst { 0 } else { h };
            (
                both.each_ref().map(|both| both.columns(input_at, i)),
                both.each_ref().map(|both| both.columns(state_at, h)),
            )
        }
    };
    let bias = biases(spec, h, tensors)?;
    let gru = Gru { name: name(spec), one_hot: spec.one_hot, cell: spec.cell(), weight_ih, weight_hh, bias };
    Ok(if spec.update == Update::Replace { negate_update(gru) } else { gru })
}

/// (I, H) of a GRU layer, or what else its shapes say it is.
pub(super) fn sizes(spec: &GruSpec, tensors: &Tensors<'_>) -> Result<(usize, usize)> {
    // The sides of a tensor, outputs first, and how many gates it holds.
    let sides = |gates: &Gates| -> Result<(String, usize, usize, usize)> {
        let name = gates.names().last().expect("a candidate").to_owned();
        let (rows, cols) = tensors.matrix_shape(&name)?;
        let (rows, cols) = if spec.layout == Layout::OutputMajor { (rows, cols) } else { (cols, rows) };
        let count = if matches!(gates, Gates::Stacked(_)) { spec.gate_order.count() } else { 1 };
        Ok((name, rows, cols, count))
    };
    let shape = |rows: usize, cols: usize| match spec.layout {
        Layout::OutputMajor => format!("[{rows}, {cols}]"),
        Layout::InputMajor => format!("[{cols}, {rows}]"),
    };
    match &spec.weights {
        Weights::Separate { ih, hh } => {
            let (weight_hh, hh_rows, h, count) = sides(hh)?;
            let (weight_ih, ih_rows, i, ih_count) = sides(ih)?;
            if Some(hh_rows) != h.checked_mul(count) {
                let (rows, found) = (if count == 1 { "H".to_owned() } else { format!("{count}·H") }, shape(hh_rows, h));
                let expected =
                    if spec.layout == Layout::OutputMajor { format!("[{rows}, H]") } else { format!("[H, {rows}]") };
                let error = Error::tensor(&weight_hh, format!("expected the {expected} of a GRU, found {found}"));
                return Err(if hh_rows == h.saturating_mul(4) {
                    error.help("4·H rows are an LSTM's; train an nn.GRU instead")
                } else if hh_rows == h {
                    error.help("H rows are a plain RNN's: give a --spec with reset = \"none\" and update = \"none\"")
                } else {
                    error
                });
            }
            if Some(ih_rows) != h.checked_mul(ih_count) {
                return Err(Error::tensor(
                    &weight_ih,
                    format!("expected {} rows like {weight_hh}, found {}", h * ih_count, shape(ih_rows, i)),
                ));
            }
            Ok((i, h))
        }
        Weights::Concatenated { weight, .. } => {
            let (name, rows, cols, count) = sides(weight)?;
            match (rows / count, rows % count) {
                (h, 0) if h > 0 && cols > h => Ok((cols - h, h)),
                _ => Err(Error::tensor(
                    &name,
                    format!("expected the {} of a GRU, found {}", concatenated(spec.layout, count), shape(rows, cols)),
                )),
            }
        }
    }
}

fn concatenated(layout: Layout, count: usize) -> String {
    let rows = if count == 1 { "H".to_owned() } else { format!("{count}·H") };
    match layout {
        Layout::OutputMajor => format!("[{rows}, I + H]"),
        Layout::InputMajor => format!("[I + H, {rows}]"),
    }
}

/// The gates' matrices of this shape; zeros for a gate that is not there.
fn matrices(
    gates: &Gates,
    spec: &GruSpec,
    (rows, cols): (usize, usize),
    tensors: &mut Tensors<'_>,
) -> Result<[Matrix; 3]> {
    let mut take = |name: &str, rows: usize| {
        let matrix = output_major(tensors.take_matrix(name)?, spec.layout);
        if (matrix.rows(), matrix.cols()) == (rows, cols) {
            return Ok(matrix);
        }
        let shape =
            |rows: usize, cols: usize| if spec.layout == Layout::OutputMajor { [rows, cols] } else { [cols, rows] };
        let (expected, found) = (shape(rows, cols), shape(matrix.rows(), matrix.cols()));
        Err(Error::tensor(name, format!("expected shape {expected:?}, found {found:?}")))
    };
    match gates {
        Gates::Stacked(name) => Ok(split_rows(&take(name, spec.gate_order.count() * rows)?, spec.gate_order)),
        Gates::PerGate(gates) => {
            let mut gate = |name: Option<&str>| match name {
                Some(name) => take(name, rows),
                None => Ok(Matrix::new(rows, cols, vec![0.0; rows * cols])),
            };
            let [r, z, n] = gates.each();
            Ok([gate(r)?, gate(z)?, gate(n)?])
        }
    }
}

/// `b_r`, `b_z`, `b_n`, `c_n`.
fn biases(spec: &GruSpec, h: usize, tensors: &mut Tensors<'_>) -> Result<[Vec<f64>; 4]> {
    let (order, len) = (spec.gate_order, spec.gate_order.count() * h);
    if let (Some(Gates::Stacked(name)), None) = (&spec.bias_ih, &spec.bias_hh)
        && *tensors.shape(name)? == [2, len]
    {
        let both = tensors.take_matrix(name)?;
        return Ok(merge_biases(split(both.row(0), order), split(both.row(1), order), spec.reset));
    }
    let mut vectors = |gates: &Option<Gates>| match gates {
        Some(Gates::Stacked(name)) => Ok(split(&tensors.take_vector(name, len)?, order)),
        Some(Gates::PerGate(gates)) => {
            let mut vector = |name: Option<&str>| match name {
                Some(name) => tensors.take_vector(name, h),
                None => Ok(vec![0.0; h]),
            };
            let [r, z, n] = gates.each();
            Ok::<_, Error>([vector(r)?, vector(z)?, vector(n)?])
        }
        None => Ok([(); 3].map(|()| vec![0.0; h])),
    };
    Ok(merge_biases(vectors(&spec.bias_ih)?, vectors(&spec.bias_hh)?, spec.reset))
}

/// A stacked tensor's gates r, z, n; zeros for one that is not there.
pub(super) fn split(values: &[f64], order: GateOrder) -> [Vec<f64>; 3] {
    let len = values.len() / order.count();
    order.places().map(|place| place.map_or(vec![0.0; len], |at| values[at * len..][..len].to_vec()))
}

pub(super) fn split_rows(matrix: &Matrix, order: GateOrder) -> [Matrix; 3] {
    split(matrix.as_slice(), order).map(|gate| Matrix::new(matrix.rows() / order.count(), matrix.cols(), gate))
}

/// Only behind a reset gate does the recurrent bias of n differ from the input's.
pub(super) fn merge_biases(ih: [Vec<f64>; 3], hh: [Vec<f64>; 3], reset: Reset) -> [Vec<f64>; 4] {
    let sum = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a + b).collect::<Vec<_>>();
    let ([ir, iz, b_n], [hr, hz, c_n]) = (ih, hh);
    let (r, z) = (sum(&ir, &hr), sum(&iz, &hz));
    match reset {
        Reset::After => [r, z, b_n, c_n],
        Reset::Before | Reset::None => [r, z, sum(&b_n, &c_n), vec![0.0; c_n.len()]],
    }
}

/// The same layer with `1 − z` for z: its sigmoid f has `1 − f(a) = f(−a)`.
fn negate_update(mut gru: Gru) -> Gru {
    gru.weight_ih[1] = gru.weight_ih[1].map(|_, w| -w);
    gru.weight_hh[1] = gru.weight_hh[1].map(|_, w| -w);
    gru.bias[1].iter_mut().for_each(|b| *b = -*b);
    gru
}

/// What the names of the layer's tensors have in common.
fn name(spec: &GruSpec) -> String {
    let gates = spec.weights.gates()[0];
    if let Gates::Stacked(name) = gates {
        return layer_name(name);
    }
    let names: Vec<&str> = spec.weights.gates().into_iter().flat_map(Gates::names).collect();
    let same = |len: usize| names.iter().all(|name| name.get(..len) == names[0].get(..len));
    let ends = names[0].char_indices().filter(|(_, c)| matches!(c, '.' | '/')).map(|(at, _)| at);
    let end = ends.rev().find(|&at| same(at + 1));
    end.map_or("gru".to_owned(), |at| names[0][..at].to_owned())
}
