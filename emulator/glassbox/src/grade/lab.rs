//! The lab: what is judged. A TOML file, read into tests with all random values filled in.
//!
//! [`file`] is the file's form, word for word; here, and in [`expected`] for checks, it gets its meaning. Whatever is wrong
//! with it is one line that names the place.

mod expected;
mod file;

use super::check::{Check, Ends, Expected};
use super::expand::Values;
use super::random::Random;
use crate::fault::Spec;
use crate::guest::Arch;
use std::collections::BTreeSet;

/// Most points of a test, and of a check's weight: sums stay far from overflow.
const MOST_POINTS: u64 = 1_000_000;
/// Instructions of a test, unless the lab says otherwise.
const BUDGET: u64 = 200_000_000;
/// Memory of a test, unless the lab says otherwise.
const MEMORY: u64 = 64 << 20;
/// A machine's memory and CPUs at most.
const MOST_MEMORY: u64 = 3 << 30;
const MOST_CPUS: u64 = 8;

/// A lab.
#[derive(Clone, Debug)]
pub struct Lab {
    /// Its name.
    pub name: String,
    /// Its title.
    pub title: String,
    /// The files that a submission may change, as patterns.
    pub open: Vec<String>,
    /// The seed of names and data, and of the machine's free choices.
    pub seed: u64,
    /// The instruction set of all machines: a kernel is built for one.
    pub arch: Arch,
    /// The tests, in their order.
    pub tests: Vec<Test>,
}

/// A test.
#[derive(Clone, Debug)]
pub struct Test {
    /// Its name.
    pub name: String,
    /// What it is worth.
    pub points: u64,
    /// Whether nothing but its verdict is told.
    pub hidden: bool,
    /// A hint for whom it fails.
    pub feedback: Option<String>,
    /// Where on the disk which program goes.
    pub put: Vec<(String, String)>,
    /// Files on the disk.
    pub files: Vec<(String, String)>,
    /// The shell line.
    pub run: String,
    /// Its standard input.
    pub stdin: String,
    /// What goes wrong on purpose.
    pub faults: Vec<Spec>,
    /// The machine.
    pub machine: Machine,
    /// What is expected.
    pub checks: Vec<Check>,
}

/// A test's machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    /// CPUs.
    pub cpus: usize,
    /// Bytes of memory.
    pub memory: u64,
    /// What is appended to the kernel's command line.
    pub append: String,
    /// Guest instructions from power-on.
    pub instructions: u64,
}

impl Lab {
    /// Reads a lab. `seed` and `arch` replace the lab's own.
    ///
    /// # Errors
    /// One line: what is wrong, and where.
    pub fn parse(text: &str, seed: Option<u64>, arch: Option<Arch>) -> Result<Self, String> {
        let file: file::File = toml::from_str(text).map_err(|e| mistake(text, &e))?;
        let seed = match seed {
            Some(seed) => seed,
            None => whole("lab.seed", file.lab.seed.unwrap_or(0), 0, i64::MAX as u64)?,
        };
        let own = file.machine.arch.as_deref().map(str::parse::<Arch>);
        let own = own.transpose().map_err(|e| format!("machine.arch: {e}"))?;
        if file.test.is_empty() {
            return Err("test: there is none, and so there are no points".to_owned());
        }
        let mut names = BTreeSet::new();
        let mut tests = Vec::new();
        for (index, test) in file.test.iter().enumerate() {
            if !is_word(&test.name) {
                return Err(format!(
                    "test number {}: name: '{}' is not letters, digits, '-', '_' and '.'",
                    index + 1,
                    test.name.escape_debug()
                ));
            }
            if !names.insert(&test.name) {
                return Err(format!("test {}: two have this name", test.name));
            }
            let test = Test::new(test, &file.machine, seed)
                .map_err(|e| format!("test {}: {e}", test.name))?;
            tests.push(test);
        }
        Ok(Self {
            name: file.lab.name,
            title: file.lab.title,
            open: file.lab.open,
            seed,
            arch: arch.or(own).unwrap_or_default(),
            tests,
        })
    }

    /// The test with this name.
    pub fn test(&self, name: &str) -> Option<&Test> {
        self.tests.iter().find(|test| test.name == name)
    }
}

