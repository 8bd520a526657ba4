//! The grammar of `grade`.

use crate::guest::Arch;
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use std::path::PathBuf;

pub(super) const HELP: &str = "Examples:\n  \
    glassbox grade labs/cow/lab.toml --images out\n  \
    glassbox grade labs/cow/lab.toml --images out --jobs 2 --json verdict.json --junit verdict.xml\n  \
    glassbox grade labs/cow/lab.toml --images out --test fork-shares --seed 7\n  \
    glassbox grade labs/cow/lab.toml --images out --test fork-shares --save disk.img\n  \
    glassbox trace --kernel out/kernel.elf --disk disk.img --replay TOKEN\n\n\
    In DIR are kernel.elf, which is judged, and, trusted, fs.img and programs/NAME. Each test boots that kernel with \
    its programs on a copy of the disk, under names drawn from the seed, and runs a line; then its checks look at the \
    status, the output, the disk, and what happened in the machine. Nothing is measured in host time, and the report \
    has the same bytes on every machine and with any --jobs.\n\n\
    Probes of the kernel count only where the submission could not have placed them: in files that the lab does not \
    open. System calls and the end of the line are seen by the hardware.\n\n\
    Exit status: 0 all points; 1 some were lost; 2 usage; 125 the lab or an image cannot be used, or a host error.";

/// Options of `grade`.
#[derive(Args, Debug)]
pub struct GradeOptions {
    /// What is judged
    #[arg(value_name = "LAB.toml")]
    pub lab: PathBuf,
    /// The folder of kernel.elf, fs.img and programs/
    #[arg(long, value_name = "DIR", required_unless_present = "refused")]
    pub images: Option<PathBuf>,
    /// Run nothing: report 0 points for a submission that was refused or could not be built
    #[arg(long, value_name = "REASON", conflicts_with_all = ["images", "save"])]
    pub refused: Option<String>,
    /// With --refused: this file has what the compiler said
    #[arg(long, value_name = "FILE", requires = "refused")]
    pub compiler: Option<PathBuf>,
    /// Instruction set that the kernel is built for [default: the lab's, which is x86_64 unless it says otherwise]
    #[arg(long, value_parser = PossibleValuesParser::new(Arch::ALL.map(Arch::name)).try_map(|name| name.parse::<Arch>()))]
    pub arch: Option<Arch>,
    /// Run N tests at a time
    #[arg(
        short,
        long,
        value_name = "N",
        default_value_t = 1,
        value_parser = clap::value_parser!(u64).range(1..=256)
    )]
    pub jobs: u64,
    /// Draw names and data by this seed [default: the lab's]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(..=i64::MAX as u64))]
    pub seed: Option<u64>,
    /// Run only this test; repeatable
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub test: Vec<String>,
    /// Write the disk on which the test runs (one --test) to this file, for --replay
    #[arg(long, value_name = "FILE.img")]
    pub save: Option<PathBuf>,
    /// Write the verdicts to this JSON file, too
    #[arg(long, value_name = "FILE.json")]
    pub json: Option<PathBuf>,
    /// Write them to this JUnit file, too
    #[arg(long, value_name = "FILE.xml")]
    pub junit: Option<PathBuf>,
}
