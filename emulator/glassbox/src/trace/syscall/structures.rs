//! Structures in memory, as strace shows them without `-v`.

use super::decoder::{Decoder, put};
use super::source::Source;
use super::text::{self, Quote};
use crate::trace::calendar;
use abi::isa::{Isa, riscv64, x86_64};
use abi::nr::Struct;
use abi::resource::{RLIM_INFINITY, Rlimit, Rusage, Tms};
use abi::sigframe::{SS, SigStack};
use abi::signal::{SA_RESTORER, SIG_DFL, SIG_IGN, SIGACTION};
use abi::stat::{
    FS_MAGIC, S_IFBLK, S_IFCHR, S_IFMT, ST, ST_VALID, STATX, STATX_ATTR, STATX_MODE, STATX_SIZE,
    STATX_TYPE, Statfs, StatxHead,
};
use abi::system::{Sysinfo, Utsname};
use abi::time::{Timespec, Timeval, UTIME_NOW, UTIME_OMIT};

/// `struct sigaction`, whatever the instruction set.
#[derive(Clone, Copy, Debug, Default)]
pub struct Action {
    /// Address of the handler, `SIG_DFL` or `SIG_IGN`.
    pub handler: u64,
    /// `SA_*` flags.
    pub flags: u64,
    /// Signals blocked while the handler runs.
    pub mask: u64,
    /// Where the handler returns to, where that is the program's to say.
    pub restorer: Option<u64>,
}

impl From<x86_64::Sigaction> for Action {
    fn from(action: x86_64::Sigaction) -> Self {
        Self {
            handler: action.handler,
            flags: action.flags,
            mask: action.mask,
            restorer: Some(action.restorer),
        }
    }
}

impl From<riscv64::Sigaction> for Action {
    fn from(action: riscv64::Sigaction) -> Self {
        Self {
            handler: action.handler,
            flags: action.flags,
            mask: action.mask,
            restorer: None,
        }
    }
}

/// Shows what lies at `addr`, or the address if that cannot be had.
pub fn show<S: Source>(kind: Struct, addr: u64, d: &mut Decoder<'_, S>) {
    match kind {
        Struct::Stat => stat(addr, d),
        Struct::Statx => statx(addr, d),
        Struct::Statfs => statfs(addr, d),
        Struct::Timespec => {
            if let Some(time) = d.fetch_or_address(addr) {
                put!(d, "{}", timespec(time));
            }
        }
        Struct::TimespecPair => pair(addr, d),
        Struct::Timeval => {
            if let Some(time) = d.fetch_or_address(addr) {
                put!(d, "{}", timeval(time));
            }
        }
        Struct::Timezone => {
            if let Some([west, dst]) = d.fetch_or_address::<[i32; 2]>(addr) {
                put!(d, "{{tz_minuteswest={west}, tz_dsttime={dst}}}");
            }
        }
        Struct::Time | Struct::Off => {
            if let Some(number) = d.fetch_or_address::<i64>(addr) {
                put!(d, "[{number}]");
            }
        }
        Struct::Int | Struct::WaitStatus => {
            if let Some(number) = d.fetch_or_address::<i32>(addr) {
                put!(d, "[{number}]");
            }
        }
        Struct::Sigaction => action(addr, d),
        Struct::SigStack => {
            if let Some(stack) = d.fetch_or_address::<SigStack>(addr) {
                d.out.push_str("{ss_sp=");
                d.address(stack.sp);
                let flags = SS.show(u64::from(stack.flags as u32));
                put!(d, ", ss_flags={flags}, ss_size={}}}", stack.size);
            }
        }
        Struct::Rusage => {
            if let Some(usage) = d.fetch_or_address::<Rusage>(addr) {
                let (user, system) = (timeval(usage.utime), timeval(usage.stime));
                put!(d, "{{ru_utime={user}, ru_stime={system}, ...}}");
            }
        }
        Struct::Rlimit => {
            if let Some(limit) = d.fetch_or_address::<Rlimit>(addr) {
                let (soft, hard) = (amount(limit.soft), amount(limit.hard));
                put!(d, "{{rlim_cur={soft}, rlim_max={hard}}}");
            }
        }
        Struct::Tms => {
            if let Some(times) = d.fetch_or_address::<Tms>(addr) {
                let [user, system, child_user, child_system] =
                    [times.utime, times.stime, times.cutime, times.cstime].map(ticks);
                put!(
                    d,
                    "{{tms_utime={user}, tms_stime={system}, tms_cutime={child_user}, tms_cstime={child_system}}}"
                );
            }
        }
        Struct::Utsname => {
            if let Some(name) = d.fetch_or_address::<Utsname>(addr) {
                d.out.push_str("{sysname=");
                field(&name.sysname, d);
                d.out.push_str(", nodename=");
                field(&name.nodename, d);
                d.out.push_str(", ...}");
            }
        }
        Struct::Sysinfo => sysinfo(addr, d),
        Struct::FdPair => {
            if let Some([first, second]) = d.fetch_or_address::<[i32; 2]>(addr) {
                d.out.push('[');
                d.fd(first);
                d.next();
                d.fd(second);
                d.out.push(']');
            }
        }
        Struct::Path => d.path(addr),
        // They stand in calls that have their own functions.
        Struct::Sigset | Struct::PollFds | Struct::Dirents | Struct::CpuSet => d.address(addr),
    }
}

