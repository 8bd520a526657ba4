//! What many cases need: children, patterns in files, memory of their own.

use abi::Errno;
use abi::mman::{MAP_ANONYMOUS, MAP_PRIVATE, PROT_READ, PROT_WRITE};
use abi::wait::{Ended, WaitStatus};
use rust_alloc::vec::Vec;
use ulib::arch::wild;
use ulib::sys::{self, Fd, Pid};
use ulib::{fs, io};

/// Bytes of a page.
pub const PAGE: usize = abi::limits::PAGE_SIZE;

/// Addresses that no program may use: null, unmapped, the hole, the kernel's.
pub const BAD_ADDRESSES: [u64; 6] = [
    0,
    1,
    0x1_0000_0000_0000 - 0x1000,
    0x0000_8000_0000_0000,
    0xffff_8000_0000_0000,
    0xffff_ffff_8010_0000,
];

/// Is this Silica?
pub fn on_silica() -> bool {
    sys::uname().is_ok_and(|names| names.sysname.starts_with(b"Silica\0"))
}

/// The name of a signal.
pub fn signal_name(signal: u8) -> &'static str {
    abi::signal::name(signal.into()).unwrap_or("an unknown signal")
}

/// Starts a child that runs `body` and then exits with 0.
pub fn spawn(body: impl FnOnce()) -> Pid {
    match sys::fork() {
        Ok(Some(pid)) => pid,
        Ok(None) => {
            body();
            sys::exit(0)
        }
        Err(errno) => panic!("fork: {errno}"),
    }
}

/// Runs `body` in a child and waits for it.
pub fn in_child(body: impl FnOnce()) -> WaitStatus {
    let pid = spawn(body);
    sys::wait_for(pid).unwrap()
}

/// Waits for a child, which must have exited with this code.
#[track_caller]
pub fn expect_exit(pid: Pid, code: u8) {
    assert_eq!(sys::wait_for(pid).unwrap().ended(), Ended::Exited(code));
}

/// Runs `body` in a child, which must die by this signal. No core file is left behind.
#[track_caller]
pub fn expect_signal(signal: u32, body: impl FnOnce()) {
    assert_eq!(in_child(body).ended(), Ended::Signaled(signal as u8));
}

/// A system call that takes three arguments, as numbers.
pub fn call(number: u64, a: u64, b: u64, c: u64) -> sys::Result<u64> {
    wild::syscall(number, [a, b, c, 0, 0, 0])
}

/// Fresh pages, as an address.
pub fn map(pages: usize) -> u64 {
    let flags = MAP_PRIVATE | MAP_ANONYMOUS;
    sys::mmap(0, pages * PAGE, PROT_READ | PROT_WRITE, flags, -1, 0).unwrap() as u64
}

/// Bytes that differ from place to place and seed to seed.
pub fn pattern(seed: u64, len: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut bytes = Vec::with_capacity(len);
    for _ in 0..len {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.push(state as u8);
    }
    bytes
}

/// Creates a file with this content.
#[track_caller]
pub fn write(path: &str, content: &[u8]) {
    fs::write_file(path.as_bytes(), content).unwrap();
}

/// The content of a file.
#[track_caller]
pub fn read(path: &str) -> Vec<u8> {
    fs::read_file(path.as_bytes()).unwrap()
}

/// Opens a file.
#[track_caller]
pub fn open(path: &str, flags: u32) -> Fd {
    sys::open(path.as_bytes(), flags, 0o644).unwrap()
}

/// Does a name exist?
pub fn exists(path: &str) -> bool {
    sys::lstat(path.as_bytes()).is_ok()
}

/// Reads exactly this many bytes.
#[track_caller]
pub fn read_exact(fd: Fd, len: usize) -> Vec<u8> {
    let mut bytes = rust_alloc::vec![0; len];
    let mut done = 0;
    while done < len {
        match sys::read(fd, &mut bytes[done..]) {
            Ok(0) => panic!("end after {done} of {len} bytes"),
            Ok(n) => done += n,
            Err(Errno::EINTR) => {}
            Err(errno) => panic!("read: {errno}"),
        }
    }
    bytes
}

/// Writes all bytes.
#[track_caller]
pub fn write_all(fd: Fd, bytes: &[u8]) {
    io::write_all(fd, bytes).unwrap();
}

/// Memory in bytes that is free or in caches, as /proc/meminfo says.
pub fn free_memory() -> u64 {
    let text = fs::read_file(b"/proc/meminfo").unwrap();
    crate::proc::meminfo(&text, "MemAvailable").unwrap() * 1024
}

/// Sleeps for milliseconds.
pub fn pause(millis: u64) {
    sys::sleep(abi::time::Timespec::from_nanos(millis * 1_000_000)).unwrap();
}
