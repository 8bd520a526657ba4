//! The first stack of a program: arguments, environment and auxiliary vector
//! (System V ABI, AMD64 supplement, 3.4.1; the layout is the same on RISC-V).
//!
//! ```text
//! top        (page boundary)
//!            strings: argv, envp, path of the program; 16 random bytes
//!            padding to 16 bytes
//!            auxv pairs, ended by (AT_NULL, 0)
//!            NULL   <- end of envp
//!            envp pointers
//!            NULL   <- end of argv
//!            argv pointers
//! sp ->      argc
//! ```

use abi::Errno;
use abi::auxv::{AT_EXECFN, AT_NULL, AT_RANDOM};
use abi::limits::ARG_MAX;
use alloc::vec::Vec;

/// The finished stack: `bytes` lie from `sp` up to the top.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InitialStack {
    /// The first stack pointer, a multiple of 16.
    pub sp: u64,
    /// What lies there.
    pub bytes: Vec<u8>,
    /// Address of `argv[0]`'s text; the arguments' texts follow each other, each with a NUL.
    pub arg_start: u64,
    /// Address behind the last argument's text.
    pub arg_end: u64,
}

/// Lays out the stack below `top` (a multiple of 16).
///
/// `auxv` lacks `AT_RANDOM`, `AT_EXECFN` and `AT_NULL`, which point here and are added. More than
/// [`ARG_MAX`] bytes of strings and pointers are `E2BIG`.
pub fn initial_stack<S: AsRef<[u8]>>(
    top: u64,
    argv: &[S],
    envp: &[S],
    path: &[u8],
    auxv: &[(u64, u64)],
    random: [u8; 16],
) -> Result<InitialStack, Errno> {
    let strings = || argv.iter().chain(envp).map(AsRef::as_ref);
    let string_bytes = strings().map(|s| s.len() + 1).sum::<usize>() + path.len() + 1;
    let words = 1 + (argv.len() + 1) + (envp.len() + 1) + 2 * (auxv.len() + 3);
    if string_bytes + words * 8 > ARG_MAX {
        return Err(Errno::E2BIG);
    }
    let total = (random.len() + string_bytes + words * 8).next_multiple_of(16);
    let sp = top - total as u64;
    let strings_at = top - (random.len() + string_bytes) as u64;

    let mut bytes = Vec::with_capacity(total);
    let mut word = |value: u64| bytes.extend_from_slice(&value.to_le_bytes());
    let mut next = strings_at;
    word(argv.len() as u64);
    for s in argv {
        word(next);
        next += s.as_ref().len() as u64 + 1;
    }
    word(0);
    let arg_end = next;
    for s in envp {
        word(next);
        next += s.as_ref().len() as u64 + 1;
    }
    word(0);
    let random_at = next + path.len() as u64 + 1;
    let ours = [(AT_RANDOM, random_at), (AT_EXECFN, next), (AT_NULL, 0)];
    for (key, value) in auxv.iter().chain(&ours) {
        word(*key);
        word(*value);
    }
    bytes.resize((strings_at - sp) as usize, 0);
    for s in strings().chain([path]) {
        bytes.extend_from_slice(s);
        bytes.push(0);
    }
    bytes.extend_from_slice(&random);
    Ok(InitialStack {
        sp,
        bytes,
        arg_start: strings_at,
        arg_end,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    const TOP: u64 = 0x7fff_f000;

    fn word(stack: &InitialStack, address: u64) -> u64 {
        abi::Record::get(&stack.bytes[(address - stack.sp) as usize..])
    }

    fn text(stack: &InitialStack, address: u64) -> &[u8] {
        let bytes = &stack.bytes[(address - stack.sp) as usize..];
        bytes.split(|b| *b == 0).next().unwrap()
    }

    #[test]
    fn a_program_finds_its_arguments_where_the_abi_says() {
        let random = [7; 16];
        let stack = initial_stack(
            TOP,
            &["ls", "-l", ""],
            &["HOME=/root"],
            b"/bin/ls",
            &[(abi::auxv::AT_PAGESZ, 4096)],
            random,
        )
        .unwrap();
        let sp = stack.sp;
        assert_eq!(sp % 16, 0);
        assert_eq!(sp + stack.bytes.len() as u64, TOP);
        assert_eq!(word(&stack, sp), 3);
        assert_eq!(text(&stack, word(&stack, sp + 8)), b"ls");
        assert_eq!(text(&stack, word(&stack, sp + 16)), b"-l");
        assert_eq!(text(&stack, word(&stack, sp + 24)), b"");
        assert_eq!(word(&stack, sp + 32), 0);
        assert_eq!(text(&stack, word(&stack, sp + 40)), b"HOME=/root");
        assert_eq!(word(&stack, sp + 48), 0);
        assert_eq!([word(&stack, sp + 56), word(&stack, sp + 64)], [6, 4096]);
        assert_eq!(word(&stack, sp + 72), AT_RANDOM);
        let random_at = (word(&stack, sp + 80) - sp) as usize;
        assert_eq!(stack.bytes[random_at..random_at + 16], random);
        assert_eq!(text(&stack, word(&stack, sp + 96)), b"/bin/ls");
        assert_eq!(
            [word(&stack, sp + 104), word(&stack, sp + 112)],
            [AT_NULL, 0]
        );
        let args = &stack.bytes[(stack.arg_start - sp) as usize..(stack.arg_end - sp) as usize];
        assert_eq!(args, b"ls\0-l\0\0");
    }

    #[test]
    fn too_many_arguments_are_refused() {
        let none: &[&[u8]] = &[];
        let long = vec![b'x'; ARG_MAX];
        assert_eq!(
            initial_stack(TOP, &[&long[..]], none, b"", &[], [0; 16]),
            Err(Errno::E2BIG)
        );
        let many = vec![&b""[..]; ARG_MAX / 9];
        assert_eq!(
            initial_stack(TOP, &many, none, b"", &[], [0; 16]),
            Err(Errno::E2BIG)
        );
        assert!(initial_stack(TOP, none, none, b"", &[], [0; 16]).is_ok());
    }
}
