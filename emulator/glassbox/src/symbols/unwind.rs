//! From a function's registers to its caller's, by the tables that compilers leave for that (DWARF 5, 6.4).

use super::Slice;
use addr2line::gimli::{
    BaseAddresses, CfaRule, DebugFrame, EhFrame, EndianSlice, Register, RegisterRule,
    RunTimeEndian, UnwindContext, UnwindSection, UnwindTableRow,
};
use object::{Object, ObjectSection};

/// Registers that a table may speak of: x86-64 has 17 with the return address, RISC-V 32.
const REGISTERS: usize = 33;

/// Register contents by their DWARF numbers, as far as they are known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registers {
    /// The address of the instruction.
    pub pc: u64,
    /// DWARF's number of the stack pointer.
    pub stack_pointer: u16,
    /// DWARF's number of the return address's place: on RISC-V a register, on x86-64 a name for it.
    pub return_address: u16,
    /// The contents.
    pub values: [Option<u64>; REGISTERS],
}

impl Default for Registers {
    fn default() -> Self {
        Self {
            pc: 0,
            stack_pointer: 0,
            return_address: 0,
            values: [None; REGISTERS],
        }
    }
}

impl Registers {
    fn get(&self, register: Register) -> Option<u64> {
        *self.values.get(usize::from(register.0))?
    }
}

/// The tables of a file: those that a running program could read, and those for debuggers. Compilers write the ones or
/// the others, by target, and the parts of one program may come from several compilers.
#[derive(Default)]
pub struct Tables<'a> {
    loaded: Option<EhFrame<Slice<'a>>>,
    debug: Option<DebugFrame<Slice<'a>>>,
    bases: BaseAddresses,
}

impl<'a> Tables<'a> {
    /// The tables of `file`, if it has any.
    pub fn new(file: &object::File<'a>) -> Self {
        let mut bases = BaseAddresses::default();
        if let Some(text) = file.section_by_name(".text") {
            bases = bases.set_text(text.address());
        }
        if let Some(section) = file.section_by_name(".eh_frame") {
            bases = bases.set_eh_frame(section.address());
        }
        let slice = |name| {
            let data = file.section_by_name(name)?.data().ok()?;
            Some(EndianSlice::new(data, RunTimeEndian::Little))
        };
        Self {
            loaded: slice(".eh_frame").map(EhFrame::from),
            debug: slice(".debug_frame").map(DebugFrame::from),
            bases,
        }
    }

    /// The row for the instruction at `pc`.
    fn row<'c, S: UnwindSection<Slice<'a>>>(
        &self,
        section: Option<&S>,
        context: &'c mut UnwindContext<usize>,
        pc: u64,
    ) -> Option<&'c UnwindTableRow<usize>> {
        section?
            .unwind_info_for_address(&self.bases, context, pc, S::cie_from_offset)
            .ok()
    }

    /// What the caller's registers were, by `memory`, which reads 8 bytes of the stack.
    pub fn caller(
        &self,
        registers: &Registers,
        memory: &dyn Fn(u64) -> Option<u64>,
    ) -> Option<Registers> {
        let (mut loaded, mut debug) = (UnwindContext::new(), UnwindContext::new());
        let row = self
            .row(self.loaded.as_ref(), &mut loaded, registers.pc)
            .or_else(|| self.row(self.debug.as_ref(), &mut debug, registers.pc))?;
        let CfaRule::RegisterAndOffset { register, offset } = *row.cfa() else {
            return None;
        };
        let cfa = registers.get(register)?.wrapping_add_signed(offset);
        let mut caller = registers.clone();
        for (number, value) in caller.values.iter_mut().enumerate() {
            *value = match row.register(Register(number as u16)) {
                RegisterRule::Offset(offset) => memory(cfa.wrapping_add_signed(offset)),
                RegisterRule::ValOffset(offset) => Some(cfa.wrapping_add_signed(offset)),
                RegisterRule::Register(other) => registers.get(other),
                RegisterRule::Undefined | RegisterRule::SameValue => *value,
                _ => None,
            };
        }
        *caller
            .values
            .get_mut(usize::from(registers.stack_pointer))? = Some(cfa);
        // Where the return address is a register, the call has written it: what the caller had in it is not known, unless
        // the caller has saved it. A caller without a return address is none.
        let place = usize::from(registers.return_address);
        let returns_to = caller.values.get_mut(place)?.take()?;
        // The call is in front of the address that it returns to.
        caller.pc = returns_to.checked_sub(1)?;
        Some(caller)
    }
}
