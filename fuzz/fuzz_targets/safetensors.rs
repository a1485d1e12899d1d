//! Tensors in safetensors files.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| gru_fuzz::loaders::safetensors(bytes));
