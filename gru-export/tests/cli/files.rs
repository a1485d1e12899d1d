//! Input files made in memory, sound and otherwise.

use safetensors::Dtype;
use safetensors::tensor::TensorView;

/// One tensor of a `state_dict`.
#[derive(Clone)]
pub struct Tensor {
    pub name: String,
    pub dtype: Dtype,
    pub shape: Vec<usize>,
    pub bytes: Vec<u8>,
}

impl Tensor {
    /// Small f32 values that all differ.
    pub fn new(name: &str, shape: &[usize]) -> Self {
        let len: usize = shape.iter().product();
        let bytes = (0..len).flat_map(|i| (i as f32 / len as f32 - 0.4).to_le_bytes()).collect();
        Self { name: name.to_owned(), dtype: Dtype::F32, shape: shape.to_vec(), bytes }
    }

    pub fn of(name: &str, values: &[f32]) -> Self {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        Self { bytes, ..Self::new(name, &[values.len()]) }
    }

    /// Layer `layer` of an `nn.GRU` called `prefix`, with `gates` in place of 3.
    pub fn recurrent(prefix: &str, layer: usize, gates: usize, i: usize, h: usize) -> Vec<Self> {
        let shapes = [
            ("weight_ih", vec![gates * h, i]),
            ("weight_hh", vec![gates * h, h]),
            ("bias_ih", vec![gates * h]),
            ("bias_hh", vec![gates * h]),
        ];
        shapes.into_iter().map(|(kind, shape)| Self::new(&format!("{prefix}.{kind}_l{layer}"), &shape)).collect()
    }

    pub fn linear(prefix: &str, i: usize, o: usize) -> Vec<Self> {
        vec![Self::new(&format!("{prefix}.weight"), &[o, i]), Self::new(&format!("{prefix}.bias"), &[o])]
    }

    pub fn gru_and_head(i: usize, h: usize, o: usize) -> Vec<Self> {
        [Self::recurrent("gru", 0, 3, i, h), Self::linear("head", h, o)].concat()
    }
}

/// A sound safetensors file.
pub fn model(tensors: &[Tensor]) -> Vec<u8> {
    let views = tensors.iter().map(|t| (t.name.as_str(), TensorView::new(t.dtype, t.shape.clone(), &t.bytes).unwrap()));
    safetensors::serialize(views, None).unwrap()
}

/// A safetensors file with exactly this header and data.
pub fn raw_model(header: &str, data: &[u8]) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), data].concat()
}

/// A `.npy` file with exactly this dtype and shape.
pub fn npy(descr: &str, fortran_order: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    raw_npy(&format!("{{'descr': '{descr}', 'fortran_order': {fortran_order}, 'shape': {shape}, }}\n"), data)
}

/// A `.npy` file with exactly this header and data.
pub fn raw_npy(header: &str, data: &[u8]) -> Vec<u8> {
    let len = u16::try_from(header.len()).unwrap().to_le_bytes();
    [b"\x93NUMPY\x01\x00", &len[..], header.as_bytes(), data].concat()
}

/// A `.npy` file of f32 values.
pub fn npy_f32(shape: &[usize], values: &[f32]) -> Vec<u8> {
    gru_export::dataset::write_npy(shape, values)
}

/// An `.npz` file of the named `.npy` files.
pub fn npz(members: &[(&str, Vec<u8>)]) -> Vec<u8> {
    use std::io::Write;
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in members {
        archive.start_file(format!("{name}.npy"), zip::write::SimpleFileOptions::default()).unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap().into_inner()
}
