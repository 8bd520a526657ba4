//! The grammar of `crash` and `fsck`.

use super::{MachineOptions, parse_step};
use clap::Args;
use std::path::PathBuf;

pub(super) const HELP: &str = "Examples:\n  \
    glassbox crash -- 'cp README a; mv a b; rm b'\n  \
    glassbox crash --oracle 'test ! -e b || grep -q Silica b' -- 'cp README a; sync; mv a b'\n  \
    glassbox crash --oracle 'read x; test -z \"$x\" || test -e a' -- 'cp README a; sync; echo safe'\n  \
    glassbox crash --only cut@disk.write#3:torn@512 --save crashed.img -- 'cp README a'\n\n\
    The disk keeps what was flushed. At each write the power goes with the disk's cache lost, and with it kept \
    (CUT:kept); with none of the write arrived, and with each number of its sectors (CUT:torn@BYTES). With --subsets, \
    the cache had written some of what it held (CUT:some@K). Before a flush and at the end the power goes, too \
    (cut@disk.flush#N, cut@end). Disks that are equal are tried once.\n\n\
    A disk is bad if the guest does not boot from it, the oracle's status is not 0, or the file system is not sound \
    afterwards. The oracle reads on its standard input what the workload had printed when the power went: so it knows \
    what was promised. What is reported is the same for any --jobs.\n\n\
    Exit status: 0 no disk is bad; 1 some are; 2 usage; 122 to 125 as for 'run', by the workload's own end.";

pub(super) const FSCK_HELP: &str = "A transaction that waits in the journal counts as installed, as the next mount would \
    have it.\n\n\
    Exit status: 0 the file system is sound; 1 it is not; 125 there is none, or the image cannot be read.";

/// Options of `crash`.
#[derive(Args, Debug)]
pub struct CrashOptions {
    /// The machine.
    #[command(flatten)]
    pub machine: MachineOptions,
    /// A shell line for the guest after each crash; status 0 means that all is well [default: true]
    #[arg(long, value_name = "LINE", help_heading = "Crash")]
    pub oracle: Option<String>,
    /// Try N power cuts, drawn by --seed, instead of all
    #[arg(long, value_name = "N", value_parser = parse_step, help_heading = "Crash")]
    pub sample: Option<u64>,
    /// At each write, try N draws of what the cache had already written, too
    #[arg(
        long,
        value_name = "N",
        default_value_t = 0,
        value_parser = clap::value_parser!(u64).range(..=1000),
        help_heading = "Crash"
    )]
    pub subsets: u64,
    /// The disk ignores flushes: nothing is safe before the end
    #[arg(long, help_heading = "Crash")]
    pub lose_flushes: bool,
    /// Try this power cut only
    #[arg(long, value_name = "CUT", conflicts_with_all = ["sample", "subsets"], help_heading = "Crash")]
    pub only: Option<String>,
    /// Write the disk that the power cut leaves behind to FILE
    #[arg(long, value_name = "FILE", requires = "only", help_heading = "Crash")]
    pub save: Option<PathBuf>,
    /// Try N states at a time
    #[arg(
        short,
        long,
        value_name = "N",
        default_value_t = 1,
        value_parser = clap::value_parser!(u64).range(1..=256),
        help_heading = "Crash"
    )]
    pub jobs: u64,
    /// Write what was found to this JSON file, too
    #[arg(long, value_name = "FILE.json", help_heading = "Crash")]
    pub json: Option<PathBuf>,
    /// The shell line; several words are joined with spaces
    #[arg(required = true, trailing_var_arg = true, value_name = "LINE")]
    pub line: Vec<String>,
}

/// Options of `fsck`.
#[derive(Args, Debug)]
pub struct FsckOptions {
    /// The disk image
    #[arg(value_name = "IMG")]
    pub image: PathBuf,
}
