//! What happened to a call on its way, before it is put into words.

use base::Time;

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Virtual time.
    pub time: Time,
    /// The CPU.
    pub cpu: u8,
    /// Where the process was in the kernel: a node of its path, and an address. Nothing if somebody else ran.
    pub place: Option<(usize, u64)>,
    /// What.
    pub what: What,
}

/// A process, by its number and its name, which is fit for a terminal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Who {
    /// The number; 0 is the idle process.
    pub pid: u32,
    /// The name.
    pub comm: String,
}

/// A scheduler's decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pick {
    /// The policy.
    pub policy: String,
    /// The chosen process's key in it.
    pub key: i64,
    /// How many processes it chose from.
    pub candidates: u64,
}

/// Why a process left its CPU.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Leave {
    /// It sleeps until what is named comes.
    Sleep(String),
    /// Anything else, in the kernel's word for it.
    Other(String),
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// The program called the kernel.
    Trap {
        /// Where the trap comes from: the call, or the instruction behind it.
        from: u64,
        /// The kernel's entry.
        to: u64,
    },
    /// The kernel found out what for.
    Enter,
    /// A page of a file was in memory (`pages` is 0), or not.
    Page {
        /// The file's inode number.
        ino: u64,
        /// The page's index in the file.
        index: u64,
        /// How many pages will be read because it is missing.
        pages: u64,
    },
    /// A block of the disk was in the buffer cache, or not.
    Block {
        /// Its number.
        block: u64,
        /// Whether it was there.
        hit: bool,
    },
    /// The process asked the disk for something.
    Ask {
        /// The first sector of 512 bytes.
        sector: u64,
        /// How many; none is a flush.
        sectors: u64,
        /// Whether they are to be written.
        write: bool,
        /// The chip's register that made it look, once it has.
        bell: Option<String>,
    },
    /// The disk finished a request of the process.
    Done {
        /// The first sector.
        sector: u64,
        /// How many; none is a flush.
        sectors: u64,
        /// How long it worked on that.
        took: Time,
    },
    /// The process left its CPU.
    Leave {
        /// Why.
        why: Leave,
        /// The scheduler's decision, unless nobody was there to be chosen.
        pick: Option<Pick>,
        /// Who runs now.
        next: Who,
        /// Who ran, on which CPU and for how long, until it came back.
        meanwhile: Vec<(u8, Who, Time)>,
    },
    /// An interrupt came: one that woke the process, or one that was served while it ran.
    Interrupt {
        /// The ISA's number for it.
        number: u16,
        /// The device, as the kernel calls it.
        name: String,
        /// Whom it interrupted.
        victim: Who,
        /// Whether in user mode.
        user: bool,
        /// Where.
        from: u64,
        /// How long the handler took, if it interrupted the process itself.
        took: Option<Time>,
    },
    /// The process was woken.
    Woken {
        /// By whom, unless in an interrupt.
        waker: Option<Who>,
        /// What it had waited for.
        wait: String,
        /// On whose queue it is now.
        queue: u64,
        /// The waker's way there: an address in each function, the outermost first.
        chain: Vec<u64>,
    },
    /// The process was moved to another CPU's queue.
    Moved {
        /// From.
        from: u64,
        /// To.
        to: u64,
    },
    /// The process has a CPU again.
    Back {
        /// The scheduler's decision.
        pick: Option<Pick>,
        /// Who made way.
        prev: Who,
        /// How long it has been runnable.
        queued: Time,
    },
    /// A page fault on the way.
    Fault {
        /// The address.
        address: u64,
        /// The hardware's code for why.
        code: u32,
        /// The instruction that faulted.
        from: u64,
        /// What kind it was (an index of [`abi::probe::FAULTS`]), once the kernel knows.
        kind: Option<u64>,
        /// How long it took.
        took: Option<Time>,
    },
    /// A page that was shared until written is the process's own now.
    Cow {
        /// The page.
        address: u64,
        /// Whether it was copied, having other users.
        copied: bool,
    },
    /// It had to wait for a spin lock.
    Lock {
        /// The lock's name.
        name: String,
        /// How long, once it has it.
        took: Option<Time>,
    },
    /// An operation of the journal began.
    Begin {
        /// The transaction.
        sequence: u64,
        /// What operation.
        operation: String,
    },
    /// The journal made a transaction durable.
    Commit {
        /// The transaction.
        sequence: u64,
        /// Blocks of it.
        blocks: u64,
    },
    /// Its CPU sent an interrupt to another one.
    Ipi {
        /// To which, or nothing for several.
        target: Option<u8>,
        /// The ISA's number for it.
        number: u16,
    },
    /// It made a process.
    Fork(Who),
    /// It made a process runnable; one that is new waits for nothing.
    Wakes {
        /// Which.
        who: Who,
        /// What that waited for.
        wait: Option<String>,
        /// On whose queue it is now.
        queue: u64,
    },
    /// It runs a new program.
    Exec {
        /// The program.
        path: String,
        /// Where that begins.
        entry: u64,
    },
    /// It took note of a child that had ended.
    Reap {
        /// The child.
        child: Who,
        /// Its status word.
        status: u64,
    },
    /// It ended.
    Exit {
        /// Its status word.
        status: u64,
    },
    /// A signal was sent to it, or acted upon.
    Signal {
        /// Its number.
        number: u64,
        /// The handler; 0 is the default action. Nothing if it was only sent.
        handler: Option<u64>,
    },
    /// The kernel has the result.
    Result(i64),
    /// The program goes on.
    Return {
        /// The returning instruction.
        from: u64,
        /// Where it goes on.
        to: u64,
    },
}
