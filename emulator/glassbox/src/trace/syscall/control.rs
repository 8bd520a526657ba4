//! fcntl(2), ioctl(2) and sendfile(2): what their arguments are depends on others of them.

use super::calls::{Outcome, Shape};
use super::decoder::{Decoder, put};
use super::source::Source;
use super::text::{self, Quote};
use abi::fcntl::*;
use abi::names::Names;
use abi::termios::*;

/// Shows what is known when fcntl(2) begins; says whether that is all.
pub fn fcntl_enter<S: Source>(d: &mut Decoder<'_, S>) -> bool {
    d.fd(d.args[0] as i32);
    let command = d.args[1] as u32;
    let arg = d.args[2];
    put!(d, ", {}", FCNTL.show(command.into()));
    match command {
        F_GETFD | F_GETFL | F_GETSIG | F_GETLK | F_GETLEASE | F_GET_SEALS => return false,
        F_GETOWN | F_GETPIPE_SZ => {}
        F_SETFD => put!(d, ", {}", FD.show(u64::from(arg as u32))),
        F_SETOWN => put!(d, ", {}", arg as i32),
        F_SETPIPE_SZ | F_DUPFD | F_DUPFD_CLOEXEC => put!(d, ", {}", arg as i64),
        F_SETFL => put!(d, ", {}", OPEN.show(u64::from(arg as u32))),
        F_SETSIG => put!(d, ", {}", text::signal_name(arg as i32)),
        F_SETLK | F_SETLKW => {
            d.next();
            lock(d, false);
        }
        _ => put!(d, ", {}", text::hex(arg)),
    }
    true
}

/// Shows the rest of fcntl(2).
pub fn fcntl_exit<S: Source>(d: &mut Decoder<'_, S>) -> Outcome {
    let result = d.result.unwrap_or(0) as u64;
    let hex = |note: String| Outcome {
        shape: Shape::Hex,
        note: Some(note),
    };
    match d.args[1] as u32 {
        F_GETLK => {
            d.next();
            lock(d, true);
        }
        _ if d.failed() => {}
        F_DUPFD | F_DUPFD_CLOEXEC => return Shape::Fd.into(),
        F_GETFD if result != 0 => return hex(format!("flags {:#}", FD.show(result))),
        F_GETFL => return hex(format!("flags {}", OPEN.show(result))),
        F_GETSIG if result != 0 => {
            return Outcome {
                shape: Shape::Decimal,
                note: Some(text::signal_name(result as i32)),
            };
        }
        _ => {}
    }
    Shape::Decimal.into()
}

/// A record lock.
fn lock<S: Source>(d: &mut Decoder<'_, S>, with_owner: bool) {
    let Some(lock) = d.fetch_or_address::<Flock>(d.args[2]) else {
        return;
    };
    let (kind, whence) = (
        LOCK_TYPES.show(lock.kind.into()),
        WHENCE.show(lock.whence.into()),
    );
    put!(
        d,
        "{{l_type={kind}, l_whence={whence}, l_start={}, l_len={}",
        lock.start,
        lock.len
    );
    if with_owner {
        put!(d, ", l_pid={}", lock.pid);
    }
    d.out.push('}');
}

/// Requests of terminals have this byte.
const TERMINAL: u32 = b'T' as u32;

/// Shows what is known when ioctl(2) begins; says whether that is all.
pub fn ioctl_enter<S: Source>(d: &mut Decoder<'_, S>) -> bool {
    d.fd(d.args[0] as i32);
    d.next();
    let request = d.args[1] as u32;
    // Requests of sequencers that have the same numbers.
    match request {
        TCSETS => d.out.push_str("SNDCTL_TMR_START or "),
        TCSETSW => d.out.push_str("SNDCTL_TMR_STOP or "),
        TCSETSF => d.out.push_str("SNDCTL_TMR_CONTINUE or "),
        _ => {}
    }
    match IOCTL.name(request.into()) {
        Some(name) => d.out.push_str(name),
        None => number(request, d),
    }
    let arg = d.args[2];
    match request {
        TCGETS | TIOCGWINSZ | TIOCGPGRP | TIOCGSID | TIOCGETD | TIOCGPTN | FIONREAD | TIOCOUTQ => {
            return false;
        }
        TIOCNOTTY | TIOCEXCL | TIOCNXCL | FIOCLEX | FIONCLEX => {}
        TCSETS | TCSETSW | TCSETSF | TIOCSWINSZ | TIOCSPGRP | TIOCSETD | FIONBIO | FIOASYNC
        | TIOCSPTLCK => {
            pointed(request, d);
        }
        TCXONC => put!(
            d,
            ", {}",
            choice(&["TCOOFF", "TCOON", "TCIOFF", "TCION"], arg)
        ),
        TCFLSH => put!(
            d,
            ", {}",
            choice(&["TCIFLUSH", "TCOFLUSH", "TCIOFLUSH"], arg)
        ),
        TCSBRK | TCSBRKP | TIOCSCTTY => put!(d, ", {}", arg as i32),
        TIOCSTI => {
            d.next();
            d.buffer(arg, 1, Quote::Text);
        }
        _ if request >> 8 & 0xff == TERMINAL => put!(d, ", {}", text::hex(arg)),
        _ => return false,
    }
    true
}

