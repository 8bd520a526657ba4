//! The command line's grammar.

use crate::guest::Arch;
use crate::trace::edge::duration;
use base::Time;
mod crash;
mod grade;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};
pub use crash::{CrashOptions, FsckOptions};
pub use grade::GradeOptions;
use std::path::PathBuf;

/// Boots, shows and tests small operating systems on a deterministic machine.
#[derive(Debug, Parser)]
#[command(
    name = "glassbox",
    version,
    about = "A computer made of glass: boots an operating system and shows what happens inside, the same every time",
    after_help = "Examples:\n  \
        glassbox boot                           the guest's shell; Ctrl-A x leaves, Ctrl-A h lists keys\n  \
        glassbox run -- 'ls / | wc -l'          one shell line: its output, its exit status\n  \
        echo hi | glassbox run -- cat           standard input reaches the guest\n  \
        glassbox run --put prog.c -- wc prog.c  host files into the guest's disk\n  \
        glassbox stat --cpus 2 -- usertests     what the machine did, in numbers\n  \
        glassbox crash -- 'cp README a; sync'   the power goes at every disk write in turn\n  \
        glassbox run --fault disk.write#3=error -- 'cp README x; sync'\n                                          \
        a disk write fails; 'run --help' says what else can\n  \
        glassbox grade lab.toml --images out    points for a submitted kernel\n\n\
        Exit status: the guest command's own; 2 usage; 121 power cut by --fault; 122 guest hang or deadlock;\n\
        123 instruction budget spent; 124 guest kernel panic or triple fault; 125 bad input, host error, or\n\
        something the emulator lacks."
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Boot to the guest's shell on this terminal
    #[command(
        after_help = "Keys: Ctrl-A x leaves, Ctrl-A p lists the guest's processes, Ctrl-A c opens the monitor,\nCtrl-A h lists all keys, Ctrl-A Ctrl-A sends Ctrl-A.\nFrom a pipe, Ctrl-A x leaves when the guest has come to rest; keys to look at it are not ours then."
    )]
    Boot(BootOptions),
    /// Boot, run one shell line in the guest, print exactly its output and exit with its status
    #[command(after_help = "Example: glassbox run -- 'ls / | wc -l'")]
    Run(RunOptions),
    /// Run a shell line and print what machine and processes did: counts, times, Gantt charts
    #[command(after_help = STAT_HELP)]
    Stat(StatOptions),
    /// Run a shell line and show what happens inside: system calls, traps, page walks, scheduling, disk
    #[command(after_help = TRACE_HELP)]
    Trace(Box<TraceOptions>),
    /// Run a shell line, cut the power at every disk write in turn, and see whether the guest lives with each disk
    #[command(after_help = crash::HELP)]
    Crash(Box<CrashOptions>),
    /// Judge a submitted kernel by a lab's tests: points, verdicts, and what went wrong
    #[command(after_help = grade::HELP)]
    Grade(GradeOptions),
    /// Check the file system on a disk image, changing nothing
    #[command(after_help = crash::FSCK_HELP)]
    Fsck(FsckOptions),
}

const STAT_HELP: &str = "What is told of each process, all in virtual time:\n  \
    arrival      when it entered a run queue for the first time\n  \
    response     arrival to first run\n  \
    running      on a CPU, in user mode or in the kernel; interrupts count to whom they interrupt\n  \
    waiting      runnable, but not running: in a run queue\n  \
    blocked      asleep until something happens: input, a disk, a child's end, a time\n  \
    turnaround   arrival to completion = running + waiting + blocked + stopped (by a signal)\n  \
    voluntary    switches because it blocked, yielded, stopped or ended\n  \
    involuntary  switches because its time slice was over\n  \
    migrations   moves from one CPU's run queue to another's\n  \
    page faults  minor: the page was in memory; major: it was read from the disk; zero: a fresh\n               \
                 page, for the stack, too; copy-on-write: a write to a page that was shared;\n               \
                 other: resolved already, or an error\n\
    Accounts begin with the first process. Totals and averages are over all processes, those of\n\
    response and turnaround over the processes that got so far. The definitions are those of\n\
    Silberschatz, Galvin, Gagne: Operating System Concepts, 5.2, and of Arpaci-Dusseau: Operating\n\
    Systems: Three Easy Pieces, 7.\n\n\
    Examples:\n  \
    glassbox stat --cpus 2 -- 'cat README | wc'\n  \
    glassbox stat --gantt -- 'seq 2000 | sort -r | head -n 3'\n  \
    glassbox stat --gantt-svg chart.svg --from 8ms --to 9500us -- 'ls | wc'";

