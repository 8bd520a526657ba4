//! Linux's other system calls, which Silica does not have (a long table).
//!
//! Programs built for Linux may make them and get `ENOSYS`; the tracer then has a name for them, and a user may ask
//! for them by name. The columns of numbers are those of [`crate::nr`].

use crate::isa::{ISAS, Isa};
use crate::nr::ABSENT;

/// A system call that only has a name here.
#[derive(Debug, PartialEq, Eq)]
pub struct Other {
    /// Number on the instruction set this is built for, or [`ABSENT`].
    pub number: u64,
    /// Number on each [`Isa`], or [`ABSENT`].
    pub numbers: [u64; ISAS],
    /// Name, as in its manual page and in strace's output.
    pub name: &'static str,
    /// Number of arguments.
    pub args: u8,
    /// What it is about, a letter each: `D` descriptors, `F` files by name, `M` memory, `P` processes, `S` signals,
    /// `I` System V objects, `N` the network, `C` credentials, `K` clocks.
    pub about: &'static str,
}

macro_rules! others {
    ($($x86_64:tt $riscv64:tt $name:ident $args:literal $about:literal;)*) => {
        /// Every other call, in the order of x86-64's numbers; those that it lacks are at the end.
        pub const OTHERS: &[Other] = &[$(
            Other {
                number: [number!($x86_64), number!($riscv64)][Isa::NATIVE as usize],
                numbers: [number!($x86_64), number!($riscv64)],
                name: stringify!($name),
                args: $args,
                about: $about,
            },
        )*];
    };
}

