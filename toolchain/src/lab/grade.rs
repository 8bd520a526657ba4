//! `cargo xtask grade`: submissions, from their patches to their verdicts.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::bench::Bench;
use super::definition::Lab;
use super::grader::{Verdict, Wishes};
use super::handed_in::{self, HandedIn};
use super::starter::submitted;
use crate::layout::{Arch, Layout, write_whole};
use crate::process::{Reported, progress};

/// Options of the subcommand.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:\n  \
    cargo xtask grade submission.patch --lab cow\n  \
    cargo xtask grade handed-in --lab cow --reports verdicts    a folder of patches\n  \
    cargo xtask grade handed-in/* --lab cow --reports verdicts  a folder for each student\n\n\
    Exit status: 0 all points; 1 some were lost, or a submission is refused or does not compile; other: no verdict.")]
pub struct Options {
    /// Submissions: each a unified diff, or a folder of files laid out as in the repository; a folder of
    /// *.patch and *.diff files stands for these
    #[arg(value_name = "PATCH", required = true)]
    patches: Vec<PathBuf>,
    /// The lab: its name, or its folder
    #[arg(long, value_name = "LAB")]
    lab: String,
    /// What submissions are built for and judged on [default: what the lab says, or else x86_64]
    #[arg(long)]
    arch: Option<Arch>,
    /// Write each submission's report to this folder (NAME.txt, NAME.json, NAME.xml), and all points to
    /// grades.csv in it
    #[arg(long, value_name = "DIR", conflicts_with_all = ["json", "junit", "keep"])]
    reports: Option<PathBuf>,
    /// Also write the verdict as JSON (of one submission)
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Also write the verdict as JUnit's XML (of one submission)
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Draw names and data by this seed and not by the lab's, which students may have read
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Tests that run at the same time
    #[arg(long, value_name = "N")]
    jobs: Option<usize>,
    /// Keep what is judged (kernel, disk, programs) in this folder (of one submission)
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
}

/// The subcommand. A submission that is refused or does not compile is worth 0 points, and does the
/// others no harm.
pub fn run(layout: &Layout, options: &Options) -> Result<()> {
    let mut lab = Lab::find(layout, &options.lab)?;
    lab.arch = options.arch.unwrap_or(lab.arch);
    let labs = [lab];
    let [lab] = &labs;
    let submissions = handed_in::all(&options.patches)?;
    let are_many = submissions.len() > 1;
    let single = [
        ("--json", &options.json),
        ("--junit", &options.junit),
        ("--keep", &options.keep),
    ];
    if are_many && let Some((option, _)) = single.iter().find(|(_, file)| file.is_some()) {
        bail!("{option} is for one submission; use --reports DIR for several");
    }
    let mut bench = Bench::new(layout, &labs)?;
    let mut grades = Grades::new(options.reports.as_deref(), &submissions)?;
    for (index, one) in submissions.iter().enumerate() {
        if are_many {
            progress(format!(
                "{} ({} of {})",
                one.name,
                index + 1,
                submissions.len()
            ));
        }
        let wishes = Wishes {
            json: grades.file(one, "json").or_else(|| options.json.clone()),
            junit: grades.file(one, "xml").or_else(|| options.junit.clone()),
            jobs: options.jobs,
            seed: options.seed,
        };
        let sources = submitted(&bench.clean, lab, &one.path);
        let verdict = bench.judge(lab, sources, &wishes, options.keep.as_deref());
        grades.take(
            one,
            verdict.with_context(|| one.path.display().to_string())?,
        )?;
    }
    if grades.are_full {
        Ok(())
    } else {
        Err(Reported::with_status(1))
    }
}

/// What becomes of the verdicts: on the terminal, and in the folder of reports.
struct Grades<'a> {
    folder: Option<&'a Path>,
    /// Columns of the longest name; none for a single submission, whose report says it all.
    width: Option<usize>,
    /// The lines of grades.csv so far.
    lines: String,
    are_full: bool,
}

impl<'a> Grades<'a> {
    fn new(folder: Option<&'a Path>, submissions: &[HandedIn]) -> Result<Self> {
        if let Some(folder) = folder {
            std::fs::create_dir_all(folder)
                .with_context(|| format!("cannot create {}", folder.display()))?;
        }
        let widths = submissions.iter().map(|one| one.name.len());
        Ok(Self {
            folder,
            width: widths.max().filter(|_| submissions.len() > 1),
            lines: "submission,points,of,refused\n".into(),
            are_full: true,
        })
    }

    /// The file for one form of a submission's report.
    fn file(&self, one: &HandedIn, form: &str) -> Option<PathBuf> {
        let folder = self.folder?;
        Some(folder.join(format!("{}.{form}", one.name)))
    }

    /// Tells a verdict. What is in the folder is complete after each, so that nothing is lost if a later
    /// one cannot be given.
    fn take(&mut self, one: &HandedIn, verdict: Verdict) -> Result<()> {
        let Verdict { points, of, .. } = verdict;
        self.are_full &= points == of;
        let refused = verdict.refused.as_deref().unwrap_or_default();
        let words = verdict.compiler.as_deref().unwrap_or_default();
        if let Some(file) = self.file(one, "txt") {
            write_whole(&file, format!("{words}{}", verdict.report).as_bytes())?;
        } else {
            if self.width.is_some() {
                println!("== {}", one.name);
            }
            eprint!("{words}");
            print!("{}", verdict.report);
        }
        if let Some(width) = self.width {
            let line = format!("{:width$}  {points:>4} / {of}  {refused}", one.name);
            println!("{}", line.trim_end());
        }
        if let Some(folder) = self.folder {
            let quoted = refused.replace('"', "\"\"");
            self.lines += &format!("{},{points},{of},\"{quoted}\"\n", one.name);
            write_whole(&folder.join("grades.csv"), self.lines.as_bytes())?;
        }
        Ok(())
    }
}
