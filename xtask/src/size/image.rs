//! The ELF file of a firmware: its functions and data by address, and its instructions as a disassembler writes them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use object::{Architecture, File, Object, ObjectSection, ObjectSymbol, SectionKind, SymbolKind};

use crate::shell;

/// A firmware, linked.
pub struct Image {
    path: PathBuf,
    bytes: Vec<u8>,
    /// By address.
    pub functions: BTreeMap<u64, Function>,
    /// By address; what is none is [`DATA`].
    pub instructions: BTreeMap<u64, Instruction>,
    /// Whose instructions they are.
    pub architecture: Architecture,
}

/// The mnemonic of what is no instruction.
pub const DATA: &str = "data";

/// The static of the firmware that tells how large its model's state is.
const STATE_BYTES: &str = "STATE_BYTES";

/// A function's place in the image.
#[derive(Debug, Clone)]
pub struct Function {
    /// As the source calls it.
    pub name: String,
    /// Bytes, constants that lie among its instructions included.
    pub size: u64,
}

/// A line of a disassembly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instruction {
    pub mnemonic: String,
    /// Separated at the commas outside of brackets.
    pub operands: Vec<String>,
    /// The address that a comment of the disassembler gives to a load relative to the program counter.
    pub loads: Option<u64>,
}

impl Image {
    /// Reads an ELF file, and has llvm-objdump disassemble it for a processor, where that can do more than the file says.
    pub fn read(path: &Path, objdump: &Path, cpu: Option<&str>) -> Result<Self> {
        let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        let file = File::parse(&*bytes).with_context(|| format!("{} is not an ELF file", path.display()))?;
        let architecture = file.architecture();
        let mut functions = BTreeMap::new();
        for symbol in file.symbols().filter(|symbol| symbol.kind() == SymbolKind::Text && symbol.size() > 0) {
            // The lowest bit of an address tells Thumb from Arm.
            let address = symbol.address() & !u64::from(architecture == Architecture::Arm);
            let name = format!("{:#}", rustc_demangle::demangle(symbol.name()?));
            functions.entry(address).or_insert(Function { name, size: symbol.size() });
        }
        let mut objdump = Command::new(objdump);
        objdump.args(["--disassemble", "--disassemble-zeroes", "--no-show-raw-insn"]);
        objdump.args(cpu.map(|cpu| format!("--mcpu={cpu}")));
        if architecture == Architecture::Riscv32 {
            objdump.args(["-M", "no-aliases"]);
        }
        let instructions = disassembly(&shell::read(objdump.arg(path))?);
        ensure!(!instructions.is_empty(), "{}: expected instructions, found none", path.display());
        Ok(Self { path: path.to_owned(), functions, instructions, architecture, bytes })
    }

    /// The entry of the only function whose name holds `part`.
    pub fn entry(&self, part: &str) -> Result<u64> {
        let mut found = self.functions.iter().filter(|(_, function)| function.name.contains(part));
        let entry = found.next().map(|(&address, _)| address);
        ensure!(found.next().is_none(), "{}: expected one function {part}, found more", self.path.display());
        entry.with_context(|| format!("{}: expected a function {part}, found none", self.path.display()))
    }

    /// Bytes of all code, that of the start included.
    pub fn code(&self) -> Result<u64> {
        let file = self.file()?;
        Ok(file.sections().filter(|section| section.kind() == SectionKind::Text).map(|section| section.size()).sum())
    }

    /// Constants of the program: those of the run-time, whose names begin with two underscores, and of the measurement itself are left out.
    pub fn constants(&self) -> Result<u64> {
        let file = self.file()?;
        let section = file.section_by_name(".rodata").context("the firmware has no section .rodata")?;
        let mut others = BTreeMap::new();
        for symbol in file.symbols().filter(|symbol| symbol.section_index() == Some(section.index())) {
            let name = symbol.name()?;
            if name.starts_with("__") || name.contains(STATE_BYTES) {
                others.insert(symbol.address(), symbol.size());
            }
        }
        Ok(section.size() - others.values().sum::<u64>())
    }

    /// What the firmware says that the state of its model takes.
    pub fn state(&self) -> Result<u64> {
        let file = self.file()?;
        let is_it = |symbol: &object::Symbol<'_, '_>| symbol.name().is_ok_and(|name| name.contains(STATE_BYTES));
        let symbol = file.symbols().find(is_it).with_context(|| format!("no symbol {STATE_BYTES}"))?;
        Ok(self.word(symbol.address())?.into())
    }

    /// The 32 bits at an address.
    pub fn word(&self, address: u64) -> Result<u32> {
        let file = self.file()?;
        // What is not loaded has addresses that mean nothing.
        let loaded = |kind| matches!(kind, SectionKind::Text | SectionKind::ReadOnlyData | SectionKind::Data);
        for section in file.sections().filter(|section| loaded(section.kind())) {
            if let Some(word) = section.data_range(address, 4)? {
                return Ok(u32::from_le_bytes(word.try_into().context("a word has four bytes")?));
            }
        }
        bail!("{} holds nothing at {address:#x}", self.path.display())
    }

