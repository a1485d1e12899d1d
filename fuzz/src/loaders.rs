//! Files of every format, read as the program would read them, within the memory that their length allows.

use std::io::{Cursor, Write};

use gru_export::dataset::{Array, write_npy};
use gru_export::inspect::Report;
use gru_export::spec::Spec;
use gru_export::{Source, load, spec_template};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::bound::bounded;

/// Tensors in safetensors files.
pub fn safetensors(bytes: &[u8]) {
    model("model.safetensors", bytes);
}

/// ONNX files.
pub fn onnx(bytes: &[u8]) {
    model("model.onnx", bytes);
}

/// Keras files: HDF5 alone, archives, and a configuration in an archive whose weights are sound.
pub fn keras(bytes: &[u8]) {
    const METADATA: &[u8] = br#"{"keras_version": "3.0.0"}"#;
    const WEIGHTS: &[u8] = include_bytes!("../../gru-export/tests/golden/keras/no_bias.weights.h5");
    if !bytes.starts_with(b"{") {
        return model("model.keras", bytes);
    }
    let members = [("config.json", bytes), ("metadata.json", METADATA), ("model.weights.h5", WEIGHTS)];
    model("model.keras", &archive(&members));
}

/// Weights in `.npz` archives. An input that is no archive becomes the first array of one whose others are sound.
pub fn npz(bytes: &[u8]) {
    if bytes.starts_with(b"PK") {
        return model("model.npz", bytes);
    }
    let (matrix, bias) = (write_npy(&[2, 2], &[0.5; 4]), write_npy(&[2], &[0.5; 2]));
    let others = ["W_xz.npy", "W_hz.npy", "W_xh.npy", "W_hh.npy", "W_hr.npy"].map(|name| (name, &matrix[..]));
    let biases = ["b_r.npy", "b_z.npy", "b_h.npy"].map(|name| (name, &bias[..]));
    let members = [&[("W_xr.npy", bytes)], &others[..], &biases[..]].concat();
    model("model.npz", &archive(&members));
}

/// Recordings: `.npy`, `.npz` and CSV.
pub fn data(bytes: &[u8]) {
    let source = Source::from_bytes("recordings", bytes.to_vec());
    for member in [None, Some("x")] {
        if let Ok(array) = bounded("recordings", bytes.len(), || Array::parse(&source, member)) {
            let values = array.values();
            assert_eq!(array.shape.iter().product::<usize>(), values.len());
            assert!(values.iter().all(|value| value.is_finite()));
        }
    }
}

/// Spec files, and the tensors that they speak of.
pub fn spec(bytes: &[u8]) {
    const WEIGHTS: &[u8] = include_bytes!("../../gru-export/tests/golden/activated.safetensors");
    let source = Source::from_bytes("spec.toml", bytes.to_vec());
    let Ok(spec) = bounded("spec.toml", bytes.len(), || Spec::parse(&source)) else { return };
    let weights = Source::from_bytes("model.safetensors", WEIGHTS.to_vec());
    let len = bytes.len() + WEIGHTS.len();
    if let Ok(model) = bounded("model.safetensors", len, || load(&weights, Some(&spec))) {
        assert!(!model.layers().is_empty());
    }
}

/// Reads a model file called `name`, describes it, and writes a spec to start from.
fn model(name: &str, bytes: &[u8]) {
    let source = Source::from_bytes(name, bytes.to_vec());
    if let Ok(model) = bounded(name, bytes.len(), || load(&source, None)) {
        let report = Report::new(&model, &source);
        assert_eq!(report.layers.len(), model.layers().len());
        assert!(!report.to_string().is_empty());
    }
    if let Ok(template) = bounded(name, bytes.len(), || spec_template(&source)) {
        assert!(!template.is_empty());
    }
}

/// An archive of these members, not packed, with right checksums: what a fuzzer does not find by itself.
fn archive(members: &[(&str, &[u8])]) -> Vec<u8> {
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in members {
        archive.start_file(*name, options).expect("names differ");
        archive.write_all(bytes).expect("memory takes them");
    }
    archive.finish().expect("memory takes it").into_inner()
}
