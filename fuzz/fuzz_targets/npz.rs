//! Weights in `.npz` archives. An input that is no archive becomes the first array of one whose others are sound.

#![no_main]

use gru_export::dataset::write_npy;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if bytes.starts_with(b"PK") {
        return gru_fuzz::model("model.npz", bytes);
    }
    let (matrix, bias) = (write_npy(&[2, 2], &[0.5; 4]), write_npy(&[2], &[0.5; 2]));
    let others = ["W_xz.npy", "W_hz.npy", "W_xh.npy", "W_hh.npy", "W_hr.npy"].map(|name| (name, &matrix[..]));
    let biases = ["b_r.npy", "b_z.npy", "b_h.npy"].map(|name| (name, &bias[..]));
    let members = [&[("W_xr.npy", bytes)], &others[..], &biases[..]].concat();
    gru_fuzz::model("model.npz", &gru_fuzz::archive(&members));
});
