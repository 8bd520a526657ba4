//! All that the explanation must know of an instruction set: what an instruction does to the flow of control, and what
//! the manual calls things. Another set is another [`Isa`].

use iced_x86::{Decoder, DecoderOptions, FlowControl};

/// What an instruction does to the flow of control.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// The next one follows, or one that it jumps to.
    Next,
    /// It calls a function, which will return to this address.
    Call(u64),
    /// It returns from a function.
    Return,
}

/// An instruction set.
#[derive(Debug)]
pub struct Isa {
    /// What the instruction at an address, with these bytes, does.
    pub flow: fn(u64, &[u8]) -> Flow,
    /// Bytes of the longest instruction.
    pub longest: usize,
    /// The instruction that calls the kernel.
    pub call: &'static str,
    /// How many bytes it has: the trap comes from behind it.
    pub call_bytes: u64,
    /// What it does beside that.
    pub call_does: &'static str,
    /// The instruction that goes back to a program after a system call.
    pub back: &'static str,
    /// Where a system call's number and its result are.
    pub number: &'static str,
    /// The register of the result.
    pub result: &'static str,
    /// The register that names the page table.
    pub table: &'static str,
    /// Where the part of memory ends that programs may have.
    pub user_end: u64,
    /// DWARF's numbers of the stack pointer and of the return address.
    pub dwarf: (u16, u16),
    /// DWARF's numbers of the general registers, in the order of their encoding.
    pub general: &'static [u16],
    /// The exception that is a page fault, by the manual's name.
    pub page_fault: &'static str,
    /// Its number.
    pub page_fault_number: u16,
    /// What a page fault's error code says: whether it was a write, an instruction fetch, and of a page that was there.
    pub fault: fn(u32) -> FaultCode,
}

/// What a page fault's error code says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FaultCode {
    /// A write.
    pub write: bool,
    /// An instruction fetch.
    pub fetch: bool,
    /// The page was there, but not for this.
    pub present: bool,
}

/// x86-64 (SDM vol. 2, SYSCALL and SYSRET; System V ABI, figure 3.36).
static X86_64: Isa = Isa {
    flow: x86_64_flow,
    longest: 15,
    call: "SYSCALL",
    call_bytes: 2,
    call_does: "saves RIP in RCX and RFLAGS in R11, goes to ring 0 with interrupts off, and jumps to",
    back: "SYSRET",
    number: "RAX",
    result: "RAX",
    table: "CR3",
    user_end: 1 << 47,
    dwarf: (7, 16),
    general: &[0, 2, 1, 3, 7, 6, 4, 5, 8, 9, 10, 11, 12, 13, 14, 15],
    page_fault: "#PF",
    page_fault_number: 14,
    //  I/D    RSVD      U/S    W/R      P
    fault: |code| FaultCode {
        write: code & 1 << 1 != 0,
        fetch: code & 1 << 4 != 0,
        present: code & 1 != 0,
    },
};

/// The instruction set with this name.
pub fn by_name(name: &str) -> Option<&'static Isa> {
    match name {
        "x86_64" => Some(&X86_64),
        _ => None,
    }
}

fn x86_64_flow(pc: u64, bytes: &[u8]) -> Flow {
    let instruction = Decoder::with_ip(64, bytes, pc, DecoderOptions::NONE).decode();
    match instruction.flow_control() {
        FlowControl::Call | FlowControl::IndirectCall
            if instruction.mnemonic() != iced_x86::Mnemonic::Syscall =>
        {
            Flow::Call(instruction.next_ip())
        }
        // IRET and SYSRET are returns to a decoder; the machine tells of them in its own words.
        FlowControl::Return if instruction.mnemonic() == iced_x86::Mnemonic::Ret => Flow::Return,
        _ => Flow::Next,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_and_returns_are_told_from_the_rest() {
        for (bytes, flow) in [
            (&[0xe8, 0, 0, 0, 0][..], Flow::Call(0x1005)), // call rel32
            (&[0xff, 0xd0], Flow::Call(0x1002)),           // call rax
            (&[0xc3], Flow::Return),                       // ret
            (&[0xc2, 8, 0], Flow::Return),                 // ret 8
            (&[0x0f, 0x05], Flow::Next),                   // syscall
            (&[0x48, 0x0f, 0x07], Flow::Next),             // sysretq
            (&[0x48, 0xcf], Flow::Next),                   // iretq
            (&[0xe9, 0, 0, 0, 0], Flow::Next),             // jmp
            (&[0x06], Flow::Next),                         // no instruction
            (&[], Flow::Next),
        ] {
            assert_eq!(x86_64_flow(0x1000, bytes), flow, "{bytes:x?}");
        }
    }

    #[test]
    fn only_sets_that_are_described_are_found() {
        assert!(by_name("x86_64").is_some());
        assert!(by_name("vax").is_none());
    }
}
