//! What every fuzz target does with a file: read it as the program would, within the memory that the file's length allows.

#[path = "../../gru-export/tests/allocation/bound.rs"]
mod bound;

use std::io::{Cursor, Write};

use gru_export::inspect::Report;
use gru_export::{Source, load, spec_template};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

pub use bound::bounded;

/// Reads a model file called `name`, describes it, and writes a spec to start from.
pub fn model(name: &str, bytes: &[u8]) {
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
pub fn archive(members: &[(&str, &[u8])]) -> Vec<u8> {
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in members {
        archive.start_file(*name, options).expect("names differ");
        archive.write_all(bytes).expect("memory takes them");
    }
    archive.finish().expect("memory takes it").into_inner()
}
