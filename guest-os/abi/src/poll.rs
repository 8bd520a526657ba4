//! poll(2) and the vectors of readv(2).

record! {
    /// `struct pollfd`.
    pub struct PollFd {
        /// Descriptor; negative ones are skipped.
        pub fd: i32,
        /// Events asked for.
        pub events: i16,
        /// Events found.
        pub revents: i16,
    }
}

names! {
    /// Events of poll(2).
    EVENTS: i16, choice 0 => {
        POLLIN = 1, "Readable.";
        POLLPRI = 2, "Urgent data.";
        POLLOUT = 4, "Writable.";
        POLLERR = 8, "Error.";
        POLLHUP = 0x10, "The other end is closed.";
        POLLNVAL = 0x20, "Not an open descriptor.";
        POLLRDNORM = 0x40, "Normal data can be read.";
        POLLRDBAND = 0x80, "Priority data can be read.";
        POLLWRNORM = 0x100, "Normal data can be written.";
        POLLWRBAND = 0x200, "Priority data can be written.";
        POLLMSG = 0x400, "Unused.";
        POLLREMOVE = 0x1000, "Unused.";
        POLLRDHUP = 0x2000, "The other end will write no more.";
    }
}

record! {
    /// `struct iovec`.
    pub struct Iovec {
        /// Address.
        pub base: u64,
        /// Bytes.
        pub len: u64,
    }
}
