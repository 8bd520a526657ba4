//! Reading guest memory without leaving a trace: for probes, observers and diagnoses.

use crate::hart::Hart;
use base::event::{Peek, Registers};
use base::{PAGE_SIZE, Ram, Virt, Width};

/// Reads guest-virtual memory of `hart`'s address space with no permission asked and no trace left (no accessed bit,
/// no TLB fill, no event). `None` where nothing is mapped; one page only.
pub fn peek<H: Hart>(hart: &H, ram: &Ram, addr: u64, width: Width) -> Option<u64> {
    ram.read(hart.peek(ram, addr)?, width)
}

/// Guest memory for an observer: that of the address space which is current on a CPU.
pub struct Memory<'a, H: Hart> {
    /// The CPU.
    pub hart: &'a H,
    /// Guest memory.
    pub ram: &'a Ram,
}

impl<H: Hart> Peek for Memory<'_, H> {
    fn peek(&self, addr: Virt, bytes: &mut [u8]) -> usize {
        let mut done = 0;
        while done < bytes.len() {
            let at = addr.0.wrapping_add(done as u64);
            let len = (bytes.len() - done).min((PAGE_SIZE - at % PAGE_SIZE) as usize);
            let held = self
                .hart
                .peek(self.ram, at)
                .and_then(|phys| self.ram.slice(phys, len as u64));
            let Some(held) = held else {
                break;
            };
            bytes[done..done + len].copy_from_slice(held);
            done += len;
        }
        done
    }

    fn registers(&self) -> Registers {
        self.hart.registers()
    }
}
