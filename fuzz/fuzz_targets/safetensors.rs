//! Tensors in safetensors files.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| gru_fuzz::model("model.safetensors", bytes));