    fn file(&self) -> Result<File<'_>> {
        Ok(File::parse(&*self.bytes)?)
    }
}

/// The instructions in what llvm-objdump prints.
fn disassembly(text: &str) -> BTreeMap<u64, Instruction> {
    text.lines().filter_map(instruction).collect()
}

/// `462:  ldr  r5, [pc, #0x10]  @ 0x474 <name+0x1c>`, with tabs around the mnemonic.
fn instruction(line: &str) -> Option<(u64, Instruction)> {
    let (address, text) = line.trim_start().split_once(':')?;
    let address = u64::from_str_radix(address, 16).ok()?;
    let (code, comment) = text.split_once('@').unwrap_or((text, ""));
    let (mnemonic, operands) = code.trim().split_once('\t').unwrap_or((code.trim(), ""));
    // `e8: 00 00 00 20  .word  0x20000000`, and what the disassembler does not know.
    if operands.starts_with('.') || !mnemonic.starts_with(|first: char| first.is_ascii_lowercase()) {
        return Some((address, Instruction { mnemonic: DATA.to_owned(), operands: Vec::new(), loads: None }));
    }
    // The name of a branch's target follows its address.
    let operands = operands_of(operands.split('<').next().unwrap_or_default());
    let loads = comment.split_whitespace().next().and_then(number).and_then(|address| address.try_into().ok());
    Some((address, Instruction { mnemonic: mnemonic.trim().to_owned(), operands, loads }))
}

fn operands_of(text: &str) -> Vec<String> {
    let mut depth = 0;
    let separates = |letter: char| {
        match letter {
            '[' | '{' => depth += 1,
            ']' | '}' => depth -= 1,
            _ => {}
        }
        letter == ',' && depth == 0
    };
    let operands = text.split(separates).map(|operand| operand.trim().to_owned());
    operands.filter(|operand| !operand.is_empty()).collect()
}

/// A number as disassemblers write it: `#-0x1c`, `0x474`, `12`.
pub fn number(text: &str) -> Option<i64> {
    let text = text.trim_start_matches('#');
    let (negative, digits) = text.strip_prefix('-').map_or((false, text), |digits| (true, digits));
    let magnitude = match digits.strip_prefix("0x") {
        Some(digits) => i64::from_str_radix(digits, 16).ok()?,
        None => digits.parse().ok()?,
    };
    Some(if negative { -magnitude } else { magnitude })
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// An image of one function or several, `(name, disassembly)`, with no data.
    pub fn image(architecture: Architecture, functions: &[(&str, &str)]) -> Image {
        let (mut places, mut instructions) = (BTreeMap::new(), BTreeMap::new());
        for (name, text) in functions {
            let lines = disassembly(text);
            let (&first, &last) = (lines.keys().next().unwrap(), lines.keys().last().unwrap());
            places.insert(first, Function { name: (*name).to_owned(), size: last + 2 - first });
            instructions.extend(lines);
        }
        Image { path: "test".into(), bytes: Vec::new(), functions: places, instructions, architecture }
    }

    #[test]
    fn a_line_is_an_instruction_or_data() {
        let (address, load) = instruction("     462:      \tldr.w\tr5, [pc, #0x10]   @ 0x474 <name+0x1c>").unwrap();
        assert_eq!((address, load.loads), (0x462, Some(0x474)));
        assert_eq!(
            (load.mnemonic.as_str(), load.operands.as_slice()),
            ("ldr.w", &["r5".to_owned(), "[pc, #0x10]".to_owned()][..])
        );
        let (_, branch) =
            instruction("10000852:      \twlstp.8\tlr, r3, 0x10000890 <a::b+0x78> @ imm = #0x28").unwrap();
        assert_eq!(branch.operands, ["lr", "r3", "0x10000890"]);
        let (_, push) = instruction("  fc:      \tpush\t{r4, r5, lr}").unwrap();
        assert_eq!(push.operands, ["{r4, r5, lr}"]);
        assert_eq!(instruction("000000c0 <__stext>:"), None);
        for line in
            ["      e8: e0 00 00 20  \t.word\t0x200000e0", "      e8: e0  \t.byte\t0xe0", "80000008:      \t<unknown>"]
        {
            assert_eq!(instruction(line).unwrap().1.mnemonic, DATA, "{line}");
        }
    }

    #[test]
    fn numbers_have_signs_and_bases() {
        assert_eq!(["#-0x1c", "0x474", "#12", "r7"].map(number), [Some(-28), Some(0x474), Some(12), None]);
    }
}
