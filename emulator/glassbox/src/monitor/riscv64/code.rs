//! Instructions, in the syntax of GNU objdump.

use super::super::code::Read;
use disc_v::Isa;

/// Bytes that an instruction has at most: columns of a listing.
pub const USUAL: usize = 4;

/// The instruction at `at`.
pub fn read(at: u64, bytes: &[u8]) -> Read {
    // Two bits tell the length (Unprivileged spec, 1.5).
    let len = match bytes.first() {
        Some(first) if first & 3 == 3 => 4,
        _ => 2,
    };
    let decoded = disc_v::decode_bytes(Isa::Rv64, at, bytes.get(..len).unwrap_or(bytes));
    let words = decoded.map(|instruction| instruction.to_string());
    let words = words.filter(|words| !words.starts_with('.'));
    // A branch's last operand is where it leads.
    let last = words
        .as_deref()
        .and_then(|words| words.rsplit([',', ' ']).next());
    let digits = last.and_then(|last| last.strip_prefix("0x"));
    let branch = |words: &String| words.starts_with(['b', 'j']);
    let target = digits
        .filter(|_| words.as_ref().is_some_and(branch))
        .and_then(|digits| u64::from_str_radix(digits, 16).ok());
    Read {
        len,
        words,
        target: target.map(|addr| (addr, true)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_words_and_targets_are_the_instructions_own() {
        let read = |word: u32| read(0x1000, &word.to_le_bytes());
        let branch = read(0xfe05_1ce3);
        assert_eq!((branch.len, branch.target), (4, Some((0xff8, true))));
        assert_eq!(branch.words.as_deref(), Some("bnez a0,0xff8"));
        let short = read(0x8082);
        assert_eq!((short.len, short.words.as_deref()), (2, Some("ret")));
        assert_eq!(read(0xffff_ffff).words, None);
    }
}
