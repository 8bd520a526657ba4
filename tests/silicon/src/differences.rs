//! Where silicon of one vendor does otherwise than the emulated CPU, and why that is no fault of either.
//!
//! The emulated CPU follows Intel's manual (SDM) and claims none of AMD's extensions. AMD's manual (APM) says otherwise
//! in a few places, or both leave something undefined: [`DIFFERENCES`] lists them. Each row looks at a run with both its
//! outcomes and opens just what may differ; the rest is compared, and on other vendors' silicon all of it.

use crate::Exit;
use crate::host::Vendor;
use crate::layout::{DATA, DATA_LEN, ENTRY, FIXED, FIXED_LEN};
use crate::state::{ARITHMETIC, OF, Outcome, Registers};
use iced_x86::{Code, Instruction, Mnemonic, OpKind};

/// What was run, and what came of it.
pub struct Run<'a> {
    /// The instruction, or the first of several.
    pub insn: Instruction,
    /// Whether a LOCK prefix stands in front of it.
    pub locked: bool,
    /// What it started from.
    pub before: &'a Registers,
    /// The emulator's outcome.
    pub ours: &'a Outcome,
    /// Silicon's.
    pub theirs: &'a Outcome,
}

impl Run<'_> {
    /// Our outcome, but silicon's word where `vendor` may do otherwise; and the reasons why that changed anything.
    pub fn settled(&self, vendor: Vendor) -> (Outcome, Vec<&'static str>) {
        let mut outcome = self.ours.clone();
        let mut reasons = Vec::new();
        for row in DIFFERENCES.iter().filter(|row| row.vendor == vendor) {
            if let Some(open) = (row.open)(self) {
                let before = outcome.clone();
                open.settle(&mut outcome, self.theirs);
                reasons.extend((outcome != before).then_some(row.reason));
            }
        }
        (outcome, reasons)
    }
}

/// What of an outcome is open.
enum Open {
    /// These flags.
    Flags(u64),
    /// How it ends, but not what is in registers and memory then.
    Exit,
    /// These bits of what FXSAVE has left here in the data: of the first four words of its area.
    ///
    /// ```text
    /// 63       48 47      32 31                             0
    /// FOP         FTW        FSW             FCW
    ///             FCS        FIP (or all of the word)
    ///             FDS        FDP (or all of the word)
    /// MXCSR_MASK             MXCSR
    /// ```
    Fxsave(usize, [u64; 4]),
    /// All of it.
    Everything,
}

impl Open {
    /// Takes silicon's word for what is open.
    fn settle(self, ours: &mut Outcome, theirs: &Outcome) {
        match self {
            Self::Flags(mask) => {
                ours.regs.flags = ours.regs.flags & !mask | theirs.regs.flags & mask;
            }
            Self::Exit => ours.exit = theirs.exit,
            Self::Fxsave(area, masks) => {
                let masks = masks.map(u64::to_le_bytes);
                for (at, mask) in (area..).zip(masks.as_flattened()) {
                    ours.data[at] = ours.data[at] & !mask | theirs.data[at] & mask;
                }
            }
            Self::Everything => *ours = theirs.clone(),
        }
    }
}

