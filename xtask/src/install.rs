//! What the commands need and a machine may lack: rustup targets and a component, QEMU, a browser.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, anyhow, bail, ensure};

use crate::matrix::Core;
use crate::shell;

/// The browser's program.
pub const BROWSER: &str = "chromium";

/// A package manager and what it calls things.
struct Manager {
    program: &'static str,
    needs_root: bool,
    /// Run once before, to learn of the packages.
    refresh: &'static [&'static str],
    install: &'static [&'static str],
    /// Succeeds when the package named after it exists, for managers where names differ between releases.
    lookup: Option<(&'static str, &'static [&'static str])>,
    /// Program to packages that hold it, the best first.
    packages: &'static [(&'static str, &'static [&'static str])],
}

const MANAGERS: [Manager; 5] = [
    Manager {
        program: "apt-get",
        needs_root: true,
        refresh: &["update"],
        install: &["install", "--yes", "--no-install-recommends"],
        lookup: Some(("apt-cache", &["show"])),
        packages: &[
            ("qemu-system-arm", &["qemu-system-arm"]),
            ("qemu-system-riscv32", &["qemu-system-riscv", "qemu-system-misc"]),
            ("qemu-aarch64", &["qemu-user"]),
            ("qemu-x86_64", &["qemu-user"]),
            ("node", &["nodejs"]),
            (BROWSER, &["chromium", "chromium-browser"]),
        ],
    },
    Manager {
        program: "dnf",
        needs_root: true,
        refresh: &[],
        install: &["install", "--assumeyes", "--setopt=install_weak_deps=False"],
        lookup: None,
        packages: &[
            ("qemu-system-arm", &["qemu-system-arm"]),
            ("qemu-system-riscv32", &["qemu-system-riscv"]),
            ("qemu-aarch64", &["qemu-user"]),
            ("qemu-x86_64", &["qemu-user"]),
            ("node", &["nodejs"]),
            (BROWSER, &["chromium"]),
        ],
    },
    Manager {
        program: "pacman",
        needs_root: true,
        refresh: &[],
        install: &["-S", "--noconfirm", "--needed"],
        lookup: None,
        packages: &[
            ("qemu-system-arm", &["qemu-system-arm"]),
            ("qemu-system-riscv32", &["qemu-system-riscv"]),
            ("qemu-aarch64", &["qemu-user"]),
            ("qemu-x86_64", &["qemu-user"]),
            ("node", &["nodejs"]),
            (BROWSER, &["chromium"]),
        ],
    },
    Manager {
        program: "apk",
        needs_root: true,
        refresh: &[],
        install: &["add"],
        lookup: None,
        packages: &[
            ("qemu-system-arm", &["qemu-system-arm"]),
            ("qemu-system-riscv32", &["qemu-system-riscv32"]),
            ("qemu-aarch64", &["qemu-aarch64"]),
            ("qemu-x86_64", &["qemu-x86_64"]),
            ("node", &["nodejs"]),
            (BROWSER, &["chromium"]),
        ],
    },
    Manager {
        program: "brew",
        needs_root: false,
        refresh: &[],
        install: &["install"],
        lookup: None,
        packages: &[
            ("qemu-system-arm", &["qemu"]),
            ("qemu-system-riscv32", &["qemu"]),
            ("node", &["node"]),
            (BROWSER, &["chromium"]),
        ],
    },
];

/// What firmware for these cores is built and run with.
pub fn firmware_tools(cores: &[&Core]) -> Result<()> {
    rust_targets(&cores.iter().map(|core| core.target.as_str()).collect::<Vec<_>>())?;
    emulators(cores.iter().map(|core| core.qemu.program.as_str()))
}

