//! Keras files: HDF5 alone, archives, and a configuration in an archive whose weights are sound.

#![no_main]

use libfuzzer_sys::fuzz_target;

const METADATA: &[u8] = br#"{"keras_version": "3.0.0"}"#;
const WEIGHTS: &[u8] = include_bytes!("../../gru-export/tests/golden/keras/no_bias.weights.h5");

fuzz_target!(|bytes: &[u8]| {
    if !bytes.starts_with(b"{") {
        return gru_fuzz::model("model.keras", bytes);
    }
    let members = [("config.json", bytes), ("metadata.json", METADATA), ("model.weights.h5", WEIGHTS)];
    gru_fuzz::model("model.keras", &gru_fuzz::archive(&members));
});