others! {
    23 - select 5 "D";
    26 227 msync 3 "M";
    27 232 mincore 3 "M";
    29 194 shmget 3 "I";
    30 196 shmat 3 "IM";
    31 195 shmctl 3 "I";
    41 198 socket 3 "N";
    42 203 connect 3 "N";
    43 202 accept 3 "N";
    44 206 sendto 6 "N";
    45 207 recvfrom 6 "N";
    46 211 sendmsg 3 "N";
    47 212 recvmsg 3 "N";
    48 210 shutdown 2 "N";
    49 200 bind 3 "N";
    50 201 listen 2 "N";
    51 204 getsockname 3 "N";
    52 205 getpeername 3 "N";
    53 199 socketpair 4 "N";
    54 208 setsockopt 5 "N";
    55 209 getsockopt 5 "N";
    64 190 semget 3 "I";
    65 193 semop 3 "I";
    66 191 semctl 4 "I";
    67 197 shmdt 1 "IM";
    68 186 msgget 2 "I";
    69 189 msgsnd 4 "I";
    70 188 msgrcv 5 "I";
    71 187 msgctl 3 "I";
    78 - getdents 3 "D";
    101 117 ptrace 4 "";
    103 116 syslog 3 "";
    113 145 setreuid 2 "C";
    114 143 setregid 2 "C";
    115 158 getgroups 2 "C";
    116 159 setgroups 2 "C";
    117 147 setresuid 3 "C";
    118 148 getresuid 3 "C";
    119 149 setresgid 3 "C";
    120 150 getresgid 3 "C";
    122 151 setfsuid 1 "C";
    123 152 setfsgid 1 "C";
    125 90 capget 2 "C";
    126 91 capset 2 "C";
    128 137 rt_sigtimedwait 4 "S";
    129 138 rt_sigqueueinfo 3 "SP";
    132 - utime 2 "F";
    133 - mknod 3 "F";
    134 - uselib 1 "F";
    135 92 personality 1 "";
    136 - ustat 2 "";
    139 - sysfs 3 "";
    140 141 getpriority 2 "";
    141 140 setpriority 3 "";
    142 118 sched_setparam 2 "";
    143 121 sched_getparam 2 "";
    144 119 sched_setscheduler 3 "";
    145 120 sched_getscheduler 1 "";
    146 125 sched_get_priority_max 1 "";
    147 126 sched_get_priority_min 1 "";
    148 127 sched_rr_get_interval 2 "";
    149 228 mlock 2 "M";
    150 229 munlock 2 "M";
    151 230 mlockall 1 "M";
    152 231 munlockall 0 "M";
    153 58 vhangup 0 "";
    154 - modify_ldt 3 "";
    155 41 pivot_root 2 "F";
    156 - _sysctl 1 "";
    159 171 adjtimex 1 "K";
    161 51 chroot 1 "F";
    163 89 acct 1 "F";
    164 170 settimeofday 2 "K";
    165 40 mount 5 "F";
    166 39 umount2 2 "F";
    167 224 swapon 2 "F";
    168 225 swapoff 1 "F";
    170 161 sethostname 2 "";
    171 162 setdomainname 2 "";
    172 - iopl 1 "";
    173 - ioperm 3 "";
    174 - create_module 2 "";
    175 105 init_module 3 "";
    176 106 delete_module 2 "";
    177 - get_kernel_syms 1 "";
    178 - query_module 5 "";
    179 60 quotactl 4 "F";
    180 42 nfsservctl 3 "";
    181 - getpmsg 5 "N";
    182 - putpmsg 5 "N";
    183 - afs_syscall 5 "";
    184 - tuxcall 3 "";
    185 - security 3 "";
    187 213 readahead 3 "D";
    188 5 setxattr 5 "F";
    189 6 lsetxattr 5 "F";
    190 7 fsetxattr 5 "D";
    191 8 getxattr 4 "F";
    192 9 lgetxattr 4 "F";
    193 10 fgetxattr 4 "D";
    194 11 listxattr 3 "F";
    195 12 llistxattr 3 "F";
    196 13 flistxattr 3 "D";
    197 14 removexattr 2 "F";
    198 15 lremovexattr 2 "F";
    199 16 fremovexattr 2 "D";
    205 - set_thread_area 1 "";
    206 0 io_setup 2 "M";
    207 1 io_destroy 1 "M";
    208 4 io_getevents 5 "";
    209 2 io_submit 3 "";
    210 3 io_cancel 3 "";
    211 - get_thread_area 1 "";
    212 18 lookup_dcookie 3 "";
    213 - epoll_create 1 "D";
    214 - epoll_ctl_old 4 "";
    215 - epoll_wait_old 4 "";
    216 234 remap_file_pages 5 "M";
    219 128 restart_syscall 0 "";
    220 192 semtimedop 4 "I";
    221 223 fadvise64 4 "D";
    222 107 timer_create 3 "";
    223 110 timer_settime 4 "";
    224 108 timer_gettime 2 "";
    225 109 timer_getoverrun 1 "";
    226 111 timer_delete 1 "";
    227 112 clock_settime 2 "K";
    232 - epoll_wait 4 "D";
    233 21 epoll_ctl 4 "D";
    235 - utimes 2 "F";
    236 - vserver 5 "";
    237 235 mbind 6 "M";
    238 237 set_mempolicy 3 "M";
    239 236 get_mempolicy 5 "M";
    240 180 mq_open 4 "D";
    241 181 mq_unlink 1 "";
    242 182 mq_timedsend 5 "D";
    243 183 mq_timedreceive 5 "D";
    244 184 mq_notify 2 "D";
    245 185 mq_getsetattr 3 "D";
    246 104 kexec_load 4 "";
    247 95 waitid 5 "P";
    248 217 add_key 5 "";
    249 218 request_key 4 "";
    250 219 keyctl 5 "";
    251 30 ioprio_set 3 "";
    252 31 ioprio_get 2 "";
    253 - inotify_init 0 "D";
    254 27 inotify_add_watch 3 "DF";
    255 28 inotify_rm_watch 2 "D";
    256 238 migrate_pages 4 "M";
    259 33 mknodat 4 "DF";
    261 - futimesat 3 "DF";
    270 72 pselect6 6 "D";
    272 97 unshare 1 "";
    274 100 get_robust_list 3 "";
    275 76 splice 6 "D";
    276 77 tee 4 "D";
    277 84 sync_file_range 4 "D";
    278 75 vmsplice 4 "D";
    279 239 move_pages 6 "M";
    281 22 epoll_pwait 6 "D";
    282 - signalfd 3 "DS";
    283 85 timerfd_create 2 "D";
    284 - eventfd 1 "D";
    285 47 fallocate 4 "D";
    286 86 timerfd_settime 4 "D";
    287 87 timerfd_gettime 2 "D";
    288 242 accept4 4 "N";
    289 74 signalfd4 4 "DS";
    290 19 eventfd2 2 "D";
    291 20 epoll_create1 1 "D";
    294 26 inotify_init1 1 "D";
    295 69 preadv 4 "D";
    296 70 pwritev 4 "D";
    297 240 rt_tgsigqueueinfo 4 "PS";
    298 241 perf_event_open 5 "D";
    299 243 recvmmsg 5 "N";
    300 262 fanotify_init 2 "D";
    301 263 fanotify_mark 5 "DF";
    303 264 name_to_handle_at 5 "DF";
    304 265 open_by_handle_at 3 "D";
    305 266 clock_adjtime 2 "K";
    306 267 syncfs 1 "D";
    307 269 sendmmsg 4 "N";
    308 268 setns 2 "D";
    309 168 getcpu 3 "";
    310 270 process_vm_readv 6 "";
    311 271 process_vm_writev 6 "";
    312 272 kcmp 5 "";
    313 273 finit_module 3 "D";
    314 274 sched_setattr 3 "";
    315 275 sched_getattr 4 "";
    317 277 seccomp 3 "";
    319 279 memfd_create 2 "D";
    320 294 kexec_file_load 5 "D";
    321 280 bpf 3 "D";
    322 281 execveat 5 "DFP";
    323 282 userfaultfd 1 "D";
    324 283 membarrier 3 "";
    325 284 mlock2 3 "M";
    326 285 copy_file_range 6 "D";
    327 286 preadv2 6 "D";
    328 287 pwritev2 6 "D";
    329 288 pkey_mprotect 4 "M";
    330 289 pkey_alloc 2 "";
    331 290 pkey_free 1 "";
    333 292 io_pgetevents 6 "";
    424 424 pidfd_send_signal 4 "DSP";
    425 425 io_uring_setup 2 "D";
    426 426 io_uring_enter 6 "DS";
    427 427 io_uring_register 4 "DM";
    428 428 open_tree 3 "DF";
    429 429 move_mount 5 "DF";
    430 430 fsopen 2 "D";
    431 431 fsconfig 5 "DF";
    432 432 fsmount 3 "D";
    433 433 fspick 3 "DF";
    434 434 pidfd_open 2 "D";
    435 435 clone3 2 "P";
    436 436 close_range 3 "";
    437 437 openat2 4 "DF";
    438 438 pidfd_getfd 3 "D";
    440 440 process_madvise 5 "D";
    441 441 epoll_pwait2 6 "D";
    442 442 mount_setattr 5 "DF";
    443 443 quotactl_fd 4 "D";
    444 444 landlock_create_ruleset 3 "D";
    445 445 landlock_add_rule 4 "D";
    446 446 landlock_restrict_self 2 "D";
    447 447 memfd_secret 1 "D";
    448 448 process_mrelease 2 "D";
    449 449 futex_waitv 5 "";
    450 450 set_mempolicy_home_node 4 "M";
    - 258 riscv_hwprobe 5 "";
    - 259 riscv_flush_icache 3 "";
}

