//! Reads an ELF executable: where its segments go, its notes, and its probes. The file is hostile input.

use super::LoadError;
use base::{Phys, Ram};
use object::elf::{self, FileHeader32, FileHeader64};
use object::read::elf::{FileHeader, ProgramHeader, SectionHeader};
use object::{Endianness, FileKind};
use std::ops::Range;

/// One loadable segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment<'a> {
    /// Physical address.
    pub phys: u64,
    /// Virtual address.
    pub virt: u64,
    /// Bytes from the file.
    pub data: &'a [u8],
    /// Bytes in memory; what exceeds `data` is zero.
    pub size: u64,
}

impl Segment<'_> {
    /// The segment without what lies in front of memory, if that begins with the file's own headers: linkers put them
    /// there (`ld -Ttext=ADDR` without `-n`), and nothing of the program needs them.
    fn without_headers(self, memory: u64) -> Self {
        let before = memory.saturating_sub(self.phys);
        if before == 0 || before >= self.size || !self.data.starts_with(&elf::ELFMAG) {
            return self;
        }
        Self {
            phys: self.phys + before,
            virt: self.virt.wrapping_add(before),
            data: self.data.get(before as usize..).unwrap_or_default(),
            size: self.size - before,
        }
    }
}

/// A note: its owner, type and content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Note<'a> {
    /// Who defined the type.
    pub name: &'a [u8],
    /// The type.
    pub kind: u32,
    /// The content.
    pub content: &'a [u8],
}

/// What an executable says.
#[derive(Clone, Debug)]
pub struct Executable<'a> {
    /// ELF machine number.
    pub machine: u16,
    /// Whether the file is of the 64-bit class.
    pub is_64: bool,
    /// Entry point.
    pub entry: u64,
    /// Loadable segments that occupy memory.
    pub segments: Vec<Segment<'a>>,
    /// Notes of all note segments and sections.
    pub notes: Vec<Note<'a>>,
}

/// Reads `data` as an executable.
pub fn parse(data: &[u8]) -> Result<Executable<'_>, LoadError> {
    match FileKind::parse(data) {
        Ok(FileKind::Elf64) => read::<FileHeader64<Endianness>>(data, true),
        Ok(FileKind::Elf32) => read::<FileHeader32<Endianness>>(data, false),
        _ if data.starts_with(&elf::ELFMAG) => {
            Err(LoadError::Damaged("its header ends too early".into()))
        }
        _ => Err(LoadError::NotElf),
    }
}

fn read<'a, H: FileHeader<Endian = Endianness>>(
    data: &'a [u8],
    is_64: bool,
) -> Result<Executable<'a>, LoadError> {
    let damaged = |e: object::read::Error| LoadError::Damaged(e.to_string());
    let header = H::parse(data).map_err(damaged)?;
    let endian = header.endian().map_err(damaged)?;
    if endian != Endianness::Little {
        return Err(LoadError::WrongMachine("big-endian".into()));
    }
    let kind = header.e_type(endian);
    if kind != elf::ET_EXEC && kind != elf::ET_DYN {
        return Err(LoadError::Damaged("it is not an executable".into()));
    }
    let mut segments = Vec::new();
    let mut notes = Vec::new();
    for program in header.program_headers(endian, data).map_err(damaged)? {
        let size: u64 = program.p_memsz(endian).into();
        match program.p_type(endian) {
            elf::PT_LOAD if size > 0 => {
                let cut = || LoadError::Damaged("a segment lies beyond the end of the file".into());
                let content = program.data(endian, data).map_err(|()| cut())?;
                if content.len() as u64 > size {
                    return Err(LoadError::Damaged(
                        "a segment is larger in the file than in memory".into(),
                    ));
                }
                segments.push(Segment {
                    phys: program.p_paddr(endian).into(),
                    virt: program.p_vaddr(endian).into(),
                    data: content,
                    size,
                });
            }
            elf::PT_NOTE => {
                let Some(mut found) = program.notes(endian, data).map_err(damaged)? else {
                    continue;
                };
                while let Some(note) = found.next().map_err(damaged)? {
                    notes.push(Note {
                        name: note.name(),
                        kind: note.n_type(endian),
                        content: note.desc(),
                    });
                }
            }
            _ => {}
        }
    }
    if let Ok(sections) = header.sections(endian, data) {
        for section in sections
            .iter()
            .filter(|s| s.sh_type(endian) == elf::SHT_NOTE)
        {
            let Ok(Some(mut iter)) = section.notes(endian, data) else {
                continue;
            };
            while let Ok(Some(note)) = iter.next() {
                notes.push(Note {
                    name: note.name(),
                    kind: note.n_type(endian),
                    content: note.desc(),
                });
            }
        }
    }
    if segments.is_empty() {
        return Err(LoadError::Damaged("it has no loadable segment".into()));
    }
    Ok(Executable {
        machine: header.e_machine(endian),
        is_64,
        entry: header.e_entry(endian).into(),
        segments,
        notes,
    })
}

