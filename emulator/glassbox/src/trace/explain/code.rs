//! The kernel's code as the run follows it: which function an address belongs to, and where an instruction leads.

use super::isa::{Flow, Isa};
use object::{Object, ObjectSection, SectionKind};
use std::collections::BTreeMap;

/// Most instructions that are remembered; a kernel has fewer, a hostile file may not.
const MOST: usize = 1 << 20;

/// Code and function boundaries of an ELF file.
pub struct Code {
    isa: &'static Isa,
    /// Address and bytes of each section of code, in order.
    sections: Vec<(u64, Vec<u8>)>,
    /// First address and end of each function, in order.
    functions: Vec<(u64, u64)>,
    known: BTreeMap<u64, (u64, Flow)>,
}

impl Code {
    /// The code of `elf`, whose functions (address and bytes) are `functions`, in order.
    pub fn new(isa: &'static Isa, elf: &[u8], functions: impl Iterator<Item = (u64, u64)>) -> Self {
        let mut sections = Vec::new();
        if let Ok(file) = object::File::parse(elf) {
            for section in file.sections().filter(|s| s.kind() == SectionKind::Text) {
                if let Ok(data) = section.data() {
                    sections.push((section.address(), data.to_vec()));
                }
            }
        }
        sections.sort_by_key(|(start, _)| *start);
        let mut functions: Vec<_> = functions.collect();
        functions.sort_unstable();
        // A symbol without a size (assembly) goes on to the next one.
        let next: Vec<_> = functions.iter().skip(1).map(|f| f.0).collect();
        let functions = functions
            .iter()
            .enumerate()
            .map(|(index, &(start, size))| {
                let next = next.get(index).copied().unwrap_or(u64::MAX);
                let end = match size {
                    0 => next,
                    size => start.saturating_add(size),
                };
                (start, end)
            })
            .collect();
        Self {
            isa,
            sections,
            functions,
            known: BTreeMap::new(),
        }
    }

    /// Whether an address is in the part of memory that programs have.
    pub fn is_user(&self, addr: u64) -> bool {
        addr < self.isa.user_end
    }

    /// The first address of the function in which `pc` lies (0: none known), and what the instruction there does.
    /// Nothing if there is no code of this file.
    pub fn at(&mut self, pc: u64) -> Option<(u64, Flow)> {
        if let Some(known) = self.known.get(&pc) {
            return Some(*known);
        }
        let (start, bytes) = self
            .sections
            .partition_point(|(start, _)| *start <= pc)
            .checked_sub(1)
            .map(|index| &self.sections[index])?;
        let rest = bytes.get(usize::try_from(pc - start).ok()?..)?;
        if rest.is_empty() {
            return None;
        }
        let flow = (self.isa.flow)(pc, &rest[..rest.len().min(self.isa.longest)]);
        let function = self
            .functions
            .partition_point(|(start, _)| *start <= pc)
            .checked_sub(1)
            .map(|index| self.functions[index])
            .filter(|(_, end)| pc < *end)
            .map_or(0, |(start, _)| start);
        if self.known.len() < MOST {
            self.known.insert(pc, (function, flow));
        }
        Some((function, flow))
    }
}
