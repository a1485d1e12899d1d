//! Compiled units: what each defines, and what that leaves to other units.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::path::Path;
use std::{fs, ptr};

use anyhow::{Context, Error, Result};
use object::read::archive::ArchiveFile;
use object::{File, Object, ObjectSection, ObjectSymbol, RelocationTarget};
use wasmparser::{KnownCustom, Linking, Parser, Payload, RelocationType, SymbolFlags, SymbolInfo, TypeRef};

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

    /// Reads the object files of a library.
    pub fn read_library(path: &Path) -> Result<Vec<Self>> {
        let units = fs::read(path).map_err(Error::from).and_then(|bytes| Self::parse_library(&bytes));
        units.with_context(|| format!("cannot read the library {}", path.display()))
    }

    fn parse(bytes: &[u8]) -> Result<Self> {
        if Parser::is_core_wasm(bytes) { wasm(bytes) } else { elf(bytes) }
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

    /// What is still lacking when a library is linked to this unit: of all that the unit names, called or not, and of all that this reaches.
    pub fn lacking<'a>(&'a self, library: &'a [Self]) -> Vec<&'a str> {
        let mut exported = HashMap::new();
        for unit in library {
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

fn elf(bytes: &[u8]) -> Result<Unit> {
    let file = File::parse(bytes)?;
    let places: HashMap<_, _> = file.symbols().enumerate().map(|(at, symbol)| (symbol.index(), at)).collect();
    let symbols = file.symbols().map(|symbol| {
        let mut references = Vec::new();
        // With a section for each function and constant, what a section refers to is what the symbol does.
        if let Some(section) = symbol.section_index() {
            let relocations = file.section_by_index(section)?.relocations();
            references.extend(relocations.filter_map(|(_, relocation)| match relocation.target() {
                RelocationTarget::Symbol(symbol) => places.get(&symbol).copied(),
                _ => None,
            }));
        }
        let binding = match symbol {
            _ if symbol.is_undefined() => Binding::Undefined,
            _ if symbol.is_global() => Binding::Global,
            _ => Binding::Local,
        };
        Ok(Symbol { name: symbol.name()?.to_owned(), binding, references })
    });
    symbols.collect::<Result<_>>().map(Unit)
}

fn wasm(bytes: &[u8]) -> Result<Unit> {
    let mut imports = Vec::new();
    let mut functions = Vec::new();
    let mut segments = Vec::new();
    // Where sections start in the file, and where in the file they refer to which symbol.
    let (mut code, mut data) = (0, 0);
    let mut relocations = Vec::new();
    let mut infos = Vec::new();
    for payload in Parser::new(0).parse_all(bytes) {
        match payload? {
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    let import = import?;
                    imports.extend(matches!(import.ty, TypeRef::Func(_)).then_some(import.name));
                }
            }
            Payload::CodeSectionStart { unchecked_range, .. } => code = unchecked_range.start,
            Payload::CodeSectionEntry(body) => functions.push(body.range()),
            Payload::DataSection(section) => {
                data = section.range().start;
                for segment in section {
                    let segment = segment?;
                    segments.push(segment.range.end - segment.data.len() as u64);
                }
            }
            Payload::CustomSection(section) => match section.as_known() {
                KnownCustom::Linking(linking) => {
                    for subsection in linking.subsections() {
                        if let Linking::SymbolTable(table) = subsection? {
                            infos = table.into_iter().collect::<Result<_, _>>()?;
                        }
                    }
                }
                KnownCustom::Reloc(section_relocations) => {
                    let start = match section.name() {
                        "reloc.CODE" => code,
                        "reloc.DATA" => data,
                        _ => continue,
                    };
                    for relocation in section_relocations.entries() {
                        let relocation = relocation?;
                        // The only ones whose index is not a symbol's.
                        if relocation.ty != RelocationType::TypeIndexLeb {
                            relocations.push((start + u64::from(relocation.offset), relocation.index as usize));
                        }
                    }
                }
                _ => {}
            },
            _ => {}
        }
    }
    relocations.sort_unstable();
    let references = |range: Range<u64>| {
        let within = |offset| relocations.partition_point(|&(at, _)| at < offset);
        relocations[within(range.start)..within(range.end)].iter().map(|&(_, symbol)| symbol).collect()
    };
    let symbols = infos.into_iter().map(|info| {
        let (name, flags, range) = match info {
            SymbolInfo::Func { flags, index, name } => {
                let index = index as usize;
                let range = index.checked_sub(imports.len()).and_then(|index| functions.get(index).cloned());
                (name.or_else(|| imports.get(index).copied()).unwrap_or_default(), flags, range)
            }
            SymbolInfo::Data { flags, name, symbol } => {
                let range = symbol.and_then(|symbol| {
                    let start = segments.get(symbol.index as usize)? + u64::from(symbol.offset);
                    Some(start..start + u64::from(symbol.size))
                });
                (name, flags, range)
            }
            // The stack pointer and the table of functions, which the linker makes, and debug information: no code and no constants.
            _ => return Symbol::default(),
        };
        let binding = match flags {
            _ if flags.contains(SymbolFlags::UNDEFINED) => Binding::Undefined,
            _ if flags.contains(SymbolFlags::BINDING_LOCAL) => Binding::Local,
            _ => Binding::Global,
        };
        Symbol { name: name.to_owned(), binding, references: range.map(references).unwrap_or_default() }
    });
    Ok(Unit(symbols.collect()))
}
