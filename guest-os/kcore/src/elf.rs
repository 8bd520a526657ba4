//! 64-bit ELF executables, as exec(2) needs them (System V gABI, chapters 4 and 5; elf(5)).
//!
//! [`Executable::parse`] reads the header and the program headers through a closure and gives the
//! segments to map. The file is untrusted: whatever passes is safe to map (sizes fit the file and
//! the address space, segments are in ascending order and share no page), and whatever does not is
//! `ENOEXEC`. A dynamic interpreter is refused; a position-independent program without one is fine.

use abi::Errno;
use abi::limits::PAGE_SIZE;
use alloc::vec::Vec;

const HEADER_SIZE: usize = 64;
const PHDR_SIZE: usize = 56;
const MAX_PHDRS: usize = 64;

const ET_EXEC: u16 = 2;
const ET_DYN: u16 = 3;
const PT_LOAD: u32 = 1;
const PT_INTERP: u32 = 3;
const PT_PHDR: u32 = 6;

/// `e_machine` of x86-64.
pub const EM_X86_64: u16 = 62;
/// `e_machine` of RISC-V.
pub const EM_RISCV: u16 = 243;

/// A part of the file that is to lie in memory (a `PT_LOAD` program header).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// First address, relative to the load address if the program is position-independent.
    pub vaddr: u64,
    /// Bytes in memory; those past `file_size` are zero.
    pub mem_size: u64,
    /// Where the bytes lie in the file; congruent to `vaddr` modulo the page size.
    pub offset: u64,
    /// Bytes in the file.
    pub file_size: u64,
    /// May be read.
    pub readable: bool,
    /// May be written.
    pub writable: bool,
    /// May be executed.
    pub executable: bool,
}

/// A program ready to be mapped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Executable {
    /// Where execution starts.
    pub entry: u64,
    /// What to map, ascending.
    pub segments: Vec<Segment>,
    /// Address of the program headers (`AT_PHDR`), if a segment holds them.
    pub phdr_addr: Option<u64>,
    /// Number of program headers (`AT_PHNUM`); each has 56 bytes (`AT_PHENT`).
    pub phdr_count: usize,
    /// May the program be loaded anywhere? Then every address counts from the load address.
    pub relocatable: bool,
}

impl Executable {
    /// Bytes of one program header.
    pub const PHDR_SIZE: usize = PHDR_SIZE;

    /// Reads the headers of a program of `file_len` bytes for this `machine`.
    ///
    /// `read` fills a buffer from an offset; it is never asked for bytes past `file_len`. All
    /// segments lie below `limit`, the end of the user's half of the address space.
    pub fn parse(
        machine: u16,
        file_len: u64,
        limit: u64,
        mut read: impl FnMut(u64, &mut [u8]) -> Result<(), Errno>,
    ) -> Result<Executable, Errno> {
        if file_len < HEADER_SIZE as u64 {
            return Err(Errno::ENOEXEC);
        }
        let mut header = [0; HEADER_SIZE];
        read(0, &mut header)?;
        let header = Bytes(&header);
        // ELF magic, 64-bit, little-endian, version 1.
        if header.0[..7] != *b"\x7fELF\x02\x01\x01" || header.u16(18) != machine {
            return Err(Errno::ENOEXEC);
        }
        let relocatable = match header.u16(16) {
            ET_EXEC => false,
            ET_DYN => true,
            _ => return Err(Errno::ENOEXEC),
        };
        let (entry, phdr_offset) = (header.u64(24), header.u64(32));
        let phdr_count = usize::from(header.u16(56));
        let phdr_bytes = phdr_count * PHDR_SIZE;
        if usize::from(header.u16(54)) != PHDR_SIZE
            || !(1..=MAX_PHDRS).contains(&phdr_count)
            || !fits(phdr_offset, phdr_bytes as u64, file_len)
            || entry >= limit
        {
            return Err(Errno::ENOEXEC);
        }
        let mut phdrs = [0; MAX_PHDRS * PHDR_SIZE];
        let phdrs = &mut phdrs[..phdr_bytes];
        read(phdr_offset, phdrs)?;

        let mut segments: Vec<Segment> = Vec::new();
        let mut phdr_addr = None;
        for phdr in phdrs.chunks_exact(PHDR_SIZE).map(Bytes) {
            match phdr.u32(0) {
                PT_INTERP => return Err(Errno::ENOEXEC),
                PT_PHDR => phdr_addr = Some(phdr.u64(16)),
                PT_LOAD => {
                    let Some(segment) = load_segment(&phdr, file_len, limit)? else {
                        continue;
                    };
                    let lowest = match segments.last() {
                        Some(last) => (last.vaddr + last.mem_size).next_multiple_of(PAGE),
                        // Page 0 stays unmapped, so that null pointers fault.
                        None if relocatable => 0,
                        None => PAGE,
                    };
                    if segment.vaddr - segment.vaddr % PAGE < lowest {
                        return Err(Errno::ENOEXEC);
                    }
                    segments.push(segment);
                }
                _ => {}
            }
        }
        if segments.is_empty() {
            return Err(Errno::ENOEXEC);
        }
        // Linux finds the headers by the segment that holds their part of the file.
        let held = segments.iter().find(|s| {
            phdr_offset >= s.offset && fits(phdr_offset - s.offset, phdr_bytes as u64, s.file_size)
        });
        if let Some(s) = held {
            phdr_addr = Some(s.vaddr + (phdr_offset - s.offset));
        }
        Ok(Executable {
            entry,
            segments,
            phdr_addr,
            phdr_count,
            relocatable,
        })
    }

