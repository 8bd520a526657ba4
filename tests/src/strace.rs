//! A parser of strace's lines, written from strace(1) and knowing nothing of the program that writes them here.
//!
//! ```text
//! line     = [pid] [time] ( call | resumed | signal | end | event )
//! call     = name "(" arguments ( ")" result | " <unfinished ...>" )
//! resumed  = "<... " name " resumed>" arguments ")" result
//! result   = spaces "= " value [ " " ERRNO ] [ " (" text ")" ] [ " <" seconds ">" ]
//! signal   = "--- " SIGNAL " " value " ---" | "--- stopped by " SIGNAL " ---"
//! end      = "+++ exited with " number " +++" | "+++ killed by " SIGNAL " +++"
//! event    = "~~~ " name " " value [ " cpu=" number ] " ~~~"      (not strace's)
//! value    = term { ("|" | "<<" | " => " | " or ") term } [ " /* " text " */" ]
//! term     = string ["..."] | "{" fields "}" | "[" items "]" | word [ "(" arguments ")" ] [ "<" path ">" ]
//! ```

/// What a line says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// A call, begun and ended.
    Call {
        /// Its name.
        name: String,
        /// Its arguments.
        args: Vec<String>,
        /// Its result.
        result: String,
    },
    /// A call that has not ended yet, and its arguments so far.
    Unfinished(String, String),
    /// The end of such a call: name, the rest of its arguments, result.
    Resumed(String, String, String),
    /// A signal.
    Signal(String),
    /// The process has ended.
    End(String),
    /// Another event.
    Event(String),
}

