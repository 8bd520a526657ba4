//! What an ELF file says of addresses: symbol, source line, inlined functions, callers.

mod unwind;

use addr2line::Context;
use addr2line::gimli::{EndianSlice, RunTimeEndian, SectionId};
use object::{Object, ObjectSection, ObjectSymbol, SectionIndex, SectionKind, SymbolKind};
use std::fmt::Write;

pub use unwind::Registers;

type Slice<'a> = EndianSlice<'a, RunTimeEndian>;

/// A symbol: its address, its bytes (0 if not known), its name.
type Symbol<'a> = (u64, u64, &'a str);

/// Bytes that a symbol of unknown size has at most.
const MOST_UNSIZED: u64 = 4096;

/// The symbols of a kernel or a program. Built only when somebody asks, because reading them takes longer than many a
/// run.
pub struct Symbols<'a> {
    functions: Vec<Symbol<'a>>,
    data: Vec<Symbol<'a>>,
    lines: Option<Context<Slice<'a>>>,
    unwind: unwind::Tables<'a>,
}

/// A function in whose code an address lies, as its source tells it: one that the compiler inlined has its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frame {
    /// The name: a symbol's with its path, or an inlined function's as the debug information has it, often without.
    pub name: String,
    /// The source file, or nothing.
    pub file: String,
    /// The line of the address, or of the call of the function inlined there; 0 if not known.
    pub line: u32,
    /// Whether it was inlined into the function before it.
    pub inlined: bool,
}

impl<'a> Symbols<'a> {
    /// Reads the symbols of an ELF file; whatever is missing or damaged is left out.
    pub fn new(elf: &'a [u8]) -> Self {
        let Ok(file) = object::File::parse(elf) else {
            return Self {
                functions: Vec::new(),
                data: Vec::new(),
                lines: None,
                unwind: unwind::Tables::default(),
            };
        };
        let of_kind = |kind| {
            let mut symbols: Vec<Symbol<'a>> = file
                .symbols()
                .filter(|s| s.kind() == kind && s.address() != 0)
                .filter_map(|s| Some((s.address(), s.size(), s.name().ok()?)))
                .collect();
            symbols.sort_unstable();
            symbols
        };
        let load = |id: SectionId| {
            let data = file
                .section_by_name(id.name())
                .and_then(|s| s.data().ok())
                .unwrap_or(&[]);
            Ok::<_, addr2line::gimli::Error>(EndianSlice::new(data, RunTimeEndian::Little))
        };
        let lines = addr2line::gimli::Dwarf::load(load)
            .ok()
            .and_then(|d| Context::from_dwarf(d).ok());
        let mut functions = of_kind(SymbolKind::Text);
        // Assembly is mostly labels without a type; they say where one is if nothing better does.
        let mut labels: Vec<Symbol<'a>> = file
            .symbols()
            .filter(|s| s.kind() == SymbolKind::Unknown && s.address() != 0)
            .filter(|s| is_code(&file, s.section_index()))
            .filter_map(|s| Some((s.address(), 0, s.name().ok()?)))
            .filter(|(at, _, name)| !is_mapping(name) && enclosing(&functions, *at).is_none())
            .collect();
        functions.append(&mut labels);
        functions.sort_unstable();
        Self {
            functions,
            data: of_kind(SymbolKind::Data),
            lines,
            unwind: unwind::Tables::new(&file),
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

    /// The function or the variable in which `addr` lies, by the name that people read, and the offset in it.
    pub fn place(&self, addr: u64) -> Option<(String, u64)> {
        let (name, offset) = self
            .function(addr)
            .or_else(|| enclosing(&self.data, addr))?;
        Some((demangled(name), offset))
    }

    /// First address and bytes of every function, in order; those of unknown size have 0.
    pub fn functions(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.functions
            .iter()
            .map(|(start, size, _)| (*start, *size))
    }

    /// The source file that the instruction at `addr` comes from, as the debug information has it.
    pub fn file(&self, addr: u64) -> Option<String> {
        let location = self.lines.as_ref()?.find_location(addr).ok()??;
        location.file.map(str::to_owned)
    }

    /// The functions in whose code `addr` lies, the outermost first: a symbol, and what was inlined there.
    pub fn frames(&self, addr: u64) -> Vec<Frame> {
        let mut frames = Vec::new();
        if let Some(lines) = &self.lines
            && let Ok(mut found) = lines.find_frames(addr).skip_all_loads()
        {
            while let Ok(Some(frame)) = found.next() {
                let name = frame.function.as_ref().and_then(|f| f.raw_name().ok());
                let location = frame.location;
                frames.push(Frame {
                    name: name.map_or_else(String::new, |name| demangled(&name)),
                    file: location
                        .as_ref()
                        .and_then(|l| l.file)
                        .unwrap_or_default()
                        .to_owned(),
                    line: location.and_then(|l| l.line).unwrap_or(0),
                    inlined: true,
                });
            }
        }
        frames.reverse();
        if let Some((symbol, _)) = self.function(addr) {
            if frames.is_empty() {
                frames.push(Frame::default());
            }
            // The symbol knows the path of its name.
            frames[0].name = demangled(symbol);
        }
        if let Some(outermost) = frames.first_mut() {
            outermost.inlined = false;
        }
        frames
    }

    /// Registers as they were in the caller of the function in which they are now (see [`Registers`]).
    pub fn caller(
        &self,
        registers: &Registers,
        memory: &dyn Fn(u64) -> Option<u64>,
    ) -> Option<Registers> {
        self.unwind.caller(registers, memory)
    }

    /// `addr` as people read it: symbol, offset, file and line as far as known.
    pub fn describe(&self, addr: u64) -> String {
        let mut text = format!("{addr:#018x}");
        if let Some((name, offset)) = self.function(addr) {
            let _ = write!(text, " {}+{offset:#x}", demangled(name));
        }
        let location = self
            .lines
            .as_ref()
            .and_then(|l| l.find_location(addr).ok().flatten());
        if let Some(location) = location
            && let Some(file) = location.file
        {
            // What a compiler puts in by itself is on no line.
            let _ = match location.line {
                Some(line) if line > 0 => write!(text, " ({file}:{line})"),
                _ => write!(text, " ({file})"),
            };
        }
        text
    }
}

/// Whether a symbol of that section is a place in code.
fn is_code(file: &object::File<'_>, section: Option<SectionIndex>) -> bool {
    let section = section.and_then(|index| file.section_by_index(index).ok());
    section.is_some_and(|section| section.kind() == SectionKind::Text)
}

/// Whether an assembler made that label for its own use: `$x` says what kind of bytes follow, `.L` is local.
fn is_mapping(name: &str) -> bool {
    name.is_empty() || name.starts_with(['$', '.'])
}

/// The symbol in which `addr` lies, and the offset in it.
fn enclosing<'a>(symbols: &[Symbol<'a>], addr: u64) -> Option<(&'a str, u64)> {
    let index = symbols.partition_point(|s| s.0 <= addr).checked_sub(1)?;
    let (start, size, name) = symbols[index];
    // Assembly seldom says how long a function is: it lasts until the next one, but not for ever.
    let next = symbols.get(index + 1).map_or(u64::MAX, |s| s.0);
    let size = match size {
        0 => (next - start).min(MOST_UNSIZED),
        size => size,
    };
    (addr - start < size.max(1)).then_some((name, addr - start))
}

