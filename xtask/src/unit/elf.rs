//! Object files of Arm, RISC-V and x86.

use std::collections::HashMap;

use anyhow::Result;
use object::{File, Object, ObjectSection, ObjectSymbol, RelocationTarget};

use super::{Binding, Symbol};

/// All symbols, sections among them. With a section for each function and constant, what a section refers to is what its symbol does.
pub fn symbols(bytes: &[u8]) -> Result<Vec<Symbol>> {
    let file = File::parse(bytes)?;
    let places: HashMap<_, _> = file.symbols().enumerate().map(|(at, symbol)| (symbol.index(), at)).collect();
    let symbols = file.symbols().map(|symbol| {
        let mut references = Vec::new();
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
    symbols.collect()
}