/// A place where a vendor's silicon and the emulated CPU may part.
struct Difference {
    vendor: Vendor,
    /// What it opens of a run.
    open: fn(&Run<'_>) -> Option<Open>,
    reason: &'static str,
}

const DIFFERENCES: &[Difference] = &[
    Difference {
        vendor: Vendor::Amd,
        open: compared_before_the_fault,
        reason: "REPE and REPNE that fault between comparisons show the flags of the last one, as each sets them (APM \
                 vol. 3, CMPS and SCAS); SDM vol. 2, REP: those from before the instruction",
    },
    Difference {
        vendor: Vendor::Amd,
        open: whole_turn_through_carry,
        reason: "OF is undefined after rotates by more than one (APM vol. 3, RCL and RCR; SDM vol. 2, the same); \
                 Intel's keeps it when operand and carry come full circle",
    },
    Difference {
        vendor: Vendor::Amd,
        open: prefetch_of_a_register,
        reason: "0F 0D is a prefetch and #UD with a register (APM vol. 3, PREFETCH); Intel's takes it as a NOP",
    },
    Difference {
        vendor: Vendor::Amd,
        open: locked_move_to_or_from_control_register,
        reason: "LOCK MOV CR0 means CR8 (APM vol. 3, MOV CRn) where CPUID says AltMovCr8, which ours does not; \
                 SDM vol. 2, LOCK: #UD",
    },
    Difference {
        vendor: Vendor::Amd,
        open: word_read_as_doubleword,
        reason: "MOVSXD reads 32 bits whatever the operand size (APM vol. 3, MOVSXD); SDM vol. 2, MOVSXD: r/m16",
    },
    Difference {
        vendor: Vendor::Amd,
        open: x87_pointers_of_no_exception,
        reason: "FXSAVE keeps FOP, FIP and FDP only while an unmasked exception waits (APM vol. 2, 11.4.4); \
                 SDM vol. 1, 10.5.1: always",
    },
    Difference {
        vendor: Vendor::Amd,
        open: x87_selectors,
        reason: "FXSAVE keeps FCS and FDS (APM vol. 2, 11.4.4); ours have been deprecated, as CPUID says \
                 (SDM vol. 1, 8.1.8)",
    },
    Difference {
        vendor: Vendor::Amd,
        open: misaligned_exception_mask,
        reason: "MXCSR has bit 17, MM (APM vol. 1, 4.2.2), where CPUID says MisAlignSse, which ours does not; \
                 SDM vol. 1, 10.2.3: reserved",
    },
];

/// A fault of the instruction that has neither an error code nor an address.
const fn fault(vector: u8) -> Exit {
    Exit::Trap {
        vector,
        error: 0,
        address: 0,
        rip: ENTRY,
    }
}

const UD: Exit = fault(6);
const GP: Exit = fault(13);

const fn done(outcome: &Outcome) -> bool {
    matches!(outcome.exit, Exit::Done { .. })
}

fn compared_before_the_fault(run: &Run<'_>) -> Option<Open> {
    use Mnemonic as M;
    let compares = matches!(
        run.insn.mnemonic(),
        M::Cmpsb | M::Cmpsw | M::Cmpsd | M::Cmpsq | M::Scasb | M::Scasw | M::Scasd | M::Scasq
    );
    let repeats = run.insn.has_rep_prefix() || run.insn.has_repne_prefix();
    let began = run.theirs.regs.gpr[1] != run.before.gpr[1];
    (compares && repeats && began && !done(run.theirs)).then_some(Open::Flags(ARITHMETIC))
}

fn whole_turn_through_carry(run: &Run<'_>) -> Option<Open> {
    let turn = match run.insn.code() {
        Code::Rcl_rm8_imm8 | Code::Rcr_rm8_imm8 => 9,
        Code::Rcl_rm16_imm8 | Code::Rcr_rm16_imm8 => 17,
        _ => return None,
    };
    let count = run.insn.immediate8() & 31;
    (count != 0 && count.is_multiple_of(turn)).then_some(Open::Flags(OF))
}

fn prefetch_of_a_register(run: &Run<'_>) -> Option<Open> {
    let prefetch = matches!(
        run.insn.code(),
        Code::Reservednop_rm16_r16_0F0D
            | Code::Reservednop_rm32_r32_0F0D
            | Code::Reservednop_rm64_r64_0F0D
    );
    let register = run.insn.op0_kind() == OpKind::Register;
    let apart = done(run.ours) && run.theirs.exit == UD;
    (prefetch && register && apart).then_some(Open::Exit)
}

fn locked_move_to_or_from_control_register(run: &Run<'_>) -> Option<Open> {
    let control = run.insn.op0_register().is_cr() || run.insn.op1_register().is_cr();
    let apart = run.ours.exit == UD && run.theirs.exit == GP;
    (run.locked && control && apart).then_some(Open::Exit)
}

fn word_read_as_doubleword(run: &Run<'_>) -> Option<Open> {
    let behind = [DATA + DATA_LEN, FIXED + FIXED_LEN].map(|address| Exit::Trap {
        vector: 14,
        error: 4,
        address,
        rip: ENTRY,
    });
    let apart = done(run.ours) && behind.contains(&run.theirs.exit);
    (run.insn.code() == Code::Movsxd_r16_rm16 && apart).then_some(Open::Everything)
}

fn restores(run: &Run<'_>) -> bool {
    matches!(run.insn.mnemonic(), Mnemonic::Fxrstor | Mnemonic::Fxrstor64)
}

/// Where FXSAVE has left its area in the data, in a sequence of FXRSTOR and FXSAVE to RDI.
fn area(run: &Run<'_>) -> Option<usize> {
    (restores(run) && done(run.ours) && done(run.theirs))
        .then(|| (run.before.gpr[7] - DATA) as usize)
}

/// Whether the area's status word has ES set.
fn exception_waits(run: &Run<'_>, area: usize) -> bool {
    run.theirs.data[area + 2] & 0x80 != 0
}

fn x87_pointers_of_no_exception(run: &Run<'_>) -> Option<Open> {
    let area = area(run).filter(|&area| !exception_waits(run, area))?;
    Some(Open::Fxsave(area, [0xffff << 48, u64::MAX, u64::MAX, 0]))
}

fn x87_selectors(run: &Run<'_>) -> Option<Open> {
    let area = area(run).filter(|_| run.insn.code() == Code::Fxrstor_m512byte)?;
    Some(Open::Fxsave(area, [0, 0xffff << 32, 0xffff << 32, 0]))
}

fn misaligned_exception_mask(run: &Run<'_>) -> Option<Open> {
    const MM: u64 = 1 << 17;
    let loads = restores(run) || run.insn.mnemonic() == Mnemonic::Ldmxcsr;
    if loads && run.ours.exit == GP && done(run.theirs) && run.theirs.regs.mxcsr & MM != 0 {
        return Some(Open::Everything);
    }
    Some(Open::Fxsave(area(run)?, [0, 0, 0, MM << 32]))
}
