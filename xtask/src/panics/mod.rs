//! No step can panic, and no int8 step uses floats: seen in the compiled code, fast and small, not in the source.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use crate::matrix::{Matrix, Precision};
use crate::qemu::target_directory;
use crate::shell;
use crate::steps::Steps;
use crate::unit::Unit;

/// What the functions of both `gru-core/examples/*_steps.rs` are called.
const STEPS: [&str; 8] =
    ["step_symbol", "step_stream", "step_window", "step_batch", "step_chain", "step_both", "step_ends", "outside"];

/// Those of `float_steps.rs` alone.
const FLOAT_STEPS: [&str; 5] = ["step_before", "step_f16", "step_f16_each", "step_exact", "step_micromath"];

/// Those of both `cells.rs`.
const CELLS: [&str; 7] =
    ["no_reset", "no_update", "no_update_before", "plain", "symbol_before", "symbol_no_reset", "merges"];

/// A level of optimisation, and the profile of Cargo.toml that has it.
const FAST: (&str, &str) = ("3", "release");
const SMALL: (&str, &str) = ("s", "small");

/// Looks into the steps of all processors, or of one target's.
pub fn check(steps: &mut Steps, matrix: &Matrix, only: Option<&str>) {
    let processors = matrix.processors();
    for (target, flags) in processors.into_iter().filter(|(target, _)| only.is_none_or(|only| only == *target)) {
        steps.run(format!("a hidden panic is found: {target} {flags}"), || check_control(target, &flags));
        for precision in Precision::ALL {
            let name = format!("no {precision} step can panic: {target} {flags}");
            steps.run(name, || check_levels(target, &flags, precision));
        }
    }
}

/// Fails if the panic of `control` is not found, which lies where it is hardest to see.
fn check_control(target: &str, flags: &str) -> Result<()> {
    let source = Path::new("xtask/src/panics/control");
    [FAST, SMALL].iter().try_for_each(|(level, _)| {
        let compiler = Compiler { target, flags, level };
        let libraries = [compiler.compile(&source.join("library.rs"), LIBRARY, None)?];
        let caller = compiler.compile(&source.join("caller.rs"), OBJECT, Some(("library", &libraries)))?;
        let (caller, libraries) = (Unit::read(&caller)?, Unit::read_libraries(&libraries)?);
        let lacking = caller.lacking(&libraries);
        ensure!(
            lacking.iter().any(|name| name.contains("panic_bounds_check")),
            "{target}, opt-level {level}: expected a call of `panic_bounds_check` from {}, found {lacking:?}",
            source.display()
        );
        Ok(())
    })
}

/// Fails if the steps of a precision, optimised for a target, call anything but memory functions and the compiler's arithmetic.
///
/// The library is compiled at the same level as the steps, so that what it keeps to itself is that level's too.
fn check_levels(target: &str, flags: &str, precision: Precision) -> Result<()> {
    let own: &[_] = if precision == Precision::F32 { &FLOAT_STEPS } else { &[] };
    // As symbols have it: every name behind its length.
    let within = |parent: &str, name: &str| format!("{}{parent}{}{name}", parent.len(), name.len());
    let mut expected: Vec<_> = STEPS.iter().chain(own).map(|step| within(example(precision), step)).collect();
    expected.extend(CELLS.iter().map(|cell| within("cells", cell)));
    [FAST, SMALL].iter().try_for_each(|&level| check_level(target, flags, precision, level, expected.clone()))
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
    flags: &str,
    precision: Precision,
    (level, profile): (&str, &str),
    mut missing: Vec<String>,
) -> Result<()> {
    let compiler = Compiler { target, flags, level };
    let libraries = compiler.build(profile)?;
    let example = format!("gru-core/examples/{}.rs", example(precision));
    let steps = compiler.compile(example.as_ref(), OBJECT, Some(("gru_core", &libraries)))?;
    let (unit, libraries) = (Unit::read(&steps)?, Unit::read_libraries(&libraries)?);
    missing.retain(|step| !unit.defined().any(|name| name.contains(step)));
    ensure!(missing.is_empty(), "{}: expected the code of {missing:?}, found none", steps.display());
    let allowed = |name: &str| is_integer(name) || precision == Precision::F32 && is_float(name);
    let callees: Vec<_> = unit.lacking(&libraries).into_iter().filter(|name| !allowed(name)).collect();
    ensure!(
        callees.is_empty(),
        "{target}, opt-level {level}: expected {precision} steps that cannot panic, found calls of {callees:?}"
    );
    Ok(())
}

