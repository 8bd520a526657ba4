//! `cargo xtask test`: every test there is, the quick ones first.
//!
//! A [`Stage`] is one run of cargo's test runner. A stage that fails does not stop the next, so one
//! run shows all that is broken; the last line adds up what the runners counted. Whatever a test
//! needs of the host is installed first, and what cannot be installed counts as failed: no test is
//! left out in silence.

mod tally;

use std::process::Command;

use anyhow::Result;

use crate::layout::{Arch, Layout};
use crate::process::{Reported, progress, tee};
use crate::setup::apt;
use crate::{boot, guest, image, tidy};
use tally::Tally;

/// Options of the subcommand.
#[derive(clap::Args, Debug)]
pub struct Options {
    /// Run only the tests whose names contain this
    #[arg(value_name = "FILTER")]
    filter: Option<String>,
}

/// One run of the test runner.
struct Stage {
    /// What it tests.
    name: &'static str,
    /// In the guest's workspace instead of the host's.
    guest: bool,
    /// Arguments of `cargo test`.
    arguments: &'static [&'static str],
}

/// Needs a compiler, and what judges RISC-V.
const QUICK: [Stage; 6] = [
    Stage {
        name: "emulator",
        guest: false,
        arguments: &["--workspace", "--exclude", "tests", "--exclude", "xtask"],
    },
    Stage {
        name: "toolchain",
        guest: false,
        arguments: &["--package", "xtask", "--bins"],
    },
    Stage {
        name: "sandbox",
        guest: false,
        arguments: &["--package", "xtask", "--test", "sandbox"],
    },
    Stage {
        name: "guest, on the host",
        guest: true,
        arguments: &[],
    },
    Stage {
        name: "user library, on the host",
        guest: true,
        arguments: &["--package", "ulib"],
    },
    Stage {
        name: "user programs, on the host",
        guest: true,
        arguments: &["--package", "user", "--test", "host"],
    },
];

/// Needs the images and the emulator, both built before.
const WHOLE: [Stage; 5] = [
    Stage {
        name: "end to end",
        guest: false,
        arguments: &["--release", "--package", "tests"],
    },
    Stage {
        name: "reproducible images",
        guest: false,
        arguments: &["--package", "xtask", "--test", "reproducible"],
    },
    Stage {
        name: "labs",
        guest: false,
        arguments: &["--package", "xtask", "--test", "labs"],
    },
    Stage {
        name: "cheats",
        guest: false,
        arguments: &["--package", "xtask", "--test", "cheats"],
    },
    Stage {
        name: "mutants",
        guest: false,
        arguments: &["--package", "xtask", "--test", "mutants"],
    },
];

/// The subcommand.
pub fn run(layout: &Layout, options: &Options) -> Result<()> {
    let mut report = Report::default();
    if options.filter.is_none() {
        report.step("tidy", tidy::run(layout));
    }
    report.need(
        "RISC-V's binutils and QEMU, which judge instructions",
        riscv(layout),
    );
    for stage in &QUICK {
        report.stage(layout, stage, options)?;
    }
    report.need("QEMU, to boot the same images on it", qemu(layout));
    if report.step("images and emulator", build(layout)) {
        for stage in &WHOLE {
            report.stage(layout, stage, options)?;
        }
    }
    report.finish()
}

/// What the end-to-end tests run.
fn build(layout: &Layout) -> Result<()> {
    for arch in Arch::ALL {
        let guest = guest::build(layout, &guest::Options::release(arch))?;
        image::build(layout, &guest, &layout.images())?;
    }
    boot::build_emulator(layout)
}

fn qemu(layout: &Layout) -> Result<(), String> {
    const NEEDED: [(&str, &str); 2] = [
        ("qemu-system-x86_64", "qemu-system-x86"),
        ("qemu-system-riscv64", "qemu-system-misc"),
    ];
    programs(layout, &NEEDED)
}

fn riscv(layout: &Layout) -> Result<(), String> {
    const NEEDED: [(&str, &str); 3] = [
        ("riscv64-linux-gnu-as", "binutils-riscv64-linux-gnu"),
        ("qemu-riscv64-static", "qemu-user-static"),
        ("qemu-system-riscv64", "qemu-system-misc"),
    ];
    programs(layout, &NEEDED)
}

/// Sees to it that these programs are there, each with the package that brings it.
fn programs(layout: &Layout, needed: &[(&str, &'static str)]) -> Result<(), String> {
    let missing = needed.iter().filter(|(program, _)| !apt::on_path(program));
    let packages: Vec<&str> = missing.map(|(_, package)| *package).collect();
    if packages.is_empty() {
        return Ok(());
    }
    apt::install(layout, &packages)
}

/// The results so far, by name.
#[derive(Default)]
struct Report(Vec<(&'static str, Tally)>);

impl Report {
    /// Runs a stage and keeps its counts.
    fn stage(&mut self, layout: &Layout, stage: &Stage, options: &Options) -> Result<()> {
        progress(format!("tests: {}", stage.name));
        let mut command = Command::new("cargo");
        command
            .args(["test", "--no-fail-fast"])
            .args(stage.arguments)
            .args(&options.filter);
        if stage.guest {
            command
                .current_dir(layout.guest_os())
                .env("CARGO_TARGET_DIR", layout.guest_target("host"));
        } else {
            command
                .current_dir(&layout.root)
                .env("CARGO_TARGET_DIR", &layout.target);
        }
        let (text, succeeded) = tee(&mut command)?;
        self.0.push((stage.name, Tally::read(&text, succeeded)));
        Ok(())
    }

    /// Keeps the outcome of a step that counts as one test, and says whether it passed.
    fn step(&mut self, name: &'static str, outcome: Result<()>) -> bool {
        let passed = outcome.is_ok();
        if let Err(error) = outcome {
            progress(format!("{name}: {error:#}"));
        }
        self.0.push((name, Tally::one(passed)));
        passed
    }

    /// Counts a need of the tests that could not be met as a failure.
    fn need(&mut self, name: &'static str, outcome: Result<(), String>) {
        if let Err(reason) = outcome {
            progress(format!("cannot install {name}: {reason}"));
            self.0.push((name, Tally::one(false)));
        }
    }

    /// Prints the counts, the sum last.
    fn finish(self) -> Result<()> {
        let mut sum = Tally::default();
        println!();
        for (name, tally) in self.0 {
            println!("{name:<36} {tally}");
            sum.add(tally);
        }
        println!("{sum}");
        if sum.failed > 0 {
            return Err(Reported::default().into());
        }
        Ok(())
    }
}
