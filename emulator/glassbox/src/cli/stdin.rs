//! Standard input as the guest's: read when the guest asks, in portions that depend on the content alone.

use super::keys::ESCAPE;
use base::Time;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
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

/// Waits until there is something to read, or the end of it; for `time` of the wall clock at most, if that is given. Says
/// whether there is.
pub fn wait(time: Option<Time>) -> std::io::Result<bool> {
    let stdin = std::io::stdin();
    let timeout = time.map(|time| Timespec {
        tv_sec: (time.0 / 1_000_000_000) as i64,
        tv_nsec: (time.0 % 1_000_000_000) as i64,
    });
    match poll(&mut [PollFd::new(&stdin, PollFlags::IN)], timeout.as_ref()) {
        Ok(ready) => Ok(ready > 0),
        Err(rustix::io::Errno::INTR) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// One line, or what ends with a key of ours (Ctrl-A and the next byte), which no line's end need follow. Empty means the
/// end of the input.
///
/// Read byte by byte and past the standard library's buffer: [`wait`] asks the descriptor, which knows nothing of what
/// lies in a buffer already.
pub fn line() -> std::io::Result<Vec<u8>> {
    let stdin = std::io::stdin();
    let mut line = Vec::new();
    let mut byte = [0];
    loop {
        match rustix::io::read(&stdin, &mut byte) {
            Ok(0) => return Ok(line),
            Ok(_) => {
                let escaped = line.last() == Some(&ESCAPE);
                line.push(byte[0]);
                if byte[0] == b'\n' || escaped {
                    return Ok(line);
                }
            }
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}
