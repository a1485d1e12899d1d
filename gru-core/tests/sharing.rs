//! Windows and batches, which share a pass over the weights, and every other call against single steps: on the backend of this machine. By what
//! the fuzz target of the same name does with its input.

mod layer;
mod random;
#[path = "../../fuzz/src/replay.rs"]
mod replay;
#[path = "../../fuzz/src/stream.rs"]
mod stream;

/// Of several blocks, in whole passes and what is left over.
#[test]
fn calls_in_any_order_are_single_steps() {
    replay::random(if cfg!(miri) { 1 } else { 40 }, stream::layers);
}

/// node gives the tests no files.
#[cfg(not(target_family = "wasm"))]
#[test]
fn every_seed_is_single_steps() {
    replay::seeds("stream", stream::layers);
}
