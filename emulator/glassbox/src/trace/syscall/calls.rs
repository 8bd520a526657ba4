//! The arguments of each call: which of them are shown when it begins and which when it has ended, as strace has it.
//!
//! Most calls follow from their line in [`abi::nr::TABLE`]: arguments are shown in order; the first one that the call
//! writes to, and all behind it, wait for its end. The others have a function of their own here or in [`super::control`]
//! and [`super::process`].

use super::decoder::{Decoder, put};
use super::source::Source;
use super::text::Quote;
use super::{control, poll, process, structures};
use crate::numbers;
use abi::fcntl::{self, AT_STATX_SYNC_TYPE, O_CREAT};
use abi::mman::{self, MREMAP_FIXED, MREMAP_MAYMOVE};
use abi::names::Names;
use abi::nr::{self, Arg, Ret, Struct, Syscall};
use abi::poll::Iovec;
use abi::reboot;
use abi::stat::STATX;

/// How a result is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A number.
    Decimal,
    /// An address or a set.
    Hex,
    /// Permissions.
    Octal,
    /// A descriptor.
    Fd,
}

/// What is shown of a result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Its form.
    pub shape: Shape,
    /// What stands behind it in parentheses.
    pub note: Option<String>,
}

impl From<Shape> for Outcome {
    fn from(shape: Shape) -> Self {
        Self { shape, note: None }
    }
}

/// What calls are called: strace's names, those of unknown numbers made of the number.
pub fn name(number: u64) -> String {
    match numbers::name(number) {
        Some(name) => name.to_owned(),
        None => format!("syscall_{:#x}", numbers::raw(number)),
    }
}

/// Shows what is known when a call begins; says whether that is all.
pub fn enter<S: Source>(number: u64, d: &mut Decoder<'_, S>) -> bool {
    // strace does not take rseq(2) apart either.
    let Some(call) = nr::lookup(number).filter(|call| call.number != nr::RSEQ) else {
        let count = match number {
            nr::RSEQ => 4,
            _ => numbers::other(number).map_or(6, |other| usize::from(other.args)),
        };
        for (index, arg) in d.args[..count].iter().enumerate() {
            if index > 0 {
                d.next();
            }
            d.hex(*arg);
        }
        return true;
    };
    match number {
        nr::OPEN => open(d, 0),
        nr::OPENAT => {
            d.directory(d.args[0] as i32);
            d.next();
            open(d, 1);
        }
        nr::MMAP => mmap(d),
        nr::MREMAP => {
            let all = MREMAP_MAYMOVE | MREMAP_FIXED;
            let fixed = d.args[3] as u32 & all == all;
            shown(call, if fixed { 5 } else { 4 }, d);
        }
        nr::POLL => {
            poll::poll_fds(d);
            put!(d, "{}", d.args[2] as i32);
            return false;
        }
        nr::PPOLL => {
            poll::poll_fds(d);
            structures::show(Struct::Timespec, d.args[2], d);
            d.next();
            d.signal_set(d.args[3], d.args[4], 8);
            put!(d, ", {}", d.args[4]);
            return false;
        }
        nr::RT_SIGPROCMASK => {
            d.names(&abi::signal::HOW, u64::from(d.args[0] as u32));
            d.next();
            d.signal_set(d.args[1], d.args[3], 8);
            d.next();
            return false;
        }
        nr::RT_SIGSUSPEND => {
            d.signal_set(d.args[0], d.args[1], 8);
            put!(d, ", {}", d.args[1]);
        }
        nr::STATX => {
            shown(call, 2, d);
            let flags = u64::from(d.args[2] as u32);
            let kind = u64::from(AT_STATX_SYNC_TYPE);
            put!(d, ", {:#}", fcntl::STATX_SYNC.show(flags & kind));
            if flags & !kind != 0 {
                put!(d, "|{:#}", fcntl::AT.show(flags & !kind));
            }
            put!(d, ", {}, ", STATX.show(u64::from(d.args[3] as u32)));
            return false;
        }
        nr::SCHED_SETAFFINITY | nr::SCHED_GETAFFINITY => {
            put!(d, "{}, {}, ", d.args[0] as i32, d.args[1] as u32);
            if number == nr::SCHED_GETAFFINITY {
                return false;
            }
            cpu_set(d, u64::from(d.args[1] as u32));
        }
        // The mask lies where the stack pointer points; who follows signals knows it.
        nr::RT_SIGRETURN => put!(d, "{{mask={}}}", super::text::signal_set(d.style.mask, 8)),
        nr::ALARM => put!(d, "{}", d.args[0] as u32),
        nr::REBOOT => reboot(d),
        nr::SENDFILE => return control::sendfile(d),
        nr::FCNTL => return control::fcntl_enter(d),
        nr::IOCTL => return control::ioctl_enter(d),
        nr::CLONE => return process::clone_enter(d),
        nr::FUTEX => process::futex(d),
        nr::PRCTL => return process::prctl_enter(d),
        nr::ARCH_PRCTL => return process::arch_prctl_enter(d),
        _ => {
            let first = first_written(call);
            shown(call, first, d);
            if 0 < first && first < call.args.len() {
                d.next();
            }
            return first == call.args.len();
        }
    }
    true
}

