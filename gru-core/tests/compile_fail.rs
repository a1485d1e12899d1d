//! What must not compile, with the message that the compiler gives.
#![cfg(not(any(target_env = "musl", target_family = "wasm")))]

#[test]
fn misuse_does_not_compile() {
    trybuild::TestCases::new().compile_fail("tests/compile_fail/*.rs");
}
