//! Pipes.

use super::cases;
use super::support::{expect_exit, expect_signal, pattern, pause, read_exact, spawn, write_all};
use abi::Errno;
use abi::fcntl::{FD_CLOEXEC, O_CLOEXEC, O_NONBLOCK};
use abi::limits::PIPE_BUF;
use abi::poll::{POLLHUP, POLLIN, POLLOUT, PollFd};
use abi::signal::SIGPIPE;
use abi::time::Timespec;
use rust_alloc::vec;
use rust_alloc::vec::Vec;
use ulib::fs;
use ulib::sys::{self, Disposition};

cases! {
    pipe_order "bytes come out of a pipe in the order they went in";
    pipe_large "a megabyte passes through a pipe, in odd pieces";
    pipe_end "a reader sees the end when the last writer is gone, and not before";
    pipe_broken "writing to a pipe without readers is SIGPIPE, or EPIPE if that is ignored";
    pipe_deep "a chain of twenty processes passes everything on";
    pipe_atomic "writes of up to PIPE_BUF bytes are not mixed with others";
    pipe_nonblock "O_NONBLOCK pipes give EAGAIN instead of waiting";
    pipe_capacity "a pipe holds 64 KiB and not a byte more";
    pipe_flags "pipe2 sets its flags and refuses others";
    pipe_poll "poll tells what a pipe is ready for";
    pipe_full_reader_gone "a writer that waits for room is woken when the reader goes away";
    pipe_many "sixty pipes at a time do not meet";
    pipe_empty_write "a write of nothing to a pipe is nothing";
}

fn pipe_order() {
    let (reader, writer) = sys::pipe().unwrap();
    write_all(writer, b"first ");
    write_all(writer, b"second");
    assert_eq!(read_exact(reader, 4), b"firs");
    assert_eq!(read_exact(reader, 8), b"t second");
    let mut buffer = [0; 100];
    write_all(writer, b"abc");
    assert_eq!(sys::read(reader, &mut buffer), Ok(3));
}

fn pipe_large() {
    const SIZE: usize = 1 << 20;
    let content = pattern(1, SIZE);
    let (reader, writer) = sys::pipe().unwrap();
    let child = spawn(|| {
        sys::close(reader).unwrap();
        let mut rest = &content[..];
        for size in [1, 5000, 70_000, 333].into_iter().cycle() {
            let (part, after) = rest.split_at(rest.len().min(size));
            write_all(writer, part);
            rest = after;
            if rest.is_empty() {
                return;
            }
        }
    });
    sys::close(writer).unwrap();
    assert!(fs::read_all(reader).unwrap() == content);
    expect_exit(child, 0);
}

fn pipe_end() {
    let (reader, writer) = sys::pipe().unwrap();
    let second = sys::dup(writer).unwrap();
    let child = spawn(|| {
        sys::close(writer).unwrap();
        pause(10);
        write_all(second, b"x");
    });
    sys::close(writer).unwrap();
    sys::close(second).unwrap();
    assert_eq!(read_exact(reader, 1), b"x");
    assert_eq!(sys::read(reader, &mut [0; 4]), Ok(0));
    assert_eq!(sys::read(reader, &mut [0; 4]), Ok(0));
    expect_exit(child, 0);
}

fn pipe_broken() {
    let (reader, writer) = sys::pipe().unwrap();
    write_all(writer, b"x");
    sys::close(reader).unwrap();
    expect_signal(SIGPIPE, || {
        // The signal comes before the answer.
        let _ = sys::write(writer, b"x");
    });
    sys::signal(SIGPIPE, Disposition::Ignore).unwrap();
    assert_eq!(sys::write(writer, b"x"), Err(Errno::EPIPE));
    assert_eq!(sys::write(writer, &[0; 100_000]), Err(Errno::EPIPE));
}

fn pipe_deep() {
    let content = pattern(2, 20_000);
    let (mut input, first) = sys::pipe().unwrap();
    let mut children = Vec::new();
    for _ in 0..20 {
        let (reader, writer) = sys::pipe().unwrap();
        children.push(spawn(|| {
            sys::close(first).unwrap();
            sys::close(reader).unwrap();
            let mut buffer = [0; 1000];
            loop {
                match sys::read(input, &mut buffer).unwrap() {
                    0 => return,
                    n => write_all(writer, &buffer[..n]),
                }
            }
        }));
        sys::close(writer).unwrap();
        sys::close(input).unwrap();
        input = reader;
    }
    children.push(spawn(|| write_all(first, &content)));
    sys::close(first).unwrap();
    assert!(fs::read_all(input).unwrap() == content);
    children.into_iter().for_each(|child| expect_exit(child, 0));
}

