//! Terminals: ioctl(2) requests and the kernel's `struct termios` (asm-generic/termbits.h).

names! {
    /// Requests of ioctl(2) on terminals.
    IOCTL: u32, choice u64::MAX => {
        TCGETS = 0x5401, "Get the terminal's settings.";
        TCSETS = 0x5402, "Set them now.";
        TCSETSW = 0x5403, "Set them when output has drained.";
        TCSETSF = 0x5404, "The same, dropping unread input.";
        TCSBRK = 0x5409, "Send a break, or wait for output to drain.";
        TCXONC = 0x540a, "Stop or start.";
        TCFLSH = 0x540b, "Drop input, output or both.";
        TIOCEXCL = 0x540c, "No other opens.";
        TIOCNXCL = 0x540d, "Other opens again.";
        TIOCSCTTY = 0x540e, "Make it the controlling terminal.";
        TIOCGPGRP = 0x540f, "Get the foreground process group.";
        TIOCSPGRP = 0x5410, "Set the foreground process group.";
        TIOCOUTQ = 0x5411, "Bytes of output that wait.";
        TIOCSTI = 0x5412, "Type a character.";
        TIOCGWINSZ = 0x5413, "Get the window's size.";
        TIOCSWINSZ = 0x5414, "Set the window's size.";
        FIONREAD = 0x541b, "Bytes that can be read now.";
        FIONBIO = 0x5421, "Set or clear `O_NONBLOCK`.";
        TIOCNOTTY = 0x5422, "Give up the controlling terminal.";
        TIOCSETD = 0x5423, "Set the line discipline.";
        TIOCGETD = 0x5424, "Get it.";
        TCSBRKP = 0x5425, "Send a break.";
        TIOCGSID = 0x5429, "Get the session.";
        TIOCGPTN = 0x8004_5430, "Get the number of a pseudo-terminal.";
        TIOCSPTLCK = 0x4004_5431, "Lock it or not.";
        FIONCLEX = 0x5450, "Keep the descriptor open across execve.";
        FIOCLEX = 0x5451, "Close the descriptor on execve.";
        FIOASYNC = 0x5452, "Set or clear `FASYNC`.";
    }
}

record! {
    /// The kernel's `struct termios`, 36 bytes.
    pub struct Termios {
        /// Input modes.
        pub iflag: u32,
        /// Output modes.
        pub oflag: u32,
        /// Control modes.
        pub cflag: u32,
        /// Local modes.
        pub lflag: u32,
        /// Line discipline.
        pub line: u8,
        /// Control characters, indexed by `V*`.
        pub cc: [u8; 19],
    }
}

const _: () = assert!(size_of::<Termios>() == 36);

names! {
    /// Input modes.
    IFLAG: u32, choice 0 => {
        IGNBRK = 0o1, "Ignore breaks.";
        BRKINT = 0o2, "A break sends SIGINT.";
        IGNPAR = 0o4, "Ignore characters with parity errors.";
        PARMRK = 0o10, "Mark them.";
        INPCK = 0o20, "Check parity.";
        ISTRIP = 0o40, "Clear the eighth bit.";
        INLCR = 0o100, "Newline becomes carriage return.";
        IGNCR = 0o200, "Ignore carriage returns.";
        ICRNL = 0o400, "Carriage return becomes newline.";
        IUCLC = 0o1000, "Upper case becomes lower case.";
        IXON = 0o2000, "`^S` and `^Q` stop and start output.";
        IXANY = 0o4000, "Any character starts it.";
        IXOFF = 0o10000, "Send `^S` and `^Q` when input is too fast.";
        IMAXBEL = 0o20000, "Ring the bell when the line is full.";
        IUTF8 = 0o40000, "Input is UTF-8.";
    }
}

names! {
    /// Output modes. The delays are the six fields above `OFDEL`, which nothing here looks at.
    OFLAG: u32, choice 0 => {
        OPOST = 0o1, "Processing is on.";
        OLCUC = 0o2, "Lower case becomes upper case.";
        ONLCR = 0o4, "Newline becomes carriage return and newline.";
        OCRNL = 0o10, "Carriage return becomes newline.";
        ONOCR = 0o20, "No carriage return in the first column.";
        ONLRET = 0o40, "Newline is carriage return, too.";
        OFILL = 0o100, "Delay by filling.";
        OFDEL = 0o200, "Fill with DEL.";
    }
}

names! {
    /// Control modes: speed in bits 0 to 3 and 12, size of characters in bits 4 and 5.
    CFLAG: u32, choice 0 => {
        CSTOPB = 0o100, "Two stop bits.";
        CREAD = 0o200, "Receive.";
        PARENB = 0o400, "Parity.";
        PARODD = 0o1000, "Odd parity.";
        HUPCL = 0o2000, "Hang up after the last close.";
        CLOCAL = 0o4000, "Ignore modem lines.";
        CMSPAR = 0x4000_0000, "Parity bits are always the same.";
        CRTSCTS = 0x8000_0000, "Hardware flow control.";
    }
}

names! {
    /// Local modes.
    LFLAG: u32, choice 0 => {
        ISIG = 0o1, "`VINTR` and `VQUIT` send signals.";
        ICANON = 0o2, "Whole lines, with editing.";
        XCASE = 0o4, "Upper case terminals.";
        ECHO = 0o10, "Show what is typed.";
        ECHOE = 0o20, "Erasing rubs out on the screen.";
        ECHOK = 0o40, "Killing rubs out the line.";
        ECHONL = 0o100, "Show newlines in any case.";
        NOFLSH = 0o200, "Signals do not drop what was typed.";
        IEXTEN = 0o100000, "More editing characters.";
        ECHOCTL = 0o1000, "Control characters are shown as `^X`.";
        ECHOPRT = 0o2000, "Erased characters are printed.";
        ECHOKE = 0o4000, "Killing rubs out each character.";
        FLUSHO = 0o10000, "Output is dropped.";
        PENDIN = 0o40000, "Show the input again.";
        TOSTOP = 0o400, "Background output sends SIGTTOU.";
        EXTPROC = 0o200000, "Another program edits.";
    }
}

/// Index of the interrupt character.
pub const VINTR: usize = 0;
/// Index of the quit character.
pub const VQUIT: usize = 1;
/// Index of the erase character.
pub const VERASE: usize = 2;
/// Index of the kill character.
pub const VKILL: usize = 3;
/// Index of the end-of-file character.
pub const VEOF: usize = 4;
/// Index of the timeout of raw reads.
pub const VTIME: usize = 5;
/// Index of the minimum of raw reads.
pub const VMIN: usize = 6;
/// Index of the suspend character.
pub const VSUSP: usize = 10;
/// Index of the word-erase character.
pub const VWERASE: usize = 14;

record! {
    /// `struct winsize`.
    pub struct Winsize {
        /// Lines.
        pub rows: u16,
        /// Columns.
        pub cols: u16,
        /// Pixels.
        pub xpixel: u16,
        /// Pixels.
        pub ypixel: u16,
    }
}
