//! Spec files, and the tensors that they speak of.

#![no_main]

use gru_export::spec::Spec;
use gru_export::{Source, load};
use libfuzzer_sys::fuzz_target;

const WEIGHTS: &[u8] = include_bytes!("../../gru-export/tests/golden/activated.safetensors");

fuzz_target!(|bytes: &[u8]| {
    let source = Source::from_bytes("spec.toml", bytes.to_vec());
    let Ok(spec) = gru_fuzz::bounded("spec.toml", bytes.len(), || Spec::parse(&source)) else { return };
    let weights = Source::from_bytes("model.safetensors", WEIGHTS.to_vec());
    let len = bytes.len() + WEIGHTS.len();
    if let Ok(model) = gru_fuzz::bounded("model.safetensors", len, || load(&weights, Some(&spec))) {
        assert!(!model.layers().is_empty());
    }
});
