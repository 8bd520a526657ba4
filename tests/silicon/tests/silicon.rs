//! Every encoding that the emulator lifts, with seeded operands and states, against the host's CPU.

use base::Rng;
use iced_x86::{Code, CpuidFeature, Mnemonic};
use silicon::Exit;
use silicon::catalog::{Case, encodings, excluded, promised};
use silicon::guest::{COMPARED_FLAGS, Guest};
use silicon::host::Host;
use silicon::layout::DATA_LEN;
use silicon::state::Registers;
use std::collections::BTreeMap;
use std::fmt::Write;

/// Instructions made of each encoding, and states that each is run from.
const CASES: u64 = 16;
const STATES: u64 = 12;

/// What became of an encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fate {
    Compared,
    /// The emulated CPU does not claim it, and answers #UD.
    Absent,
    /// The emulator reports a gap.
    Gap,
    /// No operands of it could be made.
    Unmade,
    Excluded(&'static str),
}

/// Both machines and the data they work on.
struct Bench {
    host: Host,
    guest: Guest,
    rng: Rng,
    data: [u8; DATA_LEN as usize],
}

impl Bench {
    fn new(seed: u64) -> Self {
        let mut rng = Rng::new(seed);
        let data = std::array::from_fn(|_| rng.next() as u8);
        Self { host: Host::new(), guest: Guest::new(), rng, data }
    }

    /// Tries one encoding; mismatches are described in `wrong`.
    fn encoding(&mut self, code: Code, wrong: &mut String) -> Fate {
        if let Some(reason) = excluded(code) {
            return Fate::Excluded(reason);
        }
        let mut fate = Fate::Unmade;
        for _ in 0..CASES {
            let Some(case) = Case::new(code, &mut self.rng) else { continue };
            self.host.load(&case.bytes);
            self.guest.load(&case.bytes);
            for _ in 0..STATES {
                match self.state(&case, wrong) {
                    Ok(()) => fate = Fate::Compared,
                    Err(Some(other)) => return other,
                    Err(None) => return Fate::Compared,
                }
            }
        }
        fate
    }

    /// Runs a case from one state on both machines.
    fn state(&mut self, case: &Case, wrong: &mut String) -> Result<(), Option<Fate>> {
        let mut before = Registers::random(&mut self.rng);
        case.fit(&mut self.rng, &mut before, &mut self.data);
        let (mut ours, mut theirs) = (before, before);
        let (mut our_data, mut their_data) = (self.data, self.data);
        let our_exit = self.guest.run(case.bytes.len(), &mut ours, &mut our_data);
        match our_exit {
            Exit::Gap => return Err(Some(Fate::Gap)),
            Exit::Trap { vector: 6, .. } if !promised(case.insn.code()) => return Err(Some(Fate::Absent)),
            _ => {}
        }
        let their_exit = self.host.run(case.bytes.len(), &mut theirs, &mut their_data);
        let (our_exit, their_exit) = (comparable(case, our_exit), comparable(case, their_exit));
        let flags = COMPARED_FLAGS & !case.undefined_flags();
        let mut differences = String::new();
        if our_exit != their_exit {
            _ = writeln!(differences, "    ends {our_exit:x?}, silicon {their_exit:x?}");
        }
        for (n, (a, b)) in ours.gpr.iter().zip(theirs.gpr).enumerate() {
            if *a != b {
                _ = writeln!(differences, "    r{n} {a:#x}, silicon {b:#x}, before {:#x}", before.gpr[n]);
            }
        }
        for (n, (a, b)) in ours.xmm.iter().zip(theirs.xmm).enumerate() {
            if *a != b {
                _ = writeln!(differences, "    xmm{n} {a:x?}, silicon {b:x?}, before {:x?}", before.xmm[n]);
            }
        }
        if (ours.flags ^ theirs.flags) & flags != 0 {
            let (a, b) = (ours.flags & flags, theirs.flags & flags);
            _ = writeln!(differences, "    flags {a:#x}, silicon {b:#x}, before {:#x}", before.flags);
        }
        if ours.mxcsr != theirs.mxcsr {
            let (a, b) = (ours.mxcsr, theirs.mxcsr);
            _ = writeln!(differences, "    mxcsr {a:#x}, silicon {b:#x}, before {:#x}", before.mxcsr);
        }
        if let Some(at) = our_data.iter().zip(&their_data).position(|(a, b)| a != b) {
            let span = at..(at + 8).min(our_data.len());
            let (a, b) = (&our_data[span.clone()], &their_data[span]);
            _ = writeln!(differences, "    data+{at:#x} {a:x?}, silicon {b:x?}");
        }
        if differences.is_empty() {
            return Ok(());
        }
        _ = writeln!(wrong, "{:?} `{}` {:02x?}\n{differences}    from {before:x?}", case.insn.code(), case.insn, case.bytes);
        Err(None)
    }
}

/// Which of the bytes that MASKMOVDQU stores faults first is the model's own; the page is not.
fn comparable(case: &Case, exit: Exit) -> Exit {
    match exit {
        Exit::Trap { vector, error, address, rip } if case.insn.mnemonic() == Mnemonic::Maskmovdqu => {
            Exit::Trap { vector, error, address: address & !0xfff, rip }
        }
        other => other,
    }
}

/// Compares the encodings of one part of the instruction set; prints what was not compared, and why.
fn compare(part: impl Fn(Code) -> bool, seed: u64) {
    let mut bench = Bench::new(seed);
    let (mut wrong, mut fates) = (String::new(), BTreeMap::<Fate, Vec<Code>>::new());
    for code in encodings().filter(|&code| part(code)) {
        let fate = bench.encoding(code, &mut wrong);
        fates.entry(fate).or_default().push(code);
    }
    for (fate, codes) in &fates {
        println!("{fate:?}: {}", codes.len());
        if *fate != Fate::Compared {
            println!("    {codes:?}");
        }
    }
    assert!(wrong.is_empty(), "unlike silicon:\n{wrong}");
    assert!(fates.contains_key(&Fate::Compared), "nothing was compared");
}

fn is_vector(code: Code) -> bool {
    use CpuidFeature as F;
    code.cpuid_features().iter().any(|f| matches!(f, F::SSE | F::SSE2))
}

#[test]
fn integer_instructions_do_what_silicon_does() {
    compare(|code| !is_vector(code), 1);
}

#[test]
fn vector_instructions_do_what_silicon_does() {
    compare(is_vector, 2);
}
