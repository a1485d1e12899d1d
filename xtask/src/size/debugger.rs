//! The stack that steps use under QEMU: painted before a step and looked at behind it, by QEMU's debug stub (GDB's remote protocol).

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use crate::matrix::Core;
use crate::qemu;
use crate::shell;

/// Steps that are looked at: those that walk the weights forwards and back, from the zero state and from others.
const STEPS: usize = 4;
const PAINT: u8 = 0xC5;
/// Bytes in a packet: QEMU takes 4096 characters, two a byte.
const CHUNK: u64 = 1024;
/// The stub answers within milliseconds of an idle machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Registers by their number in the protocol.
struct Registers {
    stack_pointer: usize,
    link: usize,
}

const ARM: Registers = Registers { stack_pointer: 13, link: 14 };
const RISCV: Registers = Registers { stack_pointer: 2, link: 1 };

/// Bytes of stack below the entry of a function that its first calls wrote, the most of them. `painted` bytes are watched.
pub fn measure(core: &Core, elf: &Path, entry: u64, painted: u64) -> Result<u64> {
    let registers = if core.target.starts_with("riscv") { &RISCV } else { &ARM };
    let mut debugger = Debugger::start(core, elf)?;
    let mut most = 0;
    for _ in 0..STEPS {
        debugger.run_to(entry)?;
        let stack = debugger.register(registers.stack_pointer)?;
        let back = debugger.register(registers.link)? & !1;
        let bottom = stack.checked_sub(painted).context("the stack pointer is below the painted bytes")?;
        debugger.paint(bottom, painted)?;
        debugger.run_to(back)?;
        let behind = debugger.register(registers.stack_pointer)?;
        ensure!(behind == stack, "expected the stack pointer {stack:#x} behind a step as before it, found {behind:#x}");
        let seen = debugger.read(bottom, painted)?;
        let untouched = seen.iter().take_while(|&&byte| byte == PAINT).count();
        most = most.max(painted - untouched as u64);
    }
    Ok(most.next_multiple_of(4))
}

/// A QEMU that waits for commands.
struct Debugger {
    child: Child,
    commands: ChildStdin,
    answers: Receiver<Result<String>>,
}

impl Debugger {
    fn start(core: &Core, elf: &Path) -> Result<Self> {
        let mut command = qemu::machine(core);
        command.args(["-S", "-gdb", "stdio", "-kernel"]).arg(elf);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        shell::show(&command);
        let mut child = command.spawn().with_context(|| format!("cannot start {}", core.qemu.program))?;
        let (commands, output) = (child.stdin.take().expect("it is piped"), child.stdout.take().expect("it is piped"));
        let (sender, answers) = channel();
        thread::spawn(move || {
            let mut packets = Packets(output);
            while sender.send(packets.next()).is_ok() {}
        });
        Ok(Self { child, commands, answers })
    }

    /// Runs until an address is reached, at least by one instruction.
    fn run_to(&mut self, address: u64) -> Result<()> {
        for (command, expected) in
            [(format!("Z0,{address:x},2"), "OK"), ("c".to_owned(), "T05"), (format!("z0,{address:x},2"), "OK")]
        {
            let answer = self.ask(&command)?;
            ensure!(answer.starts_with(expected), "expected QEMU to answer {expected} to {command}, found {answer}");
        }
        Ok(())
    }

    fn register(&mut self, number: usize) -> Result<u64> {
        let all = bytes(&self.ask("g")?)?;
        let word = all.chunks_exact(4).nth(number).context("QEMU has too few registers")?;
        Ok(u32::from_le_bytes(word.try_into()?).into())
    }

    fn paint(&mut self, address: u64, length: u64) -> Result<()> {
        for (at, length) in chunks(address, length) {
            let text = format!("{PAINT:02x}").repeat(length as usize);
            let answer = self.ask(&format!("M{at:x},{length:x}:{text}"))?;
            ensure!(answer == "OK", "cannot write {length} bytes at {at:#x}: QEMU answers {answer}");
        }
        Ok(())
    }

    fn read(&mut self, address: u64, length: u64) -> Result<Vec<u8>> {
        let mut all = Vec::new();
        for (at, length) in chunks(address, length) {
            all.extend(bytes(&self.ask(&format!("m{at:x},{length:x}"))?)?);
        }
        ensure!(all.len() as u64 == length, "expected {length} bytes at {address:#x}, found {}", all.len());
        Ok(all)
    }

    fn ask(&mut self, command: &str) -> Result<String> {
        let sum = command.bytes().fold(0_u8, u8::wrapping_add);
        write!(self.commands, "+${command}#{sum:02x}")?;
        self.commands.flush()?;
        let answer = self.answers.recv_timeout(PATIENCE);
        let short: String = command.chars().take(40).collect();
        answer.map_err(|_| anyhow::anyhow!("QEMU did not answer `{short}` within {} s", PATIENCE.as_secs()))?
    }
}

impl Drop for Debugger {
    fn drop(&mut self) {
        // It has nothing left to do, and may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// What QEMU sends: `+` for what it understood, `$answer#sum`.
struct Packets(ChildStdout);

impl Packets {
    fn next(&mut self) -> Result<String> {
        while self.byte()? != b'$' {}
        let mut answer = String::new();
        loop {
            match self.byte()? {
                b'#' => break,
                byte => answer.push(byte.into()),
            }
        }
        let sum = [self.byte()?, self.byte()?];
        let mut expected = String::new();
        write!(expected, "{:02x}", answer.bytes().fold(0_u8, u8::wrapping_add))?;
        ensure!(expected.as_bytes() == sum, "QEMU's answer was garbled: {answer}");
        Ok(answer)
    }

    fn byte(&mut self) -> Result<u8> {
        let mut byte = [0];
        self.0.read_exact(&mut byte).context("QEMU ended")?;
        Ok(byte[0])
    }
}

fn chunks(address: u64, length: u64) -> impl Iterator<Item = (u64, u64)> {
    (0..length).step_by(CHUNK as usize).map(move |at| (address + at, CHUNK.min(length - at)))
}

/// Two digits a byte.
fn bytes(text: &str) -> Result<Vec<u8>> {
    let digits = text.as_bytes().chunks(2);
    let byte = |pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    match digits.map(byte).collect() {
        Some(bytes) => Ok(bytes),
        None => bail!("expected bytes of QEMU, found {text}"),
    }
}
