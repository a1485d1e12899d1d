//! Reading a file takes four times its length and 16 MiB at most, whatever it says: sound files, damaged ones, and some that were made to be large.

mod bound;
mod hdf5;

use std::fs;
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};

use gru_export::dataset::Array;
use gru_export::spec::Spec;
use gru_export::{Source, load, spec_template};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use bound::bounded;

/// Damaged versions of each file.
const DAMAGED: usize = 60;

/// All files of the golden tests.
fn golden() -> Vec<PathBuf> {
    fn within(directory: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { within(&path, found) } else { found.push(path) }
        }
    }
    let mut found = Vec::new();
    within(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden"), &mut found);
    found.sort();
    found
}

/// Reads the file in every way that its name allows; whether one succeeded.
fn read(name: &str, bytes: &[u8]) -> bool {
    let source = Source::from_bytes(name, bytes.to_vec());
    let extension = Path::new(name).extension().unwrap_or_default().to_str().unwrap();
    match extension {
        "npy" | "csv" => bounded(name, bytes.len(), || Array::parse(&source, None).is_ok()),
        "toml" => bounded(name, bytes.len(), || Spec::parse(&source).is_ok()),
        _ => {
            let template = bounded(name, bytes.len(), || spec_template(&source).is_ok());
            let array = extension == "npz" && bounded(name, bytes.len(), || Array::parse(&source, None).is_ok());
            template | array | bounded(name, bytes.len(), || load(&source, None).is_ok())
        }
    }
}

#[test]
fn sound_and_damaged_files() {
    let mut sound = 0;
    for path in golden() {
        let (name, bytes) = (path.file_name().unwrap().to_str().unwrap(), fs::read(&path).unwrap());
        if name.ends_with(".py") || bytes.is_empty() {
            continue;
        }
        sound += usize::from(read(name, &bytes));
        for damage in 0..DAMAGED {
            let at = damage * bytes.len() / DAMAGED;
            let mut changed = bytes.clone();
            changed[at] ^= 1 << (damage % 8);
            read(name, &changed);
            changed[at] = 0xFF;
            read(name, &changed);
            read(name, &bytes[..at]);
        }
    }
    assert!(sound > 300, "{sound} files were read");
}

fn archive(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in members {
        archive.start_file(*name, SimpleFileOptions::default()).unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

fn npy(version: u8, len: &[u8], header: &str, data: &[u8]) -> Vec<u8> {
    [&b"\x93NUMPY"[..], &[version, 0], len, header.as_bytes(), data].concat()
}

/// A field of protobuf that says it has so many bytes, and those that it has.
fn field(number: u8, len: u64, bytes: &[u8]) -> Vec<u8> {
    let mut field = vec![number << 3 | 2];
    let mut rest = len;
    while rest >= 0x80 {
        field.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    field.push(rest as u8);
    [&field, bytes].concat()
}

#[test]
fn files_that_speak_of_more_than_they_hold() {
    let shape = "{'descr': '<f8', 'fortran_order': False, 'shape': (1048576, 1048576), }\n";
    let len = u16::try_from(shape.len()).unwrap().to_le_bytes();
    let huge = npy(1, &len, shape, &[0; 16]);
    let zeros = vec![0; 1 << 25];
    let columns = format!("{}0\n", "0,".repeat(1 << 16));
    let dims = field(1, 1 << 20, &vec![1; 1 << 20]);
    let files: [(&str, Vec<u8>); 16] = [
        ("header.safetensors", [&u64::MAX.to_le_bytes()[..], b"{}"].concat()),
        ("short.safetensors", [&(1u64 << 32).to_le_bytes()[..], b"{}"].concat()),
        ("deep.safetensors", [&100_000u64.to_le_bytes()[..], "[".repeat(100_000).as_bytes()].concat()),
        ("shape.npy", huge.clone()),
        ("header.npy", npy(2, &u32::MAX.to_le_bytes(), shape, &[])),
        ("table.csv", columns.repeat(4).into_bytes()),
        ("lines.csv", "1\n".repeat(1 << 18).into_bytes()),
        ("field.csv", vec![b'"'; 1 << 20]),
        ("shape.npz", archive(&[("W_xh.npy", &huge)])),
        ("zeros.npz", archive(&[("W_xh.npy", &zeros)])),
        ("config.keras", archive(&[("config.json", &zeros), ("metadata.json", b"{}"), ("model.weights.h5", b"")])),
        ("weights.keras", archive(&[("config.json", b"{}"), ("metadata.json", b"{}"), ("model.weights.h5", &zeros)])),
        ("graph.onnx", field(7, u64::MAX, &[])),
        ("dims.onnx", field(7, dims.len() as u64 + 4, &field(5, dims.len() as u64, &dims))),
        ("nodes.onnx", field(7, 2 << 16, &field(1, 0, &[]).repeat(1 << 16))),
        ("deep.toml", format!("a = {}", "[".repeat(1 << 16)).into_bytes()),
    ];
    for (name, bytes) in files {
        // A table has no length to lie about.
        assert_eq!(read(name, &bytes), name.ends_with(".csv"), "{name}");
    }
}

#[test]
fn recordings_of_narrow_numbers() {
    const LEN: usize = 6 << 20;
    for (descr, width, fortran_order) in [("|u1", 1, false), ("|i1", 1, true), ("<i2", 2, true), ("<f2", 2, true)] {
        let order = if fortran_order { "True" } else { "False" };
        let shape = format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': ({}, 8), }}\n", LEN / width / 8);
        let array = npy(1, &u16::try_from(shape.len()).unwrap().to_le_bytes(), &shape, &vec![1; LEN]);
        assert!(read("narrow.npy", &array), "{descr}");
        if width == 1 {
            let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
            let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
            archive.start_file("x.npy", options).unwrap();
            archive.write_all(&array).unwrap();
            let bytes = archive.finish().unwrap().into_inner();
            assert!(read("narrow.npz", &bytes), "{descr}");
        }
    }
}

#[test]
fn tables_of_many_short_numbers() {
    assert!(read("lines.csv", "1\n".repeat(3 << 20).as_bytes()));
    assert!(read("columns.csv", format!("{}1\n", "1,".repeat(1 << 16)).repeat(48).as_bytes()));
    // A row in memory takes many times its text, so that its length is bounded.
    assert!(!read("row.csv", "1,".repeat(3 << 20).as_bytes()));
}

#[test]
fn hdf5_of_headers_that_promise_messages() {
    // 24 bytes a header, each of which promises the most that it can say.
    let header = hdf5::header(u16::MAX, 8, &[0; 8]);
    let file = hdf5::File { headers: vec![header; 100], stride: 24, ..Default::default() }.bytes();
    assert!(!read("promises.weights.h5", &file));
}

#[test]
fn hdf5_of_headers_within_each_other() {
    // Headers that begin every 24 bytes, each 4 KiB long: its messages, of 16 bytes, are the beginnings of those after it.
    let header = hdf5::header(500, 4080, &[0, 0, 16, 0, 0, 0, 0, 0]);
    let file = hdf5::File { headers: vec![header; 4000], stride: 24, ..Default::default() }.bytes();
    assert!(!read("overlapping.weights.h5", &file));
}

#[test]
fn hdf5_of_children_that_share_a_name() {
    let header = hdf5::header(1, 8, &[0; 8]);
    let file = hdf5::File { headers: vec![header; 1000], stride: 24, shared_name_len: 1 << 17 }.bytes();
    assert!(!read("names.weights.h5", &file));
}
