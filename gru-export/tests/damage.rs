//! Damaged files give errors or other models, never a panic, a hang or an allocation beyond the file.

use std::collections::BTreeMap;
use std::fs;
use std::ops::Range;
use std::path::Path;

use gru_export::dataset::Array;
use gru_export::spec::Spec;
use gru_export::{Source, load};

/// Bytes at the start of a file that are damaged one by one.
const DAMAGED: usize = 1200;

fn golden(name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)).unwrap()
}

/// [`refused_within`] the start of the file.
fn refused(sound: &[u8], is_sound: impl Fn(&Source) -> bool) -> usize {
    refused_within(0..sound.len().min(DAMAGED), sound, is_sound)
}

/// Calls `read` on many versions of the file: cut at every length, and with every byte changed in four ways.
/// Returns how many were refused.
fn refused_within(range: Range<usize>, sound: &[u8], is_sound: impl Fn(&Source) -> bool) -> usize {
    let mut refused = 0;
    let mut try_bytes = |bytes: Vec<u8>| refused += usize::from(!is_sound(&Source::from_bytes("damaged", bytes)));
    for at in range {
        try_bytes(sound[..at].to_vec());
        for mask in [0x01, 0x10, 0x7F, 0xFF] {
            let mut bytes = sound.to_vec();
            bytes[at] ^= mask;
            try_bytes(bytes);
        }
    }
    refused
}

#[test]
fn damaged_models() {
    for name in [
        "wrapped.safetensors",
        "embedding.safetensors",
        "normalized.safetensors",
        "onnx/gemm_softmax.onnx",
        "onnx/torchscript_streaming.onnx",
        "keras/default.keras",
        "keras/bare.weights.h5",
    ] {
        let refused = refused(&golden(name), |source| load(source, None).is_ok());
        assert!(refused > DAMAGED, "{name}: every cut is refused, and most damage to the header: {refused}");
    }
}

/// The smallest file of `tests/golden` with each ending that is a model by itself.
fn smallest_models() -> BTreeMap<String, Vec<u8>> {
    fn add(directory: &Path, models: &mut BTreeMap<String, Vec<u8>>) {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                add(&path, models);
                continue;
            }
            let bytes = fs::read(&path).unwrap();
            let ending = path.extension().unwrap().to_str().unwrap().to_owned();
            let is_smaller = models.get(&ending).is_none_or(|other| bytes.len() < other.len());
            if is_smaller && load(&Source::from_bytes(&path, bytes.clone()), None).is_ok() {
                models.insert(ending, bytes);
            }
        }
    }
    let mut models = BTreeMap::new();
    add(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden"), &mut models);
    models
}

#[test]
fn damaged_models_of_every_format() {
    const ENDS: usize = DAMAGED / 4;
    let models = smallest_models();
    assert!(models.len() >= 5, "{:?}", models.keys());
    for (ending, sound) in models {
        let len = sound.len();
        for range in [0..ENDS.min(len), len.saturating_sub(ENDS)..len] {
            let cuts = range.len();
            let refused = refused_within(range, &sound, |source| load(source, None).is_ok());
            assert!(refused >= cuts, "{ending}: every cut is refused, and some damage: {refused}");
        }
    }
}

/// The arrays stand first in an archive, its directory last.
#[test]
fn damaged_archives_of_weights() {
    for name in ["numpy/rnn_columns.npz", "numpy/big_endian_columns.npz", "flax/nnx.npz"] {
        let sound = golden(name);
        for range in [0..DAMAGED, sound.len() - DAMAGED..sound.len()] {
            let refused = refused_within(range, &sound, |source| load(source, None).is_ok());
            assert!(refused > 2 * DAMAGED, "{name}: every cut is refused, and most damage: {refused}");
        }
    }
}

#[test]
fn damaged_arrays() {
    let npz = golden("random.npz");
    for sound in [&golden("wrapped_x.npy"), &npz[npz.len() - DAMAGED..], b"ax,ay\n1,2\n3,4\n"] {
        assert!(refused(sound, |source| Array::parse(source, None).is_ok()) > 0);
    }
}

#[test]
fn damaged_specs() {
    let sound = b"[[layer]]\ntype = \"gru\"\nweight_ih = \"a\"\nweight_hh = \"b\"\n";
    let refused = refused(sound, |source| Spec::parse(source).is_ok());
    assert!(refused > sound.len() / 2, "most cuts and most damage are refused: {refused}");
}
