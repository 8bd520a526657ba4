//! Facts about the whole system: uname(2), sysinfo(2), getrandom(2).

record! {
    /// `struct new_utsname`, six NUL-terminated strings.
    pub struct Utsname {
        /// Name of the system.
        pub sysname: [u8; 65],
        /// Name of this machine.
        pub nodename: [u8; 65],
        /// Release.
        pub release: [u8; 65],
        /// Version.
        pub version: [u8; 65],
        /// Instruction set.
        pub machine: [u8; 65],
        /// NIS domain.
        pub domainname: [u8; 65],
    }
}

record! {
    /// `struct sysinfo`, 112 bytes.
    pub struct Sysinfo {
        /// Seconds since boot.
        pub uptime: i64,
        /// Load averages over 1, 5 and 15 minutes, times 65536.
        pub loads: [u64; 3],
        /// Memory, in units of `mem_unit`.
        pub totalram: u64,
        /// Free memory.
        pub freeram: u64,
        /// Shared memory.
        pub sharedram: u64,
        /// Memory in buffers.
        pub bufferram: u64,
        /// Swap.
        pub totalswap: u64,
        /// Free swap.
        pub freeswap: u64,
        /// Processes.
        pub procs: u16,
        /// Zero.
        pub pad: [u16; 3],
        /// Zero on 64-bit systems.
        pub totalhigh: u64,
        /// Zero on 64-bit systems.
        pub freehigh: u64,
        /// Bytes of a unit.
        pub mem_unit: u32,
        /// Zero.
        pub pad2: u32,
    }
}

const _: () = assert!(size_of::<Utsname>() == 390);
const _: () = assert!(size_of::<Sysinfo>() == 112);

names! {
    /// Flags of getrandom(2).
    GETRANDOM: u32, choice 0 => {
        GRND_NONBLOCK = 1, "Do not wait.";
        GRND_RANDOM = 2, "From the random source.";
        GRND_INSECURE = 4, "Any bytes will do.";
    }
}