/// The value of symbol `name` in `data`, an executable that [`parse`] has accepted.
pub fn symbol(data: &[u8], name: &[u8]) -> Option<u64> {
    use object::read::elf::Sym;
    let header = FileHeader64::<Endianness>::parse(data).ok()?;
    let endian = header.endian().ok()?;
    let sections = header.sections(endian, data).ok()?;
    let symbols = sections.symbols(endian, data, elf::SHT_SYMTAB).ok()?;
    symbols
        .iter()
        .find(|symbol| symbol.name(endian, symbols.strings()) == Ok(name))
        .map(|symbol| symbol.st_value(endian))
}

impl Executable<'_> {
    /// One past the last byte of memory that a segment takes.
    pub fn end(&self) -> u64 {
        let ends = self.segments.iter().map(|s| s.phys.saturating_add(s.size));
        ends.max().unwrap_or(0)
    }

    /// Copies the segments to their physical addresses, none of which may touch another or one of `reserved`.
    pub fn place(&self, ram: &mut Ram, reserved: &[Range<u64>]) -> Result<(), LoadError> {
        let mut taken: Vec<_> = reserved.iter().map(|r| (r.start, r.end)).collect();
        for segment in &self.segments {
            let segment = &segment.without_headers(ram.addresses().start);
            let does_not_fit = LoadError::DoesNotFit {
                start: segment.phys,
                end: segment.phys.saturating_add(segment.size),
                memory: ram.addresses(),
            };
            if ram.offset(Phys(segment.phys), segment.size).is_none() {
                return Err(does_not_fit);
            }
            let end = segment.phys + segment.size;
            if let Some(&(start, _)) = taken.iter().find(|&&(s, e)| segment.phys < e && s < end) {
                return Err(LoadError::Overlap {
                    at: start.max(segment.phys),
                });
            }
            taken.push((segment.phys, end));
            ram.write_bytes(Phys(segment.phys), segment.data);
        }
        Ok(())
    }
}

/// The customary name of an ELF machine number.
pub fn machine_name(machine: u16) -> String {
    match machine {
        elf::EM_386 => "x86 (32-bit)".into(),
        elf::EM_X86_64 => "x86-64 (see --arch)".into(),
        elf::EM_RISCV => "RISC-V (see --arch)".into(),
        elf::EM_AARCH64 => "AArch64".into(),
        elf::EM_ARM => "ARM".into(),
        other => format!("ELF machine {other}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Memory of a page from 64 KiB on, and what of a segment at `phys` gets there.
    fn placed(phys: u64, data: &[u8]) -> Result<Vec<u8>, LoadError> {
        let mut ram = Ram::new(Phys(0x1_0000), 0x1000);
        let size = data.len() as u64;
        let executable = Executable {
            machine: elf::EM_RISCV,
            is_64: true,
            entry: 0x1_0000,
            segments: vec![Segment {
                phys,
                virt: phys,
                data,
                size,
            }],
            notes: Vec::new(),
        };
        executable.place(&mut ram, &[])?;
        Ok(ram.slice(Phys(0x1_0000), 4).expect("it is there").to_vec())
    }

    #[test]
    fn the_files_own_headers_may_lie_in_front_of_memory_and_nothing_else() {
        assert_eq!(placed(0xfff8, b"\x7fELF....code"), Ok(b"code".to_vec()));
        for (phys, data) in [(0xfff8, b"data....code"), (0xfff0, b"\x7fELF....code")] {
            let refused = placed(phys, data);
            assert!(matches!(refused, Err(LoadError::DoesNotFit { .. })));
        }
    }
}
