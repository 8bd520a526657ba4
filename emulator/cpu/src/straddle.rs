//! Instructions that straddle two pages, remembered with their bytes.
//!
//! They depend on two pages and two mappings, so the engine does not keep them; lifting one anew each time is slow. What
//! is remembered here is used only if every byte is still the same, so nothing needs to be forgotten when code changes.
//! Host-side: no machine state.

use ir::{Block, Place};
use std::collections::BTreeMap;

/// Instructions remembered before the table starts over.
const CAPACITY: usize = 1024;

/// The straddling instructions that a CPU has met, by address and mode.
#[derive(Clone, Debug, Default)]
pub struct Straddlers(BTreeMap<(u64, u32), (Vec<u8>, Block)>);

impl Straddlers {
    /// Whether the instruction at `place` is one that was met before, as far as `code`, the end of its first page, tells.
    pub fn begins(&self, place: Place, code: &[u8]) -> bool {
        self.0
            .get(&(place.pc, place.mode))
            .is_some_and(|(bytes, _)| bytes.len() > code.len() && bytes.starts_with(code))
    }

    /// The lifted instruction at `place`, if `bytes` (of both pages) are those it was lifted from.
    pub fn find(&self, place: Place, bytes: &[u8]) -> Option<Block> {
        let (known, block) = self.0.get(&(place.pc, place.mode))?;
        (known == bytes).then(|| block.clone())
    }

    /// Remembers an instruction.
    pub fn keep(&mut self, place: Place, bytes: Vec<u8>, block: &Block) {
        if self.0.len() >= CAPACITY {
            self.0.clear();
        }
        self.0
            .insert((place.pc, place.mode), (bytes, block.clone()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::Phys;
    use ir::Builder;

    #[test]
    fn a_changed_byte_in_either_page_is_another_instruction() {
        let place = Place {
            phys: Phys(0xfff),
            pc: 0xfff,
            mode: 2,
        };
        let mut straddlers = Straddlers::default();
        assert!(!straddlers.begins(place, &[0x48]));
        let block = Builder::new(0xfff).finish(0x1002);
        straddlers.keep(place, vec![0x48, 0x89, 0xc3], &block);
        assert!(straddlers.begins(place, &[0x48]));
        assert!(!straddlers.begins(place, &[0x49]));
        assert_eq!(
            straddlers.find(place, &[0x48, 0x89, 0xc3]),
            Some(block.clone())
        );
        assert_eq!(straddlers.find(place, &[0x48, 0x89, 0xc4]), None);
        assert_eq!(
            straddlers.find(Place { mode: 1, ..place }, &[0x48, 0x89, 0xc3]),
            None
        );
    }
}
