//! Probes: places in the guest's code at which somebody wants to know the values of some registers and memory.
//!
//! The lift puts a call in front of such an instruction; the call reads the operands and reports them. Nothing of this
//! is machine state.

use crate::hart::Hart;
use crate::memory::peek;
use base::event::PROBE_ARGS;
use base::{Ram, Width};
use ir::Reg;

/// Where an operand begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Base {
    /// A register.
    Register(Reg),
    /// A constant, or an address known beforehand.
    Constant(u64),
}

/// A value to read: a base, from which each load leads on (the value read at base plus offset).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operand {
    /// The beginning.
    pub base: Base,
    /// Offset and width of each load in turn.
    pub loads: Vec<(i64, Width)>,
    /// What is added in the end.
    pub plus: i64,
    /// How many of the low bytes count, 1 to 8.
    pub bytes: u8,
    /// Whether they are sign-extended.
    pub signed: bool,
}

impl Operand {
    /// The value on `hart`; memory that is not mapped reads as zero.
    fn read<H: Hart>(&self, hart: &H, ram: &Ram) -> u64 {
        let base = match self.base {
            Base::Register(register) => hart.regs()[usize::from(register)],
            Base::Constant(value) => value,
        };
        let found = self.loads.iter().fold(base, |at, &(offset, width)| {
            peek(hart, ram, at.wrapping_add(offset as u64), width).unwrap_or(0)
        });
        let raw = found.wrapping_add(self.plus as u64);
        let unused = 64 - u32::from(self.bytes) * 8;
        if self.signed {
            ((raw << unused) as i64 >> unused) as u64
        } else {
            raw << unused >> unused
        }
    }
}

/// One probe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    /// The virtual address of the instruction in front of which it is.
    pub address: u64,
    /// The listener's number for it.
    pub site: u32,
    /// What to read there.
    pub operands: Vec<Operand>,
    /// It says which process the CPU goes over to: the CPU keeps the values for whoever asks later.
    pub switches: bool,
    /// It is a place where somebody may write a register.
    pub injection: Option<Injection>,
}

/// A place where somebody outside may write a register: after the instruction there, and before the next one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Injection {
    /// The number by which it is known.
    pub point: u16,
    /// The register.
    pub register: Reg,
    /// What to read there for whoever decides.
    pub key: Option<Operand>,
}

/// Control has passed an [`Injection`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Passed {
    /// Its number.
    pub point: u16,
    /// What was read there, or 0.
    pub key: u64,
    /// The register that may be written now.
    pub register: Reg,
}

impl Injection {
    /// That `hart` passes it.
    pub fn pass<H: Hart>(&self, hart: &H, ram: &Ram) -> Passed {
        Passed {
            point: self.point,
            key: self.key.as_ref().map_or(0, |key| key.read(hart, ram)),
            register: self.register,
        }
    }
}

impl Probe {
    /// The values of the operands on `hart`.
    pub fn read<H: Hart>(&self, hart: &H, ram: &Ram) -> [u64; PROBE_ARGS] {
        let mut values = [0; PROBE_ARGS];
        for (value, operand) in values.iter_mut().zip(&self.operands) {
            *value = operand.read(hart, ram);
        }
        values
    }
}

/// The probes of the loaded kernel, by address.
#[derive(Clone, Debug, Default)]
pub struct Probes(Vec<Probe>);

impl Probes {
    /// Takes probes in any order; several may have one address.
    pub fn new(mut probes: Vec<Probe>) -> Self {
        probes.sort_by_key(|probe| (probe.address, probe.site));
        Self(probes)
    }

    /// The numbers of the probes at `pc`.
    #[inline]
    pub fn at(&self, pc: u64) -> std::ops::Range<usize> {
        let start = self.0.partition_point(|probe| probe.address < pc);
        let here = self.0[start..].iter().take_while(|p| p.address == pc);
        start..start + here.count()
    }

    /// The address of the first probe at `pc` or behind it; the last address of all if there is none.
    pub fn next(&self, pc: u64) -> u64 {
        let first = self.0.partition_point(|probe| probe.address < pc);
        self.0.get(first).map_or(u64::MAX, |probe| probe.address)
    }

    /// Whether somebody may write a register after the instruction at `pc`, which therefore ends its block.
    pub fn inject_at(&self, pc: u64) -> bool {
        self.0[self.at(pc)]
            .iter()
            .any(|probe| probe.injection.is_some())
    }

    /// Probe number `index`.
    #[inline]
    pub fn get(&self, index: usize) -> Option<&Probe> {
        self.0.get(index)
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::x86_64::reg::RDI;
    use crate::x86_64::testing::{Board, FREE};
    use base::Phys;

    fn operand(base: Base, loads: &[(i64, Width)], bytes: u8, signed: bool) -> Operand {
        Operand {
            base,
            loads: loads.to_vec(),
            plus: 0,
            bytes,
            signed,
        }
    }

    #[test]
    fn operands_lead_through_registers_and_memory() {
        let mut board = Board::new();
        board.hart.regs[usize::from(RDI)] = FREE;
        board.ram.write(Phys(FREE + 8), Width::B8, FREE + 0x100);
        board.ram.write(Phys(FREE + 0xfc), Width::B4, 0xffff_fff0);
        let read = |o: Operand| o.read(&board.hart, &board.ram);
        let rdi = Base::Register(RDI);
        assert_eq!(read(operand(rdi, &[], 8, false)), FREE);
        let twice = [(8, Width::B8), (-4, Width::B4)];
        assert_eq!(read(operand(rdi, &twice, 4, false)), 0xffff_fff0);
        assert_eq!(read(operand(rdi, &twice, 4, true)) as i64, -16);
        assert_eq!(
            read(operand(
                Base::Constant(FREE + 8),
                &[(0, Width::B8)],
                1,
                false
            )),
            0
        );
        assert_eq!(
            read(operand(
                Base::Constant(1 << 46),
                &[(0, Width::B8)],
                8,
                false
            )),
            0
        );
    }

    #[test]
    fn several_probes_may_share_an_address() {
        let probe = |address, site| Probe {
            address,
            site,
            operands: Vec::new(),
            switches: false,
            injection: None,
        };
        let probes = Probes::new(vec![probe(7, 1), probe(5, 0), probe(7, 0)]);
        assert_eq!(probes.at(7), 1..3);
        assert_eq!(probes.at(6).len(), 0);
        assert_eq!([5, 6, 7, 8].map(|pc| probes.next(pc)), [5, 7, 7, u64::MAX]);
    }
}
