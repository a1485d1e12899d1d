//! Matrices of `f64`.

/// A `rows × cols` matrix, row-major.
#[derive(Debug, Clone, PartialEq)]
pub struct Matrix {
    rows: usize,
    cols: usize,
    data: Vec<f64>,
}

impl Matrix {
    /// # Panics
    /// If `data.len() != rows * cols`, or either is zero.
    pub fn new(rows: usize, cols: usize, data: Vec<f64>) -> Self {
        assert!(rows > 0 && cols > 0, "empty matrix");
        assert_eq!(Some(data.len()), rows.checked_mul(cols), "matrix of {rows} × {cols}");
        Self { rows, cols, data }
    }

    /// Number of rows (outputs).
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of columns (inputs).
    pub fn cols(&self) -> usize {
        self.cols
    }

    /// All elements, row after row.
    pub fn as_slice(&self) -> &[f64] {
        &self.data
    }

    /// One row.
    pub fn row(&self, row: usize) -> &[f64] {
        &self.data[row * self.cols..][..self.cols]
    }

    /// The rows in order.
    pub fn iter_rows(&self) -> impl ExactSizeIterator<Item = &[f64]> {
        self.data.chunks_exact(self.cols)
    }

    /// The same shape with every element mapped; `f` is given the column and the element.
    #[must_use]
    pub fn map(&self, mut f: impl FnMut(usize, f64) -> f64) -> Self {
        let data = self.data.iter().enumerate().map(|(i, &w)| f(i % self.cols, w)).collect();
        Self { data, ..*self }
    }

    /// Columns become rows.
    #[must_use]
    pub fn transposed(&self) -> Self {
        let data = (0..self.cols).flat_map(|col| self.iter_rows().map(move |row| row[col])).collect();
        Self { rows: self.cols, cols: self.rows, data }
    }

    /// `len` columns from column `start`.
    ///
    /// # Panics
    /// If there are not so many, or `len` is zero.
    #[must_use]
    pub fn columns(&self, start: usize, len: usize) -> Self {
        let data = self.iter_rows().flat_map(|row| &row[start..][..len]).copied().collect();
        Self::new(self.rows, len, data)
    }
}
