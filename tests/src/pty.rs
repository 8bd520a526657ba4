//! A pseudo-terminal with the emulator on it: typed into and read like a person's.

use crate::glassbox::command;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, OutputModes, Termios, tcgetattr};
use std::fs::File;
use std::io::{Read, Write};
use std::process::{Child, Command};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// How long a silent emulator is waited for before a test gives up: generous, for it only ends tests that fail.
const PATIENCE: Duration = Duration::from_secs(30);

/// A program on a terminal.
pub struct Terminal {
    master: File,
    slave: File,
    output: Receiver<Vec<u8>>,
    seen: Vec<u8>,
    /// The program.
    pub child: Child,
}

impl Terminal {
    /// Starts `command` on a terminal of its own.
    pub fn start(mut command: Command) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a pseudo-terminal");
        grantpt(&master).expect("grantpt");
        unlockpt(&master).expect("unlockpt");
        let name = ptsname(&master, Vec::new()).expect("ptsname");
        let path = std::path::PathBuf::from(name.to_str().expect("a plain name"));
        let slave = File::options()
            .read(true)
            .write(true)
            .open(path)
            .expect("the terminal opens");
        let stdio = || slave.try_clone().expect("dup");
        let child = command
            .stdin(stdio())
            .stdout(stdio())
            .stderr(stdio())
            .spawn()
            .expect("the emulator starts");
        let master = File::from(master);
        let mut reader = master.try_clone().expect("dup");
        let (sender, output) = channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(n @ 1..) = reader.read(&mut buffer) {
                if sender.send(buffer[..n].to_vec()).is_err() {
                    break;
                }
            }
        });
        Self {
            master,
            slave,
            output,
            seen: Vec::new(),
            child,
        }
    }

    /// A guest of this instruction set at its prompt, booted with these options.
    #[track_caller]
    pub fn prompt(arch: &str, options: &[&str]) -> Self {
        let mut command = command();
        command.args(["boot", "--arch", arch]).args(options);
        let mut terminal = Self::start(command);
        terminal.expect("\n$ ");
        terminal
    }

    /// Types.
    pub fn type_in(&mut self, keys: &[u8]) {
        self.master
            .write_all(keys)
            .expect("the terminal takes keys");
    }

    /// Waits until `text` has been shown since the last call, and forgets everything up to it. Carriage returns do not
    /// count: the guest's terminal and the host's both put them before line ends.
    #[track_caller]
    pub fn expect(&mut self, text: &str) -> String {
        loop {
            if let Some(at) = self
                .seen
                .windows(text.len())
                .position(|w| w == text.as_bytes())
            {
                let shown: Vec<u8> = self.seen.drain(..at + text.len()).collect();
                return String::from_utf8_lossy(&shown).into_owned();
            }
            match self.output.recv_timeout(PATIENCE) {
                Ok(bytes) => self
                    .seen
                    .extend(bytes.iter().filter(|&&byte| byte != b'\r')),
                Err(_) => panic!("'{text}' was not shown, but: {}", self.seen.escape_ascii()),
            }
        }
    }

    /// The terminal's settings now.
    pub fn settings(&self) -> Termios {
        tcgetattr(&self.slave).expect("tcgetattr")
    }

    /// What of the terminal's settings a person would notice.
    pub fn noticed(&self) -> (LocalModes, OutputModes, String) {
        let settings = self.settings();
        let input = format!("{:?}", settings.input_modes);
        (settings.local_modes, settings.output_modes, input)
    }

    /// Waits for the program's end and gives its exit status.
    pub fn wait(&mut self) -> std::process::ExitStatus {
        self.child.wait().expect("wait")
    }
}