/// A line of a file (`-o`): the process, and what it says.
///
/// # Errors
/// What the line has where something else belongs.
pub fn line(text: &str) -> Result<(u32, What), String> {
    let mut p = Parser { text, at: 0 };
    if !text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return Err("a byte that is not printable".into());
    }
    let pid: u32 = p.number()?.parse().map_err(|e| format!("{e}"))?;
    let width = p.at.max(5) + 1;
    while p.at < width {
        p.expect(" ")?;
    }
    p.time()?;
    let what = p.what()?;
    match p.rest() {
        "" => Ok((pid, what)),
        rest => Err(format!("'{rest}' at the end")),
    }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Parser<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn take(&mut self, token: &str) -> bool {
        let there = self.rest().starts_with(token);
        self.at += if there { token.len() } else { 0 };
        there
    }

    fn expect(&mut self, token: &str) -> Result<(), String> {
        match self.take(token) {
            true => Ok(()),
            false => Err(format!("'{}' instead of '{token}'", self.rest())),
        }
    }

    fn some(&mut self, what: &str, belongs: impl Fn(char) -> bool) -> Result<&'a str, String> {
        let rest = self.rest();
        let len = rest.find(|c| !belongs(c)).unwrap_or(rest.len());
        if len == 0 {
            return Err(format!("'{rest}' instead of {what}"));
        }
        self.at += len;
        Ok(&rest[..len])
    }

    fn number(&mut self) -> Result<&'a str, String> {
        self.some("a number", |c| c.is_ascii_digit())
    }

    fn name(&mut self) -> Result<&'a str, String> {
        self.some("a name", |c| c.is_ascii_alphanumeric() || c == '_')
    }

    /// `HH:MM:SS[.micros]`, `seconds.micros`, or nothing.
    fn time(&mut self) -> Result<(), String> {
        if !self.rest().starts_with(|c: char| c.is_ascii_digit()) {
            return Ok(());
        }
        let time = self.some("a time", |c| c.is_ascii_digit() || ":.".contains(c))?;
        let clock = time.split('.').next().unwrap_or_default();
        let digits = |part: &str| part.len() == 2;
        if clock.contains(':') && !(clock.split(':').count() == 3 && clock.split(':').all(digits)) {
            return Err(format!("'{time}' is no time"));
        }
        self.expect(" ")
    }

    fn what(&mut self) -> Result<What, String> {
        if self.take("--- stopped by ") {
            let signal = self.signal_name()?;
            self.expect(" ---")?;
            return Ok(What::Signal(signal));
        }
        if self.take("--- ") {
            let signal = self.signal_name()?;
            self.expect(" {si_signo=")?;
            self.expect(&signal)?;
            self.expect(", si_code=")?;
            self.value()?;
            self.expect(", ")?;
            self.items('}', true)?;
            self.expect(" ---")?;
            return Ok(What::Signal(signal));
        }
        if self.take("+++ exited with ") {
            let code = self.number()?;
            self.expect(" +++")?;
            return Ok(What::End(code.to_owned()));
        }
        if self.take("+++ killed by ") {
            let signal = self.signal_name()?;
            self.expect(" +++")?;
            return Ok(What::End(signal));
        }
        if self.take("~~~ ") {
            let name = self.name()?.to_owned();
            self.expect(" {")?;
            self.items('}', true)?;
            if self.take(" cpu=") {
                self.number()?;
            }
            self.expect(" ~~~")?;
            return Ok(What::Event(name));
        }
        if self.take("<... ") {
            let name = self.name()?.to_owned();
            self.expect(" resumed>")?;
            let rest = self.rest();
            // What is missing may begin in the middle of the arguments; it is checked when it is put together.
            let end = end_of_arguments(rest).ok_or("no end of the arguments")?;
            self.at += end;
            let result = self.result()?;
            return Ok(What::Resumed(name, rest[..end].to_owned(), result));
        }
        let name = self.name()?.to_owned();
        self.expect("(")?;
        if let Some(args) = self.rest().strip_suffix(" <unfinished ...>") {
            self.at = self.text.len();
            return Ok(What::Unfinished(name, args.to_owned()));
        }
        let (args, whole) = self.arguments()?;
        let result = self.result()?;
        if !whole && result != "?" {
            return Err("unfinished arguments of a finished call".into());
        }
        Ok(What::Call { name, args, result })
    }

    /// The arguments up to the `)`; whether they are whole.
    fn arguments(&mut self) -> Result<(Vec<String>, bool), String> {
        let mut args = Vec::new();
        if self.take(")") {
            return Ok((args, true));
        }
        loop {
            if self.take(" <unfinished ...>)") {
                return Ok((args, false));
            }
            let start = self.at;
            if !self.rest().starts_with(" <unfinished") {
                self.value()?;
                args.push(self.text[start..self.at].to_owned());
            }
            if self.take(")") {
                return Ok((args, true));
            }
            if !self.rest().starts_with(" <unfinished") {
                self.expect(", ")?;
            }
        }
    }

    fn result(&mut self) -> Result<String, String> {
        self.expect(" ")?;
        while self.take(" ") {}
        self.expect("= ")?;
        let start = self.at;
        if self.take("?") {
            if self.take(" ERESTART") {
                self.name()?;
                self.expect(" (")?;
                self.some("text", |c| c != ')')?;
                self.expect(")")?;
            }
        } else if self.take("-1 E") {
            self.name()?;
            self.expect(" (")?;
            self.some("text", |c| c != ')')?;
            self.expect(")")?;
        } else {
            self.value()?;
            if self.take(" (") {
                let len = self.rest().rfind(')').ok_or("no end of the note")?;
                self.at += len + 1;
            }
        }
        let result = self.text[start..self.at].to_owned();
        if self.take(" <") {
            self.number()?;
            self.expect(".")?;
            if self.number()?.len() != 6 {
                return Err("times have six digits".into());
            }
            self.expect(">")?;
        }
        Ok(result)
    }

    fn signal_name(&mut self) -> Result<String, String> {
        let name = self.name()?;
        match name.starts_with("SIG") {
            true => Ok(name.to_owned()),
            false => Err(format!("'{name}' is no signal")),
        }
    }

    fn value(&mut self) -> Result<(), String> {
        loop {
            self.term()?;
            if !["|", "<<", " => ", " or "]
                .iter()
                .any(|joint| self.take(joint))
            {
                break;
            }
            // Flags after which there are no others, as in B0|CS5|.
            if self.rest().starts_with(", ") {
                break;
            }
        }
        if self.take(" /* ") {
            let len = self.rest().find(" */").ok_or("no end of the comment")?;
            self.at += len + " */".len();
        }
        Ok(())
    }

    fn term(&mut self) -> Result<(), String> {
        if self.take("\"") {
            return self.string();
        }
        if self.take("{") {
            return self.items('}', true);
        }
        if self.take("~[") || self.take("[") {
            return self.items(']', false);
        }
        if self.take("...") {
            return Ok(());
        }
        let word = self.some("a value", |c| {
            c.is_ascii_alphanumeric() || "_-:*.+&=".contains(c) && c != '='
        })?;
        // Named arguments, and constructors such as makedev(1, 3).
        if self.take("=") {
            return self.value();
        }
        if self.take("(") {
            // Conditions on a status are names with an argument, too: WIFEXITED(s) && WEXITSTATUS(s) == 0.
            self.arguments()?;
        }
        if self.take(" && ") {
            return self.term();
        }
        if self.take(" == ") {
            return self.term();
        }
        if self.rest().starts_with('<') && !self.rest().starts_with("<<") && !word.is_empty() {
            self.at += 1;
            self.some("a path", |c| c != '>' && c != '<')?;
            self.expect(">")?;
        }
        Ok(())
    }

    /// The rest of a string: only escapes that strace writes.
    fn string(&mut self) -> Result<(), String> {
        loop {
            if self.take("\"") {
                self.take("...");
                return Ok(());
            }
            if self.take("\\") {
                let escape = self.rest().chars().next().unwrap_or(' ');
                match escape {
                    'n' | 't' | 'r' | 'v' | 'f' | '"' | '\\' => self.at += 1,
                    'x' => self.at += 3,
                    '0'..='7' => self.at += 1,
                    _ => return Err(format!("'\\{escape}' in a string")),
                }
                continue;
            }
            self.some("a character", |c| c != '"' && c != '\\')?;
        }
    }

    /// The rest of a structure or an array.
    fn items(&mut self, end: char, named: bool) -> Result<(), String> {
        let end = end.to_string();
        if self.take(&end) {
            return Ok(());
        }
        loop {
            if self.take("...") {
                if self.rest().starts_with(" /* ") {
                    let len = self.rest().find(" */").ok_or("no end of the comment")?;
                    self.at += len + " */".len();
                }
                return self.expect(&end);
            }
            let is_condition = self.rest().starts_with("WIF");
            if named && !is_condition {
                self.name()?;
                self.expect("=")?;
                // A set of flags without any is nothing at all.
                if self.rest().starts_with(", ") || self.rest().starts_with(&end) {
                    let more = self.take(", ");
                    if more {
                        continue;
                    }
                    return self.expect(&end);
                }
            }
            self.value()?;
            if self.take(&end) {
                // An index: [0x1000]=0x5.
                return match end == "]" && self.take("=") {
                    true => self.value(),
                    false => Ok(()),
                };
            }
            if !self.take(", ") {
                self.expect(" ")?;
            }
        }
    }
}