    /// The end of the highest segment: where the heap may begin.
    pub fn end(&self) -> u64 {
        self.segments.last().map_or(0, |s| s.vaddr + s.mem_size)
    }
}

const PAGE: u64 = PAGE_SIZE as u64;

/// Do `len` bytes from `start` end at or before `end`?
fn fits(start: u64, len: u64, end: u64) -> bool {
    start.checked_add(len).is_some_and(|last| last <= end)
}

/// Checks one `PT_LOAD` header; an empty one gives nothing.
fn load_segment(phdr: &Bytes, file_len: u64, limit: u64) -> Result<Option<Segment>, Errno> {
    let flags = phdr.u32(4);
    let segment = Segment {
        offset: phdr.u64(8),
        vaddr: phdr.u64(16),
        file_size: phdr.u64(32),
        mem_size: phdr.u64(40),
        executable: flags & 1 != 0,
        writable: flags & 2 != 0,
        readable: flags & 4 != 0,
    };
    if segment.mem_size == 0 {
        return Ok(None);
    }
    let sound = segment.file_size <= segment.mem_size
        && fits(segment.offset, segment.file_size, file_len)
        && fits(segment.vaddr, segment.mem_size, limit)
        && segment.offset % PAGE == segment.vaddr % PAGE;
    if sound {
        Ok(Some(segment))
    } else {
        Err(Errno::ENOEXEC)
    }
}

