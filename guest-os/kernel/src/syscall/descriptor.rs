//! Descriptors: close, dup, fcntl, pipe, ioctl, poll.

use abi::Errno;
use abi::fcntl::{
    F_DUPFD, F_DUPFD_CLOEXEC, F_GETFD, F_GETFL, F_GETPIPE_SZ, F_SETFD, F_SETFL, FD_CLOEXEC,
    O_CLOEXEC, O_DIRECT, O_NONBLOCK, O_RDONLY, O_WRONLY,
};
use abi::poll::{POLLERR, POLLHUP, POLLNVAL, PollFd};
use abi::stat::{S_IFIFO, S_IFMT};
use abi::termios::{FIOCLEX, FIONBIO, FIONCLEX};
use abi::time::Timespec;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::lookup::{file, named_file};
use super::{Args, SysResult};
use crate::fs::descriptors::MAX_DESCRIPTORS;
use crate::fs::open_file::OpenFile;
use crate::fs::poll as polling;
use crate::ipc::pipe;
use crate::mm::frame;
use crate::mm::user::UserPtr;
use crate::proc::current;

/// close(2).
pub fn close(args: &mut Args) -> SysResult {
    // The last reference to a file may have to free it on the disk: not under the table's lock.
    let closed = current().files.lock().remove(args.int(0))?;
    drop(closed);
    Ok(0)
}

fn duplicate(file: Arc<OpenFile>, lowest: usize, close_on_exec: bool) -> SysResult {
    Ok(current().files.lock().insert(file, lowest, close_on_exec)? as usize)
}

fn duplicate_to(from: i32, to: i32, close_on_exec: bool) -> SysResult {
    let file = named_file(from)?;
    let closed = current().files.lock().replace(to, file, close_on_exec)?;
    drop(closed);
    Ok(to as usize)
}

/// dup(2).
pub fn dup(args: &mut Args) -> SysResult {
    duplicate(named_file(args.int(0))?, 0, false)
}

/// dup2(2).
pub fn dup2(args: &mut Args) -> SysResult {
    let (from, to) = (args.int(0), args.int(1));
    if from == to {
        return named_file(from).map(|_| to as usize);
    }
    duplicate_to(from, to, false)
}

/// dup3(2).
pub fn dup3(args: &mut Args) -> SysResult {
    let (from, to, flags) = (args.int(0), args.int(1), args.uint(2));
    if from == to || flags & !O_CLOEXEC != 0 {
        return Err(Errno::EINVAL);
    }
    duplicate_to(from, to, flags & O_CLOEXEC != 0)
}

/// fcntl(2), without locks and signals.
pub fn fcntl(args: &mut Args) -> SysResult {
    let (fd, command, arg) = (args.int(0), args.uint(1), args.word(2));
    let file = named_file(fd)?;
    let me = current();
    match command {
        F_DUPFD | F_DUPFD_CLOEXEC if arg >= MAX_DESCRIPTORS => Err(Errno::EINVAL),
        F_DUPFD | F_DUPFD_CLOEXEC => duplicate(file, arg, command == F_DUPFD_CLOEXEC),
        F_GETFD => Ok(if me.files.lock().close_on_exec(fd)? {
            FD_CLOEXEC as usize
        } else {
            0
        }),
        F_SETFD => me
            .files
            .lock()
            .set_close_on_exec(fd, arg as u32 & FD_CLOEXEC != 0)
            .map(|()| 0),
        F_GETFL => Ok(file.flags() as usize),
        F_SETFL => {
            file.set_flags(arg as u32);
            Ok(0)
        }
        F_GETPIPE_SZ if file.inode().mode() & S_IFMT == S_IFIFO => Ok(pipe::CAPACITY),
        F_GETPIPE_SZ => Err(Errno::EBADF),
        _ => Err(Errno::EINVAL),
    }
}

/// pipe(2).
pub fn pipe(args: &mut Args) -> SysResult {
    make_pipe(args.pointer(0), 0)
}

