//! Both machines side by side: runs the same bytes from the same state, and says what differs.

use crate::case::Case;
use crate::catalog::{excluded, promised};
use crate::differences::Run;
use crate::guest::{COMPARED_FLAGS, Guest};
use crate::host::Host;
use crate::layout::ENTRY;
use crate::state::{Data, Outcome, Registers};
use crate::{CodeSize, Exit};
use base::Rng;
use iced_x86::{Code, Decoder};
use std::collections::BTreeMap;
use std::fmt::Write;

/// Instructions made of each encoding, and states that each is run from.
const CASES: u64 = 16;
const STATES: u64 = 12;

/// What became of an encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fate {
    /// It was run on both.
    Compared,
    /// The emulated CPU does not claim it, and answers #UD.
    Absent,
    /// The emulator reports a gap.
    Gap,
    /// No operands of it could be made.
    Unmade,
    /// It cannot be compared, for this reason.
    Excluded(&'static str),
}

/// How one comparison came out.
pub enum Verdict {
    /// The machines agree that it ends so.
    Same(Exit),
    /// They do not.
    Different(String),
    /// The emulator's answer alone settles it; silicon was not asked.
    Settled(Fate),
}

/// Both machines, the data they work on, and the source of everything that is chosen.
pub struct Bench {
    host: Host,
    guest: Guest,
    size: CodeSize,
    /// Where choices come from.
    pub rng: Rng,
    /// The data memory that the next comparison starts from.
    pub data: Data,
    /// The reasons why silicon's word was taken, and how often.
    pub open: BTreeMap<&'static str, u64>,
}

/// What else a comparison must know.
#[derive(Clone, Copy)]
pub struct Terms {
    /// Flags that the manual leaves undefined.
    pub undefined_flags: u64,
    /// Whether #UD of the emulator is to be compared, too.
    pub promised: bool,
}

/// Everything is defined and compared.
pub const EXACT: Terms = Terms {
    undefined_flags: 0,
    promised: true,
};

impl Bench {
    /// A bench for 64-bit code, whose choices follow from `seed`.
    pub fn new(seed: u64) -> Self {
        Self::sized(CodeSize::Bits64, seed)
    }

    /// A bench for code of `size`, whose choices follow from `seed`.
    pub fn sized(size: CodeSize, seed: u64) -> Self {
        let mut rng = Rng::new(seed);
        let data = std::array::from_fn(|_| rng.next() as u8);
        Self {
            host: Host::new(),
            guest: Guest::new(),
            size,
            rng,
            data,
            open: BTreeMap::new(),
        }
    }

    /// Makes the emulator lift `instructions` at once, so that a sequence of so many meets the fused forms.
    pub const fn lift_together(&mut self, instructions: u64) {
        self.guest.turn = instructions;
    }

    /// Compares one encoding, with many operands and states; mismatches are described in `wrong`.
    pub fn encoding(&mut self, code: Code, wrong: &mut String) -> Fate {
        if let Some(reason) = excluded(code) {
            return Fate::Excluded(reason);
        }
        let mut fate = Fate::Unmade;
        for _ in 0..CASES {
            let Some(case) = Case::new(code, self.size, &mut self.rng) else {
                continue;
            };
            let terms = Terms {
                undefined_flags: case.undefined_flags(),
                promised: promised(code),
            };
            match self.case(&case, terms) {
                Verdict::Same(_) => fate = Fate::Compared,
                Verdict::Settled(fate) => return fate,
                Verdict::Different(how) => {
                    wrong.push_str(&how);
                    return Fate::Compared;
                }
            }
            if let Some(locked) = case.locked()
                && let Verdict::Different(how) = self.case(
                    &locked,
                    Terms {
                        promised: true,
                        ..terms
                    },
                )
            {
                wrong.push_str(&how);
                return Fate::Compared;
            }
        }
        fate
    }

