//! Field numbers of the messages of Perfetto's schema that we write (protos/perfetto/trace/ in its sources), one module a
//! message (a long table).

/// `Trace`, the whole file.
pub mod trace {
    pub const PACKET: u32 = 1;
}

/// `TracePacket`.
pub mod packet {
    pub const FTRACE_EVENTS: u32 = 1;
    pub const PROCESS_TREE: u32 = 2;
    pub const CLOCK_SNAPSHOT: u32 = 6;
    pub const TIMESTAMP: u32 = 8;
    pub const SEQUENCE_ID: u32 = 10;
    pub const TRACK_EVENT: u32 = 11;
    pub const INTERNED_DATA: u32 = 12;
    pub const SEQUENCE_FLAGS: u32 = 13;
    pub const TRACE_CONFIG: u32 = 33;
    pub const PREVIOUS_PACKET_DROPPED: u32 = 42;
    pub const SYSTEM_INFO: u32 = 45;
    pub const TRACK_DESCRIPTOR: u32 = 60;
    pub const FIRST_PACKET_ON_SEQUENCE: u32 = 87;

    /// `SequenceFlags`: what was interned before is void.
    pub const CLEARED: u64 = 1;
    /// `SequenceFlags`: without what was interned before, the packet cannot be read.
    pub const NEEDS_STATE: u64 = 2;
}

/// `ClockSnapshot`.
pub mod clock_snapshot {
    pub const CLOCKS: u32 = 1;
    pub const PRIMARY_TRACE_CLOCK: u32 = 2;
    /// `ClockSnapshot.Clock`.
    pub const CLOCK_ID: u32 = 1;
    pub const CLOCK_TIMESTAMP: u32 = 2;

    /// `BuiltinClock`: what packets are stamped with unless they say otherwise.
    pub const BOOTTIME: u64 = 6;
    /// `BuiltinClock`: nanoseconds since 1970.
    pub const REALTIME: u64 = 1;
}

/// `TraceConfig`.
pub mod trace_config {
    pub const UNIQUE_SESSION_NAME: u32 = 22;
}

/// `SystemInfo`.
pub mod system_info {
    pub const UTSNAME: u32 = 1;
    pub const TRACING_SERVICE_VERSION: u32 = 4;
    pub const NUM_CPUS: u32 = 8;
    /// `Utsname`.
    pub const MACHINE: u32 = 4;
}

/// `InternedData`; its entries all have a number and a text.
pub mod interned {
    pub const EVENT_CATEGORIES: u32 = 1;
    pub const EVENT_NAMES: u32 = 2;
    pub const DEBUG_ANNOTATION_NAMES: u32 = 3;
    pub const KERNEL_SYMBOLS: u32 = 26;
    pub const IID: u32 = 1;
    pub const TEXT: u32 = 2;
}

/// `TrackDescriptor`.
pub mod track {
    pub const UUID: u32 = 1;
    pub const NAME: u32 = 2;
    pub const THREAD: u32 = 4;
    pub const PARENT_UUID: u32 = 5;
    pub const COUNTER: u32 = 8;
    pub const CHILD_ORDERING: u32 = 11;
    pub const SIBLING_ORDER_RANK: u32 = 12;
    pub const DESCRIPTION: u32 = 14;

    /// `ChildTracksOrdering`: by rank.
    pub const EXPLICIT: u64 = 3;

    /// `ThreadDescriptor`.
    pub const THREAD_PID: u32 = 1;
    pub const THREAD_TID: u32 = 2;
    /// `CounterDescriptor`.
    pub const COUNTER_UNIT_NAME: u32 = 6;
    pub const COUNTER_Y_AXIS_SHARE_KEY: u32 = 7;
}

/// `TrackEvent`.
pub mod event {
    pub const CATEGORY_IIDS: u32 = 3;
    pub const DEBUG_ANNOTATIONS: u32 = 4;
    pub const TYPE: u32 = 9;
    pub const NAME_IID: u32 = 10;
    pub const TRACK_UUID: u32 = 11;
    pub const CATEGORIES: u32 = 22;
    pub const NAME: u32 = 23;
    pub const COUNTER_VALUE: u32 = 30;
    pub const FLOW_IDS: u32 = 47;
    pub const TERMINATING_FLOW_IDS: u32 = 48;
}