/// Little-endian fields of a header whose length was checked.
struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
    fn u16(&self, at: usize) -> u16 {
        abi::Record::get(&self.0[at..])
    }

    fn u32(&self, at: usize) -> u32 {
        abi::Record::get(&self.0[at..])
    }

    fn u64(&self, at: usize) -> u64 {
        abi::Record::get(&self.0[at..])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    const LIMIT: u64 = 1 << 47;

    /// (type, flags, offset, vaddr, file size, memory size)
    type Phdr = (u32, u32, u64, u64, u64, u64);

    fn file(kind: u16, phdrs: &[Phdr]) -> Vec<u8> {
        let mut file = vec![0; 0x3000];
        file[..7].copy_from_slice(b"\x7fELF\x02\x01\x01");
        file[16..18].copy_from_slice(&kind.to_le_bytes());
        file[18..20].copy_from_slice(&EM_X86_64.to_le_bytes());
        file[24..32].copy_from_slice(&0x401000u64.to_le_bytes());
        file[32..40].copy_from_slice(&64u64.to_le_bytes());
        file[54..56].copy_from_slice(&56u16.to_le_bytes());
        file[56..58].copy_from_slice(&(phdrs.len() as u16).to_le_bytes());
        for (i, (kind, flags, offset, vaddr, file_size, mem_size)) in phdrs.iter().enumerate() {
            let phdr = &mut file[64 + i * 56..][..56];
            phdr[0..4].copy_from_slice(&kind.to_le_bytes());
            phdr[4..8].copy_from_slice(&flags.to_le_bytes());
            for (at, value) in [(8, offset), (16, vaddr), (32, file_size), (40, mem_size)] {
                phdr[at..at + 8].copy_from_slice(&value.to_le_bytes());
            }
        }
        file
    }

    fn parse(file: &[u8]) -> Result<Executable, Errno> {
        Executable::parse(EM_X86_64, file.len() as u64, LIMIT, |offset, out| {
            let start = offset as usize;
            out.copy_from_slice(&file[start..start + out.len()]);
            Ok(())
        })
    }

    const TEXT: Phdr = (PT_LOAD, 5, 0, 0x400000, 0x1800, 0x1800);
    const DATA: Phdr = (PT_LOAD, 6, 0x2000, 0x402000, 0x10, 0x5000);

    #[test]
    fn a_static_program_gives_its_segments() {
        let program = parse(&file(ET_EXEC, &[TEXT, DATA, (4, 4, 0, 0, 0, 0)])).unwrap();
        assert_eq!(program.entry, 0x401000);
        assert_eq!(program.segments.len(), 2);
        assert_eq!(program.phdr_addr, Some(0x400040));
        assert_eq!(program.end(), 0x407000);
        assert!(program.segments[0].executable && !program.segments[0].writable);
        assert!(program.segments[1].writable && !program.segments[1].executable);
    }

    #[test]
    fn a_position_independent_program_may_start_at_zero() {
        let text = (PT_LOAD, 5, 0, 0, 0x1800, 0x1800);
        assert!(parse(&file(ET_DYN, &[text])).unwrap().relocatable);
        assert_eq!(parse(&file(ET_EXEC, &[text])), Err(Errno::ENOEXEC));
    }

    #[test]
    fn unsound_segments_are_refused() {
        for bad in [
            (PT_INTERP, 4, 0, 0, 8, 8),
            (PT_LOAD, 6, 0x2000, 0x401000, 0x10, 0x10), // shares a page with TEXT
            (PT_LOAD, 6, 0x2000, 0x300000, 0x10, 0x10), // below TEXT
            (PT_LOAD, 6, 0x2001, 0x402000, 0x10, 0x10), // not congruent
            (PT_LOAD, 6, 0x2000, 0x402000, 0x20, 0x10), // more file than memory
            (PT_LOAD, 6, 0x2000, 0x402000, 0x2000, 0x2000), // past the end of the file
            (PT_LOAD, 6, u64::MAX - 0xfff, 0x402000, 0x1000, 0x1000),
            (PT_LOAD, 6, 0x2000, LIMIT - 0x1000, 0x10, 0x1001),
            (PT_LOAD, 6, 0x2000, u64::MAX - 0xfff, 0x10, 0x1000),
        ] {
            assert_eq!(
                parse(&file(ET_EXEC, &[TEXT, bad])),
                Err(Errno::ENOEXEC),
                "{bad:x?}"
            );
        }
        assert_eq!(parse(&file(ET_EXEC, &[])), Err(Errno::ENOEXEC));
    }

    #[test]
    fn no_damaged_header_byte_makes_the_parser_panic() {
        let good = file(ET_EXEC, &[TEXT, DATA]);
        for at in 0..64 + 2 * 56 {
            for value in [0, 1, 0x7f, 0x80, 0xff] {
                let mut bad = good.clone();
                bad[at] = value;
                let _ = parse(&bad);
            }
        }
        for len in 0..200 {
            assert_eq!(parse(&good[..len]), Err(Errno::ENOEXEC));
        }
    }
}