const TRACE_HELP: &str = "Examples:\n  \
    glassbox trace -- 'cat README | wc'                    system calls, as strace prints them\n  \
    glassbox trace -e trace=openat,read -T -- cat README   two calls, with the time spent in them\n  \
    glassbox trace -e event=sched,block -- 'ls | wc'       the scheduler's decisions and the disk\n  \
    glassbox trace -c -- ls                                a summary table\n  \
    glassbox trace --explain --call read#3 -- cat README   the life of one read(), from a real run\n  \
    glassbox trace -e event=all -o run.gbt -- ls           record everything, look at it later:\n  \
    glassbox trace --read run.gbt --format perfetto -o run.pftrace\n\n\
    Events for -e event=: the names that 'glassbox trace --events' lists, groups, and patterns with * and ?.";

/// Virtual seconds without progress that make a hang, unless somebody says otherwise.
pub const HANG_AFTER: u64 = 10;

/// What every command that starts a machine takes.
#[derive(Args, Clone, Debug)]
pub struct MachineOptions {
    /// Instruction set
    #[arg(long, default_value = "x86_64", value_parser = PossibleValuesParser::new(Arch::ALL.map(Arch::name)).try_map(|name| name.parse::<Arch>()), help_heading = "Machine")]
    pub arch: Arch,
    /// Number of CPUs, 1 to 8
    #[arg(long, value_name = "N", default_value_t = 1, help_heading = "Machine")]
    pub cpus: usize,
    /// Memory, with suffix K, M or G
    #[arg(long, value_name = "SIZE", default_value = "128M", value_parser = parse_size, help_heading = "Machine")]
    pub memory: u64,
    /// Kernel: an ELF file, on x86-64 with a PVH entry; on riscv64 also a Linux Image or a flat binary, entered in M-mode
    /// unless --sbi or --bios says otherwise [default: Silica's, from images/]
    #[arg(long, value_name = "FILE", help_heading = "Machine")]
    pub kernel: Option<PathBuf>,
    /// riscv64: enter the kernel in S-mode, with the built-in SBI below it
    #[arg(long, conflicts_with = "bios", help_heading = "Machine")]
    pub sbi: bool,
    /// riscv64: firmware that runs first, in M-mode at 0x80000000, such as OpenSBI's fw_dynamic.bin or fw_jump.bin
    #[arg(long, value_name = "FILE", help_heading = "Machine")]
    pub bios: Option<PathBuf>,
    /// riscv64: put a file into memory at a physical address; repeatable
    #[arg(long, value_name = "FILE@ADDR", help_heading = "Machine")]
    pub load: Vec<String>,
    /// riscv64: virtio-mmio of version 1, as QEMU has it unless told force-legacy=false; for kernels that insist on it
    #[arg(long, help_heading = "Machine")]
    pub legacy_virtio: bool,
    /// Disk image; what the guest writes is dropped at the end unless --persist [default: Silica's, from images/]
    #[arg(long, value_name = "IMG", help_heading = "Machine")]
    pub disk: Option<PathBuf>,
    /// RAM disk handed to the kernel
    #[arg(long, value_name = "FILE", help_heading = "Machine")]
    pub initrd: Option<PathBuf>,
    /// Write the guest's changes back to the disk image at the end
    #[arg(long, requires = "disk", help_heading = "Machine")]
    pub persist: bool,
    /// Copy a host file or folder into the guest's disk before the run (GUEST defaults to /NAME, where the line begins); repeatable
    #[arg(long, value_name = "HOST[:GUEST]", help_heading = "Files")]
    pub put: Vec<String>,
    /// Copy a guest file or folder out of the disk after the run (HOST defaults to its name here); repeatable
    #[arg(long, value_name = "GUEST[:HOST]", help_heading = "Files")]
    pub get: Vec<String>,
    /// Append to the kernel's command line
    #[arg(long, value_name = "STR", help_heading = "Machine")]
    pub append: Option<String>,
    /// Seed of the run's free choices: the same seed, the same run
    #[arg(long, value_name = "N", default_value_t = 0, help_heading = "Run")]
    pub seed: u64,
    /// Stop after so many guest instructions over all CPUs (suffix K, M or G: thousands, millions, billions), status 123
    #[arg(long, value_name = "N", value_parser = parse_count, help_heading = "Run")]
    pub max_instructions: Option<u64>,
    /// Virtual seconds without progress that make a hang, status 122
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = HANG_AFTER,
        value_parser = clap::value_parser!(u64).range(1..),
        help_heading = "Run"
    )]
    pub hang_after: u64,
    /// Write outcome, status, signal, instructions, virtual time and hash to this JSON file
    #[arg(long, value_name = "FILE.json", help_heading = "Run")]
    pub report: Option<PathBuf>,
    /// Print a hash of the whole final machine state and the instruction count on standard error
    #[arg(long, help_heading = "Run")]
    pub hash: bool,
    /// Print the hash every N instructions as well, so that a divergence can be bisected
    #[arg(long, value_name = "N", value_parser = parse_step, help_heading = "Run")]
    pub hash_every: Option<u64>,
    /// The guest's calendar at power-on: now, or seconds since 1970 (a fixed date unless given)
    #[arg(long, value_name = "now|SECONDS", help_heading = "Machine")]
    pub rtc: Option<String>,
    /// Have something go wrong: SITE#COUNT=ACTION, as in disk.write#3=error, irq.disk#4=lost or syscall.read#5=EIO; repeatable
    #[arg(long, value_name = "SPEC", help_heading = "Faults", long_help = FAULT_HELP)]
    pub fault: Vec<String>,
    /// After the run, list the sites at which something can go wrong and how often each was passed
    #[arg(long, help_heading = "Faults")]
    pub fault_list: bool,
    /// Show the guest kernel's log on standard error
    #[arg(short, long, help_heading = "Run")]
    pub verbose: bool,
}

