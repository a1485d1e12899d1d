//! What the fuzz targets do with an input: with every committed seed of theirs, and with random bytes where these mean anything.

#[path = "allocation/bound.rs"]
mod bound;
#[path = "../../fuzz/src/calibration.rs"]
mod calibration;
#[path = "../../fuzz/src/loaders.rs"]
mod loaders;
#[path = "../../gru-core/tests/random/mod.rs"]
#[allow(dead_code, reason = "every test uses another part")]
mod random;
#[path = "../../fuzz/src/replay.rs"]
mod replay;

use std::fs;
use std::path::Path;

use calibration::calibration;

/// A directory of `fuzz/seeds`, and what reads a file of it.
type Target = (&'static str, fn(&[u8]));

const TARGETS: [Target; 7] = [
    ("calibration", calibration),
    ("data", loaders::data),
    ("keras", loaders::keras),
    ("npz", loaders::npz),
    ("onnx", loaders::onnx),
    ("safetensors", loaders::safetensors),
    ("spec", loaders::spec),
];

/// Those of which gru-core's tests read the seeds.
const OF_CORE: [&str; 2] = ["backends", "stream"];

#[test]
fn every_seed_is_read() {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/seeds");
    let mut directories: Vec<_> =
        fs::read_dir(&seeds).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    directories.sort();
    let mut targets = [&TARGETS.map(|(name, _)| name)[..], &OF_CORE].concat();
    targets.sort_unstable();
    assert_eq!(directories, targets, "a directory each");
    for (name, read) in TARGETS {
        replay::seeds(name, read);
    }
}

#[test]
fn calibration_on_anything_is_an_error_or_a_module() {
    replay::random(60, calibration);
}
