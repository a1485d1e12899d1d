//! No step can panic, and no int8 step uses floats: seen in the compiled code, not in the source.

use std::fs;

use anyhow::{Context, Result, ensure};
use object::{File, Object, ObjectSymbol};

use crate::matrix::Precision;
use crate::qemu::target_directory;
use crate::shell;

/// What the functions of `gru-core/examples/*_steps.rs` are called.
const STEPS: [&str; 5] = ["step_after", "step_before", "step_symbol", "step_embedding", "step_window"];

/// Fails if the steps of a precision, optimised for a target, call anything but memory functions and the compiler's arithmetic.
pub fn check(target: &str, precision: Precision) -> Result<()> {
    let library = ["build", "--quiet", "--release", "--package", "gru-core", "--no-default-features"];
    shell::run(shell::cargo(&library).args(["--target", target]))?;

    let example = match precision {
        Precision::Int8 => "int8_steps",
        Precision::F32 => "float_steps",
    };
    let directory = target_directory()?;
    let path = directory.join(format!("{example}-{target}.o"));
    let library = directory.join(target).join("release/libgru_core.rlib");
    let optimise = ["-C", "opt-level=3", "-C", "codegen-units=1", "--crate-type", "lib", "--emit", "obj"];
    let mut rustc = shell::command("rustc", &["--edition", "2024", "--target", target]);
    rustc.args(optimise).arg("--extern").arg(format!("gru_core={}", library.display()));
    shell::run(rustc.arg("-o").arg(&path).arg(format!("gru-core/examples/{example}.rs")))?;

    let bytes = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let object = File::parse(&*bytes).with_context(|| format!("{} is not an object file", path.display()))?;
    let (mut missing, mut callees) = (STEPS.to_vec(), Vec::new());
    for symbol in object.symbols() {
        let name = symbol.name()?;
        if symbol.is_undefined() && !(is_integer(name) || precision == Precision::F32 && is_float(name)) {
            callees.push(name);
        } else if symbol.is_definition() {
            missing.retain(|step| !name.contains(step));
        }
    }
    ensure!(missing.is_empty(), "{}: expected the code of {missing:?}, found none", path.display());
    ensure!(callees.is_empty(), "{target}: expected {precision} steps that cannot panic, found calls of {callees:?}");
    Ok(())
}

/// C's memory functions and division where a core has none.
fn is_integer(name: &str) -> bool {
    const DIVISION: [&str; 2] = ["__aeabi_uidiv", "__udivsi3"];
    name.is_empty() || name.starts_with("mem") || name.starts_with("__aeabi_mem") || DIVISION.contains(&name)
}

/// Single precision where a core has none: `__aeabi_fadd`, `__addsf3`, `fmaxf`.
fn is_float(name: &str) -> bool {
    name.starts_with("__") || name == "fmaxf"
}