const FAULT_HELP: &str = "\
Have something go wrong; repeatable.
  SITE[#COUNTS]=ACTION     at these passes of a site, or at all of them:
    disk.read, disk.write, disk.flush     error, lost, torn@BYTES, delay:TIME
    irq.disk, irq.timer, irq.com1, irq.N  lost, late:TIME, twice
    alloc                                 fail: no page frame for whom asked
    syscall.NAME                          EIO or another error, the call doing nothing
  cut@SITE[#COUNTS]        the power goes there, or at cut@time=TIME or cut@insn=N:
                           what the disk's volatile cache held is lost (:kept: it is not),
                           of the write in progress :torn@BYTES reach the medium; the run
                           ends with 121, --persist and --get take the disk as it is then
  mem.flip@ADDRESS:BIT#time=TIME or #insn=N    a bit of physical memory turns over
COUNTS are as strace's: 3, 5..9, 5.. and 5+2; :when=COUNTS behind the action means the
same. --fault-list shows the sites.";

/// Running a run again.
#[derive(Args, Debug)]
pub struct ReplayOptions {
    /// Run again what a replay token says; of the images it has only fingerprints
    #[arg(
        long,
        value_name = "TOKEN",
        conflicts_with_all = [
            "cpus", "memory", "append", "seed", "max_instructions", "hang_after", "rtc", "fault", "verbose", "arch"
        ],
        help_heading = "Faults"
    )]
    pub replay: Option<String>,
}

/// Options of `boot`.
#[derive(Args, Debug)]
pub struct BootOptions {
    /// The machine.
    #[command(flatten)]
    pub machine: MachineOptions,
    /// Hold idle time back to the wall clock (real), or jump over it (fast)
    #[arg(long, value_enum, default_value = "real")]
    pub pace: Pace,
}

/// How idle time passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Pace {
    /// As on the wall clock.
    Real,
    /// Not at all.
    Fast,
}

/// Options of `run`.
#[derive(Args, Debug)]
pub struct RunOptions {
    /// The machine.
    #[command(flatten)]
    pub machine: MachineOptions,
    /// A run to run again.
    #[command(flatten)]
    pub again: ReplayOptions,
    /// The shell line; several words are joined with spaces
    #[arg(
        required_unless_present = "replay",
        trailing_var_arg = true,
        value_name = "LINE"
    )]
    pub line: Vec<String>,
}