fn pipe_atomic() {
    const ROUNDS: usize = 40;
    let (reader, writer) = sys::pipe().unwrap();
    let writers: Vec<_> = (0..4u8)
        .map(|id| {
            spawn(move || {
                for round in 0..ROUNDS {
                    // Two have the full length that is promised.
                    let len = if id >= 2 { PIPE_BUF } else { 100 + round };
                    let mut block = vec![id; len];
                    block[..2].copy_from_slice(&(len as u16).to_le_bytes());
                    assert_eq!(sys::write(writer, &block), Ok(len));
                }
            })
        })
        .collect();
    sys::close(writer).unwrap();
    let mut counts = [0; 4];
    // The pipe is full by then, and gets room for a part of what its writers wait with.
    pause(20);
    let (mut everything, mut piece) = (Vec::new(), [0; 1000]);
    loop {
        match sys::read(reader, &mut piece).unwrap() {
            0 => break,
            count => everything.extend_from_slice(&piece[..count]),
        }
    }
    let mut rest = &everything[..];
    while !rest.is_empty() {
        let len = usize::from(u16::from_le_bytes([rest[0], rest[1]]));
        let id = rest[2];
        assert!(rest[2..len].iter().all(|b| *b == id), "mixed");
        counts[usize::from(id)] += 1;
        rest = &rest[len..];
    }
    assert_eq!(counts, [ROUNDS; 4]);
    writers.into_iter().for_each(|child| expect_exit(child, 0));
}

fn pipe_nonblock() {
    let (reader, writer) = sys::pipe2(O_NONBLOCK).unwrap();
    assert_eq!(sys::read(reader, &mut [0; 4]), Err(Errno::EAGAIN));
    let mut total = 0;
    loop {
        match sys::write(writer, &[1; 1000]) {
            Ok(n) => total += n,
            Err(errno) => {
                assert_eq!(errno, Errno::EAGAIN);
                break;
            }
        }
    }
    assert!(total >= PIPE_BUF, "room for {total}");
    read_exact(reader, total);
    assert_eq!(sys::read(reader, &mut [0; 4]), Err(Errno::EAGAIN));
    // The flag can be taken away again.
    sys::set_status_flags(writer, 0).unwrap();
    assert_eq!(sys::status_flags(writer).unwrap() & O_NONBLOCK, 0);
}

fn pipe_capacity() {
    let (reader, writer) = sys::pipe2(O_NONBLOCK).unwrap();
    for _ in 0..16 {
        assert_eq!(sys::write(writer, &[1; PIPE_BUF]), Ok(PIPE_BUF));
    }
    assert_eq!(sys::write(writer, &[1]), Err(Errno::EAGAIN));
    read_exact(reader, PIPE_BUF);
    assert_eq!(sys::write(writer, &[2; PIPE_BUF]), Ok(PIPE_BUF));
}

fn pipe_flags() {
    let (reader, writer) = sys::pipe2(O_CLOEXEC).unwrap();
    for fd in [reader, writer] {
        assert_eq!(sys::descriptor_flags(fd), Ok(FD_CLOEXEC));
    }
    assert_eq!(sys::pipe2(0x7), Err(Errno::EINVAL));
    let (reader, _) = sys::pipe().unwrap();
    assert_eq!(sys::descriptor_flags(reader), Ok(0));
}

fn poll(fd: sys::Fd, events: i16) -> i16 {
    let mut record = PollFd {
        fd,
        events,
        revents: 0,
    }
    .to_bytes();
    let at_once = Timespec::default().to_bytes();
    let time = at_once.as_ptr() as u64;
    super::support::call(abi::nr::PPOLL, record.as_mut_ptr() as u64, 1, time).unwrap();
    PollFd::from_bytes(&record).revents
}

fn pipe_poll() {
    let (reader, writer) = sys::pipe().unwrap();
    assert_eq!(poll(reader, POLLIN), 0);
    assert_eq!(poll(writer, POLLOUT), POLLOUT);
    write_all(writer, b"x");
    assert_eq!(poll(reader, POLLIN), POLLIN);
    read_exact(reader, 1);
    sys::close(writer).unwrap();
    assert_eq!(poll(reader, POLLIN) & POLLHUP, POLLHUP);
}

fn pipe_full_reader_gone() {
    let (reader, writer) = sys::pipe().unwrap();
    let child = spawn(|| {
        sys::close(reader).unwrap();
        sys::signal(SIGPIPE, Disposition::Ignore).unwrap();
        loop {
            match sys::write(writer, &[0; 5000]) {
                Ok(_) => {}
                Err(errno) => {
                    assert_eq!(errno, Errno::EPIPE);
                    return;
                }
            }
        }
    });
    pause(20);
    sys::close(reader).unwrap();
    expect_exit(child, 0);
}

fn pipe_many() {
    let pipes: Vec<_> = (0..60).map(|_| sys::pipe().unwrap()).collect();
    for (i, (_, writer)) in pipes.iter().enumerate() {
        write_all(*writer, &[i as u8; 100]);
    }
    for (i, (reader, _)) in pipes.iter().enumerate().rev() {
        assert_eq!(read_exact(*reader, 100), [i as u8; 100]);
    }
}

fn pipe_empty_write() {
    let (reader, writer) = sys::pipe2(O_NONBLOCK).unwrap();
    assert_eq!(sys::write(writer, b""), Ok(0));
    assert_eq!(sys::read(reader, &mut [0; 4]), Err(Errno::EAGAIN));
    write_all(writer, b"x");
    assert_eq!(sys::read(reader, &mut []), Ok(0));
    assert_eq!(read_exact(reader, 1), b"x");
}
