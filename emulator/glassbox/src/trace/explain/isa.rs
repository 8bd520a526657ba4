//! All that the explanation must know of an instruction set: what an instruction does to the flow of control, and what
//! the manual calls things. Another set is another [`Isa`].

use abi::isa::Isa as Numbers;
use iced_x86::{Decoder, DecoderOptions, FlowControl};
use machine::names::{self, RISCV64, X86_64 as X86};

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
    /// How far behind it, in bytes, the trap comes from.
    pub call_bytes: u64,
    /// What it does beside that.
    pub call_does: &'static str,
    /// The instruction that goes back to a program after a system call.
    pub back: &'static str,
    /// Whose numbers system calls have.
    pub numbers: Numbers,
    /// Where a system call's number is.
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
    /// What interrupts, by the ISA's number for it.
    pub interrupt: fn(u16) -> String,
    /// What the code of a page fault ([`names::page_fault_code`]) says.
    pub fault: fn(u32) -> FaultCode,
}

/// What the code of a page fault says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FaultCode {
    /// The exception, by the manual's name.
    pub name: &'static str,
    /// A write.
    pub write: bool,
    /// An instruction fetch.
    pub fetch: bool,
    /// Whether the page was there, but not for this; nothing if the hardware does not say.
    pub present: Option<bool>,
}

/// x86-64 (SDM vol. 2, SYSCALL and SYSRET; System V ABI, figure 3.36).
static X86_64: Isa = Isa {
    flow: x86_64_flow,
    longest: 15,
    call: "SYSCALL",
    call_bytes: 2,
    call_does: "saves RIP in RCX and RFLAGS in R11, goes to ring 0 with interrupts off, and jumps to",
    back: "SYSRET",
    numbers: Numbers::X86_64,
    number: "RAX",
    result: "RAX",
    table: "CR3",
    user_end: 1 << 47,
    dwarf: (7, 16),
    general: &[0, 2, 1, 3, 7, 6, 4, 5, 8, 9, 10, 11, 12, 13, 14, 15],
    interrupt: |vector| format!("vector {vector}"),
    //  I/D    RSVD      U/S    W/R      P
    fault: |code| FaultCode {
        name: "#PF",
        write: code & 1 << 1 != 0,
        fetch: code & 1 << 4 != 0,
        present: Some(code & 1 != 0),
    },
};

/// RISC-V with 64 bits (Privileged spec, 4.1; psABI, "DWARF register numbers"; syscall(2)).
static RISCV: Isa = Isa {
    flow: riscv64_flow,
    longest: 4,
    call: "ECALL",
    call_bytes: 0,
    call_does: "saves the PC in sepc and the cause in scause, goes to S-mode with interrupts off, and jumps to",
    back: "SRET",
    numbers: Numbers::Riscv64,
    number: "a7",
    result: "a0",
    table: "satp",
    // The lower half with Sv48; Sv39's is in it.
    user_end: 1 << 47,
    dwarf: (2, 1),
    general: &[
        0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24,
        25, 26, 27, 28, 29, 30, 31,
    ],
    interrupt: |cause| {
        let name = names::interrupt(RISCV64, cause);
        format!("a {name}")
    },
    fault: |cause| FaultCode {
        name: match cause {
            12 => "fetch page fault",
            15 => "store page fault",
            _ => "load page fault",
        },
        write: cause == 15,
        fetch: cause == 12,
        present: None,
    },
};

/// The instruction set with this name.
pub fn by_name(name: &str) -> Option<&'static Isa> {
    match name {
        X86 => Some(&X86_64),
        RISCV64 => Some(&RISCV),
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

/// RISC-V has no instruction for calls and returns: which register holds the return address says what a jump is
/// (Unprivileged spec, 2.5.1, table "Return-address stack prediction hints").
fn riscv64_flow(pc: u64, bytes: &[u8]) -> Flow {
    const JAL: u32 = 0x6f;
    const JALR: u32 = 0x67;
    const ZERO: u32 = 0;
    const RA: u32 = 1;
    let half = |at: usize| match bytes.get(at..at + 2) {
        Some(half) => u32::from(half[0]) | u32::from(half[1]) << 8,
        None => 0,
    };
    let low = half(0);
    // The register that takes the return address, that which holds the target, and the instruction's bytes.
    let (link, target, len) = match low & 3 {
        3 => {
            let word = low | half(2) << 16;
            let link = word >> 7 & 31;
            match word & 0x7f {
                JAL => (link, ZERO, 4),
                JALR => (link, word >> 15 & 31, 4),
                _ => return Flow::Next,
            }
        }
        // C.JR and C.JALR:  100 | x | register, not 0 | 00000 | 10
        2 if low >> 13 == 0b100 && low >> 2 & 31 == 0 && low >> 7 & 31 != 0 => {
            let link = if low >> 12 & 1 == 0 { ZERO } else { RA };
            (link, low >> 7 & 31, 2)
        }
        _ => return Flow::Next,
    };
    let is_link = |register| matches!(register, 1 | 5);
    match (is_link(link), is_link(target)) {
        (true, _) => Flow::Call(pc.wrapping_add(len)),
        (false, true) => Flow::Return,
        (false, false) => Flow::Next,
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
    fn with_risc_v_the_registers_tell_calls_from_jumps() {
        for (word, flow) in [
            (0x0000_00ef_u32, Flow::Call(0x1004)), // jal ra, .
            (0x0005_80e7, Flow::Call(0x1004)),     // jalr ra, (a1)
            (0x0000_80e7, Flow::Call(0x1004)),     // jalr ra, (ra)
            (0x0000_9582, Flow::Call(0x1002)),     // c.jalr a1
            (0x0000_8067, Flow::Return),           // ret
            (0x0000_8082, Flow::Return),           // c.ret
            (0x0000_006f, Flow::Next),             // j .
            (0x0003_0067, Flow::Next),             // jr t1, a tail call
            (0x0000_8582, Flow::Next),             // c.jr a1
            (0x0000_9002, Flow::Next),             // c.ebreak
            (0x0000_9582 | 1 << 2, Flow::Next),    // c.add a1, ra
            (0x0000_0073, Flow::Next),             // ecall
            (0x1020_0073, Flow::Next),             // sret
        ] {
            assert_eq!(riscv64_flow(0x1000, &word.to_le_bytes()), flow, "{word:x}");
        }
        assert_eq!(riscv64_flow(0x1000, &[0x67]), Flow::Next);
    }

    #[test]
    fn only_sets_that_are_described_are_found() {
        assert!(by_name("x86_64").is_some() && by_name("riscv64").is_some());
        assert!(by_name("vax").is_none());
    }
}
