//! Object files of WebAssembly, whose functions share a section.

use std::ops::Range;

use anyhow::Result;
use wasmparser::{
    CustomSectionReader, KnownCustom, Linking, Parser, Payload, RelocationType, SymbolFlags, SymbolInfo, TypeRef,
};

use super::{Binding, Symbol};

/// What the sections of a file say. Places are offsets into the file.
#[derive(Default)]
struct Sections<'a> {
    /// Names of imported functions, whose numbers come before those of others.
    imports: Vec<&'a str>,
    /// Where the code section starts, and where each function lies.
    code: u64,
    functions: Vec<Range<u64>>,
    /// Where the data section starts, and where the bytes of each segment do.
    data: u64,
    segments: Vec<u64>,
    /// The symbol table.
    symbols: Vec<SymbolInfo<'a>>,
    /// Where code and data refer to which symbol, in order.
    references: Vec<(u64, usize)>,
}

/// Whether a file is one of WebAssembly.
pub fn is(bytes: &[u8]) -> bool {
    Parser::is_core_wasm(bytes)
}

/// All symbols. A function that is called through a table is referred to where its address is taken.
pub fn symbols(bytes: &[u8]) -> Result<Vec<Symbol>> {
    let mut sections = Sections::default();
    for payload in Parser::new(0).parse_all(bytes) {
        sections.read(payload?)?;
    }
    sections.references.sort_unstable();
    Ok(sections.symbols.iter().map(|symbol| sections.symbol(symbol)).collect())
}

impl<'a> Sections<'a> {
    fn read(&mut self, payload: Payload<'a>) -> Result<()> {
        match payload {
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    let import = import?;
                    self.imports.extend(matches!(import.ty, TypeRef::Func(_)).then_some(import.name));
                }
            }
            Payload::CodeSectionStart { unchecked_range, .. } => self.code = unchecked_range.start,
            Payload::CodeSectionEntry(body) => self.functions.push(body.range()),
            Payload::DataSection(section) => {
                self.data = section.range().start;
                for segment in section {
                    let segment = segment?;
                    self.segments.push(segment.range.end - segment.data.len() as u64);
                }
            }
            Payload::CustomSection(section) => self.read_custom(&section)?,
            _ => {}
        }
        Ok(())
    }

    /// The symbol table, and the relocations of code and data.
    fn read_custom(&mut self, section: &CustomSectionReader<'a>) -> Result<()> {
        match (section.as_known(), section.name()) {
            (KnownCustom::Linking(linking), _) => {
                for subsection in linking.subsections() {
                    if let Linking::SymbolTable(table) = subsection? {
                        self.symbols = table.into_iter().collect::<Result<_, _>>()?;
                    }
                }
            }
            (KnownCustom::Reloc(relocations), name @ ("reloc.CODE" | "reloc.DATA")) => {
                let start = if name == "reloc.CODE" { self.code } else { self.data };
                for relocation in relocations.entries() {
                    let relocation = relocation?;
                    // The only kind whose number is not a symbol's.
                    if relocation.ty != RelocationType::TypeIndexLeb {
                        self.references.push((start + u64::from(relocation.offset), relocation.index as usize));
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn symbol(&self, info: &SymbolInfo<'a>) -> Symbol {
        let (name, flags, range) = match *info {
            SymbolInfo::Func { flags, index, name } => {
                let index = index as usize;
                let range = index.checked_sub(self.imports.len()).and_then(|index| self.functions.get(index).cloned());
                (name.or_else(|| self.imports.get(index).copied()).unwrap_or_default(), flags, range)
            }
            SymbolInfo::Data { flags, name, symbol } => {
                let range = symbol.and_then(|symbol| {
                    let start = self.segments.get(symbol.index as usize)? + u64::from(symbol.offset);
                    Some(start..start + u64::from(symbol.size))
                });
                (name, flags, range)
            }
            // The stack pointer and the table of functions, which the linker makes, and debug information: neither code nor constants.
            _ => return Symbol::default(),
        };
        let binding = match flags {
            _ if flags.contains(SymbolFlags::UNDEFINED) => Binding::Undefined,
            _ if flags.contains(SymbolFlags::BINDING_LOCAL) => Binding::Local,
            _ => Binding::Global,
        };
        let references = range.map(|range| self.references_in(range)).unwrap_or_default();
        Symbol { name: name.to_owned(), binding, references }
    }

    fn references_in(&self, range: Range<u64>) -> Vec<usize> {
        let from = |place| self.references.partition_point(|&(at, _)| at < place);
        self.references[from(range.start)..from(range.end)].iter().map(|&(_, symbol)| symbol).collect()
    }
}
