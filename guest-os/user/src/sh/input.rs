//! Where commands come from: a terminal, or standard input line by line.
//!
//! Standard input is read a byte at a time, because the commands of a script read on from where the
//! shell stopped (POSIX, sh, "STDIN").

use super::editor::{Editor, Line};
use super::exec::Flow;
use super::{Shell, exec, lexer, parser, signals};
use abi::Errno;
use rust_alloc::vec::Vec;
use ulib::bytes::show;
use ulib::io::{STDERR, STDIN, write_all};
use ulib::{fs, sys, warn};

/// A line of input.
pub enum Input {
    /// With its newline.
    Line(Vec<u8>),
    /// Ctrl-C: what was typed is dropped.
    Interrupted,
    /// The end.
    End,
}

impl Shell {
    /// Runs commands from standard input until it ends.
    pub(super) fn run_input(&mut self) -> i32 {
        if self.interactive {
            signals::brace_for_terminal();
            self.start_job_control();
            self.read_profile();
        }
        let mut editor = self.interactive.then(Editor::default);
        let mut text = Vec::new();
        loop {
            if self.interactive {
                self.report_jobs();
            }
            match self.next_line(&mut editor, text.is_empty()) {
                Input::Line(line) => text.extend(line),
                Input::Interrupted => {
                    text.clear();
                    self.status = 130;
                    continue;
                }
                Input::End if text.is_empty() => return self.finish(Ok(self.status)),
                Input::End => {
                    self.complain(&lexer::Error::Incomplete);
                    return self.finish(Err(Flow::Exit(2)));
                }
            }
            let list = match parser::line(&text) {
                Err(lexer::Error::Incomplete) => continue,
                Err(error) => {
                    self.complain(&error);
                    self.status = 2;
                    text.clear();
                    if self.interactive {
                        continue;
                    }
                    return self.finish(Err(Flow::Exit(2)));
                }
                Ok((list, _)) => list,
            };
            text.clear();
            match exec::list(self, &list, false) {
                Ok(_) => {}
                Err(Flow::Interrupt) if self.interactive => self.interrupted(),
                Err(Flow::Exit(status)) => return self.finish(Err(Flow::Exit(status))),
                Err(_) => {}
            }
            // Whoever types sees output before the next prompt.
            let _ = ulib::io::flush();
            ulib::io::clear_error();
        }
    }

    fn interrupted(&mut self) {
        self.loops = 0;
        self.conditions = 0;
        self.locals.clear();
        if self.status != 2 {
            ulib::eprintln!();
            self.status = 130;
        }
    }

    fn read_profile(&mut self) {
        if let Ok(text) = fs::read_file(b"/etc/profile")
            && let Err(Flow::Exit(_)) = self.evaluate(&text, false)
        {
            warn!("/etc/profile: exit ignored");
        }
    }

    fn next_line(&mut self, editor: &mut Option<Editor>, first: bool) -> Input {
        let Some(editor) = editor else {
            return plain_line(b"");
        };
        let name: &[u8] = if first { b"PS1" } else { b"PS2" };
        let prompt = self.variables.get(name).unwrap_or(b"").to_vec();
        match editor.read(&prompt, self.variables.get(b"PATH").unwrap_or(b"")) {
            Line::Text(mut line) => {
                line.push(b'\n');
                Input::Line(line)
            }
            Line::Interrupted => Input::Interrupted,
            Line::End => {
                ulib::eprintln!();
                Input::End
            }
            // The terminal cannot be edited on; the kernel's own editing must do.
            Line::Unavailable => plain_line(&prompt),
        }
    }
}

/// Reads a line as it comes.
fn plain_line(prompt: &[u8]) -> Input {
    // Nobody is there to miss a prompt that cannot be written.
    let _ = write_all(STDERR, prompt);
    let mut line = Vec::new();
    let mut byte = [0];
    loop {
        match sys::read(STDIN, &mut byte) {
            Ok(0) if line.is_empty() => return Input::End,
            Ok(0) => return Input::Line(line),
            Ok(_) => {
                line.push(byte[0]);
                if byte[0] == b'\n' {
                    return Input::Line(line);
                }
            }
            Err(Errno::EINTR) if signals::take_interrupt() => {
                ulib::eprintln!();
                return Input::Interrupted;
            }
            Err(Errno::EINTR) => {}
            Err(errno) => {
                warn!("{}: {errno}", show(b"standard input"));
                return Input::End;
            }
        }
    }
}