/// What rustc makes: a kind of `--emit`, and the ending of its files.
const LIBRARY: (&str, &str) = ("link", "rlib");
const OBJECT: (&str, &str) = ("obj", "o");

/// What Cargo says of a compiled target.
#[derive(Deserialize)]
struct Artifact {
    #[serde(default)]
    filenames: Vec<PathBuf>,
}

/// How code is compiled.
struct Compiler<'a> {
    target: &'a str,
    flags: &'a str,
    level: &'a str,
}

impl Compiler<'_> {
    /// Compiles gru-core with all of its activations, and returns the files of what it needs, and its own last.
    fn build(&self, profile: &str) -> Result<Vec<PathBuf>> {
        let mut cargo = shell::cargo(&["build", "--quiet", "--package", "gru-core", "--no-default-features"]);
        cargo.args(["--features", "libm,micromath", "--profile", profile, "--target", self.target]);
        let messages = shell::read(cargo.arg("--message-format=json").env("RUSTFLAGS", self.flags))?;
        let artifacts = messages.lines().map(serde_json::from_str).collect::<Result<Vec<Artifact>, _>>()?;
        let files = artifacts.into_iter().flat_map(|artifact| artifact.filenames);
        let mut libraries: Vec<_> = files.filter(|file| file.extension().is_some_and(|e| e == LIBRARY.1)).collect();
        // Cargo tells of each when it is done with it, and not always of gru-core last.
        libraries.sort_by_key(|file| file.ends_with("libgru_core.rlib"));
        Ok(libraries)
    }

    /// Compiles a library, where it needs one with the last of others and what that needs, and returns where it is.
    fn compile(
        &self,
        source: &Path,
        (kind, ending): (&str, &str),
        libraries: Option<(&str, &[PathBuf])>,
    ) -> Result<PathBuf> {
        let Self { target, flags, level } = self;
        let name = source.file_stem().with_context(|| format!("{} is no file", source.display()))?.display();
        let flags_in_name = flags.replace(' ', "");
        let directory = target_directory()?.join("panics");
        fs::create_dir_all(&directory).with_context(|| format!("cannot make {}", directory.display()))?;
        let path = directory.join(format!("lib{name}-{target}{flags_in_name}-{level}.{ending}"));
        let mut rustc = shell::command("rustc", &["--edition", "2024", "--crate-type", "lib", "--emit", kind]);
        rustc.args(["--target", target, "-C", &format!("opt-level={level}"), "-C", "codegen-units=1"]);
        rustc.args(flags.split_whitespace());
        if let Some((name, [others @ .., library])) = libraries {
            rustc.arg("--extern").arg(format!("{name}={}", library.display()));
            for directory in others.iter().filter_map(|other| other.parent()) {
                rustc.arg("-L").arg(format!("dependency={}", directory.display()));
            }
        }
        shell::run(rustc.arg("-o").arg(&path).arg(source))?;
        Ok(path)
    }
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
    name == "bcmp" || name.starts_with("mem") || name.starts_with("__aeabi_mem") || ARITHMETIC.contains(&name)
}

/// Single precision where a core has none: `__aeabi_fadd`, `__addsf3`, `fmaxf`.
fn is_float(name: &str) -> bool {
    name.starts_with("__") || name == "fmaxf"
}
