//! Processes that the shell started: pipelines as jobs, in groups of their own at a terminal.
//!
//! With job control every job is a process group, and the terminal's foreground group is either the
//! shell's or the job's that it waits for; so Ctrl-C reaches the job and never the shell. The child
//! and the parent both set the group, because either may run first.

use super::{Shell, signals};
use abi::signal::{SIGCONT, SIGINT, SIGPIPE, SIGQUIT};
use abi::termios::Termios;
use abi::wait::{Ended, WNOHANG, WUNTRACED, WaitStatus};
use rust_alloc::vec::Vec;
use ulib::process;
use ulib::sys::{self, Disposition, Pid};

/// The terminal of an interactive shell.
const TERMINAL: sys::Fd = 0;

/// A pipeline.
#[derive(Debug, Default)]
pub struct Job {
    /// What `%1` names it by.
    pub number: usize,
    /// Process group, with job control.
    pub group: Option<Pid>,
    /// Its processes and how they ended.
    pub processes: Vec<(Pid, Option<WaitStatus>)>,
    /// Stopped, not ended.
    pub stopped: bool,
}

impl Job {
    fn status(&self) -> WaitStatus {
        let last = self.processes.last().and_then(|(_, status)| *status);
        last.unwrap_or(WaitStatus::exited(127))
    }

    /// Have all its processes ended?
    pub fn is_done(&self) -> bool {
        self.processes.iter().all(|(_, status)| status.is_some())
    }

    /// The process that `$!` and messages name it by.
    pub fn pid(&self) -> Pid {
        self.processes.last().map_or(0, |(pid, _)| *pid)
    }

    fn note(&mut self, pid: Pid, status: WaitStatus) {
        for (known, slot) in &mut self.processes {
            if *known == pid {
                *slot = Some(status);
            }
        }
    }

    /// Waits until it has ended or stopped.
    fn wait(&mut self) {
        self.stopped = false;
        let running: Vec<Pid> = self
            .processes
            .iter()
            .filter(|(_, status)| status.is_none())
            .map(|(pid, _)| *pid)
            .collect();
        for pid in running {
            loop {
                match sys::wait4(pid, if self.group.is_some() { WUNTRACED } else { 0 }) {
                    Ok(Some((_, status))) => match status.ended() {
                        Ended::Stopped(_) => {
                            self.stopped = true;
                            return;
                        }
                        Ended::Continued => {}
                        Ended::Exited(_) | Ended::Signaled(_) => {
                            self.note(pid, status);
                            break;
                        }
                    },
                    Ok(None) | Err(abi::Errno::EINTR) => {}
                    Err(_) => {
                        self.note(pid, WaitStatus::exited(127));
                        break;
                    }
                }
            }
        }
    }
}

/// Where a new process runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The shell waits for it.
    Foreground,
    /// It does not.
    Background,
}

/// The jobs the shell does not wait for at present.
#[derive(Default)]
pub struct Jobs {
    /// In the order of their numbers.
    pub list: Vec<Job>,
    /// The shell's group and the terminal's settings, if it controls jobs.
    control: Option<(Pid, Termios)>,
}

impl Jobs {
    /// A job without processes.
    pub fn begin(&self) -> Job {
        Job::default()
    }

    /// Takes a job in; its number.
    pub fn add(&mut self, mut job: Job) -> usize {
        job.number = self.list.last().map_or(1, |last| last.number + 1);
        self.list.push(job);
        self.list.last().map_or(0, |job| job.number)
    }

    /// The job that `%N`, `%%`, `%+` or a process id names; the newest for an empty name.
    pub fn find(&self, name: &[u8]) -> Option<usize> {
        match name {
            b"" | b"%%" | b"%+" | b"%" => self.list.len().checked_sub(1),
            [b'%', number @ ..] => {
                let number = ulib::number::parse_u64(number)? as usize;
                self.list.iter().position(|job| job.number == number)
            }
            pid => {
                let pid = ulib::number::parse_u64(pid)? as Pid;
                self.list
                    .iter()
                    .position(|job| job.processes.iter().any(|(known, _)| *known == pid))
            }
        }
    }

    /// Notes which processes have ended meanwhile.
    pub fn poll(&mut self) {
        for job in &mut self.list {
            for (pid, status) in &mut job.processes {
                if status.is_none()
                    && let Ok(Some((_, ended))) = sys::wait4(*pid, WNOHANG)
                {
                    *status = Some(ended);
                }
            }
        }
    }
}

impl Shell {
    /// Takes control of the terminal, if there is one to control.
    pub(super) fn start_job_control(&mut self) {
        // A session leader already leads its group, and is refused.
        let _ = sys::setpgid(0, 0);
        if let (Ok(group), Ok(settings)) = (sys::getpgid(0), sys::terminal_settings(TERMINAL))
            && sys::set_foreground_group(TERMINAL, group).is_ok()
        {
            self.jobs.control = Some((group, settings));
        }
    }