/// The address of the one symbol that is meant by `name`.
fn named(symbols: &[Symbol<'_>], name: &str) -> Option<u64> {
    if let Some(found) = symbols.iter().find(|s| s.2 == name) {
        return Some(found.0);
    }
    let is_meant = |symbol: &&Symbol<'_>| {
        let readable = demangled(symbol.2);
        let front = readable.strip_suffix(name);
        front.is_some_and(|front| front.is_empty() || front.ends_with("::"))
    };
    let mut found = symbols.iter().filter(is_meant);
    match (found.next(), found.next()) {
        (Some(only), None) => Some(only.0),
        _ => None,
    }
}

fn demangled(name: &str) -> String {
    format!("{:#}", rustc_demangle::demangle(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use object::write::{Object as Writer, StandardSection, Symbol as New, SymbolSection};
    use object::{Architecture, BinaryFormat, Endianness, SymbolFlags, SymbolScope, elf};

    #[test]
    fn a_label_of_assembly_is_a_place_where_no_function_is() {
        let (riscv, little) = (Architecture::Riscv64, Endianness::Little);
        let mut file = Writer::new(BinaryFormat::Elf, riscv, little);
        let text = file.section_id(StandardSection::Text);
        let data = file.section_id(StandardSection::Data);
        file.append_section_data(text, &[0x13; 64], 4);
        let (function, label) = (elf::STT_FUNC, elf::STT_NOTYPE);
        for (name, section, kind, value, size) in [
            ("main", text, function, 4, 16),
            ("main_again", text, label, 8, 0),
            ("vector", text, label, 32, 0),
            ("$x", text, label, 36, 0),
            (".L0", text, label, 40, 0),
            ("table", data, label, 44, 0),
        ] {
            file.add_symbol(New {
                name: name.into(),
                value,
                size,
                kind: SymbolKind::Unknown,
                scope: SymbolScope::Compilation,
                weak: false,
                section: SymbolSection::Section(section),
                flags: SymbolFlags::Elf {
                    st_info: elf::STB_LOCAL << 4 | kind,
                    st_other: 0,
                },
            });
        }
        let elf = file.write().expect("the file is sound");
        let symbols = Symbols::new(&elf);
        let place = |addr| symbols.place(addr);
        assert_eq!(place(8), Some(("main".to_owned(), 4)));
        assert_eq!(place(24), None);
        assert_eq!(place(48), Some(("vector".to_owned(), 16)));
        assert_eq!(symbols.find("vector"), Some(32));
        assert_eq!(symbols.find_any("table"), None);
    }

    #[test]
    fn a_file_that_is_no_elf_knows_nothing() {
        let symbols = Symbols::new(b"not an ELF file");
        assert!(!symbols.knows(0));
        assert_eq!(symbols.frames(0), []);
        assert_eq!(symbols.functions().count(), 0);
        assert!(
            symbols
                .caller(&Registers::default(), &|_| Some(0))
                .is_none()
        );
    }
}
