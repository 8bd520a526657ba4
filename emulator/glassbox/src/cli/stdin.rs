//! Standard input as the guest's: read when the guest asks, in portions that depend on the content alone.

use std::io::{ErrorKind, IsTerminal, Read};

/// Reads until `capacity` bytes are there or the input ends; a terminal gives one line at a time. So the portions a
/// guest sees do not depend on how fast the writer is. Empty means the end.
pub fn portion(capacity: usize) -> Vec<u8> {
    let mut stdin = std::io::stdin().lock();
    let by_line = stdin.is_terminal();
    let mut data = vec![0; capacity];
    let mut filled = 0;
    while filled < capacity {
        match stdin.read(&mut data[filled..]) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            // A closed or unreadable input is an empty one.
            Err(_) => break,
        }
        if by_line {
            break;
        }
    }
    data.truncate(filled);
    data
}
