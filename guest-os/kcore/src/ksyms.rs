//! The symbol table inside the kernel's own image, from which a panic prints names.
//!
//! The kernel leaves a section `.ksyms` of fixed size, filled with [`EMPTY`]. After linking, [`embed`]
//! fills it from the ELF's `.symtab`; the kernel looks addresses up with [`lookup`]. Without that step
//! everything works but the names. All numbers are little-endian:
//!
//! ```text
//! 0      magic "KSYM"      4  number of symbols n      8  base address (u64)
//! 16     n times { address - base: u32, offset of the name: u32 }, ascending
//! ...    names, each ended by NUL
//! ```

use alloc::string::String;
use alloc::vec::Vec;

const MAGIC: &[u8; 4] = b"KSYM";
const HEADER: usize = 16;
const SECTION: &str = ".ksyms";

/// Bytes that an unfilled section starts with.
pub const EMPTY: [u8; HEADER] = [0; HEADER];

/// Why a table could not be embedded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// Not a 64-bit little-endian ELF file, or a damaged one.
    NotElf,
    /// There is no `.ksyms` or no `.symtab`.
    NoSection,
    /// The section is too small: this many bytes are needed.
    TooSmall(usize),
}

/// Fills `.ksyms` of a linked kernel with its functions. `demangle` turns a linker name into a readable one.
/// Running it twice gives the same bytes.
pub fn embed(elf: &mut [u8], demangle: impl Fn(&str) -> String) -> Result<(), Error> {
    let symtab = find(elf, |_, kind| kind == SHT_SYMTAB)?;
    let strtab = section(elf, symtab.link as usize).ok_or(Error::NotElf)?;
    let target = find(elf, |name, _| name == SECTION)?;

    let mut functions: Vec<(u64, String)> = Vec::new();
    let table = symtab
        .range()
        .and_then(|range| elf.get(range))
        .ok_or(Error::NotElf)?;
    for symbol in table.chunks_exact(24) {
        let is_function = symbol[4] & 0xf == STT_FUNC;
        let address = u64_at(symbol, 8).ok_or(Error::NotElf)?;
        let name_at = u32_at(symbol, 0).ok_or(Error::NotElf)? as usize;
        let name = string_at(elf, strtab.offset.saturating_add(name_at));
        if is_function && address >= target.address & !0x3fff_ffff {
            functions.push((address, demangle(name.ok_or(Error::NotElf)?)));
        }
    }
    functions.sort();
    functions.dedup_by_key(|(address, _)| *address);

    let base = functions.first().map_or(0, |(address, _)| *address);
    let mut out = Vec::new();
    out.extend(MAGIC);
    out.extend((functions.len() as u32).to_le_bytes());
    out.extend(base.to_le_bytes());
    let mut name_at = HEADER + 8 * functions.len();
    for (address, name) in &functions {
        out.extend(((address - base) as u32).to_le_bytes());
        out.extend((name_at as u32).to_le_bytes());
        name_at += name.len() + 1;
    }
    for (_, name) in &functions {
        out.extend(name.bytes());
        out.push(0);
    }
    if out.len() > target.size {
        return Err(Error::TooSmall(out.len()));
    }
    let place = target.range().and_then(|range| elf.get_mut(range));
    let (table, rest) = place.ok_or(Error::NotElf)?.split_at_mut(out.len());
    table.copy_from_slice(&out);
    rest.fill(0);
    Ok(())
}

