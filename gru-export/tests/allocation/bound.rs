//! Memory counted by the allocator, against what a file of some length may take.

use std::sync::{Mutex, PoisonError};

use peak_alloc::PeakAlloc;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// The allocator counts for all threads together.
static ALONE: Mutex<()> = Mutex::new(());

/// The most that reading a file of `len` bytes may take at once: four times the file, and 16 MiB.
const fn allowed(len: usize) -> usize {
    4 * len + (16 << 20)
}

/// Does what it is told with a file of `len` bytes.
///
/// # Panics
/// If it took more memory at once than [`allowed`].
pub fn bounded<T>(what: &str, len: usize, read: impl FnOnce() -> T) -> T {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let before = ALLOCATOR.current_usage();
    ALLOCATOR.reset_peak_usage();
    let result = read();
    let taken = ALLOCATOR.peak_usage().saturating_sub(before);
    assert!(taken <= allowed(len), "{what}: {len} bytes took {taken}, more than {}", allowed(len));
    result
}
