//! No step can panic, and no int8 step uses floats: seen in the compiled code, fast and small, not in the source.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use object::read::archive::ArchiveFile;
use object::{File, Object, ObjectSection, ObjectSymbol, RelocationTarget};

use crate::matrix::{Matrix, Precision};
use crate::qemu::target_directory;
use crate::shell;
use crate::steps::Steps;

/// What the functions of both `gru-core/examples/*_steps.rs` are called.
const STEPS: [&str; 8] =
    ["step_symbol", "step_stream", "step_window", "step_batch", "step_chain", "step_both", "step_ends", "outside"];

/// Those of `float_steps.rs` alone.
const FLOAT_STEPS: [&str; 3] = ["step_before", "step_f16", "step_f16_each"];

/// Those of both `cells.rs`.
const CELLS: [&str; 7] =
    ["no_reset", "no_update", "no_update_before", "plain", "symbol_before", "symbol_no_reset", "merges"];

/// A level of optimisation, and the profile of Cargo.toml that has it.
const FAST: (&str, &str) = ("3", "release");
const SMALL: (&str, &str) = ("s", "small");

/// Looks into the steps of all processors, or of one target's.
pub fn check(steps: &mut Steps, matrix: &Matrix, only: Option<&str>) {
    let processors = matrix.processors();
    for (target, cpu) in processors.into_iter().filter(|(target, _)| only.is_none_or(|only| only == *target)) {
        for precision in Precision::ALL {
            let name = format!("no {precision} step can panic: {target} {}", cpu.unwrap_or_default());
            steps.run(name, || check_levels(target, cpu, precision));
        }
    }
}

/// Fails if the steps of a precision, optimised for a target, call anything but memory functions and the compiler's arithmetic.
///
/// The library is compiled at the same level as the steps, so that what it keeps to itself is that level's too.
fn check_levels(target: &str, cpu: Option<&str>, precision: Precision) -> Result<()> {
    let own: &[_] = if precision == Precision::F32 { &FLOAT_STEPS } else { &[] };
    // As symbols have it: every name behind its length.
    let within = |parent: &str, name: &str| format!("{}{parent}{}{name}", parent.len(), name.len());
    let mut expected: Vec<_> = STEPS.iter().chain(own).map(|step| within(example(precision), step)).collect();
    expected.extend(CELLS.iter().map(|cell| within("cells", cell)));
    [FAST, SMALL].iter().try_for_each(|&level| check_level(target, cpu, precision, level, expected.clone()))
}

/// The example whose code is looked into.
fn example(precision: Precision) -> &'static str {
    match precision {
        Precision::Int8 => "int8_steps",
        Precision::F32 => "float_steps",
    }
}

/// [`check_levels`] at one level, where the functions `missing` are expected.
fn check_level(
    target: &str,
    cpu: Option<&str>,
    precision: Precision,
    (level, profile): (&str, &str),
    mut missing: Vec<String>,
) -> Result<()> {
    let cpu: Vec<_> = cpu.iter().map(|cpu| format!("-Ctarget-cpu={cpu}")).collect();
    let library = ["build", "--quiet", "--profile", profile, "--package", "gru-core", "--no-default-features"];
    let mut command = shell::cargo(&library);
    shell::run(command.args(["--target", target]).env("CARGO_ENCODED_RUSTFLAGS", cpu.concat()))?;

    let example = example(precision);
    let directory = target_directory()?;
    let path = directory.join(format!("{example}-{target}{}-{level}.o", cpu.concat()));
    let library = directory.join(target).join(profile).join("libgru_core.rlib");
    let level = format!("opt-level={level}");
    let optimise = ["-C", &level, "-C", "codegen-units=1", "--crate-type", "lib", "--emit", "obj"];
    let mut rustc = shell::command("rustc", &["--edition", "2024", "--target", target]);
    rustc.args(optimise).args(&cpu).arg("--extern").arg(format!("gru_core={}", library.display()));
    shell::run(rustc.arg("-o").arg(&path).arg(format!("gru-core/examples/{example}.rs")))?;

    let read = |path: &Path| fs::read(path).with_context(|| format!("cannot read {}", path.display()));
    let (bytes, library) = (read(&path)?, read(&library)?);
    let object = File::parse(&*bytes).with_context(|| format!("{} is not an object file", path.display()))?;
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
    ensure!(
        callees.is_empty(),
        "{target}, {level}: expected {precision} steps that cannot panic, found calls of {callees:?}"
    );
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
    name.is_empty()
        || name == "bcmp"
        || name.starts_with("mem")
        || name.starts_with("__aeabi_mem")
        || ARITHMETIC.contains(&name)
}

/// Single precision where a core has none: `__aeabi_fadd`, `__addsf3`, `fmaxf`.
fn is_float(name: &str) -> bool {
    name.starts_with("__") || name == "fmaxf"
}