/// Shows the rest of a call that has ended; `whole` says that [`enter`] has shown all of it.
pub fn exit<S: Source>(number: u64, whole: bool, d: &mut Decoder<'_, S>) -> Outcome {
    let Some(call) = nr::lookup(number) else {
        return Shape::Decimal.into();
    };
    match number {
        nr::FCNTL => return control::fcntl_exit(d),
        _ if whole => {}
        nr::POLL | nr::PPOLL => return poll::polled(number, d),
        nr::IOCTL => control::ioctl_exit(d),
        nr::SENDFILE => control::sendfile_exit(d),
        nr::CLONE => process::clone_exit(d),
        nr::PRCTL => process::prctl_exit(d),
        nr::ARCH_PRCTL => process::arch_prctl_exit(d),
        nr::WAIT4 => process::wait4_exit(d),
        nr::TIME => return process::time_exit(d),
        nr::RT_SIGPROCMASK => {
            d.signal_set(d.args[2], d.args[3], 8);
            put!(d, ", {}", d.args[3]);
        }
        nr::RT_SIGPENDING => {
            d.signal_set(d.args[0], d.args[1], 1);
            put!(d, ", {}", d.args[1]);
        }
        nr::NANOSLEEP => poll::remaining(d, d.args[1], true),
        nr::CLOCK_NANOSLEEP => poll::remaining(d, d.args[3], d.args[1] == 0),
        nr::SCHED_GETAFFINITY => cpu_set(d, d.result.unwrap_or(0) as u64),
        nr::GETDENTS64 => entries(d),
        nr::GETRANDOM => {
            written(d, 0, Quote::Hex);
            put!(d, ", {}, ", d.args[1]);
            d.names(&abi::system::GETRANDOM, u64::from(d.args[2] as u32));
        }
        nr::GETCWD => {
            match d.result {
                Some(len @ 1..) => d.path_within(d.args[0], len as usize - 1),
                _ => d.address(d.args[0]),
            }
            put!(d, ", {}", d.args[1]);
        }
        _ => {
            for (index, arg) in call.args.iter().enumerate().skip(first_written(call)) {
                if index > first_written(call) {
                    d.next();
                }
                argument(call, index, *arg, d);
            }
        }
    }
    match call.ret {
        Ret::Addr => Shape::Hex,
        Ret::Mode => Shape::Octal,
        Ret::Fd => Shape::Fd,
        Ret::Int | Ret::Never => Shape::Decimal,
    }
    .into()
}

