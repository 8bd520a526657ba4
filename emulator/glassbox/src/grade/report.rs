//! The verdicts on all tests of a lab. What is hidden or does not count is left out here already, so that no form of the
//! report can tell it.

use super::lab::{Lab, Test};
use super::sites::Survey;
use crate::guest::Arch;
use serde::Serialize;
use std::collections::BTreeMap;

/// The verdict on a test.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// The test.
    pub name: String,
    /// Whether only name, points and verdict may be told.
    pub hidden: bool,
    /// Points that it got.
    pub points: u64,
    /// Points that there were.
    pub of: u64,
    /// Whether every check passed and the run counts.
    pub passed: bool,
    /// How the run ended, in a word.
    pub end: &'static str,
    /// The same in words.
    pub why: String,
    /// Whether that end lets the checks count.
    pub counts: bool,
    /// Guest instructions that it took.
    pub instructions: u64,
    /// The test's hint.
    pub feedback: Option<String>,
    /// The checks that failed.
    pub failed: Vec<Failed>,
    /// The token of its run, if points were lost.
    pub replay: Option<String>,
}

/// A check that failed.
#[derive(Clone, Debug, Serialize)]
pub struct Failed {
    /// The check.
    pub name: String,
    /// What was expected.
    pub expected: String,
    /// What was seen; short, and harmless.
    pub seen: String,
    /// The check's hint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub feedback: Option<String>,
}

/// The report, as the JSON form has it.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The lab.
    pub lab: String,
    /// Its title.
    pub title: String,
    /// The seed of names and data.
    pub seed: u64,
    /// Points in all.
    pub points: u64,
    /// Points that there were.
    pub of: u64,
    /// Why no test was run, if none was.
    #[serde(flatten)]
    pub refusal: Option<Refusal>,
    /// The tests in the lab's order.
    pub tests: Vec<Line>,
    /// The kernel's probes.
    pub probes: Probes,
}

/// A submission that is worth nothing without a trial.
#[derive(Clone, Debug, Serialize)]
pub struct Refusal {
    /// The reason: one line, and harmless.
    #[serde(rename = "refused")]
    pub reason: String,
    /// What the compiler said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compiler: Option<String>,
}

/// A test in the report.
#[derive(Clone, Debug, Serialize)]
pub struct Line {
    /// The test.
    pub name: String,
    /// Points that it got.
    pub points: u64,
    /// Points that there were.
    pub of: u64,
    /// `passed`, `partial` or `failed`.
    pub verdict: &'static str,
    /// Whether nothing more is told.
    pub hidden: bool,
    /// What is told of a test that is not hidden.
    #[serde(flatten)]
    pub details: Option<Details>,
}

/// What is told of a test that is not hidden.
#[derive(Clone, Debug, Serialize)]
pub struct Details {
    /// How the run ended, in a word.
    pub end: &'static str,
    /// The same in words.
    pub ended: String,
    /// Whether the test has no points because of that.
    pub void: bool,
    /// Guest instructions.
    pub instructions: u64,
    /// The checks that failed.
    pub failed: Vec<Failed>,
    /// The test's hint, if it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub feedback: Option<String>,
    /// The command that shows it again, if it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub again: Option<String>,
    /// The replay token of its run, if it failed: for `glassbox run` and `trace` with the submitted kernel, on the disk
    /// that `--save` hands out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replay: Option<String>,
}

impl Refusal {
    /// A refusal in words that may come from anywhere: whatever would steer a terminal becomes a question mark.
    pub fn new(reason: &str, compiler: Option<&str>) -> Self {
        Self {
            reason: reason.replace(char::is_control, "?"),
            compiler: compiler
                .map(|words| words.replace(|c: char| c.is_control() && !"\n\t".contains(c), "?")),
        }
    }
}

/// The kernel's probes.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Probes {
    /// How many are believed.
    pub believed: usize,
    /// How many are not, because the submission could have placed them.
    pub ignored: usize,
    /// How many of each name.
    pub ignored_names: BTreeMap<String, usize>,
}

impl Report {
    /// The report of these verdicts.
    pub fn new(lab: &Lab, survey: &Survey, verdicts: &[Verdict]) -> Self {
        let (ignored, names) = survey.ignored();
        Self {
            lab: lab.name.clone(),
            title: lab.title.clone(),
            seed: lab.seed,
            points: verdicts.iter().map(|verdict| verdict.points).sum(),
            of: verdicts.iter().map(|verdict| verdict.of).sum(),
            refusal: None,
            tests: verdicts.iter().map(|verdict| line(verdict, lab)).collect(),
            probes: Probes {
                believed: survey.believed(),
                ignored,
                ignored_names: names
                    .iter()
                    .map(|(name, count)| (name.escape_debug().to_string(), *count))
                    .collect(),
            },
        }
    }

    /// The report on a submission that is refused: 0 points for each of `tests`.
    pub fn refused(lab: &Lab, tests: &[&Test], refusal: Refusal) -> Self {
        Self {
            lab: lab.name.clone(),
            title: lab.title.clone(),
            seed: lab.seed,
            points: 0,
            of: tests.iter().map(|test| test.points).sum(),
            refusal: Some(refusal),
            tests: tests.iter().map(|test| untried(test)).collect(),
            probes: Probes::default(),
        }
    }

    /// Whether no point was lost.
    pub fn is_full(&self) -> bool {
        self.tests.iter().all(|test| test.verdict == "passed")
    }
}

fn untried(test: &Test) -> Line {
    Line {
        name: test.name.clone(),
        points: 0,
        of: test.points,
        verdict: "failed",
        hidden: test.hidden,
        details: None,
    }
}

fn line(verdict: &Verdict, lab: &Lab) -> Line {
    let failed = !verdict.passed;
    let arch = match lab.arch {
        arch if arch == Arch::default() => String::new(),
        arch => format!(" --arch {arch}"),
    };
    let again = format!(
        "glassbox grade lab.toml --images DIR --test {} --seed {}{arch}",
        verdict.name, lab.seed
    );
    Line {
        name: verdict.name.clone(),
        points: verdict.points,
        of: verdict.of,
        verdict: match verdict {
            Verdict { passed: true, .. } => "passed",
            Verdict { points: 0, .. } => "failed",
            _ => "partial",
        },
        hidden: verdict.hidden,
        details: (!verdict.hidden).then(|| Details {
            end: verdict.end,
            ended: verdict.why.clone(),
            void: !verdict.counts,
            instructions: verdict.instructions,
            failed: verdict.failed.clone(),
            feedback: verdict.feedback.clone().filter(|_| failed),
            again: failed.then_some(again),
            replay: verdict.replay.clone(),
        }),
    }
}
