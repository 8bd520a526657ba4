//! What a signal says about itself: `siginfo_t` in strace's words.

use crate::trace::kind::index_of;
use crate::trace::model::arg_of;
use crate::trace::syscall::text::signal_name;
use abi::names::Names;
use abi::signal::*;

const GENERATE: usize = index_of("signal_generate");
const DELIVER: usize = index_of("signal_deliver");

/// A signal that a process gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signal {
    /// Its number.
    pub number: u32,
    sender: u32,
    code: i32,
    addr: u64,
    status: i32,
}

impl Signal {
    /// The signal that the probe `signal_generate` or `signal_deliver` tells of.
    pub fn of(probe: usize, args: &[u64]) -> Self {
        let of = |generate: usize, deliver: usize| {
            args[if probe == GENERATE { generate } else { deliver }]
        };
        macro_rules! arg {
            ($name:literal) => {
                of(arg_of(GENERATE, $name), arg_of(DELIVER, $name))
            };
        }
        Self {
            number: arg!("signal") as u32,
            sender: arg!("sender_pid") as u32,
            code: arg!("code") as i32,
            addr: arg!("addr"),
            status: arg!("status") as i32,
        }
    }

    /// Its name.
    pub fn name(&self) -> String {
        signal_name(self.number as i32)
    }

    /// Its `siginfo_t`. Silica has one user, and does not tell the times of children.
    pub fn info(&self) -> String {
        let mut text = format!("{{si_signo={}, si_code={}", self.name(), self.code());
        let from = format!(", si_pid={}, si_uid=0", self.sender);
        match self.number {
            _ if self.code <= 0 => text += &from,
            SIGCHLD => {
                let status = match self.code {
                    CLD_EXITED => self.status.to_string(),
                    _ => signal_name(self.status),
                };
                text += &format!("{from}, si_status={status}, si_utime=0, si_stime=0");
            }
            SIGILL | SIGFPE | SIGBUS | SIGSEGV | SIGTRAP => {
                let addr = match self.addr {
                    0 => "NULL".to_owned(),
                    addr => format!("{addr:#x}"),
                };
                text += &format!(", si_addr={addr}");
            }
            _ if self.sender != 0 => text += &from,
            _ => {}
        }
        text + "}"
    }

    fn code(&self) -> String {
        let own: Option<&Names> = match self.number {
            SIGCHLD => Some(&CLD_CODES),
            SIGSEGV => Some(&SEGV_CODES),
            SIGBUS => Some(&BUS_CODES),
            SIGFPE => Some(&FPE_CODES),
            SIGILL => Some(&ILL_CODES),
            SIGTRAP => Some(&TRAP_CODES),
            _ => None,
        };
        // The tables hold negative codes as 64-bit numbers.
        let code = i64::from(self.code) as u64;
        let name = SI_CODES.name(code).or_else(|| own?.name(code));
        match name {
            Some(name) => name.to_owned(),
            None => format!("{:#x}", self.code as u32),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_are_worded_as_strace_words_them() {
        let check = |number, code, expected: &str| {
            let signal = Signal {
                number,
                sender: 7,
                code,
                addr: 0x10,
                status: 3,
            };
            assert_eq!(signal.info(), expected);
        };
        check(
            SIGINT,
            SI_USER,
            "{si_signo=SIGINT, si_code=SI_USER, si_pid=7, si_uid=0}",
        );
        check(
            SIGTERM,
            SI_TKILL,
            "{si_signo=SIGTERM, si_code=SI_TKILL, si_pid=7, si_uid=0}",
        );
        check(
            SIGCHLD,
            CLD_EXITED,
            "{si_signo=SIGCHLD, si_code=CLD_EXITED, si_pid=7, si_uid=0, si_status=3, si_utime=0, si_stime=0}",
        );
        check(
            SIGCHLD,
            CLD_KILLED,
            "{si_signo=SIGCHLD, si_code=CLD_KILLED, si_pid=7, si_uid=0, si_status=SIGQUIT, si_utime=0, si_stime=0}",
        );
        check(
            SIGSEGV,
            SEGV_ACCERR,
            "{si_signo=SIGSEGV, si_code=SEGV_ACCERR, si_addr=0x10}",
        );
        check(
            SIGSEGV,
            77,
            "{si_signo=SIGSEGV, si_code=0x4d, si_addr=0x10}",
        );
    }
}
