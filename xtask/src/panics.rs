//! No step can panic, and no int8 step uses floats: seen in the compiled code, not in the source.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use object::read::archive::ArchiveFile;
use object::{File, Object, ObjectSection, ObjectSymbol, RelocationTarget};

use crate::matrix::Precision;
use crate::qemu::target_directory;
use crate::shell;

/// What the functions of both `gru-core/examples/*_steps.rs` are called.
const STEPS: [&str; 9] = [
    "step_after",
    "step_before",
    "step_symbol",
    "step_embedding",
    "step_window",
    "step_batch",
    "step_chain",
    "step_both",
    "step_ends",
];

/// Those of `float_steps.rs` alone.
const F16_STEPS: [&str; 2] = ["step_f16", "step_f16_each"];

/// Fails if the steps of a precision, optimised for a target, call anything but memory functions and the compiler's arithmetic.
pub fn check(target: &str, cpu: Option<&str>, precision: Precision) -> Result<()> {
    let cpu: Vec<_> = cpu.iter().map(|cpu| format!("-Ctarget-cpu={cpu}")).collect();
    let library = ["build", "--quiet", "--release", "--package", "gru-core", "--no-default-features"];
    let mut command = shell::cargo(&library);
    shell::run(command.args(["--target", target]).env("CARGO_ENCODED_RUSTFLAGS", cpu.concat()))?;

    let example = match precision {
        Precision::Int8 => "int8_steps",
        Precision::F32 => "float_steps",
    };
    let directory = target_directory()?;
    let path = directory.join(format!("{example}-{target}{}.o", cpu.concat()));
    let library = directory.join(target).join("release/libgru_core.rlib");
    let optimise = ["-C", "opt-level=3", "-C", "codegen-units=1", "--crate-type", "lib", "--emit", "obj"];
    let mut rustc = shell::command("rustc", &["--edition", "2024", "--target", target]);
    rustc.args(optimise).args(&cpu).arg("--extern").arg(format!("gru_core={}", library.display()));
    shell::run(rustc.arg("-o").arg(&path).arg(format!("gru-core/examples/{example}.rs")))?;

    let read = |path: &Path| fs::read(path).with_context(|| format!("cannot read {}", path.display()));
    let (bytes, library) = (read(&path)?, read(&library)?);
    let object = File::parse(&*bytes).with_context(|| format!("{} is not an object file", path.display()))?;
    let mut missing = STEPS.to_vec();
    if precision == Precision::F32 {
        missing.extend(F16_STEPS);
    }
    let mut callees = Vec::new();
    for symbol in object.symbols() {
        let name = symbol.name()?;
        if symbol.is_undefined() {
            callees.push(name.to_owned());
        } else if symbol.is_definition() {
            missing.retain(|step| !name.contains(step));
        }
    }
    ensure!(missing.is_empty(), "{}: expected the code of {missing:?}, found none", path.display());
    let allowed = |name: &str| is_integer(name) || precision == Precision::F32 && is_float(name);
    let callees = resolve(&library, callees)?;
    let callees: Vec<_> = callees.iter().filter(|name| !allowed(name)).collect();
    ensure!(callees.is_empty(), "{target}: expected {precision} steps that cannot panic, found calls of {callees:?}");
    Ok(())
}

/// Replaces the functions of a library, of which those in assembly are never inlined, by what they call.
fn resolve(library: &[u8], mut names: Vec<String>) -> Result<Vec<String>> {
    let mut calls = HashMap::new();
    for member in ArchiveFile::parse(library)?.members() {
        let member = member?;
        if !member.name().ends_with(b".o") {
            continue;
        }
        let object = File::parse(member.data(library)?)?;
        for symbol in object.symbols().filter(ObjectSymbol::is_definition) {
            let Some(section) = symbol.section_index() else { continue };
            let mut callees = Vec::new();
            for (_, relocation) in object.section_by_index(section)?.relocations() {
                let RelocationTarget::Symbol(callee) = relocation.target() else { continue };
                let name = object.symbol_by_index(callee)?.name()?;
                // Constants of the function's own have names that assemblers keep to themselves.
                if !name.starts_with(".L") {
                    callees.push(name.to_owned());
                }
            }
            calls.insert(symbol.name()?.to_owned(), callees);
        }
    }
    let mut unknown = Vec::new();
    while let Some(name) = names.pop() {
        match calls.get_mut(&name) {
            Some(callees) => names.append(callees),
            None => unknown.push(name),
        }
    }
    Ok(unknown)
}

/// C's memory functions, and division, long products and long shifts where a core has none.
fn is_integer(name: &str) -> bool {
    const ARITHMETIC: [&str; 8] = [
        "__aeabi_uidiv",
        "__udivsi3",
        "__aeabi_lmul",
        "__muldi3",
        "__aeabi_llsl",
        "__ashldi3",
        "__aeabi_llsr",
        "__lshrdi3",
    ];
    name.is_empty() || name.starts_with("mem") || name.starts_with("__aeabi_mem") || ARITHMETIC.contains(&name)
}

/// Single precision where a core has none: `__aeabi_fadd`, `__addsf3`, `fmaxf`.
fn is_float(name: &str) -> bool {
    name.starts_with("__") || name == "fmaxf"
}