    /// Forks a process of a job: `None` in the child, which is set up to run a command.
    pub(super) fn fork_into(&mut self, job: &mut Job, place: Place) -> sys::Result<Option<Pid>> {
        let control = self.jobs.control.is_some();
        let leader = job.group;
        match process::fork()? {
            Some(pid) => {
                job.processes.push((pid, None));
                if control {
                    let group = *job.group.get_or_insert(pid);
                    // Fails once the child has called exec; then it did this itself.
                    let _ = sys::setpgid(pid, group);
                }
                Ok(Some(pid))
            }
            None => {
                if control {
                    let group = leader.unwrap_or_else(sys::getpid);
                    let _ = sys::setpgid(0, group);
                    if place == Place::Foreground {
                        let _ = sys::set_foreground_group(TERMINAL, group);
                    }
                }
                self.enter_child();
                if place == Place::Background && !control {
                    // Nothing from the keyboard reaches it (POSIX 2.11).
                    for signal in [SIGINT, SIGQUIT] {
                        let _ = sys::signal(signal, Disposition::Ignore);
                    }
                    if let Ok(null) = sys::open(b"/dev/null", abi::fcntl::O_RDONLY, 0) {
                        super::redirect::become_fd(null, 0);
                    }
                }
                Ok(None)
            }
        }
    }

    /// What changes in a child of the shell.
    pub(super) fn enter_child(&mut self) {
        if self.interactive {
            signals::relax();
        }
        self.traps.leave();
        self.interactive = false;
        self.jobs = Jobs::default();
    }

    /// Waits for a job in the foreground; its status.
    pub(super) fn wait_foreground(&mut self, mut job: Job) -> i32 {
        job.wait();
        if let Some((group, settings)) = self.jobs.control {
            let _ = sys::set_foreground_group(TERMINAL, group);
            if job.stopped || matches!(job.status().ended(), Ended::Signaled(_)) {
                // It may have left the terminal in a mode of its own.
                let _ = sys::set_terminal(TERMINAL, &settings);
            }
        }
        if job.stopped {
            let number = self.jobs.add(job);
            ulib::eprintln!("\n[{number}] Stopped");
            return 148;
        }
        let status = job.status();
        if let Ended::Signaled(signal) = status.ended() {
            self.tell_signal(signal.into());
        }
        status.shell_status().into()
    }

    fn tell_signal(&self, signal: u32) {
        match signal {
            SIGINT if self.interactive => ulib::eprintln!(),
            SIGINT | SIGPIPE => {}
            _ => ulib::eprintln!("{}", signal_text(signal)),
        }
    }

    /// Continues a stopped job in the foreground, or waits for a running one.
    pub(super) fn bring_to_foreground(&mut self, index: usize) -> i32 {
        let job = self.jobs.list.remove(index);
        if let (Some(group), Some(_)) = (job.group, self.jobs.control) {
            let _ = sys::set_foreground_group(TERMINAL, group);
            let _ = sys::kill(-group, SIGCONT);
        }
        self.wait_foreground(job)
    }

    /// Waits for a job in the background, whatever it does to the terminal; its status.
    pub(super) fn wait_job(&mut self, index: usize) -> i32 {
        let mut job = self.jobs.list.remove(index);
        job.wait();
        job.status().shell_status().into()
    }

    /// Tells of jobs that have ended, before a prompt.
    pub(super) fn report_jobs(&mut self) {
        self.jobs.poll();
        let (done, running) = core::mem::take(&mut self.jobs.list)
            .into_iter()
            .partition(Job::is_done);
        self.jobs.list = running;
        let done: Vec<Job> = done;
        for job in done {
            ulib::eprintln!(
                "[{}] {} {}",
                job.number,
                job.pid(),
                ended_text(job.status())
            );
        }
    }
}

/// How a job ended, in words.
pub fn ended_text(status: WaitStatus) -> rust_alloc::string::String {
    match status.ended() {
        Ended::Exited(0) => "Done".into(),
        Ended::Exited(code) => rust_alloc::format!("Done({code})"),
        Ended::Signaled(signal) | Ended::Stopped(signal) => signal_text(signal.into()).into(),
        Ended::Continued => "Running".into(),
    }
}

/// What a shell prints when a signal ended a command (strsignal(3)).
fn signal_text(signal: u32) -> &'static str {
    use abi::signal::*;
    match signal {
        SIGHUP => "Hangup",
        SIGQUIT => "Quit",
        SIGILL => "Illegal instruction",
        SIGTRAP => "Trace/breakpoint trap",
        SIGABRT => "Aborted",
        SIGBUS => "Bus error",
        SIGFPE => "Floating point exception",
        SIGKILL => "Killed",
        SIGUSR1 => "User defined signal 1",
        SIGSEGV => "Segmentation fault",
        SIGUSR2 => "User defined signal 2",
        SIGALRM => "Alarm clock",
        SIGTERM => "Terminated",
        SIGSYS => "Bad system call",
        other => abi::signal::name(other).unwrap_or("Unknown signal"),
    }
}
