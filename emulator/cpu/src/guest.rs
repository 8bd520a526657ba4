//! A CPU at work, whatever its ISA: its state, with the memory, devices and listener it has for one run.
//!
//! This is the engine's [`Guest`]. What only the ISA knows it asks of its [`Hart`]. The fast accesses go through the TLB's fast table; the slow ones count, walk, reach
//! devices and fault.

use crate::hart::{Gap, Hart, Lifted};
use crate::memory::{Memory, peek};
use crate::mmu::tlb::Entry;
use crate::probes::Probes;
use base::event::{Access, COMPILED_IN, Event, Path, Walked};
use base::{Bus, Observer, PAGE_SIZE, Phys, Ram, Space, Stamp, Virt, Width};
use ir::{Block, Flow, Guest, Op, Place, Regs};

/// Set in a place's mode where not all of the page may be fetched from: each instruction is asked for by itself.
const GUARDED: u32 = 1 << 31;

/// A CPU and what it can reach during a run.
pub struct Cpu<'a, H: Hart, B: Bus, O: Observer> {
    /// The CPU.
    pub hart: &'a mut H,
    /// Its number.
    pub index: u8,
    /// Guest memory.
    pub ram: &'a mut Ram,
    /// Everything else.
    pub bus: &'a mut B,
    /// Who listens.
    pub observer: &'a mut O,
    /// The kernel's probes.
    pub probes: &'a Probes,
}

impl<H: Hart, B: Bus, O: Observer> Cpu<'_, H, B, O> {
    /// Reports an event that happens at the instruction in progress.
    #[inline(always)]
    pub fn emit(&mut self, at: u64, event: &Event) {
        if COMPILED_IN && O::ON {
            let stamp = Stamp {
                time: self.bus.now(at),
                cpu: self.index,
            };
            let memory = Memory {
                hart: self.hart,
                ram: self.ram,
            };
            self.observer.event(stamp, event, &memory);
        }
    }

    /// Control passes probe number `index`, which is at `pc`.
    pub fn probe(&mut self, index: usize, pc: Virt, at: u64) {
        let Some(probe) = self.probes.get(index) else {
            return;
        };
        if let Some(injection) = &probe.injection {
            let passed = injection.pass(self.hart, self.ram);
            let host = self.hart.host_mut();
            let awaited = host.awaited.get(usize::from(passed.point));
            host.held = awaited.copied().unwrap_or_default();
            host.attention |= host.held;
            host.passed.push(passed);
            return;
        }
        if !O::ON && !probe.switches {
            return;
        }
        let args = probe.read(self.hart, self.ram);
        if probe.switches {
            self.hart.host_mut().switched = Some(args);
            self.hart.host_mut().counters.switches += 1;
        }
        let site = probe.site;
        self.emit(at, &Event::Probe { site, pc, args });
    }

    /// Translates one address for `access`, by TLB or page walk.
    fn translate(&mut self, addr: u64, access: Access, at: u64) -> Result<Entry, H::Trap> {
        let asid = self.hart.asid(access);
        let view = match access {
            Access::Fetch => self.hart.fetch_view(),
            Access::Read | Access::Write => self.hart.view(),
        };
        if let Some(entry) = self.hart.tlb_mut().lookup(view, addr, access, asid) {
            return Ok(entry);
        }
        self.hart.check_address(addr, access)?;
        self.hart.host_mut().counters.walks += 1;
        let mut path = Path::default();
        let walked = self.hart.walk(self.ram, addr, access, &mut path);
        self.note_code_write(); // the walk's accessed and dirty bits may lie among lifted code
        let end = match &walked {
            Ok(entry) => Walked::Mapped {
                phys: Phys((entry.frame * PAGE_SIZE) | (addr % PAGE_SIZE)),
                size: entry.size,
                replaced: self
                    .hart
                    .tlb_mut()
                    .insert(*entry)
                    .map(|page| Virt(page * PAGE_SIZE)),
            },
            Err(trap) => Walked::Fault(H::fault_code(trap)),
        };
        let event = Event::PageWalk {
            virt: Virt(addr),
            access,
            user: self.hart.user(),
            path,
            end,
        };
        self.emit(at, &event);
        walked
    }

    /// Translates for a data access of `len` bytes that lie in one page, and quickens the page.
    fn translate_data(
        &mut self,
        addr: u64,
        len: u64,
        access: Access,
        at: u64,
    ) -> Result<Phys, H::Trap> {
        let entry = self.translate(addr, access, at)?;
        let phys = Phys((entry.frame * PAGE_SIZE) | (addr % PAGE_SIZE));
        let whole = self.hart.check_phys(addr, phys, len, access)?;
        if self.bus.claims(phys) {
            if !self.bus.answers(phys)
                && let Some(trap) = H::bus_fault(addr, access)
            {
                return Err(trap);
            }
        } else if whole {
            let view = self.hart.view();
            self.hart.tlb_mut().quicken(view, &entry, self.ram);
        }
        Ok(phys)
    }

    fn read_phys(&mut self, phys: Phys, width: Width, at: u64) -> u64 {
        if !self.bus.claims(phys)
            && let Some(value) = self.ram.read(phys, width)
        {
            return value;
        }
        self.read_device(Space::Memory, phys.0, width, at)
    }

    fn write_phys(&mut self, phys: Phys, width: Width, value: u64, at: u64) {
        if !self.bus.claims(phys) && self.ram.write(phys, width, value).is_some() {
            self.note_code_write();
            return;
        }
        self.write_device(Space::Memory, phys.0, width, value, at);
    }

    /// If code was written, the run must stop after this instruction so that the engine forgets it.
    pub fn note_code_write(&mut self) {
        if self.ram.code_written() {
            self.hart.host_mut().attention = true;
        }
    }

    /// Reads a device register; the run loop looks at interrupt lines afterwards.
    pub fn read_device(&mut self, space: Space, addr: u64, width: Width, at: u64) -> u64 {
        self.hart.host_mut().counters.device_accesses += 1;
        self.hart.host_mut().attention = true;
        self.bus.read(self.ram, space, addr, width, at) & width.mask()
    }

    /// Writes a device register; the run loop looks at interrupt lines afterwards.
    pub fn write_device(&mut self, space: Space, addr: u64, width: Width, value: u64, at: u64) {
        self.hart.host_mut().counters.device_accesses += 1;
        self.hart.host_mut().attention = true;
        self.bus
            .write(self.ram, space, addr, width, value & width.mask(), at);
    }

    /// The emulator's report that it cannot do this instruction.
    pub fn gap(&mut self, what: &'static str) -> H::Trap {
        let pc = self.hart.linear_pc();
        let mut bytes = [0; 15];
        for (offset, byte) in (0u64..).zip(&mut bytes) {
            *byte = self.peek(pc.wrapping_add(offset), Width::B1).unwrap_or(0) as u8;
        }
        H::gap(Gap {
            what,
            pc: Virt(pc),
            bytes,
        })
    }

    /// Reads guest-virtual memory as the kernel would, leaving no trace; one page only.
    pub fn peek(&mut self, addr: u64, width: Width) -> Option<u64> {
        peek(self.hart, self.ram, addr, width)
    }
}