/// The place of the first argument that the call writes to, or the number of arguments.
fn first_written(call: &Syscall) -> usize {
    let written = |arg: &Arg| matches!(arg, Arg::OutBuf | Arg::OutVec | Arg::Out(_));
    let first = call.args.iter().position(written);
    first.unwrap_or(call.args.len())
}

/// Shows the first `count` arguments.
fn shown<S: Source>(call: &Syscall, count: usize, d: &mut Decoder<'_, S>) {
    for (index, arg) in call.args[..count].iter().enumerate() {
        if index > 0 {
            d.next();
        }
        argument(call, index, *arg, d);
    }
}

/// Shows one argument.
fn argument<S: Source>(call: &Syscall, index: usize, arg: Arg, d: &mut Decoder<'_, S>) {
    let value = d.args[index];
    let following = d.args.get(index + 1).copied().unwrap_or(0);
    match arg {
        Arg::Int | Arg::Pid => put!(d, "{}", value as i32),
        Arg::Long | Arg::Off => put!(d, "{}", value as i64),
        Arg::Len => put!(d, "{value}"),
        Arg::Addr => d.address(value),
        Arg::Fd => d.fd(value as i32),
        Arg::DirFd => d.directory(value as i32),
        Arg::Path => d.path(value),
        Arg::Mode => {
            put!(d, "{}", super::text::octal(u64::from(value as u16)));
        }
        Arg::Id => d.id(value as u32),
        Arg::Signal => d.signal(value as i32),
        Arg::Set(names) => d.names(names, set_value(names, value)),
        Arg::InBuf => d.buffer(value, following, Quote::Text),
        Arg::OutBuf => written(d, index, Quote::Text),
        Arg::InVec => {
            let no_limit = u64::MAX;
            vector(d, value, following, Some(no_limit));
        }
        Arg::OutVec => {
            let limit = d.result.and_then(|result| u64::try_from(result).ok());
            vector(d, value, following, limit);
        }
        Arg::In(Struct::Sigset) | Arg::Out(Struct::Sigset) => d.signal_set(value, following, 8),
        Arg::In(kind) | Arg::Out(kind) => structures::show(kind, value, d),
        Arg::Argv => process::arguments(d, value),
        Arg::Envp => process::environment(d, value),
        // They stand in calls that have their own functions.
        Arg::CloneFlags | Arg::FcntlArg | Arg::IoctlArg => {
            debug_assert!(false, "{}", call.name);
            d.hex(value);
        }
    }
}

/// A member of a family is an `unsigned int`, but for the flags of mmap(2) and its kin.
fn set_value(names: &'static Names, value: u64) -> u64 {
    let wide = [&mman::PROT, &mman::MAP, &mman::MREMAP];
    if wide.iter().any(|wide| std::ptr::eq(*wide, names)) {
        value
    } else {
        u64::from(value as u32)
    }
}

/// Bytes that the call has written to the argument at `index`.
fn written<S: Source>(d: &mut Decoder<'_, S>, index: usize, how: Quote) {
    match d.result {
        Some(len @ 0..) => d.buffer(d.args[index], len as u64, how),
        _ => d.address(d.args[index]),
    }
}

/// A vector of buffers that hold `limit` bytes together; `None`: nothing of interest.
fn vector<S: Source>(d: &mut Decoder<'_, S>, addr: u64, count: u64, limit: Option<u64>) {
    let mut left = limit.unwrap_or(u64::MAX);
    d.array(addr, count, |d, buffer: Iovec| {
        d.out.push_str("{iov_base=");
        match limit {
            Some(limit) => {
                let len = buffer.len.min(left);
                if limit != u64::MAX {
                    left -= len;
                }
                d.buffer(buffer.base, len, Quote::Text);
            }
            None => d.address(buffer.base),
        }
        put!(d, ", iov_len={}}}", buffer.len);
        true
    });
}

