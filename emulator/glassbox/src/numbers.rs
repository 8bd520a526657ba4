//! Numbers of system calls: one for each call, whatever the instruction set.
//!
//! Linux numbers its calls anew on each instruction set. Everything in here that knows a call by its number (records,
//! filters, decoding, accounts, graders) knows it by its *common* number, x86-64's, which the constants in [`abi::nr`]
//! are on a host. Where a number comes from the guest, or from a user who thinks of one instruction set, [`common`]
//! translates it; where one is shown, [`own`] translates it back. Recorded traces hold common numbers.
//!
//! ```text
//! common     0 ..= 511         the call that has this number on x86-64
//!            OTHER + 0 ..= 511 what has this number on another instruction set, and none on x86-64
//!            all others        no call anywhere
//! ```

use abi::isa::Isa;
use abi::linux::{self, Other};
use abi::nr::{self, ABSENT};

/// Above all numbers that a call has anywhere.
const END: u64 = 512;
/// From here on are the numbers that x86-64 does not know, or knows as another call's.
const OTHER: u64 = 1 << 62;

/// The instruction set with this name; x86-64, if there is none: a trace file may say anything.
pub fn isa(arch: &str) -> Isa {
    match arch {
        machine::names::RISCV64 => Isa::Riscv64,
        _ => Isa::X86_64,
    }
}

/// The common number of the call that is number `own` on `isa`.
pub fn common(isa: Isa, own: u64) -> u64 {
    match own {
        0..END if isa == Isa::X86_64 => own,
        0..END => match numbers_on(isa, own) {
            Some(numbers) if numbers[Isa::X86_64 as usize] != ABSENT => {
                numbers[Isa::X86_64 as usize]
            }
            _ => OTHER + own,
        },
        // No call has it, and it must not be taken for one.
        _ if is_other(own) => ABSENT,
        _ => own,
    }
}

/// The number that the call with this common number has on `isa`. Where it has none, that is the common one: a map may
/// say that a kernel's own call is like one that Linux has elsewhere.
pub fn own(isa: Isa, common: u64) -> u64 {
    let numbers = match nr::lookup(common) {
        Some(call) => Some(call.numbers),
        None => linux::lookup(common).map(|other| other.numbers),
    };
    match numbers.map(|numbers| numbers[isa as usize]) {
        Some(number) if number != ABSENT => number,
        _ => raw(common),
    }
}

/// The number that the guest used, if no call has it.
pub fn raw(common: u64) -> u64 {
    match is_other(common) {
        true => common - OTHER,
        false => common,
    }
}

/// The call that Silica does not have with this common number.
pub fn other(common: u64) -> Option<&'static Other> {
    match is_other(common) {
        true => linux::lookup_on(Isa::Riscv64, common - OTHER),
        false => linux::lookup(common),
    }
}

/// The common number of such a call.
pub fn of_other(other: &Other) -> u64 {
    match other.numbers {
        [ABSENT, riscv64] => OTHER + riscv64,
        [x86_64, _] => x86_64,
    }
}

/// What Linux calls the call with this common number.
pub fn name(common: u64) -> Option<&'static str> {
    nr::name(common).or_else(|| Some(other(common)?.name))
}

fn numbers_on(isa: Isa, own: u64) -> Option<[u64; abi::isa::ISAS]> {
    match nr::lookup_on(isa, own) {
        Some(call) => Some(call.numbers),
        None => linux::lookup_on(isa, own).map(|other| other.numbers),
    }
}

fn is_other(number: u64) -> bool {
    (OTHER..OTHER + END).contains(&number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use Isa::{Riscv64, X86_64};

    #[test]
    fn a_call_has_one_number_on_all_instruction_sets() {
        assert_eq!(common(Riscv64, 63), nr::READ);
        assert_eq!(common(X86_64, 63), nr::UNAME);
        assert_eq!(own(Riscv64, nr::READ), 63);
        assert_eq!(own(X86_64, nr::READ), 0);
        assert_eq!(name(common(Riscv64, 198)), Some("socket"));
    }

    #[test]
    fn what_only_one_instruction_set_has_is_never_taken_for_another_call() {
        // x86-64 has semget there, and riscv64 nothing.
        let unknown = common(Riscv64, 38);
        assert_eq!((name(unknown), own(Riscv64, unknown)), (None, 38));
        let probe = common(Riscv64, 258);
        assert_eq!(name(probe), Some("riscv_hwprobe"));
        assert_eq!(other(probe).map(of_other), Some(probe));
        for isa in [X86_64, Riscv64] {
            for far in [OTHER, OTHER + 258, OTHER + 511] {
                assert_eq!((common(isa, far), name(common(isa, far))), (ABSENT, None));
            }
        }
    }

    #[test]
    fn every_number_comes_back() {
        for isa in [X86_64, Riscv64] {
            let far = [END, 1 << 32, OTHER - 1, OTHER + END, u64::MAX];
            for number in (0..END).chain(far) {
                assert_eq!(own(isa, common(isa, number)), number, "{isa:?} {number}");
            }
        }
    }
}