/// Where the arguments end: after the `)` in front of the result, strings aside.
fn end_of_arguments(text: &str) -> Option<usize> {
    let mut in_string = false;
    let mut escaped = false;
    let mut end = None;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b')' if !in_string && end.is_none() => {
                let rest = text[at + 1..].trim_start_matches(' ');
                if rest.starts_with("= ") {
                    end = Some(at + 1);
                }
            }
            _ => {}
        }
    }
    end
}

/// Puts calls together that were cut in two, and checks that each begins and ends once.
///
/// # Errors
/// The line that does not fit, and why.
pub fn whole(text: &str) -> Result<Vec<(u32, What)>, String> {
    let mut open: std::collections::BTreeMap<u32, (String, String)> = Default::default();
    let mut all = Vec::new();
    for original in text.lines() {
        let (pid, what) = line(original).map_err(|error| format!("{error}: {original}"))?;
        let wrong = |why: &str| Err(format!("{why}: {original}"));
        let what = match what {
            What::Unfinished(name, args) => {
                if open.insert(pid, (name, args)).is_some() {
                    return wrong("two calls at once");
                }
                continue;
            }
            What::Resumed(name, args, result) => {
                let Some((begun, first)) = open.remove(&pid) else {
                    return wrong("resumed without a beginning");
                };
                if begun != name {
                    return wrong("another call is resumed");
                }
                let joined = format!("1     {name}({first}{args} = {result}");
                let (_, what) = line(&joined).map_err(|error| format!("{error}: {joined}"))?;
                what
            }
            What::Call { .. } if open.contains_key(&pid) => return wrong("a call within a call"),
            what => what,
        };
        all.push((pid, what));
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_strace_are_understood() {
        // From strace 6.1 on Linux.
        for text in [
            r#"26081 execve("/bin/true", ["/bin/true"], 0x7ffddb3467b8 /* 39 vars */) = 0"#,
            "26081 brk(NULL)                         = 0x5559a20bd000",
            "26081 mmap(NULL, 8192, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7f08cbcd9000",
            r#"1135  newfstatat(AT_FDCWD</>, "x\33", {st_mode=S_IFCHR|0620, st_rdev=makedev(0x5, 0x1), ...}, 0) = 0"#,
            "1135  wait4(-1, [{WIFSIGNALED(s) && WTERMSIG(s) == SIGKILL}], 0, NULL) = 7 <0.000012>",
            "1135  rt_sigprocmask(SIG_SETMASK, ~[KILL RT_2], [], 8) = 0",
            "1135  sendfile(9, 3, [2] => [12], 10)   = 10",
            "1135  fcntl(3, F_GETFL)                 = 0x8002 (flags O_RDWR|O_LARGEFILE)",
            "1135  poll([{fd=0</dev/tty>, events=POLLIN}], 1, 0) = 1 ([{fd=0, revents=POLLIN}])",
            "1135  read(5,  <unfinished ...>)        = ?",
            "1135  ioctl(3, TCSETSW, {c_iflag=, c_cflag=B0|B230400<<IBSHIFT|CS5|, c_lflag=, ...}) = -1 ENOTTY (Inappropriate ioctl for device)",
            "1135  10:11:12.123456 pause()           = ? ERESTARTNOHAND (To be restarted if no handler)",
            "1135  --- SIGCHLD {si_signo=SIGCHLD, si_code=CLD_EXITED, si_pid=3, si_uid=0, si_status=0, si_utime=0, si_stime=1 /* 0.01 s */} ---",
            "1135  +++ killed by SIGSEGV +++",
            "1135  clone(child_stack=NULL, flags=CLONE_CHILD_SETTID|SIGCHLD, child_tidptr=0x7f) = 9",
            "1135  sched_getaffinity(0, 128, [0 1])  = 8",
            "1135  utimensat(AT_FDCWD, NULL, [UTIME_NOW, {tv_sec=1, tv_nsec=5} /* 1970-01-01T00:00:01.000000005+0000 */], 0) = 0",
        ] {
            if let Err(error) = line(text) {
                panic!("{error}: {text}");
            }
        }
    }

    #[test]
    fn other_lines_are_refused() {
        for text in [
            "close(3) = 0",
            "1135  close(3)",
            "1135  close(3 = 0",
            "1135  close(3) = ",
            "1135  close(3) = 0 and more",
            "1135 close(3) = 0",
            "1135  write(1, \"x, 1) = 1",
            "1135  write(1, \"\\z\", 1) = 1",
            "1135  write(1, \"\x1b\", 1) = 1",
            "1135  read(0, <unfinished ...>) = 5",
            "1135  --- INT {si_signo=INT} ---",
            "1135  +++ exited with  +++",
        ] {
            assert!(line(text).is_err(), "{text}");
        }
    }
}
