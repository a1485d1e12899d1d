//! The packages of the firmware on this machine, compiled for its very processor: of gru-core's backends they have the best and no other,
//! which takes the compiler a third of the time.

use std::env::consts::EXE_SUFFIX;
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use anyhow::Result;

use crate::qemu::target_directory;
use crate::shell;

/// Always together, whichever is wanted: on which packages a build has depends with what features Cargo compiles their dependencies.
const FIRMWARE: [&str; 6] = ["--package", "firmware-example", "--package", "firmware-imu", "--package", "classics"];

/// A command of Cargo on all of them. Their build scripts export models, which takes seconds in any profile; in that of the tests the exporter
/// would take more than a minute to compile.
pub fn cargo(task: &str) -> Result<Command> {
    let host = host()?;
    let flags = format!("CARGO_TARGET_{}_RUSTFLAGS", host.to_uppercase().replace('-', "_"));
    let mut command = shell::cargo(&[task, "--quiet", "--profile", "dev", "--target", host]);
    command.args(FIRMWARE).env(flags, "-Ctarget-cpu=native");
    Ok(command)
}

/// Builds one of their programs.
pub fn build(program: &str) -> Result<PathBuf> {
    shell::run(cargo("build")?.args(["--bin", program]))?;
    Ok(target_directory()?.join(host()?).join("debug").join(format!("{program}{EXE_SUFFIX}")))
}

/// This machine, as the compiler calls it, which is asked once.
fn host() -> Result<&'static str> {
    static HOST: OnceLock<String> = OnceLock::new();
    if let Some(host) = HOST.get() {
        return Ok(host);
    }
    let host = shell::read(&mut shell::command("rustc", &["--print", "host-tuple"]))?;
    Ok(HOST.get_or_init(|| host.trim().to_owned()))
}
