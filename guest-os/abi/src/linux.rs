//! Linux's other system calls on x86-64, which Silica does not have (a long table).
//!
//! Programs built for Linux may make them and get `ENOSYS`; the tracer then has a name for them, and a user may ask
//! for them by name. The numbers are those of arch/x86/entry/syscalls/syscall_64.tbl.

/// A system call that only has a name here.
#[derive(Debug, PartialEq, Eq)]
pub struct Other {
    /// Number on x86-64.
    pub number: u64,
    /// Name, as in its manual page and in strace's output.
    pub name: &'static str,
    /// Number of arguments.
    pub args: u8,
    /// What it is about, a letter each: `D` descriptors, `F` files by name, `M` memory, `P` processes, `S` signals,
    /// `I` System V objects, `N` the network, `C` credentials, `K` clocks.
    pub about: &'static str,
}

macro_rules! others {
    ($($number:literal $name:ident $args:literal $about:literal;)*) => {
        /// Every other call, in the order of the numbers.
        pub const OTHERS: &[Other] = &[$(
            Other { number: $number, name: stringify!($name), args: $args, about: $about },
        )*];
    };
}

others! {
    23 select 5 "D";
    26 msync 3 "M";
    27 mincore 3 "M";
    29 shmget 3 "I";
    30 shmat 3 "IM";
    31 shmctl 3 "I";
    36 getitimer 2 "";
    38 setitimer 3 "";
    41 socket 3 "N";
    42 connect 3 "N";
    43 accept 3 "N";
    44 sendto 6 "N";
    45 recvfrom 6 "N";
    46 sendmsg 3 "N";
    47 recvmsg 3 "N";
    48 shutdown 2 "N";
    49 bind 3 "N";
    50 listen 2 "N";
    51 getsockname 3 "N";
    52 getpeername 3 "N";
    53 socketpair 4 "N";
    54 setsockopt 5 "N";
    55 getsockopt 5 "N";
    64 semget 3 "I";
    65 semop 3 "I";
    66 semctl 4 "I";
    67 shmdt 1 "IM";
    68 msgget 2 "I";
    69 msgsnd 4 "I";
    70 msgrcv 5 "I";
    71 msgctl 3 "I";
    78 getdents 3 "D";
    101 ptrace 4 "";
    103 syslog 3 "";
    113 setreuid 2 "C";
    114 setregid 2 "C";
    115 getgroups 2 "C";
    116 setgroups 2 "C";
    117 setresuid 3 "C";
    118 getresuid 3 "C";
    119 setresgid 3 "C";
    120 getresgid 3 "C";
    122 setfsuid 1 "C";
    123 setfsgid 1 "C";
    125 capget 2 "C";
    126 capset 2 "C";
    128 rt_sigtimedwait 4 "S";
    129 rt_sigqueueinfo 3 "SP";
    132 utime 2 "F";
    133 mknod 3 "F";
    134 uselib 1 "F";
    135 personality 1 "";
    136 ustat 2 "";
    139 sysfs 3 "";
    140 getpriority 2 "";
    141 setpriority 3 "";
    142 sched_setparam 2 "";
    143 sched_getparam 2 "";
    144 sched_setscheduler 3 "";
    145 sched_getscheduler 1 "";
    146 sched_get_priority_max 1 "";
    147 sched_get_priority_min 1 "";
    148 sched_rr_get_interval 2 "";
    149 mlock 2 "M";
    150 munlock 2 "M";
    151 mlockall 1 "M";
    152 munlockall 0 "M";
    153 vhangup 0 "";
    154 modify_ldt 3 "";
    155 pivot_root 2 "F";
    156 _sysctl 1 "";
    159 adjtimex 1 "K";
    161 chroot 1 "F";
    163 acct 1 "F";
    164 settimeofday 2 "K";
    165 mount 5 "F";
    166 umount2 2 "F";
    167 swapon 2 "F";
    168 swapoff 1 "F";
    170 sethostname 2 "";
    171 setdomainname 2 "";
    172 iopl 1 "";
    173 ioperm 3 "";
    174 create_module 2 "";
    175 init_module 3 "";
    176 delete_module 2 "";
    177 get_kernel_syms 1 "";
    178 query_module 5 "";
    179 quotactl 4 "F";
    180 nfsservctl 3 "";
    181 getpmsg 5 "N";
    182 putpmsg 5 "N";
    183 afs_syscall 5 "";
    184 tuxcall 3 "";
    185 security 3 "";
    187 readahead 3 "D";
    188 setxattr 5 "F";
    189 lsetxattr 5 "F";
    190 fsetxattr 5 "D";
    191 getxattr 4 "F";
    192 lgetxattr 4 "F";
    193 fgetxattr 4 "D";
    194 listxattr 3 "F";
    195 llistxattr 3 "F";
    196 flistxattr 3 "D";
    197 removexattr 2 "F";
    198 lremovexattr 2 "F";
    199 fremovexattr 2 "D";
    205 set_thread_area 1 "";
    206 io_setup 2 "M";
    207 io_destroy 1 "M";
    208 io_getevents 5 "";
    209 io_submit 3 "";
    210 io_cancel 3 "";
    211 get_thread_area 1 "";
    212 lookup_dcookie 3 "";
    213 epoll_create 1 "D";
    214 epoll_ctl_old 4 "";
    215 epoll_wait_old 4 "";
    216 remap_file_pages 5 "M";
    219 restart_syscall 0 "";
    220 semtimedop 4 "I";
    221 fadvise64 4 "D";
    222 timer_create 3 "";
    223 timer_settime 4 "";
    224 timer_gettime 2 "";
    225 timer_getoverrun 1 "";
    226 timer_delete 1 "";
    227 clock_settime 2 "K";
    232 epoll_wait 4 "D";
    233 epoll_ctl 4 "D";
    235 utimes 2 "F";
    236 vserver 5 "";
    237 mbind 6 "M";
    238 set_mempolicy 3 "M";
    239 get_mempolicy 5 "M";
    240 mq_open 4 "D";
    241 mq_unlink 1 "";
    242 mq_timedsend 5 "D";
    243 mq_timedreceive 5 "D";
    244 mq_notify 2 "D";
    245 mq_getsetattr 3 "D";
    246 kexec_load 4 "";
    247 waitid 5 "P";
    248 add_key 5 "";
    249 request_key 4 "";
    250 keyctl 5 "";
    251 ioprio_set 3 "";
    252 ioprio_get 2 "";
    253 inotify_init 0 "D";
    254 inotify_add_watch 3 "DF";
    255 inotify_rm_watch 2 "D";
    256 migrate_pages 4 "M";
    259 mknodat 4 "DF";
    261 futimesat 3 "DF";
    270 pselect6 6 "D";
    272 unshare 1 "";
    274 get_robust_list 3 "";
    275 splice 6 "D";
    276 tee 4 "D";
    277 sync_file_range 4 "D";
    278 vmsplice 4 "D";
    279 move_pages 6 "M";
    281 epoll_pwait 6 "D";
    282 signalfd 3 "DS";
    283 timerfd_create 2 "D";
    284 eventfd 1 "D";
    285 fallocate 4 "D";
    286 timerfd_settime 4 "D";
    287 timerfd_gettime 2 "D";
    288 accept4 4 "N";
    289 signalfd4 4 "DS";
    290 eventfd2 2 "D";
    291 epoll_create1 1 "D";
    294 inotify_init1 1 "D";
    295 preadv 4 "D";
    296 pwritev 4 "D";
    297 rt_tgsigqueueinfo 4 "PS";
    298 perf_event_open 5 "D";
    299 recvmmsg 5 "N";
    300 fanotify_init 2 "D";
    301 fanotify_mark 5 "DF";
    303 name_to_handle_at 5 "DF";
    304 open_by_handle_at 3 "D";
    305 clock_adjtime 2 "K";
    306 syncfs 1 "D";
    307 sendmmsg 4 "N";
    308 setns 2 "D";
    309 getcpu 3 "";
    310 process_vm_readv 6 "";
    311 process_vm_writev 6 "";
    312 kcmp 5 "";
    313 finit_module 3 "D";
    314 sched_setattr 3 "";
    315 sched_getattr 4 "";
    317 seccomp 3 "";
    319 memfd_create 2 "D";
    320 kexec_file_load 5 "D";
    321 bpf 3 "D";
    322 execveat 5 "DFP";
    323 userfaultfd 1 "D";
    324 membarrier 3 "";
    325 mlock2 3 "M";
    326 copy_file_range 6 "D";
    327 preadv2 6 "D";
    328 pwritev2 6 "D";
    329 pkey_mprotect 4 "M";
    330 pkey_alloc 2 "";
    331 pkey_free 1 "";
    333 io_pgetevents 6 "";
    424 pidfd_send_signal 4 "DSP";
    425 io_uring_setup 2 "D";
    426 io_uring_enter 6 "DS";
    427 io_uring_register 4 "DM";
    428 open_tree 3 "DF";
    429 move_mount 5 "DF";
    430 fsopen 2 "D";
    431 fsconfig 5 "DF";
    432 fsmount 3 "D";
    433 fspick 3 "DF";
    434 pidfd_open 2 "D";
    435 clone3 2 "P";
    436 close_range 3 "";
    437 openat2 4 "DF";
    438 pidfd_getfd 3 "D";
    440 process_madvise 5 "D";
    441 epoll_pwait2 6 "D";
    442 mount_setattr 5 "DF";
    443 quotactl_fd 4 "D";
    444 landlock_create_ruleset 3 "D";
    445 landlock_add_rule 4 "D";
    446 landlock_restrict_self 2 "D";
    447 memfd_secret 1 "D";
    448 process_mrelease 2 "D";
    449 futex_waitv 5 "";
    450 set_mempolicy_home_node 4 "M";
}

/// The other call with this number.
pub fn lookup(number: u64) -> Option<&'static Other> {
    OTHERS
        .binary_search_by_key(&number, |call| call.number)
        .ok()
        .map(|i| &OTHERS[i])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nr;

    #[test]
    fn no_call_is_in_both_tables() {
        assert!(
            OTHERS
                .windows(2)
                .all(|pair| pair[0].number < pair[1].number)
        );
        for other in OTHERS {
            assert_eq!(nr::lookup(other.number), None, "{}", other.name);
            assert_eq!(nr::by_name(other.name), None, "{}", other.name);
            assert_eq!(lookup(other.number), Some(other));
        }
    }
}