    /// Compares one case from several states; the first that does not agree decides.
    fn case(&mut self, case: &Case, terms: Terms) -> Verdict {
        let mut verdict = Verdict::Settled(Fate::Unmade);
        for _ in 0..STATES {
            let mut before = Registers::random(&mut self.rng);
            case.fit(&mut self.rng, &mut before, &mut self.data);
            verdict = self.run(&case.bytes, &before, terms);
            match &mut verdict {
                Verdict::Same(_) => {}
                Verdict::Different(how) => {
                    *how = format!("{:?} `{}` {how}", case.insn.code(), case.insn);
                    break;
                }
                Verdict::Settled(_) => break,
            }
        }
        verdict
    }

    /// Runs `bytes` from one state on both machines.
    pub fn run(&mut self, bytes: &[u8], before: &Registers, terms: Terms) -> Verdict {
        self.guest.load(bytes, self.size);
        let mut ours = Outcome::of(*before, self.data, |regs, data| {
            self.guest.run(bytes.len(), regs, data)
        });
        let exit = ours.exit;
        match exit {
            Exit::Gap => return Verdict::Settled(Fate::Gap),
            Exit::Trap { vector: 6, .. } if !terms.promised => {
                return Verdict::Settled(Fate::Absent);
            }
            _ => {}
        }
        self.host.load(bytes, self.size);
        let mut theirs = Outcome::of(*before, self.data, |regs, data| {
            self.host.run(bytes.len(), regs, data)
        });
        if self.size == CodeSize::Bits32 {
            // 32-bit code does not see the rest, and leaves it undefined.
            ours.regs.keep_visible();
            theirs.regs.keep_visible();
        }
        let locked = bytes.first() == Some(&0xf0);
        let ip = ENTRY + u64::from(locked);
        let code = &bytes[usize::from(locked)..];
        let run = Run {
            insn: Decoder::with_ip(self.size.bits(), code, ip, 0).decode(),
            locked,
            before,
            ours: &ours,
            theirs: &theirs,
        };
        let (settled, reasons) = run.settled(self.host.vendor());
        for reason in reasons {
            *self.open.entry(reason).or_default() += 1;
        }
        let how = unlike(before, &settled, &theirs, terms);
        if how.is_empty() {
            return Verdict::Same(exit);
        }
        Verdict::Different(format!("{bytes:02x?}\n{how}    from {before:x?}\n"))
    }
}

/// Describes in what our outcome is unlike silicon's.
fn unlike(before: &Registers, ours: &Outcome, theirs: &Outcome, terms: Terms) -> String {
    let mut how = String::new();
    let (a, b) = (ours.exit, theirs.exit);
    if a != b {
        _ = writeln!(how, "    ends {a:x?}, silicon {b:x?}");
    }
    let flags = COMPARED_FLAGS & !terms.undefined_flags;
    registers(&mut how, before, &ours.regs, &theirs.regs, flags);
    if let Some(at) = ours.data.iter().zip(&theirs.data).position(|(a, b)| a != b) {
        let span = at..(at + 8).min(ours.data.len());
        let (a, b) = (&ours.data[span.clone()], &theirs.data[span]);
        _ = writeln!(how, "    data+{at:#x} {a:x?}, silicon {b:x?}");
    }
    how
}

/// Describes the registers that differ.
fn registers(
    how: &mut String,
    before: &Registers,
    ours: &Registers,
    theirs: &Registers,
    flags: u64,
) {
    for (n, (a, b)) in ours.gpr.iter().zip(theirs.gpr).enumerate() {
        if *a != b {
            _ = writeln!(
                how,
                "    r{n} {a:#x}, silicon {b:#x}, before {:#x}",
                before.gpr[n]
            );
        }
    }
    for (n, (a, b)) in ours.xmm.iter().zip(theirs.xmm).enumerate() {
        if *a != b {
            _ = writeln!(
                how,
                "    xmm{n} {a:x?}, silicon {b:x?}, before {:x?}",
                before.xmm[n]
            );
        }
    }
    let (a, b) = (ours.flags & flags, theirs.flags & flags);
    if a != b {
        _ = writeln!(
            how,
            "    flags {a:#x}, silicon {b:#x}, before {:#x}",
            before.flags
        );
    }
    let (a, b) = (ours.mxcsr, theirs.mxcsr);
    if a != b {
        _ = writeln!(
            how,
            "    mxcsr {a:#x}, silicon {b:#x}, before {:#x}",
            before.mxcsr
        );
    }
}