/// pipe2(2).
pub fn pipe2(args: &mut Args) -> SysResult {
    make_pipe(args.pointer(0), args.uint(1))
}

fn make_pipe(pair: UserPtr<[i32; 2]>, flags: u32) -> SysResult {
    if flags & !(O_CLOEXEC | O_NONBLOCK | O_DIRECT) != 0 {
        return Err(Errno::EINVAL);
    }
    frame::check_room()?;
    let (read_end, write_end) = pipe::new();
    let (status, close_on_exec) = (flags & O_NONBLOCK, flags & O_CLOEXEC != 0);
    let me = current();
    let read_fd =
        me.files
            .lock()
            .insert(OpenFile::new(read_end, O_RDONLY | status), 0, close_on_exec)?;
    let write_fd = me.files.lock().insert(
        OpenFile::new(write_end, O_WRONLY | status),
        0,
        close_on_exec,
    );
    let written = write_fd.and_then(|write_fd| pair.write(&[read_fd, write_fd]));
    if written.is_err() {
        let read_end = me.files.lock().remove(read_fd);
        let write_end = write_fd.and_then(|fd| me.files.lock().remove(fd));
        drop((read_end, write_end));
    }
    written.map(|()| 0)
}

/// ioctl(2). A few requests are about the descriptor or the open file, the others about what is behind them.
pub fn ioctl(args: &mut Args) -> SysResult {
    let (fd, request) = (args.int(0), args.uint(1));
    let file = file(fd)?;
    match request {
        FIONBIO => {
            let on = args.pointer::<i32>(2).read()? != 0;
            let others = file.flags() & !O_NONBLOCK;
            file.set_flags(others | if on { O_NONBLOCK } else { 0 });
            Ok(0)
        }
        FIOCLEX | FIONCLEX => {
            let me = current();
            let mut files = me.files.lock();
            files.set_close_on_exec(fd, request == FIOCLEX)?;
            Ok(0)
        }
        _ => file.inode().ioctl(request, args.word(2)),
    }
}

/// poll(2).
pub fn poll(args: &mut Args) -> SysResult {
    let timeout = u64::try_from(args.int(2)).ok().map(|ms| ms * 1_000_000);
    poll_files(args.pointer(0), args.word(1), timeout)
}

/// ppoll(2).
pub fn ppoll(args: &mut Args) -> SysResult {
    let timeout = match args.pointer::<Timespec>(2).read_if_some()? {
        Some(time) => Some(time.to_nanos().ok_or(Errno::EINVAL)?),
        None => None,
    };
    let mask = args.pointer::<u64>(3).read_if_some()?;
    let signals = &current().signals;
    let before = signals.blocked();
    if let Some(mask) = mask {
        signals.set_blocked(mask);
    }
    let result = poll_files(args.pointer(0), args.word(1), timeout);
    signals.set_blocked(before);
    result
}

fn poll_files(fds: UserPtr<PollFd>, count: usize, timeout: Option<u64>) -> SysResult {
    if count > MAX_DESCRIPTORS {
        return Err(Errno::EINVAL);
    }
    let mut asked = (0..count)
        .map(|i| fds.at(i).read())
        .collect::<Result<Vec<PollFd>, Errno>>()?;
    let me = current();
    let found = polling::wait_for(timeout, || {
        let mut found = 0;
        for poll in asked.iter_mut() {
            poll.revents = match poll.fd {
                ..0 => 0,
                fd => match me.files.lock().get(fd) {
                    Ok(file) => file.inode().poll() & (poll.events | POLLERR | POLLHUP),
                    Err(_) => POLLNVAL,
                },
            };
            found += usize::from(poll.revents != 0);
        }
        (found > 0, found)
    });
    // A poll is never restarted: the time that has passed would be forgotten.
    let found = found.map_err(|errno| {
        if errno == Errno::ERESTARTSYS {
            Errno::EINTR
        } else {
            errno
        }
    })?;
    for (i, poll) in asked.iter().enumerate() {
        fds.at(i).write(poll)?;
    }
    Ok(found)
}
