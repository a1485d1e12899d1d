//! The firmware under QEMU: built, run with instructions counted, its defmt log decoded.

use std::fs;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{ChildStdout, Command, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use defmt_decoder::{DecodeError, Table};
use wait_timeout::ChildExt;

use crate::matrix::{Core, Precision, root};
use crate::report::{Log, Run};
use crate::shell;

/// One instruction takes 2⁶ ns of virtual time on every board, whatever its clock: counts repeat exactly, and the slowest
/// core, whose clock is 16 MHz, runs at one instruction a tick.
const ICOUNT_SHIFT: u32 = 6;
/// Cargo's profile of what is flashed.
pub const PROFILE: &str = "firmware";
/// The longest run takes a minute on an idle machine.
const TIMEOUT: Duration = Duration::from_secs(600);

/// Builds the firmware and returns the path of its ELF file.
pub fn build(core: &Core, precision: Precision) -> Result<PathBuf> {
    shell::run(&mut cargo_build(core, precision, "firmware-example")?)?;
    keep(core, "firmware-example", &format!("firmware-{}-{precision}", core.name))
}

/// The command that builds the binaries of a package for a core.
pub fn cargo_build(core: &Core, precision: Precision, package: &str) -> Result<Command> {
    let mut command = shell::cargo(&["build", "--quiet", "--package", package]);
    command.args(["--profile", PROFILE, "--target", &core.target]).args(precision.features());
    command.env("GRU_CORE", &core.name).env("CARGO_ENCODED_RUSTFLAGS", rustflags(core)?);
    Ok(command)
}

/// Copies a binary that the next build for the same target replaces.
pub fn keep(core: &Core, binary: &str, name: &str) -> Result<PathBuf> {
    let directory = target_directory()?;
    let built = directory.join(&core.target).join(PROFILE).join(binary);
    let kept = directory.join(format!("{name}.elf"));
    fs::copy(&built, &kept).with_context(|| format!("cannot copy {} to {}", built.display(), kept.display()))?;
    Ok(kept)
}

/// Compiler flags for a core's processor, and those that keep this machine's paths out of panic messages, so that a firmware has
/// the same size everywhere.
fn rustflags(core: &Core) -> Result<String> {
    let cargo = match std::env::var_os("CARGO_HOME") {
        Some(home) => PathBuf::from(home),
        None => std::env::home_dir().context("this user has no home directory")?.join(".cargo"),
    };
    let remap = |from: &Path, to: &str| format!("--remap-path-prefix={}={to}", from.display());
    let mut flags = vec![remap(&cargo, "cargo"), remap(&root(), ".")];
    flags.extend(core.cpu.iter().map(|cpu| format!("-Ctarget-cpu={cpu}")));
    Ok(flags.join("\x1f"))
}

/// Runs the firmware to its end; `show` sees each decoded line as it comes.
pub fn run(core: &Core, elf: &Path, show: impl Fn(&str)) -> Result<Run> {
    let log = inject(core, elf, None, 0, show)?;
    log.complete().with_context(|| format!("the log of the firmware for {}", core.title))
}

/// Runs the firmware with a fault, after which it must end with this exit code.
pub fn inject(core: &Core, elf: &Path, fault: Option<&str>, code: i32, show: impl Fn(&str)) -> Result<Log> {
    let bytes = fs::read(elf).with_context(|| format!("cannot read {}", elf.display()))?;
    let table = Table::parse(&bytes)?.with_context(|| format!("{} has no defmt section", elf.display()))?;
    let lines = boot(core, elf, Some(ICOUNT_SHIFT), fault, code, |output| decode(&table, output, show))?;
    Log::parse(&lines).with_context(|| format!("the log of the firmware for {}", core.title))
}

/// Runs a firmware that prints text, and returns its lines. With a shift an instruction takes 2^shift ns of virtual time.
pub fn read(core: &Core, elf: &Path, icount_shift: Option<u32>) -> Result<Vec<String>> {
    boot(core, elf, icount_shift, None, 0, |output| Ok(BufReader::new(output).lines().collect::<io::Result<_>>()?))
}

/// The command that starts a core's board, without a program.
pub fn machine(core: &Core) -> Command {
    let mut command = shell::command(&core.qemu.program, &["-machine", &core.qemu.machine]);
    command.args(&core.qemu.options).args(["-nographic", "-monitor", "none", "-serial", "none"]);
    command
}

/// Starts QEMU, with an argument for the firmware, `read`s what it sends, and checks how it ends.
fn boot(
    core: &Core,
    elf: &Path,
    icount_shift: Option<u32>,
    argument: Option<&str>,
    code: i32,
    read: impl FnOnce(ChildStdout) -> Result<Vec<String>>,
) -> Result<Vec<String>> {
    let mut command = machine(core);
    if let Some(shift) = icount_shift {
        command.args(["-icount", &format!("shift={shift},sleep=off")]);
    }
    let argument = argument.map(|argument| format!(",arg={argument}")).unwrap_or_default();
    command.args(["-semihosting-config", &format!("enable=on,target=native,arg=firmware{argument}")]);
    command.arg("-kernel").arg(elf).stdin(Stdio::null()).stdout(Stdio::piped());
    shell::show(&command);
    let mut child = command.spawn().with_context(|| format!("cannot start {}", core.qemu.program))?;
    let output = child.stdout.take().expect("stdout is piped");

    let waiter = thread::spawn(move || -> io::Result<_> {
        let status = child.wait_timeout(TIMEOUT)?;
        if status.is_none() {
            child.kill()?;
            child.wait()?;
        }
        Ok(status)
    });
    let lines = read(output);
    let status = waiter.join().expect("the thread only waits")?;
    let lines = lines?;
    let last = lines.last().map_or("nothing", String::as_str);
    match status {
        None => bail!(
            "the firmware for {} did not end within {} s; its last line is: {last}",
            core.title,
            TIMEOUT.as_secs()
        ),
        Some(status) if status.code() != Some(code) => {
            bail!(
                "the firmware for {} ended with {status}, expected exit status {code}; its last line is: {last}",
                core.title
            )
        }
        Some(_) => Ok(lines),
    }
}

/// Instructions in so many ticks of the board's timer.
pub fn instructions(core: &Core, ticks: u32) -> f64 {
    f64::from(ticks) / ticks_per_instruction(core, ICOUNT_SHIFT)
}

/// Ticks of the board's timer while an instruction takes 2^shift ns of virtual time.
pub fn ticks_per_instruction(core: &Core, icount_shift: u32) -> f64 {
    f64::from(core.timer_hz) * f64::from(1 << icount_shift) * 1e-9
}

fn decode(table: &Table, mut output: impl Read, show: impl Fn(&str)) -> Result<Vec<String>> {
    let mut decoder = table.new_stream_decoder();
    let mut lines = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let count = output.read(&mut buffer)?;
        if count == 0 {
            return Ok(lines);
        }
        decoder.received(&buffer[..count]);
        loop {
            match decoder.decode() {
                Ok(frame) => {
                    let line = frame.display_message().to_string();
                    show(&line);
                    lines.push(line);
                }
                Err(DecodeError::UnexpectedEof) => break,
                Err(DecodeError::Malformed) => {
                    bail!("the firmware sent a malformed defmt frame after {} lines", lines.len())
                }
            }
        }
    }
}

/// Where Cargo builds.
pub fn target_directory() -> Result<PathBuf> {
    let own = std::env::current_exe().context("cannot find where xtask was built")?;
    // target/debug/xtask
    let directory = own.ancestors().nth(2).map(Path::to_owned);
    Ok(directory.unwrap_or_else(|| root().join("target")))
}
