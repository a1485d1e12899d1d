//! Calibration on any recordings.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| gru_fuzz::calibration::calibration(bytes));