impl Test {
    fn new(test: &file::Test, defaults: &file::Machine, seed: u64) -> Result<Self, String> {
        let values = Values::draw(&test.random, &Random::new(seed, &test.name))?;
        let expand = |key: &str, text: &str| values.expand(text).map_err(|e| format!("{key}: {e}"));
        let pairs = |key: &str, map: &std::collections::BTreeMap<String, String>| {
            map.iter()
                .map(|(path, text)| {
                    let path = absolute(key, expand(key, path)?)?;
                    Ok((path, expand(key, text)?))
                })
                .collect::<Result<Vec<_>, String>>()
        };
        let put = pairs("put", &test.put)?;
        for (path, program) in &put {
            if !is_word(program) {
                return Err(format!(
                    "put: '{}' for {path} is no program's name",
                    program.escape_debug()
                ));
            }
        }
        let checks = test.check.iter().enumerate().map(|(index, check)| {
            expected::check(check, &values).map_err(|e| format!("check {}: {e}", index + 1))
        });
        let checks = checks.collect::<Result<Vec<_>, String>>()?;
        if checks.is_empty() {
            return Err("check: there is none".to_owned());
        }
        let faults = test.faults.iter().map(|text| {
            let spec = expand("faults", text)?.parse::<Spec>();
            spec.map_err(|e| format!("faults: {e}"))
        });
        let faults = faults.collect::<Result<Vec<_>, String>>()?;
        let points = test.points.ok_or("points: missing")?;
        Ok(Self {
            name: test.name.clone(),
            points: whole("points", points, 1, MOST_POINTS)?,
            hidden: test.hidden,
            feedback: test.feedback.clone(),
            put,
            files: pairs("files", &test.files)?,
            run: expand("run", &test.run)?,
            stdin: expand("stdin", &test.stdin)?,
            faults,
            machine: machine(&test.machine, defaults, &values)?,
            checks,
        })
    }

    /// Whether some check wants the run to end so.
    pub fn may_end(&self, end: Ends) -> bool {
        let wants =
            |check: &Check| matches!(check.expected, Expected::Ends(wanted) if wanted == end);
        self.checks.iter().any(wants)
    }
}

fn machine(own: &file::Machine, all: &file::Machine, values: &Values) -> Result<Machine, String> {
    if own.arch.is_some() {
        return Err("machine.arch: all tests have the lab's, for which the kernel is built".into());
    }
    let number =
        |key: &str, own: Option<i64>, all: Option<i64>, usual: u64, most: u64| match own.or(all) {
            Some(n) => whole(&format!("machine.{key}"), n, 1, most),
            None => Ok(usual),
        };
    let memory = match own.memory.as_ref().or(all.memory.as_ref()) {
        Some(text) => bytes(text)
            .ok_or_else(|| format!("machine.memory: '{text}' is no size such as \"64M\""))?,
        None => MEMORY,
    };
    let append = own.append.as_ref().or(all.append.as_ref());
    let append = append.map_or(Ok(String::new()), |text| values.expand(text));
    Ok(Machine {
        cpus: number("cpus", own.cpus, all.cpus, 1, MOST_CPUS)? as usize,
        memory,
        append: append.map_err(|e| format!("machine.append: {e}"))?,
        instructions: number(
            "instructions",
            own.instructions,
            all.instructions,
            BUDGET,
            i64::MAX as u64,
        )?,
    })
}

fn absolute(key: &str, path: String) -> Result<String, String> {
    match path.starts_with('/') && !path.contains('\0') {
        true => Ok(path),
        false => Err(format!(
            "{key}: '{}' is not an absolute path",
            path.escape_debug()
        )),
    }
}

fn whole(key: &str, number: i64, least: u64, most: u64) -> Result<u64, String> {
    let number = u64::try_from(number).ok();
    number
        .filter(|n| (least..=most).contains(n))
        .ok_or_else(|| format!("{key}: it must be a whole number from {least} to {most}"))
}

/// A size with a binary suffix.
fn bytes(text: &str) -> Option<u64> {
    let (digits, unit) = match text.strip_suffix(['K', 'M', 'G']) {
        Some(digits) if text.ends_with('K') => (digits, 1 << 10),
        Some(digits) if text.ends_with('M') => (digits, 1 << 20),
        Some(digits) => (digits, 1 << 30),
        None => (text, 1),
    };
    let number: u64 = digits.parse().ok()?;
    let bytes = number.checked_mul(unit)?;
    (1..=MOST_MEMORY)
        .contains(&bytes)
        .then(|| bytes.next_multiple_of(4096))
}

/// Whether it can be a word on a command line and the name of a file.
fn is_word(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
    !text.is_empty() && !text.starts_with(['.', '-']) && text.bytes().all(plain)
}

/// What TOML finds wrong: the line's number, the key that stands there, and the reason.
fn mistake(text: &str, error: &toml::de::Error) -> String {
    let reason = error.message().lines().collect::<Vec<_>>().join(" ");
    let Some(span) = error.span() else {
        return reason;
    };
    let before = text.get(..span.start).unwrap_or(text);
    let number = before.matches('\n').count() + 1;
    let line = text.lines().nth(number - 1).unwrap_or_default();
    let key = line.split('=').next().unwrap_or_default().trim();
    match key.is_empty() || reason.contains(key) {
        true => format!("line {number}: {reason}"),
        false => format!("line {number}: {key}: {reason}"),
    }
}

#[cfg(test)]
mod tests;
