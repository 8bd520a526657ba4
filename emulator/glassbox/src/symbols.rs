//! What a kernel's ELF file says of addresses: symbol, source line; and its probes.

use addr2line::Context;
use object::{Object, ObjectSymbol, SymbolKind};
use std::fmt::Write;

/// A kernel's symbols. Built only when somebody asks, because reading them takes longer than many a run.
pub struct Symbols<'a> {
    functions: Vec<(u64, u64, &'a str)>,
    data: Vec<(u64, u64, &'a str)>,
    lines: Option<Context<addr2line::gimli::EndianSlice<'a, addr2line::gimli::RunTimeEndian>>>,
}

impl<'a> Symbols<'a> {
    /// Reads the symbols of an ELF file; whatever is missing or damaged is left out.
    pub fn new(kernel: &'a [u8]) -> Self {
        let Ok(file) = object::File::parse(kernel) else {
            return Self {
                functions: Vec::new(),
                data: Vec::new(),
                lines: None,
            };
        };
        let sorted = |kind| {
            let mut symbols: Vec<_> = file
                .symbols()
                .filter(|s| s.kind() == kind && s.address() != 0)
                .filter_map(|s| Some((s.address(), s.size(), s.name().ok()?)))
                .collect();
            symbols.sort_unstable();
            symbols
        };
        let (functions, data) = (sorted(SymbolKind::Text), sorted(SymbolKind::Data));
        let load = |id: addr2line::gimli::SectionId| {
            use object::ObjectSection;
            let data = file
                .section_by_name(id.name())
                .and_then(|s| s.data().ok())
                .unwrap_or(&[]);
            Ok::<_, addr2line::gimli::Error>(addr2line::gimli::EndianSlice::new(
                data,
                addr2line::gimli::RunTimeEndian::Little,
            ))
        };
        let lines = addr2line::gimli::Dwarf::load(load)
            .ok()
            .and_then(|d| Context::from_dwarf(d).ok());
        Self {
            functions,
            data,
            lines,
        }
    }

    /// The address of the function with this name: as it stands in the file, or as people read it, or the end of that
    /// behind `::` if only one function ends so.
    pub fn find(&self, name: &str) -> Option<u64> {
        named(&self.functions, name)
    }

    /// The address of the function or the variable with this name; as [`Symbols::find`].
    pub fn find_any(&self, name: &str) -> Option<u64> {
        self.find(name).or_else(|| named(&self.data, name))
    }

    /// Whether `addr` lies in a known function.
    pub fn knows(&self, addr: u64) -> bool {
        self.function(addr).is_some()
    }

    fn function(&self, addr: u64) -> Option<(&str, u64)> {
        enclosing(&self.functions, addr)
    }

    /// The function or variable in which `addr` lies, by the name that people read, and the offset in it.
    pub fn place(&self, addr: u64) -> Option<(String, u64)> {
        let (name, offset) = self
            .function(addr)
            .or_else(|| enclosing(&self.data, addr))
            .or_else(|| before(&self.functions, addr))?;
        Some((format!("{:#}", rustc_demangle::demangle(name)), offset))
    }

    /// `addr` as people read it: symbol, offset, file and line as far as known.
    pub fn describe(&self, addr: u64) -> String {
        let mut text = format!("{addr:#018x}");
        if let Some((name, offset)) = self.function(addr) {
            let _ = write!(text, " {:#}+{offset:#x}", rustc_demangle::demangle(name));
        }
        let location = self
            .lines
            .as_ref()
            .and_then(|l| l.find_location(addr).ok().flatten());
        if let Some(location) = location
            && let Some(file) = location.file
        {
            let _ = write!(text, " ({file}:{})", location.line.unwrap_or(0));
        }
        text
    }
}

/// The symbol in which `addr` lies, and the offset in it.
fn enclosing<'a>(symbols: &[(u64, u64, &'a str)], addr: u64) -> Option<(&'a str, u64)> {
    let index = symbols.partition_point(|s| s.0 <= addr).checked_sub(1)?;
    let (start, size, name) = symbols[index];
    (addr - start < size.max(1)).then_some((name, addr - start))
}

/// The symbol without a size, as assembly leaves them, that `addr` comes soon behind, and how far.
fn before<'a>(symbols: &[(u64, u64, &'a str)], addr: u64) -> Option<(&'a str, u64)> {
    const SOON: u64 = 4096;
    let index = symbols.partition_point(|s| s.0 <= addr).checked_sub(1)?;
    let (start, size, name) = symbols[index];
    (size == 0 && addr - start < SOON).then_some((name, addr - start))
}

/// The address of the one symbol that is meant by `name`.
fn named(symbols: &[(u64, u64, &str)], name: &str) -> Option<u64> {
    if let Some(found) = symbols.iter().find(|s| s.2 == name) {
        return Some(found.0);
    }
    let demangled = |f: &&(u64, u64, &str)| {
        let readable = format!("{:#}", rustc_demangle::demangle(f.2));
        readable == name
            || readable
                .strip_suffix(name)
                .is_some_and(|front| front.ends_with("::"))
    };
    let mut found = symbols.iter().filter(demangled);
    match (found.next(), found.next()) {
        (Some(only), None) => Some(only.0),
        _ => None,
    }
}
