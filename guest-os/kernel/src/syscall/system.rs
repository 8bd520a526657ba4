//! Calls about the whole system: uname, sysinfo, getrandom, reboot.

use abi::Errno;
use abi::reboot::{CAD_OFF, HALT, MAGIC1, MAGIC2, POWER_OFF, RESTART};
use abi::system::{GRND_INSECURE, GRND_NONBLOCK, GRND_RANDOM, Sysinfo, Utsname};

use super::{Args, SysResult};
use crate::arch;
use crate::fs::diskfs;
use crate::mm::address::PAGE_SIZE;
use crate::mm::{frame, kstack};
use crate::proc::table;
use crate::time::{NANOS_PER_SEC, now_ns};

/// Largest piece of random bytes produced at once.
const RANDOM_CHUNK: usize = 256;

fn field(text: &str) -> [u8; 65] {
    let mut bytes = [0; 65];
    bytes[..text.len()].copy_from_slice(text.as_bytes());
    bytes
}

/// uname(2).
pub fn uname(args: &mut Args) -> SysResult {
    let names = Utsname {
        sysname: field("Silica"),
        nodename: field("glassbox"),
        release: field(env!("CARGO_PKG_VERSION")),
        version: field("#1 SMP"),
        machine: field(arch::MACHINE),
        domainname: field("(none)"),
    };
    args.pointer(0).write(&names)?;
    Ok(0)
}

/// sysinfo(2).
pub fn sysinfo(args: &mut Args) -> SysResult {
    let info = Sysinfo {
        uptime: (now_ns() / NANOS_PER_SEC) as i64,
        totalram: (frame::total() * PAGE_SIZE) as u64,
        freeram: ((frame::free() + kstack::idle_frames()) * PAGE_SIZE) as u64,
        procs: table::lock().len() as u16,
        mem_unit: 1,
        ..Sysinfo::default()
    };
    args.pointer(0).write(&info)?;
    Ok(0)
}

/// getrandom(2): never waits, so flags change nothing.
pub fn getrandom(args: &mut Args) -> SysResult {
    if args.uint(2) & !(GRND_NONBLOCK | GRND_RANDOM | GRND_INSECURE) != 0 {
        return Err(Errno::EINVAL);
    }
    let buffer = args.bytes(0)?;
    let mut chunk = [0; RANDOM_CHUNK];
    let mut done = 0;
    while done < buffer.len() {
        let len = (buffer.len() - done).min(RANDOM_CHUNK);
        crate::random::fill(&mut chunk[..len]);
        buffer.write(done, &chunk[..len])?;
        done += len;
    }
    Ok(done)
}

/// reboot(2): everything written is made durable first. Switching off takes the machine's exit word as the fourth argument (`abi::boot::ExitWord`).
pub fn reboot(args: &mut Args) -> SysResult {
    if args.uint(0) != MAGIC1 || args.uint(1) != MAGIC2 {
        return Err(Errno::EINVAL);
    }
    if args.uint(2) != CAD_OFF {
        crate::fs::settle();
    }
    if args.uint(2) != CAD_OFF
        && let Err(errno) = diskfs::sync()
    {
        crate::error!("what was written last is not on the disk: {errno}");
    }
    match args.uint(2) {
        CAD_OFF => Ok(0),
        RESTART => arch::power::reset(),
        HALT => arch::power::halt_forever(),
        POWER_OFF => arch::power::power_off(args.uint(3)),
        _ => Err(Errno::EINVAL),
    }
}
