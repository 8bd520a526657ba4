//! System calls: what their arguments point to.

use super::record::Memory;
use abi::nr::{self, Arg, TABLE};
use base::Virt;
use base::event::Peek;

/// Which side of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// It begins: what it reads is there.
    Enter,
    /// It has ended: what it wrote is there.
    Exit,
}

/// Reads what the arguments of a call point to into `pieces`, at most `strings` bytes of each string or buffer. Says
/// whether all of it was there.
pub fn capture(
    phase: Phase,
    number: u64,
    args: &[u64; 6],
    result: i64,
    strings: usize,
    memory: &dyn Peek,
    pieces: &mut Memory,
) -> bool {
    let Some(call) = TABLE.iter().find(|call| call.number == number) else {
        return true;
    };
    let mut complete = true;
    for (index, arg) in call.args.iter().enumerate() {
        let len = match (phase, arg) {
            (Phase::Enter, Arg::Path) => 256,
            (Phase::Enter, Arg::InBuf) => (args[index + 1] as usize).min(strings),
            (Phase::Exit, Arg::OutBuf) => (result.max(0) as usize).min(strings),
            _ => continue,
        };
        let mut bytes = vec![0; len];
        let mut read = memory.peek(Virt(args[index]), &mut bytes);
        if matches!(arg, Arg::Path) {
            let end = bytes[..read].iter().position(|&b| b == 0);
            complete &= end.is_some();
            read = end.map_or(read, |end| end + 1);
        } else {
            complete &= read == len;
        }
        bytes.truncate(read);
        pieces.pieces.push((args[index], bytes));
    }
    complete
}

/// Whether the caller's memory is another program's when the call has ended like this.
pub const fn replaces_memory(number: u64, result: i64) -> bool {
    number == nr::EXECVE && result == 0
}