fn open<S: Source>(d: &mut Decoder<'_, S>, first: usize) {
    d.path(d.args[first]);
    let flags = d.args[first + 1] as u32;
    put!(d, ", {}", fcntl::OPEN.show(flags.into()));
    if flags & (O_CREAT | fcntl::__O_TMPFILE) != 0 {
        let mode = super::text::octal(u64::from(d.args[first + 2] as u16));
        put!(d, ", {mode}");
    }
}

fn mmap<S: Source>(d: &mut Decoder<'_, S>) {
    /// Flags hold the size of huge pages from this bit on (mmap(2)).
    const SHIFT: u32 = 26;
    d.address(d.args[0]);
    put!(d, ", {}, {}, ", d.args[1], mman::PROT.show(d.args[2]));
    let size = d.args[3] & 0x3f << SHIFT;
    d.names(&mman::MAP, d.args[3] & !size);
    if size != 0 {
        put!(d, "|{}<<MAP_HUGE_SHIFT", size >> SHIFT);
    }
    d.next();
    d.fd(d.args[4] as i32);
    d.next();
    d.hex(d.args[5]);
}

/// A set of CPUs of `len` bytes.
fn cpu_set<S: Source>(d: &mut Decoder<'_, S>, len: u64) {
    /// Bytes of the largest set that is shown: Linux's own for 1024 CPUs.
    const MOST: u64 = 128;
    let addr = d.args[2];
    if addr == 0 || d.failed() {
        return d.address(addr);
    }
    if len == 0 {
        return d.out.push_str("[]");
    }
    let Some(set) = d.bytes(addr, len.min(MOST) as usize) else {
        return d.address(addr);
    };
    let mut cpus: Vec<String> = (0..8 * set.len())
        .filter(|cpu| set[cpu / 8] >> (cpu % 8) & 1 != 0)
        .map(|cpu| cpu.to_string())
        .collect();
    if len > MOST {
        cpus.push("...".to_owned());
    }
    put!(d, "[{}]", cpus.join(" "));
}

/// The entries that getdents64 has found, counted.
fn entries<S: Source>(d: &mut Decoder<'_, S>) {
    /// Bytes of an entry's head.
    const HEAD: u64 = 19;
    /// Most entries that are looked at.
    const MOST: u32 = 4096;
    let (addr, room) = (d.args[1], u64::from(d.args[2] as u32));
    d.address(addr);
    if let Some(result @ 0..) = d.result
        && result as u64 <= room
    {
        let (mut left, mut at, mut count) = (result as u64, addr, 0);
        while left >= HEAD && count < MOST {
            let Some(head) = d.bytes(at, HEAD as usize) else {
                break;
            };
            count += 1;
            let len = u64::from(u16::from_le_bytes([head[16], head[17]])).max(HEAD);
            left = left.saturating_sub(len);
            at = at.saturating_add(len);
        }
        let more = if left > 0 { "+" } else { "" };
        put!(d, " /* {count}{more} entries */");
    }
    put!(d, ", {room}");
}

fn reboot<S: Source>(d: &mut Decoder<'_, S>) {
    let magic = |number: u64, wanted: u32, name: &str| {
        if number as u32 == wanted {
            format!("LINUX_REBOOT_{name}")
        } else {
            format!(
                "{} /* LINUX_REBOOT_MAGIC_??? */",
                super::text::hex(number & 0xffff_ffff)
            )
        }
    };
    let first = magic(d.args[0], reboot::MAGIC1, "MAGIC1");
    let second = magic(d.args[1], reboot::MAGIC2, "MAGIC2");
    put!(d, "{first}, {second}, ");
    let command = d.args[2] as u32;
    match reboot::COMMANDS.name(command.into()) {
        Some(name) => put!(d, "LINUX_REBOOT_CMD_{name}"),
        None => put!(d, "{command:#x} /* LINUX_REBOOT_CMD_??? */"),
    }
    if command == reboot::RESTART2 {
        d.next();
        d.string(d.args[3]);
    }
}