/// Shows the rest of ioctl(2).
pub fn ioctl_exit<S: Source>(d: &mut Decoder<'_, S>) {
    let request = d.args[1] as u32;
    if request >> 8 & 0xff == TERMINAL {
        pointed(request, d);
    } else {
        put!(d, ", {}", text::hex(d.args[2]));
    }
}

/// What the third argument points to.
fn pointed<S: Source>(request: u32, d: &mut Decoder<'_, S>) {
    d.next();
    let addr = d.args[2];
    match request {
        TCGETS | TCSETS | TCSETSW | TCSETSF => {
            if let Some(settings) = d.fetch_or_address::<Termios>(addr) {
                d.out.push_str(&termios(&settings));
            }
        }
        TIOCGWINSZ | TIOCSWINSZ => {
            if let Some(Winsize {
                rows,
                cols,
                xpixel,
                ypixel,
            }) = d.fetch_or_address(addr)
            {
                put!(
                    d,
                    "{{ws_row={rows}, ws_col={cols}, ws_xpixel={xpixel}, ws_ypixel={ypixel}}}"
                );
            }
        }
        _ => {
            if let Some(number) = d.fetch_or_address::<i32>(addr) {
                put!(d, "[{number}]");
            }
        }
    }
}

/// The parts of a request without a name (ioctl(2)).
fn number<S: Source>(request: u32, d: &mut Decoder<'_, S>) {
    let direction = match request >> 30 {
        0 => "_IOC_NONE",
        1 => "_IOC_WRITE",
        2 => "_IOC_READ",
        _ => "_IOC_READ|_IOC_WRITE",
    };
    let [kind, number, size] = [request >> 8 & 0xff, request & 0xff, request >> 16 & 0x3fff]
        .map(|part| text::hex(part.into()));
    put!(d, "_IOC({direction}, {kind}, {number}, {size})");
}

/// One of few values, counted from 0.
fn choice(names: &[&str], value: u64) -> String {
    match usize::try_from(value)
        .ok()
        .and_then(|value| names.get(value))
    {
        Some(name) => (*name).to_owned(),
        None => format!("{} /* TC??? */", text::hex(value)),
    }
}

/// The settings of a terminal.
fn termios(settings: &Termios) -> String {
    const SPEEDS: [&str; 16] = [
        "B0", "B50", "B75", "B110", "B134", "B150", "B200", "B300", "B600", "B1200", "B1800",
        "B2400", "B4800", "B9600", "B19200", "B38400",
    ];
    const FAST: [&str; 16] = [
        "BOTHER", "B57600", "B115200", "B230400", "B460800", "B500000", "B576000", "B921600",
        "B1000000", "B1152000", "B1500000", "B2000000", "B2500000", "B3000000", "B3500000",
        "B4000000",
    ];
    /// Bits of a speed, and how far above them those of the input's speed are.
    const SPEED: u32 = 0o10017;
    const INPUT: u32 = 16;
    let speed = |bits: u32| {
        let speeds = if bits & 0o10000 == 0 { SPEEDS } else { FAST };
        speeds[(bits & 0o17) as usize]
    };
    let c = settings.cflag;
    let input = match c >> INPUT & SPEED {
        0 => String::new(),
        bits => format!("{}<<IBSHIFT|", speed(bits)),
    };
    let speed = speed(c & SPEED);
    let size = (c >> 4 & 3) + 5;
    let rest = c & !(SPEED | SPEED << INPUT | 0o60);
    let o = settings.oflag;
    // Delays after newline, carriage return, tab, backspace, vertical tab and form feed (termios(3)).
    let tab = ["TAB0", "TAB1", "TAB2", "XTABS"][(o >> 11 & 3) as usize];
    let delays = format!(
        "NL{}|CR{}|{tab}|BS{}|VT{}|FF{}",
        o >> 8 & 1,
        o >> 9 & 3,
        o >> 13 & 1,
        o >> 14 & 1,
        o >> 15 & 1
    );
    let show = |names: &'static Names, value: u32| format!("{:#}", names.show(value.into()));
    format!(
        "{{c_iflag={}, c_oflag={delays}|{}, c_cflag={speed}|{input}CS{size}|{}, c_lflag={}, ...}}",
        show(&IFLAG, settings.iflag),
        show(&OFLAG, o & !0o177_400),
        show(&CFLAG, rest),
        show(&LFLAG, settings.lflag),
    )
}

/// Shows what is known when sendfile(2) begins; says whether that is all.
pub fn sendfile<S: Source>(d: &mut Decoder<'_, S>) -> bool {
    d.fd(d.args[0] as i32);
    d.next();
    d.fd(d.args[1] as i32);
    d.next();
    match d.fetch_or_address::<u64>(d.args[2]) {
        Some(offset) => {
            put!(d, "[{offset}]");
            false
        }
        None => {
            put!(d, ", {}", d.args[3]);
            true
        }
    }
}

/// Shows the rest of sendfile(2): the offset, if it has changed.
pub fn sendfile_exit<S: Source>(d: &mut Decoder<'_, S>) {
    if d.result.is_some_and(|sent| sent > 0) {
        d.out.push_str(" => ");
        if let Some(offset) = d.fetch_or_address::<u64>(d.args[2]) {
            put!(d, "[{offset}]");
        }
    }
    put!(d, ", {}", d.args[3]);
}