/// Adds the targets that the toolchain in use lacks.
pub fn rust_targets(targets: &[&str]) -> Result<()> {
    let listed = shell::command("rustup", &["target", "list", "--installed"]).output();
    let listed = match listed {
        Ok(output) if output.status.success() => String::from_utf8_lossy(&output.stdout).into_owned(),
        _ => bail!(
            "cannot ask rustup which targets are installed; install rustup from https://rustup.rs, \
             or make sure that your toolchain has: {}",
            targets.join(" ")
        ),
    };
    let installed: BTreeSet<_> = listed.lines().collect();
    let missing: Vec<_> = targets.iter().copied().filter(|target| !installed.contains(target)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    anstream::eprintln!(
        "Installing Rust's core library for {}: the firmware and gru-core are built for them.",
        missing.join(", ")
    );
    let mut add = shell::command("rustup", &["target", "add"]);
    shell::run(add.args(&missing)).context("cannot install the targets")
}

/// The path of the disassembler of the toolchain in use, which rustup's component llvm-tools brings.
pub fn objdump() -> Result<PathBuf> {
    let tools = sysroot()?.join("lib/rustlib").join(ask(&["--print", "host-tuple"])?).join("bin");
    let path = tools.join("llvm-objdump").with_extension(std::env::consts::EXE_EXTENSION);
    component("llvm-tools", &path, "its disassembler shows what a firmware's code does to the stack")?;
    Ok(path)
}

/// Installs the source of Rust's library, of which the compiler shows lines where it is there: errors that tests expect have them.
pub fn rust_source() -> Result<()> {
    let library = sysroot()?.join("lib/rustlib/src/rust/library/core/src/lib.rs");
    component("rust-src", &library, "the compiler's errors, which tests hold against expected ones, show lines of it")
}

/// Installs a component of the toolchain in use where this file of it is missing.
fn component(name: &str, file: &Path, reason: &str) -> Result<()> {
    if file.exists() {
        return Ok(());
    }
    anstream::eprintln!("Installing rustup's component {name}: {reason}.");
    shell::run(&mut shell::command("rustup", &["component", "add", name]))
        .with_context(|| format!("cannot install {name}"))?;
    ensure!(file.exists(), "installed {name}, and {} is missing still", file.display());
    Ok(())
}

/// Where the toolchain in use is.
fn sysroot() -> Result<PathBuf> {
    Ok(PathBuf::from(ask(&["--print", "sysroot"])?))
}

/// What the compiler in use answers.
fn ask(question: &[&str]) -> Result<String> {
    Ok(shell::read(&mut shell::command("rustc", question))?.trim().to_owned())
}

/// Installs the emulators that are not on the search path.
pub fn emulators<'a>(programs: impl IntoIterator<Item = &'a str>) -> Result<()> {
    install(programs, "this repository runs on machines that this one is not")
}

/// Installs the browser that pages are looked at in, and what drives it.
pub fn browser() -> Result<()> {
    install([BROWSER, "node"], "reports are looked at in a browser")
}

/// Installs the programs that are not on the search path, through the system's package manager.
fn install<'a>(programs: impl IntoIterator<Item = &'a str>, reason: &str) -> Result<()> {
    let missing: BTreeSet<_> =
        programs.into_iter().filter(|program| !shell::succeeds(program, &["--version"])).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let names = missing.iter().copied().collect::<Vec<_>>().join(" and ");
    let manager =
        MANAGERS.iter().find(|manager| shell::succeeds(manager.program, &["--version"])).ok_or_else(|| {
            let known: Vec<_> = MANAGERS.iter().map(|manager| manager.program).collect();
            anyhow!(
                "{names} is missing and none of {} is here to install it; install it by hand (QEMU 7 or newer)",
                known.join(", ")
            )
        })?;

    anstream::eprintln!("{names} is missing: {reason}. Installing it with {}.", manager.program);
    let prefix: &[&str] = match () {
        () if !manager.needs_root || is_root() => &[],
        () if shell::succeeds("sudo", &["-n", "true"]) => &["sudo", "-n"],
        () => {
            let by_hand: Vec<_> = [manager.refresh, manager.install]
                .into_iter()
                .filter(|arguments| !arguments.is_empty())
                .map(|arguments| format!("sudo {} {}", manager.program, arguments.join(" ")))
                .collect();
            let packages = manager.packages_of(&missing).join(" ");
            bail!(
                "installing takes root, which this is not, and sudo asks for a password. Run: {} {packages}",
                by_hand.join(" && ")
            );
        }
    };
    if !manager.refresh.is_empty() {
        shell::run(&mut manager.command(prefix, manager.refresh)).context("cannot refresh the list of packages")?;
    }
    let packages = manager.packages_of(&missing);
    shell::run(manager.command(prefix, manager.install).args(&packages))
        .with_context(|| format!("cannot install {}", packages.join(" ")))?;
    match missing.iter().find(|program| !shell::succeeds(program, &["--version"])) {
        None => Ok(()),
        Some(program) => bail!("installed {}, and `{program}` still does not run", packages.join(" ")),
    }
}

impl Manager {
    fn command(&self, prefix: &[&str], arguments: &[&str]) -> Command {
        let words: Vec<_> = prefix.iter().chain(&[self.program]).chain(arguments).copied().collect();
        shell::command(words[0], &words[1..])
    }

    fn packages_of(&self, programs: &BTreeSet<&str>) -> Vec<&'static str> {
        let wanted = self.packages.iter().filter(|(program, _)| programs.contains(program));
        let chosen: BTreeSet<_> = wanted.map(|(_, candidates)| self.existing(candidates)).collect();
        chosen.into_iter().collect()
    }

    /// The first candidate that the manager knows, else the last.
    fn existing(&self, candidates: &[&'static str]) -> &'static str {
        let (last, others) = candidates.split_last().expect("every program has a package");
        let exists = |package: &&&str| match self.lookup {
            None => true,
            Some((program, arguments)) => shell::succeeds(program, &[arguments, &[**package]].concat()),
        };
        others.iter().find(exists).unwrap_or(last)
    }
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}
