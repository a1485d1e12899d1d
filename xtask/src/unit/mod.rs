//! Compiled units: what each defines, and what that leaves to other units.

mod elf;
mod wasm;

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::{fs, ptr};

use anyhow::{Context, Error, Result};
use object::read::archive::ArchiveFile;

/// The symbols of an object file.
#[derive(Debug)]
pub struct Unit(Vec<Symbol>);

/// A function, a constant or, in ELF, a section.
#[derive(Debug, Default)]
struct Symbol {
    name: String,
    binding: Binding,
    /// Where the unit has what its code or bytes refer to.
    references: Vec<usize>,
}

/// Who sees a symbol.
#[derive(Debug, Default, PartialEq, Eq)]
enum Binding {
    /// This unit alone.
    #[default]
    Local,
    /// All units.
    Global,
    /// Another unit defines it.
    Undefined,
}

impl Unit {
    /// Reads an object file in ELF or for WebAssembly.
    pub fn read(path: &Path) -> Result<Self> {
        let unit = fs::read(path).map_err(Error::from).and_then(|bytes| Self::parse(&bytes));
        unit.with_context(|| format!("cannot read the object file {}", path.display()))
    }

    /// Reads the object files of libraries.
    pub fn read_libraries(paths: &[PathBuf]) -> Result<Vec<Self>> {
        let mut units = Vec::new();
        for path in paths {
            let library = fs::read(path).map_err(Error::from).and_then(|bytes| Self::parse_library(&bytes));
            units.append(&mut library.with_context(|| format!("cannot read the library {}", path.display()))?);
        }
        Ok(units)
    }

    fn parse(bytes: &[u8]) -> Result<Self> {
        let symbols = if wasm::is(bytes) { wasm::symbols(bytes)? } else { elf::symbols(bytes)? };
        Ok(Self(symbols))
    }

    fn parse_library(bytes: &[u8]) -> Result<Vec<Self>> {
        let mut units = Vec::new();
        for member in ArchiveFile::parse(bytes)?.members() {
            let member = member?;
            if member.name().ends_with(b".o") {
                units.push(Self::parse(member.data(bytes)?)?);
            }
        }
        Ok(units)
    }

    /// What it has code or bytes of.
    pub fn defined(&self) -> impl Iterator<Item = &str> {
        let has = |symbol: &&Symbol| symbol.binding != Binding::Undefined;
        self.0.iter().filter(has).map(|symbol| symbol.name.as_str())
    }

    /// What is still lacking when libraries are linked to this unit: of all that the unit names, called or not, and of all that this reaches.
    pub fn lacking<'a>(&'a self, libraries: &'a [Self]) -> Vec<&'a str> {
        let mut exported = HashMap::new();
        for unit in libraries {
            let symbols = unit.0.iter().filter(|symbol| symbol.binding == Binding::Global);
            exported.extend(symbols.map(|symbol| (symbol.name.as_str(), (unit, symbol))));
        }
        let mut lacking = Vec::new();
        let mut seen = HashSet::new();
        let undefined = self.0.iter().filter(|symbol| symbol.binding == Binding::Undefined);
        let mut reached: Vec<_> = undefined.map(|symbol| (self, symbol)).collect();
        while let Some((unit, symbol)) = reached.pop() {
            if !seen.insert(ptr::from_ref(symbol)) {
                continue;
            }
            match (&symbol.binding, exported.get(symbol.name.as_str())) {
                (Binding::Undefined, Some(&definition)) => reached.push(definition),
                (Binding::Undefined, None) => lacking.push(symbol.name.as_str()),
                _ => reached.extend(symbol.references.iter().map(|&at| (unit, &unit.0[at]))),
            }
        }
        lacking
    }
}