/// The number of the call with this name on the instruction set this is built for, or [`ABSENT`]: for programs that try a
/// call before Silica has it.
pub const fn number(name: &str) -> u64 {
    let mut index = 0;
    while index < OTHERS.len() {
        if same(OTHERS[index].name.as_bytes(), name.as_bytes()) {
            return OTHERS[index].number;
        }
        index += 1;
    }
    ABSENT
}

/// Equality, which is no constant function yet.
const fn same(one: &[u8], other: &[u8]) -> bool {
    let mut index = 0;
    while index < one.len() && index < other.len() && one[index] == other[index] {
        index += 1;
    }
    index == one.len() && index == other.len()
}

/// The other call with this number.
pub fn lookup(number: u64) -> Option<&'static Other> {
    lookup_on(Isa::NATIVE, number)
}

/// The other call with this number on an instruction set.
pub fn lookup_on(isa: Isa, number: u64) -> Option<&'static Other> {
    OTHERS
        .iter()
        .filter(|call| call.numbers[isa as usize] != ABSENT)
        .find(|call| call.numbers[isa as usize] == number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nr;

    #[test]
    fn a_call_is_found_by_its_whole_name() {
        assert_eq!(number("mincore"), 27);
        assert_eq!(number("socket"), 41, "and not socketpair");
        for none in ["", "mincor", "mincores", "read"] {
            assert_eq!(number(none), ABSENT, "{none}");
        }
    }

    #[test]
    fn no_call_is_in_both_tables() {
        let x86_64 = |call: &Other| call.numbers[Isa::X86_64 as usize];
        assert!(OTHERS.windows(2).all(|pair| {
            let [first, second] = [x86_64(&pair[0]), x86_64(&pair[1])];
            first < second || second == ABSENT
        }));
        for other in OTHERS {
            assert_eq!(nr::by_name(other.name), None, "{}", other.name);
            for isa in [Isa::X86_64, Isa::Riscv64] {
                let number = other.numbers[isa as usize];
                if number != ABSENT {
                    assert_eq!(nr::lookup_on(isa, number), None, "{}", other.name);
                    assert_eq!(lookup_on(isa, number), Some(other));
                }
            }
        }
    }
}
