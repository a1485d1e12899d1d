//! `targets.toml`: the targets, cores and features that everything is built for.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

/// The whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Matrix {
    /// Cores that the firmware runs on.
    #[serde(rename = "core")]
    pub cores: Vec<Core>,
    /// Boards that the firmware is built for with a sensor.
    #[serde(rename = "board")]
    pub boards: Vec<Board>,
    /// Machines that the tests of gru-core run on under emulation.
    pub emulated: Vec<Emulated>,
    /// What gru-core alone is built for.
    pub library: Library,
}

/// A core, and the board that QEMU offers with it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Core {
    /// Short name, as in `--core NAME`.
    pub name: String,
    /// Name for people.
    pub title: String,
    /// Rust's target triple.
    pub target: String,
    /// The processor to compile for, where it can do more than its target says.
    pub cpu: Option<String>,
    /// What runs unless more is asked for.
    pub precisions: Vec<Precision>,
    /// Where programs and constants lie.
    pub flash: Region,
    /// Where variables and the stack lie.
    pub ram: Region,
    /// Clock of the timer that counts the cost of a step.
    pub timer_hz: u32,
    /// How QEMU runs it.
    pub qemu: Machine,
}

/// Memory of a board.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Region {
    /// The first address.
    pub origin: u64,
    /// In bytes.
    pub length: u64,
}

/// A machine of QEMU.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Machine {
    /// The emulator.
    pub program: String,
    /// The value of `-machine`.
    pub machine: String,
    /// Further options.
    #[serde(default)]
    pub options: Vec<String>,
}

/// A board that the firmware is built for with a sensor.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Board {
    /// Its directory in `firmware-example/boards`.
    pub name: String,
    /// Name for people.
    pub title: String,
    /// The crate that drives the chip.
    pub hal: String,
    /// What gru-core must compute with.
    pub backend: String,
    /// Features in place of the default ones, each of which is built too.
    #[serde(default)]
    pub variants: Vec<String>,
}

/// A machine that the tests of gru-core run on under emulation.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Emulated {
    /// Name for people.
    pub name: String,
    /// Rust's target triple.
    pub target: String,
    /// What the tests are compiled with.
    #[serde(default)]
    pub rustflags: String,
    /// What runs a test.
    pub runner: String,
    /// Backends that must be tested there; the last must be chosen.
    pub backends: Vec<String>,
    /// Tests that are left out there.
    #[serde(default)]
    pub skip: Vec<String>,
}

/// What gru-core alone is built for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Library {
    /// Targets besides those of the cores.
    pub targets: Vec<String>,
    /// Sets of Cargo features, comma-separated.
    pub features: Vec<String>,
    /// Sets of Cargo features for targets with a standard library.
    pub std_features: Vec<String>,
}

impl Core {
    /// Whether a program that does not tell the time is the same for both, from the first byte to the last.
    pub fn runs_the_same(&self, other: &Self) -> bool {
        (&self.target, &self.cpu, &self.flash, &self.ram) == (&other.target, &other.cpu, &other.flash, &other.ram)
    }
}

/// The arithmetic of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// Integers only.
    Int8,
    /// Single precision.
    F32,
}

impl Precision {
    /// All there are.
    pub const ALL: [Self; 2] = [Self::Int8, Self::F32];

    /// What Cargo needs to build the firmware with it.
    pub fn features(self) -> &'static [&'static str] {
        match self {
            Self::Int8 => &[],
            Self::F32 => &["--features", "f32"],
        }
    }
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Int8 => "int8",
            Self::F32 => "f32",
        })
    }
}

/// The top of the repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the workspace").to_owned()
}

impl Matrix {
    /// Reads `targets.toml`.
    pub fn read() -> Result<Self> {
        let path = root().join("targets.toml");
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        toml::from_str(&text).with_context(|| format!("{} is not a target matrix", path.display()))
    }

    /// The core of that name.
    pub fn core(&self, name: &str) -> Result<&Core> {
        self.cores.iter().find(|core| core.name == name).with_context(|| {
            let known: Vec<_> = self.cores.iter().map(|core| core.name.as_str()).collect();
            format!("targets.toml has no core `{name}`; it has {}", known.join(", "))
        })
    }

    /// The core of that name, or all.
    pub fn select(&self, name: Option<&str>) -> Result<Vec<&Core>> {
        match name {
            Some(name) => Ok(vec![self.core(name)?]),
            None => Ok(self.cores.iter().collect()),
        }
    }

    /// Targets of the firmware, each once.
    pub fn firmware_targets(&self) -> Vec<&str> {
        let mut targets: Vec<_> = self.cores.iter().map(|core| core.target.as_str()).collect();
        targets.sort_unstable();
        targets.dedup();
        targets
    }

    /// What code is compiled for, each once: targets of the cores and of emulated machines, alone and with the flags that let the compiler use all
    /// that one of these can do.
    pub fn processors(&self) -> Vec<(&str, String)> {
        let cores = self.cores.iter().map(|core| {
            let cpu = core.cpu.as_ref().map(|cpu| format!("-C target-cpu={cpu}"));
            (core.target.as_str(), cpu.unwrap_or_default())
        });
        let emulated = self.emulated.iter().map(|machine| (machine.target.as_str(), machine.rustflags.clone()));
        let mut all: Vec<_> =
            cores.chain(emulated).flat_map(|(target, flags)| [(target, String::new()), (target, flags)]).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// Targets of gru-core, each once, without the host.
    pub fn library_targets(&self) -> Vec<&str> {
        let mut targets = self.firmware_targets();
        targets.extend(self.library.targets.iter().map(String::as_str));
        targets
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_matrix_is_readable_and_names_each_core_once() {
        let matrix = Matrix::read().unwrap();
        for core in &matrix.cores {
            assert_eq!(matrix.core(&core.name).unwrap().title, core.title);
        }
        assert!(matrix.core("z80").unwrap_err().to_string().contains("it has m0, m3, m4f, m7, m33, m55, rv32"));
    }
}