/// `DebugAnnotation`.
pub mod annotation {
    pub const NAME_IID: u32 = 1;
    pub const BOOL_VALUE: u32 = 2;
    pub const UINT_VALUE: u32 = 3;
    pub const INT_VALUE: u32 = 4;
    pub const STRING_VALUE: u32 = 6;
    pub const POINTER_VALUE: u32 = 7;
    pub const NAME: u32 = 10;
    pub const ARRAY_VALUES: u32 = 12;
}

/// `ProcessTree`.
pub mod process_tree {
    pub const PROCESSES: u32 = 1;
    pub const THREADS: u32 = 2;
    /// `ProcessTree.Process`.
    pub const PID: u32 = 1;
    pub const PPID: u32 = 2;
    pub const CMDLINE: u32 = 3;
    /// `ProcessTree.Thread`.
    pub const TID: u32 = 1;
    pub const TGID: u32 = 3;
}

/// `FtraceEventBundle` and `FtraceEvent`, with the messages of single events.
pub mod ftrace {
    pub const CPU: u32 = 1;
    pub const EVENT: u32 = 2;

    pub const TIMESTAMP: u32 = 1;
    pub const PID: u32 = 2;
    pub const SCHED_SWITCH: u32 = 4;
    pub const COMMON_FLAGS: u32 = 5;
    pub const SCHED_WAKEUP: u32 = 17;
    pub const SCHED_BLOCKED_REASON: u32 = 18;
    pub const SCHED_WAKING: u32 = 20;
    pub const SCHED_WAKEUP_NEW: u32 = 114;
    pub const TASK_NEWTASK: u32 = 235;
    pub const TASK_RENAME: u32 = 236;
    pub const SCHED_PROCESS_EXEC: u32 = 237;
    pub const SCHED_PROCESS_EXIT: u32 = 238;
    pub const SCHED_PROCESS_FORK: u32 = 239;
    pub const SCHED_PROCESS_FREE: u32 = 240;
    pub const SCHED_MIGRATE_TASK: u32 = 491;

    pub mod sched_switch {
        pub const PREV_COMM: u32 = 1;
        pub const PREV_PID: u32 = 2;
        pub const PREV_PRIO: u32 = 3;
        pub const PREV_STATE: u32 = 4;
        pub const NEXT_COMM: u32 = 5;
        pub const NEXT_PID: u32 = 6;
        pub const NEXT_PRIO: u32 = 7;
    }

    /// The same for `sched_waking`, `sched_wakeup` and `sched_wakeup_new`.
    pub mod sched_wakeup {
        pub const COMM: u32 = 1;
        pub const PID: u32 = 2;
        pub const PRIO: u32 = 3;
        pub const SUCCESS: u32 = 4;
        pub const TARGET_CPU: u32 = 5;
    }

    pub mod sched_blocked_reason {
        pub const PID: u32 = 1;
        pub const CALLER: u32 = 2;
        pub const IO_WAIT: u32 = 3;
    }

    pub mod sched_migrate_task {
        pub const COMM: u32 = 1;
        pub const PID: u32 = 2;
        pub const PRIO: u32 = 3;
        pub const ORIG_CPU: u32 = 4;
        pub const DEST_CPU: u32 = 5;
    }

    pub mod task_newtask {
        pub const PID: u32 = 1;
        pub const COMM: u32 = 2;
        pub const CLONE_FLAGS: u32 = 3;
    }

    pub mod task_rename {
        pub const PID: u32 = 1;
        pub const OLDCOMM: u32 = 2;
        pub const NEWCOMM: u32 = 3;
    }

    pub mod sched_process_exec {
        pub const FILENAME: u32 = 1;
        pub const PID: u32 = 2;
        pub const OLD_PID: u32 = 3;
    }

    pub mod sched_process_exit {
        pub const COMM: u32 = 1;
        pub const PID: u32 = 2;
        pub const TGID: u32 = 3;
        pub const PRIO: u32 = 4;
    }

    pub mod sched_process_fork {
        pub const PARENT_COMM: u32 = 1;
        pub const PARENT_PID: u32 = 2;
        pub const CHILD_COMM: u32 = 3;
        pub const CHILD_PID: u32 = 4;
    }

    pub mod sched_process_free {
        pub const COMM: u32 = 1;
        pub const PID: u32 = 2;
        pub const PRIO: u32 = 3;
    }
}
