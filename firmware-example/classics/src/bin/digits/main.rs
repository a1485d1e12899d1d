//! Reads the test images row by row, on the host in both precisions, on a board in the one that it was built for, and prints how many are right.

#![cfg_attr(target_os = "none", no_std, no_main)]

#[cfg(target_os = "none")]
mod firmware;

#[cfg(not(target_os = "none"))]
fn main() {
    println!("{}", classics::digits::float());
    println!("{}", classics::digits::int8());
}
