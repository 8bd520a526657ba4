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
