//! The firmware for boards with a sensor: built, linted and measured, and not run.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail, ensure};
use object::{File, Object, ObjectSymbol};
use rustc_demangle::demangle;
use serde::Deserialize;

use crate::install;
use crate::matrix::{Board, root};
use crate::qemu::target_directory;
use crate::shell::{cargo, run};
use crate::size::Size;
use crate::steps::Steps;
use crate::table::{kibibytes, render};
use crate::test::DENY;

const HEADER: [&str; 8] = ["board", "chip", "HAL", "target", "backend", "flash", "static\nRAM", ""];

/// Builds every board, and prints what each takes.
pub fn boards(boards: &[Board]) -> Result<ExitCode> {
    let boards = boards.iter().map(|board| Ok((board, Setting::read(board)?))).collect::<Result<Vec<_>>>()?;
    install::rust_targets(&boards.iter().map(|(_, setting)| setting.target.as_str()).collect::<Vec<_>>())?;
    let lock: Lock = read_toml(&workspace().join("Cargo.lock"))?;

    let mut steps = Steps::default();
    steps.run("format", || run(cargo(&["fmt", "--all", "--check"]).current_dir(workspace())));
    if let Some((_, Setting { target, .. })) = boards.first() {
        // What they share is of another workspace; its log is not compiled for the host.
        let clippy = ["clippy", "--quiet", "--package", "firmware-imu", "--target", target];
        steps.run("clippy on firmware-imu", || run(cargo(&clippy).args(DENY)));
    }
    let mut rows = Vec::new();
    for (board, setting) in &boards {
        rows.extend(steps.run(board.title.as_str(), || {
            // The default features last: it is their binary that is measured.
            let variants = board.variants.iter().map(|variant| Some(variant.as_str())).chain([None]);
            variants.into_iter().try_for_each(|variant| build(board, variant))?;
            row(board, setting, &lock)
        }));
    }
    println!("\n{}", render(HEADER, rows.into_iter()));
    println!("Built only: none of these boards was here, and QEMU has none of them.");
    Ok(steps.finish())
}

/// Builds a board where its `.cargo/config.toml` holds, with Clippy in the compiler's place: to lint first would compile each HAL twice.
fn build(board: &Board, variant: Option<&str>) -> Result<()> {
    let mut command = cargo(&["rustc", "--quiet", "--release", "--locked"]);
    command.current_dir(workspace().join(&board.name)).env("RUSTC_WORKSPACE_WRAPPER", "clippy-driver");
    if let Some(features) = variant {
        command.args(["--no-default-features", "--features", features]);
    }
    run(command.args(DENY))
}

/// The workspace of all boards.
fn workspace() -> PathBuf {
    root().join("firmware-example/boards")
}

fn row(board: &Board, setting: &Setting, lock: &Lock) -> Result<[String; HEADER.len()]> {
    let path = target_directory()?.join("boards").join(&setting.target).join("release").join(&board.name);
    let bytes = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let file = File::parse(&*bytes).with_context(|| format!("{} is not an ELF file", path.display()))?;
    let kernels = match board.backend.as_str() {
        "rv32im" => "gru_core::backend::riscv::",
        "dsp" => "gru_core::backend::dsp::",
        other => bail!("targets.toml: board {} has the backend {other}, expected dsp or rv32im", board.name),
    };
    let has_kernels =
        file.symbols().any(|symbol| symbol.name().is_ok_and(|name| demangle(name).to_string().contains(kernels)));
    ensure!(
        has_kernels,
        "{}: expected kernels of {kernels}, found none; does its .cargo/config.toml say the processor?",
        path.display()
    );
    let size = Size::of(&file);
    Ok([
        board.title.clone(),
        setting.chip.clone(),
        format!("{} {}", board.hal, lock.version(&board.hal)?),
        setting.target.clone(),
        board.backend.clone(),
        kibibytes(size.flash),
        kibibytes(size.ram),
        "built".to_owned(),
    ])
}

/// What Cargo is told about a board.
struct Setting {
    target: String,
    /// As probe-rs calls it.
    chip: String,
}

impl Setting {
    fn read(board: &Board) -> Result<Self> {
        let path = workspace().join(&board.name).join(".cargo/config.toml");
        let config: toml::Table = read_toml(&path)?;
        let target = string_at(&config, "build.target")
            .with_context(|| format!("{}: expected build.target, found none", path.display()))?;
        let runner = string_at(&config, &format!("target.{target}.runner"));
        let chip = runner.and_then(|runner| runner.strip_prefix("probe-rs run --chip ")).with_context(|| {
            format!("{}: expected the runner `probe-rs run --chip CHIP` of {target}, found {runner:?}", path.display())
        })?;
        Ok(Self { chip: chip.to_owned(), target: target.to_owned() })
    }
}

/// What lies at a path of keys, which is how Cargo too takes a target with a dot in its name.
fn string_at<'a>(table: &'a toml::Table, path: &str) -> Option<&'a str> {
    let (parents, last) = path.rsplit_once('.')?;
    let parent = parents.split('.').try_fold(table, |table, key| table.get(key)?.as_table())?;
    parent.get(last)?.as_str()
}

/// The versions that the boards are built with.
#[derive(Deserialize)]
struct Lock {
    package: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
}

impl Lock {
    fn version(&self, name: &str) -> Result<&str> {
        let package = self.package.iter().find(|package| package.name == name);
        Ok(&package.with_context(|| format!("the boards' Cargo.lock has no {name}"))?.version)
    }
}

fn read_toml<T: for<'de> Deserialize<'de>>(path: &Path) -> Result<T> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    toml::from_str(&text).with_context(|| format!("{} is not what is expected there", path.display()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::matrix::Matrix;

    #[test]
    fn every_board_is_in_targets_toml_and_says_its_target_and_chip() {
        let boards = Matrix::read().unwrap().boards;
        for board in &boards {
            Setting::read(board).unwrap();
        }
        let listed: BTreeSet<_> = boards.into_iter().map(|board| board.name).collect();
        let manifests = fs::read_dir(workspace()).unwrap().map(|entry| entry.unwrap().path().join("Cargo.toml"));
        let there: BTreeSet<_> = manifests
            .filter(|manifest| manifest.exists())
            .map(|manifest| manifest.parent().unwrap().file_name().unwrap().to_str().unwrap().to_owned())
            .collect();
        assert_eq!(listed, there);
    }
}
