//! The terminal: the serial console with line editing, modes and a foreground process group (termios(3),
//! ioctl_tty(2)).
//!
//! `kcore::line` is the line discipline, a pure state machine; here are its lock, its readers, and the
//! signals that Ctrl-C and its relatives send. One terminal exists, and it is everybody's controlling one.

use alloc::sync::Arc;
use alloc::vec;

use abi::Errno;
use abi::poll::{POLLIN, POLLOUT};
use abi::termios::{
    FIONREAD, TCGETS, TCSETS, TCSETSF, TCSETSW, TIOCGPGRP, TIOCGWINSZ, TIOCNOTTY, TIOCSCTTY,
    TIOCSPGRP, TIOCSWINSZ, Termios, Winsize,
};
use kcore::line::{self, LineDiscipline};

use super::uart16550;
use crate::arch::console;
use crate::fs::devfs::Device;
use crate::fs::inode::Wait;
use crate::fs::poll;
use crate::fs::transfer::{Sink, Source};
use crate::mm::user::UserPtr;
use crate::proc::signal::{self, Origin};
use crate::proc::{Pid, table};
use crate::sync::{SpinLock, WaitQueue, current};

/// Bytes written with the lock held: input is not heard meanwhile.
const CHUNK: usize = 128;

/// A terminal.
pub struct Tty {
    state: SpinLock<State>,
    /// Processes that wait for input.
    readers: WaitQueue,
}

struct State {
    line: LineDiscipline,
    /// The process group that Ctrl-C reaches; 0 for none.
    foreground: Pid,
    size: Winsize,
}

/// The terminal on the serial port, which begins to listen.
pub fn init() -> Arc<Tty> {
    let tty = Arc::new(Tty {
        state: SpinLock::new(
            c"tty",
            State {
                line: LineDiscipline::default(),
                foreground: 0,
                size: Winsize {
                    rows: 24,
                    cols: 80,
                    xpixel: 0,
                    ypixel: 0,
                },
            },
        ),
        readers: WaitQueue::new(c"tty_read"),
    });
    let for_interrupt = tty.clone();
    uart16550::listen(move |byte| for_interrupt.receive(byte));
    tty
}

fn show(bytes: &[u8]) {
    bytes.iter().for_each(|byte| console::put(*byte));
}

impl Tty {
    /// A byte has come from the keyboard. Runs in interrupt context.
    fn receive(&self, byte: u8) {
        let mut state = self.state.lock();
        let signal = state.line.input(byte, &mut show);
        let foreground = state.foreground;
        let readable = state.line.is_readable();
        drop(state);
        if let Some(number) = signal
            && foreground != 0
        {
            // A group that is gone needs no signal.
            let _ = signal::send_to_group(foreground, number, Origin::Kernel);
        }
        if readable {
            self.readers.wake_all();
            poll::something_changed();
        }
    }

    /// The process group that Ctrl-C reaches; 0 for none.
    pub fn foreground(&self) -> Pid {
        self.state.lock().foreground
    }

    fn set_termios(&self, request: u32, settings: Termios) {
        let mut state = self.state.lock();
        if request == TCSETSF {
            state.line.flush();
        }
        state.line.set_termios(settings);
        drop(state);
        // Input that was half a line may be readable in the new mode.
        self.readers.wake_all();
    }

    fn set_foreground(&self, group: i32) -> Result<(), Errno> {
        let group = Pid::try_from(group).map_err(|_| Errno::EINVAL)?;
        if table::group_members(group).is_empty() {
            return Err(Errno::ESRCH);
        }
        self.state.lock().foreground = group;
        Ok(())
    }
}

impl Device for Tty {
    fn read(&self, _at: u64, to: &mut Sink, wait: Wait) -> Result<(), Errno> {
        let mut buffer = vec![0; to.room().min(line::CAPACITY)];
        if buffer.is_empty() {
            return Ok(());
        }
        let mut state = self.state.lock();
        let count = loop {
            if let Some(count) = state.line.read(&mut buffer) {
                break count;
            }
            if wait == Wait::Never {
                return Err(Errno::EAGAIN);
            }
            state = self.readers.sleep(state)?;
        };
        drop(state);
        to.put(&buffer[..count]).map(drop)
    }

    fn write(&self, _at: u64, from: &mut Source, _wait: Wait) -> Result<(), Errno> {
        let mut buffer = [0; CHUNK];
        while from.left() > 0 {
            let count = from.take(&mut buffer)?;
            let state = self.state.lock();
            line::output(state.line.termios(), &buffer[..count], &mut show);
        }
        Ok(())
    }

    fn poll(&self) -> i16 {
        if self.state.lock().line.is_readable() {
            POLLIN | POLLOUT
        } else {
            POLLOUT
        }
    }

    fn ioctl(&self, request: u32, arg: usize) -> Result<usize, Errno> {
        match request {
            TCGETS => {
                let settings = *self.state.lock().line.termios();
                UserPtr::new(arg).write(&settings)?;
            }
            TCSETS | TCSETSW | TCSETSF => {
                let settings = UserPtr::new(arg).read()?;
                self.set_termios(request, settings);
            }
            TIOCGPGRP => {
                let foreground = self.state.lock().foreground;
                UserPtr::new(arg).write(&foreground)?;
            }
            TIOCSPGRP => {
                let group: i32 = UserPtr::new(arg).read()?;
                self.set_foreground(group)?;
            }
            TIOCSCTTY => {
                let (_, group, _) = table::relations(current().pid).ok_or(Errno::ESRCH)?;
                self.state.lock().foreground = group;
            }
            TIOCNOTTY => {}
            TIOCGWINSZ => {
                let size = self.state.lock().size;
                UserPtr::new(arg).write(&size)?;
            }
            TIOCSWINSZ => {
                let size = UserPtr::new(arg).read()?;
                self.state.lock().size = size;
            }
            FIONREAD => {
                let count = self.state.lock().line.readable_bytes() as i32;
                UserPtr::new(arg).write(&count)?;
            }
            _ => return Err(Errno::ENOTTY),
        }
        Ok(0)
    }
}
