//! Recordings: `.npy`, `.npz` and CSV.

#![no_main]

use gru_export::Source;
use gru_export::dataset::Array;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let source = Source::from_bytes("recordings", bytes.to_vec());
    for member in [None, Some("x")] {
        if let Ok(array) = gru_fuzz::bounded("recordings", bytes.len(), || Array::parse(&source, member)) {
            let values = array.values();
            assert_eq!(array.shape.iter().product::<usize>(), values.len());
            assert!(values.iter().all(|value| value.is_finite()));
        }
    }
});
