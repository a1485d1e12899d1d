//! The compiled code of a step: what the compiler makes of a kernel, and what assembly in it comes to.

mod listing;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::install;
use crate::qemu::target_directory;
use crate::shell;
use listing::{Function, Set};

/// Where a backend's code is compiled.
struct Backend {
    name: &'static str,
    /// Under `gru_core::backend`.
    token: &'static str,
    set: Set,
    target: &'static str,
    flags: &'static [&'static str],
}

macro_rules! backends {
    ($($name:literal: $token:literal, $set:ident, $target:literal $(, $flag:literal)*;)*) => {
        const BACKENDS: &[Backend] = &[
            $(Backend { name: $name, token: $token, set: Set::$set, target: $target, flags: &[$($flag),*] }),*
        ];
    };
}

backends! {
    "scalar": "scalar::Scalar", X86, "x86_64-unknown-linux-gnu";
    "sse2": "x86::Sse2", X86, "x86_64-unknown-linux-gnu";
    "avx2": "x86::Avx2", X86, "x86_64-unknown-linux-gnu";
    "avx-vnni": "x86::AvxVnni", X86, "x86_64-unknown-linux-gnu";
    "avx512": "x86::Avx512", X86, "x86_64-unknown-linux-gnu";
    "avx512-vnni": "x86::Avx512Vnni", X86, "x86_64-unknown-linux-gnu";
    "neon": "aarch64::Neon", Aarch64, "aarch64-unknown-linux-gnu";
    "dotprod": "aarch64::Dotprod", Aarch64, "aarch64-unknown-linux-gnu";
    "wasm": "wasm::Simd128", Wasm, "wasm32-unknown-unknown", "-Ctarget-feature=+simd128";
    "helium": "helium::Helium", Arm, "thumbv8m.main-none-eabihf", "-Ctarget-cpu=cortex-m55";
    "dsp": "dsp::Dsp", Arm, "thumbv7em-none-eabihf";
    "thumb2": "thumb::Thumb", Arm, "thumbv7m-none-eabi";
    "thumb1": "thumb::Thumb", Arm, "thumbv6m-none-eabi";
    "riscv": "scalar::Scalar", Riscv, "riscv32imac-unknown-none-elf";
}

/// Prints the innermost loops that multiply, or the `whole` code, of a step of a layer with `shape`; `backend` is a name and a precision.
pub fn print(backend: &str, (input, hidden): (usize, usize), whole: bool) -> Result<()> {
    let (backend, layer) = parse(backend)?;
    install::rust_targets(&[backend.target])?;
    let model = format!("gru_core::{layer}<{input}, {hidden}>");
    for function in compile(backend, &model)? {
        let mut loops = function.innermost_loops();
        loops.retain(|body| body.counts().multiplies > 0);
        if whole || !loops.is_empty() {
            println!("{}, {}\n", function.name(), function.code().counts());
        }
        if whole {
            println!("{}", function.code());
        } else {
            loops.iter().for_each(|body| println!("loop of {}\n{body}", body.counts()));
        }
    }
    Ok(())
}

/// `avx512-vnni-int8`: a backend, and the layer of a precision.
fn parse(text: &str) -> Result<(&'static Backend, &'static str)> {
    let parsed = text.rsplit_once('-').and_then(|(name, precision)| {
        let backend = BACKENDS.iter().find(|backend| backend.name == name)?;
        Some((
            backend,
            match precision {
                "f32" => "Gru",
                "int8" => "QGru",
                _ => return None,
            },
        ))
    });
    parsed.with_context(|| {
        let names: Vec<_> = BACKENDS.iter().map(|backend| backend.name).collect();
        format!(
            "expected a backend and a precision, as avx2-int8 or dsp-f32, found `{text}`; there are {}",
            names.join(", ")
        )
    })
}

/// The functions of a step: those that the compiler makes for this layer, and those of gru-core that they call.
fn compile(backend: &Backend, model: &str) -> Result<Vec<Function>> {
    let root = target_directory()?.join("asm");
    let directory = root.join(backend.target);
    fs::create_dir_all(&directory).with_context(|| format!("cannot create {}", directory.display()))?;
    let (library, step) = (directory.join("gru_core.s"), directory.join("step.s"));

    let cargo = ["rustc", "--quiet", "--release", "--package", "gru-core", "--lib", "--no-default-features"];
    let mut cargo = shell::cargo(&cargo);
    cargo.args(["--target", backend.target]).arg("--target-dir").arg(&root);
    cargo.env("CARGO_ENCODED_RUSTFLAGS", backend.flags.join("\x1f"));
    shell::run(emit(cargo.arg("--"), &library, backend))?;

    let source = directory.join("step.rs");
    let types = format!("#![no_std]\ntype Token = gru_core::backend::{};\ntype Model = {model};\n", backend.token);
    fs::write(&source, types + include_str!("step.rs"))
        .with_context(|| format!("cannot write {}", source.display()))?;
    let mut rustc = shell::command("rustc", &["--edition", "2024", "--crate-type", "lib", "-Copt-level=3"]);
    rustc.args(["--target", backend.target]).args(backend.flags);
    let rlib = directory.join("release/libgru_core.rlib");
    rustc.arg("--extern").arg(format!("gru_core={}", rlib.display())).arg(&source);
    rustc.arg("--out-dir").arg(&directory);
    shell::run(emit(&mut rustc, &step, backend))?;
    Ok(reachable(read(backend, &step)?, read(backend, &library)?))
}

/// Has rustc write assembly.
fn emit<'a>(rustc: &'a mut Command, path: &Path, backend: &Backend) -> &'a mut Command {
    rustc.arg(format!("--emit=link,asm={}", path.display())).arg("-Ccodegen-units=1");
    if backend.set == Set::X86 {
        rustc.arg("-Cllvm-args=-x86-asm-syntax=intel");
    }
    rustc
}

fn read(backend: &Backend, path: &Path) -> Result<Vec<Function>> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let functions = Function::parse(backend.set, &text);
    ensure!(!functions.is_empty(), "{}: expected functions, found none", path.display());
    Ok(functions)
}

/// Adds the functions of a library that those `reached` call, directly or not.
fn reachable(mut reached: Vec<Function>, library: Vec<Function>) -> Vec<Function> {
    let mut library: BTreeMap<_, _> = library.into_iter().map(|function| (function.symbol.clone(), function)).collect();
    let mut at = 0;
    while let Some(function) = reached.get(at) {
        let callees: Vec<_> = function.words().filter(|word| library.contains_key(*word)).map(str::to_owned).collect();
        reached.extend(callees.iter().filter_map(|callee| library.remove(callee)));
        at += 1;
    }
    reached
}
