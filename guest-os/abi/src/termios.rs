//! Terminals: ioctl(2) requests and the kernel's `struct termios` (asm-generic/termbits.h).

names! {
    /// Requests of ioctl(2) on terminals.
    IOCTL: u32, choice u64::MAX => {
        TCGETS = 0x5401, "Get the terminal's settings.";
        TCSETS = 0x5402, "Set them now.";
        TCSETSW = 0x5403, "Set them when output has drained.";
        TCSETSF = 0x5404, "The same, dropping unread input.";
        TIOCSCTTY = 0x540e, "Make it the controlling terminal.";
        TIOCGPGRP = 0x540f, "Get the foreground process group.";
        TIOCSPGRP = 0x5410, "Set the foreground process group.";
        TIOCGWINSZ = 0x5413, "Get the window's size.";
        TIOCSWINSZ = 0x5414, "Set the window's size.";
        FIONREAD = 0x541b, "Bytes that can be read now.";
        FIONBIO = 0x5421, "Set or clear `O_NONBLOCK`.";
        TIOCNOTTY = 0x5422, "Give up the controlling terminal.";
        FIONCLEX = 0x5450, "Keep the descriptor open across execve.";
        FIOCLEX = 0x5451, "Close the descriptor on execve.";
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

/// Input: carriage return becomes newline.
pub const ICRNL: u32 = 0o400;
/// Output: processing is on.
pub const OPOST: u32 = 0o1;
/// Output: newline becomes carriage return and newline.
pub const ONLCR: u32 = 0o4;
/// Local: `VINTR` and `VQUIT` send signals.
pub const ISIG: u32 = 0o1;
/// Local: whole lines, with editing.
pub const ICANON: u32 = 0o2;
/// Local: show what is typed.
pub const ECHO: u32 = 0o10;
/// Local: erasing rubs out on the screen.
pub const ECHOE: u32 = 0o20;
/// Local: killing rubs out the line.
pub const ECHOK: u32 = 0o40;
/// Local: control characters are shown as `^X`.
pub const ECHOCTL: u32 = 0o1000;

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