impl<H: Hart, B: Bus, O: Observer> Guest for Cpu<'_, H, B, O> {
    type Trap = H::Trap;

    #[inline(always)]
    fn regs(&mut self) -> &mut Regs {
        self.hart.regs_mut()
    }

    #[inline(always)]
    fn ram(&mut self) -> &mut Ram {
        self.ram
    }

    #[inline(always)]
    fn pc(&self) -> u64 {
        self.hart.pc()
    }

    #[inline(always)]
    fn set_pc(&mut self, pc: u64) {
        self.hart.set_pc(pc);
    }

    #[inline(always)]
    fn load_fast(&mut self, addr: u64, width: Width) -> Option<u64> {
        let view = self.hart.view();
        let offset = self.hart.tlb_mut().fast_read(view, addr, width)?;
        Some(self.ram.read_at(offset, width))
    }

    #[inline(always)]
    fn load_for_write_fast(&mut self, addr: u64, width: Width) -> Option<u64> {
        let view = self.hart.view();
        let offset = self.hart.tlb_mut().fast_write(view, addr, width)?;
        Some(self.ram.read_at(offset, width))
    }

    #[inline(always)]
    fn store_fast(&mut self, addr: u64, width: Width, value: u64) -> bool {
        let view = self.hart.view();
        match self.hart.tlb_mut().fast_write(view, addr, width) {
            Some(offset) => {
                self.ram.write_fast(offset, width, value);
                true
            }
            None => false,
        }
    }

    fn load(&mut self, addr: u64, width: Width, for_write: bool, at: u64) -> Result<u64, H::Trap> {
        let access = if for_write {
            Access::Write
        } else {
            Access::Read
        };
        let first = PAGE_SIZE - addr % PAGE_SIZE;
        let len = width.bytes();
        if first >= len {
            let phys = self.translate_data(addr, len, access, at)?;
            return Ok(self.read_phys(phys, width, at));
        }
        let low = self.translate_data(addr, first, access, at)?;
        let high = self.translate_data(addr.wrapping_add(first), len - first, access, at)?;
        let mut value = 0;
        for byte in (0..width.bytes()).rev() {
            let phys = if byte < first {
                Phys(low.0 + byte)
            } else {
                Phys(high.0 + byte - first)
            };
            value = value << 8 | self.read_phys(phys, Width::B1, at);
        }
        Ok(value)
    }

    fn store(&mut self, addr: u64, width: Width, value: u64, at: u64) -> Result<(), H::Trap> {
        let first = PAGE_SIZE - addr % PAGE_SIZE;
        let len = width.bytes();
        let low = self.translate_data(addr, len.min(first), Access::Write, at)?;
        if first >= len {
            self.write_phys(low, width, value, at);
            return Ok(());
        }
        let next = addr.wrapping_add(first);
        let high = self.translate_data(next, len - first, Access::Write, at)?;
        for byte in 0..width.bytes() {
            let phys = if byte < first {
                Phys(low.0 + byte)
            } else {
                Phys(high.0 + byte - first)
            };
            self.write_phys(phys, Width::B1, value >> (8 * byte), at);
        }
        Ok(())
    }

    fn probe_write(&mut self, addr: u64, len: u64, at: u64) -> Result<(), H::Trap> {
        let len = len.max(1);
        let first = len.min(PAGE_SIZE - addr % PAGE_SIZE);
        self.translate_data(addr, first, Access::Write, at)?;
        if first < len {
            // What is probed never reaches over more than one page's end.
            let next = addr.wrapping_add(first);
            self.translate_data(next, len - first, Access::Write, at)?;
        }
        Ok(())
    }

    fn misaligned(&mut self, addr: u64) -> H::Trap {
        self.hart.misaligned(addr)
    }

    fn call(&mut self, op: Op, at: u64, left: u64) -> Result<Flow, H::Trap> {
        H::call(self, op, at, left)
    }

    #[inline]
    fn report(&mut self, offset: u16, probe: Option<u32>, at: u64) {
        let pc = Virt(self.hart.linear_pc().wrapping_add(u64::from(offset)));
        match probe {
            None => self.emit(at, &Event::Instruction { pc }),
            Some(probe) => self.probe(probe as usize, pc, at),
        }
    }

    fn locate(&mut self, at: u64) -> Result<Place, H::Trap> {
        let linear = self.hart.linear_pc();
        let page = linear / PAGE_SIZE;
        let mut mode = self.hart.mode();
        let frame = match *self.hart.fetch_page() {
            Some((virt, frame)) if virt == page => frame,
            _ => {
                let entry = self.translate(linear, Access::Fetch, at)?;
                let phys = Phys((entry.frame * PAGE_SIZE) | (linear % PAGE_SIZE));
                if self.hart.check_phys(linear, phys, 1, Access::Fetch)? {
                    *self.hart.fetch_page() = Some((page, entry.frame));
                } else {
                    mode |= GUARDED;
                }
                entry.frame
            }
        };
        Ok(Place {
            phys: Phys((frame * PAGE_SIZE) | (linear % PAGE_SIZE)),
            pc: self.hart.pc(),
            mode,
        })
    }

    fn lift(&mut self, place: Place, limit: usize, at: u64) -> Result<Block, H::Trap> {
        let mode = place.mode & !GUARDED;
        let guarded = mode != place.mode;
        let limit = if guarded { 1 } else { limit };
        let left = PAGE_SIZE - place.phys.0 % PAGE_SIZE;
        let held = self.ram.slice(place.phys, left);
        let in_ram = held.is_some();
        if !in_ram && let Some(trap) = H::bus_fault(place.pc, Access::Fetch) {
            return Err(trap);
        }
        let code = held.unwrap_or(H::NOWHERE);
        let known = self.hart.host_mut().straddlers.begins(place, code);
        let lifted = if known {
            Lifted::Straddles
        } else {
            H::lift(code, place.pc, mode, limit, self.probes)
        };
        let mut block = match lifted {
            Lifted::Block(block) => block,
            Lifted::Straddles => {
                // The rest of the instruction lies in the next page, whose mapping is part of the lift.
                let mut bytes = code.to_vec();
                let next = self.hart.linear_pc().wrapping_add(left);
                let entry = self.translate(next, Access::Fetch, at)?;
                let rest = Phys(entry.frame * PAGE_SIZE);
                let missing = H::LONGEST.saturating_sub(bytes.len()) as u64;
                self.hart.check_phys(next, rest, missing, Access::Fetch)?;
                let held = self.ram.slice(rest, H::LONGEST as u64);
                if held.is_none()
                    && let Some(trap) = H::bus_fault(next, Access::Fetch)
                {
                    return Err(trap);
                }
                bytes.extend_from_slice(held.unwrap_or(H::NOWHERE));
                if let Some(block) = self.hart.host_mut().straddlers.find(place, &bytes) {
                    return Ok(block);
                }
                match H::lift(&bytes, place.pc, mode, 1, self.probes) {
                    Lifted::Block(mut block) => {
                        block.cacheable = false;
                        block.pc = place.pc;
                        self.hart.host_mut().straddlers.keep(place, bytes, &block);
                        block
                    }
                    Lifted::Straddles => return Err(self.gap("instruction of more than 15 bytes")),
                }
            }
        };
        if guarded {
            for byte in 1..u64::from(block.bytes).min(left) {
                let (addr, phys) = (place.pc.wrapping_add(byte), Phys(place.phys.0 + byte));
                self.hart.check_phys(addr, phys, 1, Access::Fetch)?;
            }
        }
        block.cacheable &= in_ram && !guarded;
        if block.cacheable {
            self.ram.mark_code(place.phys, u64::from(block.bytes));
            self.hart.tlb_mut().follow(self.ram);
        }
        block.pc = place.pc;
        Ok(block)
    }

    #[inline(always)]
    fn attention(&self) -> bool {
        self.hart.host().attention
    }
}