/// A field of NUL-terminated text.
fn field<S: Source>(bytes: &[u8], d: &mut Decoder<'_, S>) {
    let end = bytes.iter().position(|byte| *byte == 0);
    let text = &bytes[..end.unwrap_or(bytes.len() - 1)];
    d.out.quote(text, Quote::Text);
    if end.is_none() {
        d.out.push_str("...");
    }
}

/// A `struct timespec`.
pub fn timespec(time: Timespec) -> String {
    format!("{{tv_sec={}, tv_nsec={}}}", time.sec, time.nsec as u64)
}

fn timeval(time: Timeval) -> String {
    format!("{{tv_sec={}, tv_usec={}}}", time.sec, time.usec as u64)
}

/// Clock ticks, of which there are 100 in a second (times(2)).
pub fn ticks(count: i64) -> String {
    match count as u64 {
        0 => "0".to_owned(),
        count => format!("{count} /* {}.{:02} s */", count / 100, count % 100),
    }
}

/// A resource's limit.
fn amount(limit: u64) -> String {
    match limit {
        RLIM_INFINITY => "RLIM64_INFINITY".to_owned(),
        1025.. if limit.is_multiple_of(1024) => format!("{}*1024", limit / 1024),
        _ => limit.to_string(),
    }
}

fn stat<S: Source>(addr: u64, d: &mut Decoder<'_, S>) {
    let shown = match d.style.isa {
        Isa::X86_64 => d
            .fetch_or_address(addr)
            .map(|stat: x86_64::Stat| (stat.mode, stat.rdev, stat.size)),
        Isa::Riscv64 => d
            .fetch_or_address(addr)
            .map(|stat: riscv64::Stat| (stat.mode, stat.rdev, stat.size)),
    };
    let Some((mode, rdev, size)) = shown else {
        return;
    };
    put!(d, "{{st_mode={}, ", text::mode(mode));
    match mode & S_IFMT {
        S_IFCHR | S_IFBLK => put!(d, "st_rdev={}", text::device(rdev)),
        _ => put!(d, "st_size={}", size as u64),
    }
    d.out.push_str(", ...}");
}

fn statx<S: Source>(addr: u64, d: &mut Decoder<'_, S>) {
    let Some(head) = d.fetch_or_address::<StatxHead>(addr) else {
        return;
    };
    let (mask, attributes) = (
        STATX.show(head.mask.into()),
        STATX_ATTR.show(head.attributes),
    );
    put!(d, "{{stx_mask={mask}, stx_attributes={attributes}");
    if head.mask & (STATX_TYPE | STATX_MODE) != 0 {
        put!(d, ", stx_mode={}", text::mode(head.mode.into()));
    }
    if head.mask & STATX_SIZE != 0 {
        put!(d, ", stx_size={}", head.size);
    }
    d.out.push_str(", ...}");
}

