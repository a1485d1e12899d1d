//! Every committed seed of the fuzz targets, read as they read it.

#[path = "../../fuzz/src/lib.rs"]
mod fuzz;

use std::fs;
use std::path::Path;

/// A directory of `fuzz/seeds`, and what reads a file of it.
type Target = (&'static str, fn(&[u8]));

const TARGETS: [Target; 6] = [
    ("data", fuzz::data),
    ("keras", fuzz::keras),
    ("npz", fuzz::npz),
    ("onnx", fuzz::onnx),
    ("safetensors", fuzz::safetensors),
    ("spec", fuzz::spec),
];

#[test]
fn every_seed_is_read() {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/seeds");
    let mut directories: Vec<_> =
        fs::read_dir(&seeds).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    directories.sort();
    assert_eq!(directories, TARGETS.map(|(name, _)| name), "a directory each");
    for (name, read) in TARGETS {
        let files: Vec<_> = fs::read_dir(seeds.join(name)).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert!(files.len() >= 10, "{name}: {} seeds", files.len());
        for file in files {
            // Shown if it fails.
            println!("{}", file.display());
            read(&fs::read(&file).unwrap());
        }
    }
}