/// The function that `address` lies in, and how far into it.
pub fn lookup(table: &[u8], address: u64) -> Option<(&str, u64)> {
    if !table.starts_with(MAGIC) {
        return None;
    }
    let count = u32_at(table, 4)? as usize;
    let offset = address.checked_sub(u64_at(table, 8)?)?;
    let (mut low, mut high) = (0, count);
    while low < high {
        let middle = (low + high) / 2;
        if u64::from(u32_at(table, HEADER + 8 * middle)?) <= offset {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    let entry = HEADER + 8 * low.checked_sub(1)?;
    let name = string_at(table, u32_at(table, entry + 4)? as usize)?;
    Some((name, offset - u64::from(u32_at(table, entry)?)))
}

const SHT_SYMTAB: u32 = 2;
const STT_FUNC: u8 = 2;

/// A section header, as far as it matters here.
struct Section {
    name: u32,
    kind: u32,
    address: u64,
    offset: usize,
    size: usize,
    link: u32,
}

impl Section {
    fn range(&self) -> Option<core::ops::Range<usize>> {
        Some(self.offset..self.offset.checked_add(self.size)?)
    }
}

fn section(elf: &[u8], index: usize) -> Option<Section> {
    let at = (u64_at(elf, 40)? as usize).checked_add(index.checked_mul(64)?)?;
    Some(Section {
        name: u32_at(elf, at)?,
        kind: u32_at(elf, at + 4)?,
        address: u64_at(elf, at + 16)?,
        offset: u64_at(elf, at + 24)? as usize,
        size: u64_at(elf, at + 32)? as usize,
        link: u32_at(elf, at + 40)?,
    })
}

fn find(elf: &[u8], wanted: impl Fn(&str, u32) -> bool) -> Result<Section, Error> {
    if !elf.starts_with(b"\x7fELF\x02\x01") {
        return Err(Error::NotElf);
    }
    let count = u16_at(elf, 60).ok_or(Error::NotElf)?;
    let names = section(elf, u16_at(elf, 62).ok_or(Error::NotElf)?.into()).ok_or(Error::NotElf)?;
    for index in 0..count {
        let found = section(elf, index.into()).ok_or(Error::NotElf)?;
        let name = string_at(elf, names.offset.saturating_add(found.name as usize))
            .ok_or(Error::NotElf)?;
        if wanted(name, found.kind) {
            return Ok(found);
        }
    }
    Err(Error::NoSection)
}

fn string_at(bytes: &[u8], at: usize) -> Option<&str> {
    let rest = bytes.get(at..)?;
    let end = rest.iter().position(|b| *b == 0)?;
    core::str::from_utf8(&rest[..end]).ok()
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::borrow::ToOwned;
    use alloc::vec;

    const BASE: u64 = 0xffff_ffff_8000_0000;

    /// A minimal ELF: sections null, .ksyms, .symtab, .strtab (which also names the sections).
    fn elf(ksyms: usize, symbols: &[(&str, u64)]) -> Vec<u8> {
        let mut strings = b"\0.ksyms\0.symtab\0.strtab\0".to_vec();
        let mut symtab = vec![0; 24];
        for (name, address) in symbols {
            symtab.extend((strings.len() as u32).to_le_bytes());
            symtab.extend([STT_FUNC, 0, 1, 0]);
            symtab.extend(address.to_le_bytes());
            symtab.extend([0; 8]);
            strings.extend(name.bytes());
            strings.push(0);
        }
        let mut file = b"\x7fELF\x02\x01".to_vec();
        file.resize(64, 0);
        let mut headers = vec![0; 64];
        let parts = [
            (1u32, 1u32, vec![0; ksyms]),
            (8, SHT_SYMTAB, symtab),
            (16, 3, strings),
        ];
        for (name, kind, bytes) in parts {
            let mut header = Vec::new();
            header.extend(name.to_le_bytes());
            header.extend(kind.to_le_bytes());
            header.extend([0; 8]);
            header.extend(BASE.to_le_bytes());
            header.extend((file.len() as u64).to_le_bytes());
            header.extend((bytes.len() as u64).to_le_bytes());
            header.extend(3u32.to_le_bytes());
            header.resize(64, 0);
            headers.extend(header);
            file.extend(bytes);
        }
        let at = (file.len() as u64).to_le_bytes();
        file[40..48].copy_from_slice(&at);
        file[60] = 4;
        file[62] = 3;
        file.extend(headers);
        file
    }

    #[test]
    fn an_address_is_found_in_the_function_before_it() {
        let mut file = elf(256, &[("second", BASE + 0x40), ("first", BASE + 0x10)]);
        embed(&mut file, |name| alloc::format!("<{name}>")).unwrap();
        let table = &file[64..64 + 256];
        assert_eq!(lookup(table, BASE + 0x10), Some(("<first>", 0)));
        assert_eq!(lookup(table, BASE + 0x3f), Some(("<first>", 0x2f)));
        assert_eq!(lookup(table, BASE + 0x1040), Some(("<second>", 0x1000)));
        assert_eq!(lookup(table, BASE), None);
    }

    #[test]
    fn a_table_that_does_not_fit_is_refused_with_its_size() {
        let mut file = elf(16, &[("name", BASE)]);
        assert_eq!(
            embed(&mut file, str::to_owned),
            Err(Error::TooSmall(16 + 8 + 5))
        );
    }

    #[test]
    fn damaged_files_are_errors_and_never_panics() {
        let whole = elf(64, &[("name", BASE)]);
        // The last fields of the last section header do not matter.
        for len in 0..whole.len() - 20 {
            assert!(embed(&mut whole[..len].to_vec(), str::to_owned).is_err());
        }
        for at in 0..whole.len() {
            for value in [0, 1, 0x7f, 0x80, 0xff] {
                let mut damaged = whole.clone();
                damaged[at] = value;
                let _ = embed(&mut damaged, str::to_owned);
            }
        }
    }

    #[test]
    fn an_unfilled_section_names_nothing() {
        assert_eq!(lookup(&EMPTY, BASE), None);
    }
}
