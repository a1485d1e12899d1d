//! Flash and RAM of a firmware, from the sections of its ELF file.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use object::elf::{SHF_ALLOC, SHF_WRITE};
use object::{File, Object, ObjectSection, ObjectSymbol, SectionFlags, SectionKind, Symbol};

/// Bytes that a firmware occupies.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// Code, constants and the initial values of variables.
    pub flash: u64,
    /// Variables, without the stack.
    pub ram: u64,
}

impl Size {
    /// Measures an ELF file, without the recordings in its flash that stand in for a sensor.
    pub fn without_recordings(path: &Path) -> Result<Self> {
        let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        let file = File::parse(&*bytes).with_context(|| format!("{} is not an ELF file", path.display()))?;
        let is_recording = |symbol: &Symbol| symbol.name().is_ok_and(|name| name.contains("recordings"));
        let recordings = file.symbols().filter(is_recording).map(|symbol| symbol.size()).sum::<u64>();
        ensure!(recordings > 0, "{}: expected a symbol of the recordings, found none", path.display());
        let Self { flash, ram } = Self::of(&file);
        Ok(Self { flash: flash - recordings, ram })
    }

    /// Measures all of an ELF file.
    pub fn of(file: &File) -> Self {
        let mut size = Self { flash: 0, ram: 0 };
        for section in file.sections() {
            let SectionFlags::Elf { sh_flags } = section.flags() else { continue };
            // RISC-V's runtime reserves all RAM that is left as a section.
            if sh_flags & u64::from(SHF_ALLOC) == 0 || section.name() == Ok(".stack") {
                continue;
            }
            if section.kind() != SectionKind::UninitializedData {
                size.flash += section.size();
            }
            if sh_flags & u64::from(SHF_WRITE) != 0 {
                size.ram += section.size();
            }
        }
        size
    }
}