/// Options of `stat`.
#[derive(Args, Debug)]
pub struct StatOptions {
    /// The machine.
    #[command(flatten)]
    pub machine: MachineOptions,
    /// A run to run again.
    #[command(flatten)]
    pub again: ReplayOptions,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Show all processes, not just the 20 with most CPU time (in charts: 40)
    #[arg(long)]
    pub all: bool,
    /// Draw a Gantt chart: what each process did, whom each CPU ran [alone: both]
    #[arg(long, value_enum, value_name = "LANES", num_args = 0..=1, require_equals = true,
          default_missing_value = "both", help_heading = "Chart")]
    pub gantt: Option<GanttLanes>,
    /// Draw it as a picture (SVG)
    #[arg(long, value_name = "FILE.svg", help_heading = "Chart")]
    pub gantt_svg: Option<PathBuf>,
    /// Where the chart begins, in virtual time such as 8.5ms, 900us, 2s [default: where the line begins]
    #[arg(long, value_name = "TIME", value_parser = parse_time, help_heading = "Chart")]
    pub from: Option<Time>,
    /// Where it ends [default: with the run]
    #[arg(long, value_name = "TIME", value_parser = parse_time, help_heading = "Chart")]
    pub to: Option<Time>,
    /// The shell line; several words are joined with spaces
    #[arg(
        required_unless_present = "replay",
        trailing_var_arg = true,
        value_name = "LINE"
    )]
    pub line: Vec<String>,
}

/// The lanes of a Gantt chart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum GanttLanes {
    /// One a process: running, waiting or blocked
    Process,
    /// One a CPU: which process it runs
    Cpu,
    /// Processes above CPUs
    Both,
}

/// Options of `trace`. The short ones are strace's.
#[derive(Args, Debug)]
pub struct TraceOptions {
    /// The machine.
    #[command(flatten)]
    pub machine: MachineOptions,
    /// A run to run again.
    #[command(flatten)]
    pub again: ReplayOptions,
    /// What to show: trace=CALLS|%CLASS, event=EVENTS, signal=SET, status=SET, with ! to negate; CALLS alone means trace=CALLS; repeatable
    #[arg(short = 'e', value_name = "EXPR", help_heading = "Filter")]
    pub expressions: Vec<String>,
    /// Only these processes; repeatable [default: those of the line; 1, which starts it, only if named]
    #[arg(
        short = 'p',
        value_name = "PID",
        value_delimiter = ',',
        help_heading = "Filter"
    )]
    pub pids: Vec<u32>,
    /// Follow forks (always on, as for all of the guest's processes)
    #[arg(short = 'f', help_heading = "Filter")]
    pub follow: bool,
    /// Only these CPUs; repeatable
    #[arg(
        long = "cpu",
        value_name = "N",
        value_delimiter = ',',
        help_heading = "Filter"
    )]
    pub cpu: Vec<u8>,
    /// Only what is about virtual addresses in this range
    #[arg(long, value_name = "FROM-TO", help_heading = "Filter")]
    pub address: Option<String>,
    /// Begin at a virtual time (1.5ms), when control reaches symbol:NAME, or when the console shows text:TEXT
    #[arg(long, value_name = "WHEN", help_heading = "Filter")]
    pub from: Option<String>,
    /// End there
    #[arg(long, value_name = "WHEN", help_heading = "Filter")]
    pub to: Option<String>,
    /// Print a table of calls, errors and times instead
    #[arg(short = 'c', long, help_heading = "Output")]
    pub summary_only: bool,
    /// Print the table, too
    #[arg(
        short = 'C',
        long,
        conflicts_with = "summary_only",
        help_heading = "Output"
    )]
    pub summary: bool,
    /// Show the virtual time spent in each call
    #[arg(short = 'T', help_heading = "Output")]
    pub syscall_times: bool,
    /// Show the time since the last line
    #[arg(short = 'r', help_heading = "Output")]
    pub relative: bool,
    /// Show the guest's time of day; -tt with microseconds, -ttt as seconds since 1970
    #[arg(short = 't', action = clap::ArgAction::Count, help_heading = "Output")]
    pub timestamps: u8,
    /// Show the paths behind descriptors
    #[arg(short = 'y', help_heading = "Output")]
    pub paths: bool,
    /// Most bytes shown of a string
    #[arg(
        short = 's',
        value_name = "N",
        default_value_t = 32,
        help_heading = "Output"
    )]
    pub strings: usize,
    /// Write to FILE instead of standard error; FILE.gbt records for --read
    #[arg(short = 'o', value_name = "FILE", help_heading = "Output")]
    pub output: Option<PathBuf>,
    /// Form of the trace [default: strace, or what the name of FILE says]
    #[arg(long, value_enum, help_heading = "Output")]
    pub format: Option<TraceFormat>,
    /// Show a recorded trace instead of running something
    #[arg(
        long,
        value_name = "FILE.gbt",
        conflicts_with = "line",
        help_heading = "Input"
    )]
    pub read: Option<PathBuf>,
    /// Where a kernel without probes of ours has what: symbols, events, registers (TOML); see --map-help
    #[arg(long, value_name = "FILE.toml", help_heading = "Input")]
    pub map: Option<PathBuf>,
    /// Explain the map file and show an example
    #[arg(long, help_heading = "Input")]
    pub map_help: bool,
    /// Tell the life of one system call, step by step
    #[arg(long, help_heading = "Explain")]
    pub explain: bool,
    /// Which call to explain: NAME#N, the N-th of that name [default: the slowest]
    #[arg(
        long,
        value_name = "NAME#N",
        requires = "explain",
        help_heading = "Explain"
    )]
    pub call: Option<String>,
    /// List the events and what they mean
    #[arg(long, help_heading = "Help")]
    pub events: bool,
    /// Print the JSON schema of --format json
    #[arg(long, help_heading = "Help")]
    pub schema: bool,
    /// The shell line; several words are joined with spaces
    #[arg(
        required_unless_present_any = ["read", "schema", "events", "map_help", "replay"],
        trailing_var_arg = true,
        value_name = "LINE"
    )]
    pub line: Vec<String>,
}

