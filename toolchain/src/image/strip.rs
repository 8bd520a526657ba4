//! Strips a static program: what no segment covers is not needed to run it.
//!
//! Section headers, symbols and debug information lie behind the last segment of a linked ELF file.
//! Cutting there and clearing the header's three fields about sections is all that `strip` would do,
//! without depending on a host that has one. RISC-V's linkers describe a section in a segment of the
//! processor's own (`PT_RISCV_ATTRIBUTES`) that no program loads: it goes with the sections.

use anyhow::{Context, Result, bail, ensure};

/// Fields of the ELF64 header, by byte offset (ELF specification, "ELF Header").
const E_PHOFF: usize = 0x20;
const E_SHOFF: usize = 0x28;
const E_PHENTSIZE: usize = 0x36;
const E_PHNUM: usize = 0x38;
const E_SHNUM: usize = 0x3c;
const E_SHSTRNDX: usize = 0x3e;
const HEADER_SIZE: usize = 0x40;
/// Fields of a program header, the type first.
const P_OFFSET: usize = 0x08;
const P_FILESZ: usize = 0x20;
const PROGRAM_HEADER_SIZE: usize = 0x38;
/// The first of the types that processors define, and the type of a header that means nothing.
const PT_LOPROC: usize = 0x7000_0000;
const PT_NULL: [u8; 4] = [0; 4];

/// The program without its sections.
pub fn strip(elf: &[u8]) -> Result<Vec<u8>> {
    if elf.len() < HEADER_SIZE || !elf.starts_with(b"\x7fELF\x02\x01") {
        bail!("this is not a 64-bit little-endian ELF file");
    }
    let table = number(elf, E_PHOFF, 8)?;
    let (size, count) = (number(elf, E_PHENTSIZE, 2)?, number(elf, E_PHNUM, 2)?);
    ensure!(
        count > 0 && size >= PROGRAM_HEADER_SIZE,
        "this ELF file has no segments"
    );
    let mut end = HEADER_SIZE.max(table + size * count);
    let mut meaningless = Vec::new();
    for index in 0..count {
        let at = table + size * index;
        if number(elf, at, 4)? >= PT_LOPROC {
            meaningless.push(at);
            continue;
        }
        let (offset, length) = (
            number(elf, at + P_OFFSET, 8)?,
            number(elf, at + P_FILESZ, 8)?,
        );
        end = end.max(
            offset
                .checked_add(length)
                .context("a segment ends beyond the file")?,
        );
    }
    let mut stripped = elf
        .get(..end)
        .context("a segment ends beyond the file")?
        .to_vec();
    for at in meaningless {
        stripped[at..at + PT_NULL.len()].copy_from_slice(&PT_NULL);
    }
    stripped[E_SHOFF..E_SHOFF + 8].fill(0);
    stripped[E_SHNUM..E_SHNUM + 2].fill(0);
    stripped[E_SHSTRNDX..E_SHSTRNDX + 2].fill(0);
    Ok(stripped)
}

/// The little-endian number of `size` bytes at `at`.
fn number(elf: &[u8], at: usize, size: usize) -> Result<usize> {
    let bytes = at
        .checked_add(size)
        .and_then(|end| elf.get(at..end))
        .context("this ELF file is cut short")?;
    let value = bytes
        .iter()
        .rev()
        .fold(0u64, |value, &byte| value << 8 | u64::from(byte));
    Ok(usize::try_from(value)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A header, one program header over 16 bytes behind them, then 100 bytes of sections.
    fn program() -> Vec<u8> {
        let mut elf = vec![0xee; HEADER_SIZE + PROGRAM_HEADER_SIZE + 16 + 100];
        elf[..HEADER_SIZE + PROGRAM_HEADER_SIZE].fill(0);
        elf[..6].copy_from_slice(b"\x7fELF\x02\x01");
        elf[E_PHOFF] = HEADER_SIZE as u8;
        elf[E_PHENTSIZE] = PROGRAM_HEADER_SIZE as u8;
        elf[E_PHNUM] = 1;
        elf[E_SHOFF] = 0xc0;
        elf[E_SHNUM] = 1;
        elf[HEADER_SIZE + P_OFFSET] = (HEADER_SIZE + PROGRAM_HEADER_SIZE) as u8;
        elf[HEADER_SIZE + P_FILESZ] = 16;
        elf
    }

    #[test]
    fn the_segments_stay_and_the_sections_go() {
        let stripped = strip(&program()).unwrap();
        assert_eq!(stripped.len(), HEADER_SIZE + PROGRAM_HEADER_SIZE + 16);
        assert_eq!(stripped[HEADER_SIZE + PROGRAM_HEADER_SIZE..], [0xee; 16]);
        assert_eq!((stripped[E_SHOFF], stripped[E_SHNUM]), (0, 0));
    }

    #[test]
    fn a_segment_that_only_describes_a_section_goes_with_it() {
        let mut elf = program();
        elf[HEADER_SIZE + 3] = 0x70;
        let stripped = strip(&elf).unwrap();
        assert_eq!(stripped.len(), HEADER_SIZE + PROGRAM_HEADER_SIZE);
        assert_eq!(stripped[HEADER_SIZE..HEADER_SIZE + 4], PT_NULL);
    }

    #[test]
    fn files_that_are_no_programs_are_refused() {
        assert!(strip(b"#!/bin/sh\n").is_err());
        assert!(strip(&program()[..HEADER_SIZE]).is_err());
        let mut beyond = program();
        beyond[HEADER_SIZE + P_FILESZ + 7] = 0xff;
        assert!(strip(&beyond).is_err());
    }
}
