//! Batch normalization into a neighbour: what comes before a matrix multiplies its columns, what comes after it its rows.

use crate::error::{Error, Result, quoted};

use super::layer::{Affine, Dense, Gru, Layer};
use super::matrix::Matrix;

/// Values that a matrix of a normalization's own can have at most: it takes the square of them.
const LARGEST: usize = 1024;

/// The same function without [`Layer::Affine`]: folded into the layer after it, else into the one before it, else a dense layer of its own.
/// With it a sentence for each.
///
/// # Errors
/// A layer of its own would have more than [`LARGEST`] rows and columns.
pub(super) fn fold(layers: Vec<Layer>) -> Result<(Vec<Layer>, Vec<String>)> {
    let (mut folded, mut notes): (Vec<Layer>, _) = (Vec::new(), Vec::new());
    let mut layers = layers.into_iter().peekable();
    while let Some(layer) = layers.next() {
        let Layer::Affine(affine) = layer else {
            folded.push(layer);
            continue;
        };
        let into = if let Some(next) = layers.peek_mut()
            && next.fold_before(&affine)
        {
            quoted(next.name())
        } else if let Some(Layer::Dense(dense)) = folded.last_mut() {
            dense.fold_after(&affine);
            quoted(&dense.name)
        } else {
            if affine.scale.len() > LARGEST {
                return Err(Error::new(format!(
                    "layer {}: batch normalization of {} values has no matrix beside it to be folded into",
                    quoted(&affine.name),
                    affine.scale.len()
                ))
                .help(format!("put a dense layer or a GRU beside it, or have at most {LARGEST} values")));
            }
            notes.push(format!("{} has no matrix beside it and runs as a dense layer", quoted(&affine.name)));
            folded.push(Layer::Dense(affine.into_dense()));
            continue;
        };
        notes.push(format!("{} is folded into {into}", quoted(&affine.name)));
    }
    Ok((folded, notes))
}

impl Layer {
    /// Puts `affine` before this layer, if it has a matrix to take it.
    fn fold_before(&mut self, affine: &Affine) -> bool {
        match self {
            Self::Gru(gru) if !gru.one_hot => gru.fold_before(affine),
            Self::Bidirectional(layer) => {
                layer.forward.fold_before(affine);
                layer.backward.fold_before(affine);
            }
            Self::Dense(dense) => dense.fold_before(affine),
            Self::Affine(next) => {
                for (channel, (scale, shift)) in next.scale.iter_mut().zip(&mut next.shift).enumerate() {
                    *shift += *scale * affine.shift[channel];
                    *scale *= affine.scale[channel];
                }
            }
            _ => return false,
        }
        true
    }
}

impl Gru {
    /// Puts `affine` before the layer.
    pub(crate) fn fold_before(&mut self, affine: &Affine) {
        for (weight, bias) in self.weight_ih.iter_mut().zip(&mut self.bias) {
            affine.before(weight, bias);
        }
    }
}

impl Dense {
    /// Puts `affine` before the layer.
    pub(crate) fn fold_before(&mut self, affine: &Affine) {
        affine.before(&mut self.weight, &mut self.bias);
    }

    fn fold_after(&mut self, affine: &Affine) {
        let cols = self.weight.cols();
        let rows = self.weight.iter_rows().zip(&affine.scale);
        let data = rows.flat_map(|(row, scale)| row.iter().map(move |w| w * scale)).collect();
        self.weight = Matrix::new(affine.scale.len(), cols, data);
        for (row, bias) in self.bias.iter_mut().enumerate() {
            *bias = *bias * affine.scale[row] + affine.shift[row];
        }
    }
}

impl Affine {
    /// `W (scale ⊙ x + shift) + b` as `W' x + b'`.
    fn before(&self, weight: &mut Matrix, bias: &mut [f64]) {
        for (row, bias) in weight.iter_rows().zip(bias) {
            *bias += row.iter().zip(&self.shift).map(|(w, shift)| w * shift).sum::<f64>();
        }
        *weight = weight.map(|column, w| w * self.scale[column]);
    }

    fn into_dense(self) -> Dense {
        let n = self.scale.len();
        let data = (0..n * n).map(|at| if at / n == at % n { self.scale[at % n] } else { 0.0 }).collect();
        Dense { name: self.name, weight: Matrix::new(n, n, data), bias: self.shift }
    }
}