fn statfs<S: Source>(addr: u64, d: &mut Decoder<'_, S>) {
    let Some(fs) = d.fetch_or_address::<Statfs>(addr) else {
        return;
    };
    put!(
        d,
        "{{f_type={:#}, f_bsize={}",
        FS_MAGIC.show(fs.kind as u64),
        fs.bsize as u64
    );
    put!(d, ", f_blocks={}, f_bfree={}", fs.blocks, fs.bfree);
    put!(d, ", f_bavail={}, f_files={}", fs.bavail, fs.files);
    let [low, high] = fs.fsid.map(|half| text::hex(u64::from(half as u32)));
    put!(d, ", f_ffree={}, f_fsid={{val=[{low}, {high}]}}", fs.ffree);
    put!(
        d,
        ", f_namelen={}, f_frsize={}",
        fs.namelen as u64,
        fs.frsize as u64
    );
    if fs.flags as u64 & ST_VALID != 0 {
        // The bit has a name of its own, before the others.
        let rest = fs.flags as u64 & !ST_VALID;
        d.out.push_str(", f_flags=ST_VALID");
        if rest != 0 {
            put!(d, "|{:#}", ST.show(rest));
        }
    }
    d.out.push('}');
}

/// Two instants, as utimensat(2) takes them.
fn pair<S: Source>(addr: u64, d: &mut Decoder<'_, S>) {
    let Some([first, second]) = d.fetch_or_address::<[[i64; 2]; 2]>(addr) else {
        return;
    };
    let [first, second] = [first, second].map(|[sec, nsec]| match nsec {
        UTIME_NOW => "UTIME_NOW".to_owned(),
        UTIME_OMIT => "UTIME_OMIT".to_owned(),
        _ => {
            let comment = calendar::comment(sec, nsec as u64);
            timespec(Timespec { sec, nsec }) + &comment
        }
    });
    put!(d, "[{first}, {second}]");
}

fn action<S: Source>(addr: u64, d: &mut Decoder<'_, S>) {
    let action = match d.style.isa {
        Isa::X86_64 => d
            .fetch_or_address::<x86_64::Sigaction>(addr)
            .map(Action::from),
        Isa::Riscv64 => d
            .fetch_or_address::<riscv64::Sigaction>(addr)
            .map(Action::from),
    };
    let Some(action) = action else {
        return;
    };
    d.out.push_str("{sa_handler=");
    match action.handler {
        SIG_DFL => d.out.push_str("SIG_DFL"),
        SIG_IGN => d.out.push_str("SIG_IGN"),
        handler => put!(d, "{handler:#x}"),
    }
    let mask = text::signal_set(action.mask, 8);
    put!(
        d,
        ", sa_mask={mask}, sa_flags={}",
        SIGACTION.show(action.flags)
    );
    if let (true, Some(restorer)) = (action.flags & u64::from(SA_RESTORER) != 0, action.restorer) {
        d.out.push_str(", sa_restorer=");
        d.address(restorer);
    }
    d.out.push('}');
}

fn sysinfo<S: Source>(addr: u64, d: &mut Decoder<'_, S>) {
    let Some(info) = d.fetch_or_address::<Sysinfo>(addr) else {
        return;
    };
    let [one, five, fifteen] = info.loads;
    put!(
        d,
        "{{uptime={}, loads=[{one}, {five}, {fifteen}]",
        info.uptime as u64
    );
    for (name, value) in [
        ("totalram", info.totalram),
        ("freeram", info.freeram),
        ("sharedram", info.sharedram),
        ("bufferram", info.bufferram),
        ("totalswap", info.totalswap),
        ("freeswap", info.freeswap),
        ("procs", info.procs.into()),
        ("totalhigh", info.totalhigh),
        ("freehigh", info.freehigh),
        ("mem_unit", info.mem_unit.into()),
    ] {
        put!(d, ", {name}={value}");
    }
    d.out.push('}');
}
