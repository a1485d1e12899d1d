//! The backends of gru-core on this host and on machines that it is not, under emulation: each must be tested, and the best be chosen.

use std::collections::BTreeSet;
use std::env;
use std::process::Command;

use anyhow::Result;

use crate::install;
use crate::matrix::{Emulated, Matrix};
use crate::qemu::target_directory;
use crate::shell::{cargo, run};
use crate::steps::Steps;
use crate::test::cargo_test;

/// Tests of every backend against the specification, itself left out, and of windows and batches. The others do not depend on the machine.
const TESTS: [&str; 7] = ["--test", "backends", "--test", "sharing", "--", "--skip", "scalar::"];

/// Installs what the emulated machines need.
pub fn prepare(matrix: &Matrix) -> Result<()> {
    let targets: Vec<_> = machines(matrix).map(|machine| machine.target.as_str()).collect();
    install::rust_targets(&targets)?;
    install::emulators(machines(matrix).map(Emulated::program))
}

/// Tests gru-core on every emulated machine.
pub fn test(steps: &mut Steps, matrix: &Matrix) {
    for machine in machines(matrix) {
        steps.run(format!("backends under {}", machine.name), || {
            let mut command = machine.test()?;
            require(&mut command, &machine.backends);
            command.args(TESTS).args(machine.skip.iter().flat_map(|name| ["--skip", name]));
            run(&mut command)
        });
    }
}

/// Lints the backends that the host does not compile.
pub fn lint(steps: &mut Steps, matrix: &Matrix) {
    steps.run("clippy on gru-core for emulated machines", || {
        let mut targets = BTreeSet::new();
        machines(matrix)
            .filter(|machine| !machine.is_host() && targets.insert(&machine.target))
            .try_for_each(|machine| run(machine.cargo("clippy")?.args(["--", "--deny", "warnings"])))
    });
}

/// Has the tests fail without the backends that this host can run, as the standard library detects them.
pub fn require_host(command: &mut Command) {
    require(command, &host_backends());
}

/// Has the tests fail without these backends, or when the last is not the one in use.
fn require(command: &mut Command, backends: &[impl AsRef<str>]) {
    let names: Vec<_> = backends.iter().map(AsRef::as_ref).collect();
    command.env("GRU_REQUIRE", names.join(","));
    if let Some(best) = names.last() {
        command.env("GRU_ACTIVE", best);
    }
}

/// QEMU runs programs of another processor on Linux alone.
fn machines(matrix: &Matrix) -> impl Iterator<Item = &Emulated> {
    matrix.emulated.iter().filter(|machine| cfg!(target_os = "linux") || !machine.program().starts_with("qemu-"))
}

impl Emulated {
    /// The emulator.
    fn program(&self) -> &str {
        self.runner.split(' ').next().unwrap_or_default()
    }

    /// Whether it runs programs of this host, as an older processor would.
    fn is_host(&self) -> bool {
        self.target.starts_with(env::consts::ARCH)
    }

    /// `cargo test` for this machine.
    fn test(&self) -> Result<Command> {
        if !self.is_host() {
            return self.cargo("test");
        }
        let mut test = cargo_test(&["--config"]);
        test.arg(format!("target.'cfg(all())'.runner = '{}'", self.runner));
        Ok(test)
    }

    /// A command of Cargo on gru-core for this machine, in a target directory of its own: it shares nothing with other builds and waits for none.
    /// Rust's own linker links for every target.
    fn cargo(&self, command: &str) -> Result<Command> {
        let mut cargo = cargo(&[command, "--quiet", "--package", "gru-core", "--features", "std"]);
        let prefix = format!("CARGO_TARGET_{}", self.target.to_uppercase().replace('-', "_"));
        cargo.args(["--target", &self.target]).env(format!("{prefix}_LINKER"), "rust-lld");
        cargo.env(format!("{prefix}_RUNNER"), &self.runner).env(format!("{prefix}_RUSTFLAGS"), &self.rustflags);
        cargo.env("CARGO_TARGET_DIR", target_directory()?.join("emulated"));
        Ok(cargo)
    }
}

/// The backends that this host can run, the best last.
#[cfg(target_arch = "x86_64")]
fn host_backends() -> Vec<&'static str> {
    use std::arch::is_x86_feature_detected as has;
    let avx2 = has!("avx2") && has!("fma");
    let avx512 = avx2 && has!("avx512f") && has!("avx512bw") && has!("avx512dq") && has!("avx512vl");
    let levels = [
        ("sse2", true),
        ("avx2", avx2),
        ("avx-vnni", avx2 && has!("avxvnni")),
        ("avx512", avx512),
        ("avx512-vnni", avx512 && has!("avx512vnni")),
    ];
    levels.into_iter().filter_map(|(name, here)| here.then_some(name)).collect()
}

/// The backends that this host can run, the best last.
#[cfg(target_arch = "aarch64")]
fn host_backends() -> Vec<&'static str> {
    if std::arch::is_aarch64_feature_detected!("dotprod") { vec!["neon", "dotprod"] } else { vec!["neon"] }
}

/// The backends that this host can run, the best last.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn host_backends() -> Vec<&'static str> {
    vec!["scalar"]
}
