//! Calls of the streaming API, on every backend of this machine.

#![no_main]

use gru_core::backend;
use gru_fuzz::stream::{layers, stacks};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    for name in backend::available() {
        backend::force(Some(name)).expect("it is available");
        layers(bytes);
        stacks(bytes);
    }
});