/// The forms that a trace can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TraceFormat {
    /// As strace prints it
    Strace,
    /// As `trace-cmd report -N -t` prints it: named fields, nanoseconds; Linux's events where it has them
    Ftrace,
    /// One JSON object a line
    Json,
    /// For the Perfetto viewer
    Perfetto,
    /// Recorded, for --read
    Gbt,
}

/// Bytes, with a binary suffix.
fn parse_size(text: &str) -> Result<u64, String> {
    scaled(text, 1024).map(|n| n.next_multiple_of(4096))
}

/// A count, with a decimal suffix.
fn parse_count(text: &str) -> Result<u64, String> {
    scaled(text, 1000)
}

/// A count that is not zero.
fn parse_step(text: &str) -> Result<u64, String> {
    parse_count(text).and_then(|n| {
        if n > 0 {
            Ok(n)
        } else {
            Err("it must be at least 1".into())
        }
    })
}

/// A virtual time.
fn parse_time(text: &str) -> Result<Time, String> {
    duration(text).ok_or_else(|| format!("'{text}' is not a time such as 2ms, 1.5s, 800us, 90ns"))
}

fn scaled(text: &str, unit: u64) -> Result<u64, String> {
    let (digits, power) = match text.char_indices().last() {
        Some((at, 'k' | 'K')) => (&text[..at], 1),
        Some((at, 'm' | 'M')) => (&text[..at], 2),
        Some((at, 'g' | 'G')) => (&text[..at], 3),
        _ => (text, 0),
    };
    let number: u64 = digits
        .parse()
        .map_err(|_| format!("'{text}' is not a number with suffix K, M or G"))?;
    number
        .checked_mul(unit.pow(power))
        .filter(|&n| n <= i64::MAX as u64)
        .ok_or_else(|| format!("{text} is too large"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_grammar_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn sizes_and_counts_scale() {
        assert_eq!(parse_size("128M"), Ok(128 << 20));
        assert_eq!(parse_count("3k"), Ok(3000));
        assert!(parse_count("9999999999G").is_err());
        assert!(parse_step("0").is_err());
        assert!(parse_size("").is_err());
        assert!(parse_size("-1").is_err());
    }
}
