//! Inputs of a fuzz target without a fuzzer: its committed seeds, and random bytes that are the same in every run.

use std::path::Path;
use std::{env, fs};

use super::random::Random;

/// Longest of the random inputs, in bytes.
const MAX_LEN: u64 = 512;

/// Gives the target every file of `fuzz/seeds/TARGET`.
///
/// # Panics
/// If there are fewer than ten.
#[allow(dead_code, reason = "not every test that has this module runs where there are files")]
pub fn seeds(target: &str, run: impl Fn(&[u8])) {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/seeds").join(target);
    let files: Vec<_> = fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(files.len() >= 10, "{target}: {} seeds", files.len());
    for file in files {
        // Shown if it fails.
        println!("{}", file.display());
        run(&fs::read(&file).unwrap());
    }
}

/// Gives the target as many random inputs, or as many as `GRU_RANDOM` says.
///
/// # Panics
/// If that is no number.
#[allow(dead_code, reason = "random bytes are no file of any format")]
pub fn random(count: usize, run: impl Fn(&[u8])) {
    let count = env::var("GRU_RANDOM").map_or(count, |count| count.parse().unwrap());
    let mut random = Random(0);
    for number in 0..count {
        let len = random.next() % MAX_LEN;
        let bytes: Vec<u8> = (0..len).map(|_| (random.next() >> 56) as u8).collect();
        // Shown if it fails.
        println!("random input {number}: {bytes:02x?}");
        run(&bytes);
    }
}
