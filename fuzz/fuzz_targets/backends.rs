//! Layers on every backend of this machine.

#![no_main]

use gru_core::backend::{self, Backend, portable::Portable};
use gru_fuzz::backends::Agreement;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    Portable.enter(Agreement(bytes));
    for name in backend::available() {
        backend::force(Some(name)).expect("it is available");
        backend::dispatch(Agreement(bytes));
    }
});
