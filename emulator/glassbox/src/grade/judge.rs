//! The verdict on a test: each check against what the run left behind.

use super::check::{Bounds, Check, Content, Ends, Expected};
use super::disk;
use super::lab::{Lab, Test};
use super::measure::Found;
use super::report::{Failed, Verdict};
use super::run::{Images, Ran, run};
use super::shown::{difference, quoted};

/// Nanoseconds of a microsecond.
const MICRO: i64 = 1000;

/// Runs a test and judges it.
///
/// # Errors
/// One line: the test cannot be run.
pub fn judge(lab: &Lab, test: &Test, images: &Images) -> Result<Verdict, String> {
    let ran = run(lab, test, images)?;
    let mut failed = Vec::new();
    let (mut weight, mut passed) = (0, 0);
    for (index, check) in test.checks.iter().enumerate() {
        weight += check.weight;
        match verdict(index, check, &ran) {
            Ok(()) => passed += check.weight,
            Err((expected, seen)) => failed.push(Failed {
                name: check.name.clone(),
                expected,
                seen,
                feedback: check.feedback.clone(),
            }),
        }
    }
    let counts = ran.end == Ends::Ok || test.expects_end();
    let points = if counts {
        test.points * passed / weight
    } else {
        0
    };
    Ok(Verdict {
        name: test.name.clone(),
        hidden: test.hidden,
        points,
        of: test.points,
        passed: counts && failed.is_empty(),
        end: ran.end.name(),
        why: ran.why,
        counts,
        instructions: ran.instructions,
        feedback: test.feedback.clone(),
        failed,
    })
}

/// What was expected and what was seen instead.
type Difference = (String, String);

/// Whether a check passes.
fn verdict(index: usize, check: &Check, ran: &Ran) -> Result<(), Difference> {
    let measures = match check.open {
        true => &ran.measures_of_all,
        false => &ran.measures,
    };
    let expected = check.expected.to_string();
    let must = |holds: bool, seen: String| match holds {
        true => Ok(()),
        false => Err((expected.clone(), seen)),
    };
    match &check.expected {
        Expected::Status(status) => match ran.status {
            Some(seen) => must(seen == *status, format!("status {seen}")),
            None => must(false, ran.why.clone()),
        },
        Expected::Output(_) | Expected::OutputMatches(_) if stranger(ran).is_some() => {
            must(false, stranger(ran).unwrap_or_default())
        }
        Expected::Output(text) => {
            if ran.output.is_cut() {
                return must(false, cut(ran));
            }
            same(text.as_bytes(), &ran.output.bytes)
        }
        Expected::OutputMatches(pattern) => {
            let text = String::from_utf8_lossy(&ran.output.bytes);
            let seen = match ran.output.is_cut() {
                true => cut(ran),
                false => quoted(&ran.output.bytes),
            };
            must(pattern.is_match(&text), seen)
        }
        Expected::File(path, content) => file(path, content, ran),
        Expected::Fsck(sound) => match &ran.fsck {
            Ok(report) if report.is_clean() => must(*sound, "a sound file system".to_owned()),
            Ok(report) => {
                let first = report.problems.first().map_or("", |problem| problem);
                let more = report.problem_count.saturating_sub(1);
                must(
                    !sound,
                    format!("{} and {more} more problems", quoted(first.as_bytes())),
                )
            }
            Err(error) => must(!sound, quoted(error.to_string().as_bytes())),
        },
        Expected::Count(_, bounds) => match measures.found(index) {
            Found::Number(count) => must(bounds.has(count), format!("{count}")),
            _ => must(false, "nothing was counted".to_owned()),
        },
        Expected::Order(list) => {
            let Found::Reached(reached) = measures.found(index) else {
                return must(false, "nothing was seen".to_owned());
            };
            match list.get(reached) {
                None => Ok(()),
                Some(missing) if reached == 0 => must(false, format!("no {missing}")),
                Some(missing) => must(false, format!("no {missing} after the first {reached}")),
            }
        }
        Expected::Never(what) => match measures.found(index) {
            Found::At(time, cpu, pid) => must(
                false,
                format!("{what} at {time} s on CPU {cpu}, process {pid}"),
            ),
            // What is not looked at does not happen.
            _ => must(measures.has_line(), "the line did not begin".to_owned()),
        },
        Expected::FreeFrames(bounds) => match measures.frames_lost() {
            Some(lost) => must(bounds.has(lost), format!("{lost} page frames lost")),
            None => must(
                false,
                "the kernel does not tell of its page frames".to_owned(),
            ),
        },
        Expected::Time(process, quantity, bounds) => {
            let mut times = measures.times(process, *quantity);
            times.sort_unstable();
            must(
                !times.is_empty() && times.iter().all(|&time| within(*bounds, time)),
                match &times[..] {
                    [] => format!("no process {process} got so far"),
                    [time] => format!("{} us", time / MICRO),
                    [least, .., most] => {
                        format!(
                            "{} to {} us in {} processes",
                            least / MICRO,
                            most / MICRO,
                            times.len()
                        )
                    }
                },
            )
        }
        Expected::Ends(end) => must(ran.end == *end, ran.why.clone()),
    }
}

/// Whether a time in nanoseconds is within bounds in microseconds.
fn within(bounds: Bounds, time: i64) -> bool {
    let nano = |micro: i64| micro.saturating_mul(MICRO);
    Bounds {
        least: bounds.least.map(nano),
        most: bounds.most.map(nano),
    }
    .has(time)
}

/// What is said of an output that is not the programs' own.
fn stranger(ran: &Ran) -> Option<String> {
    let line = ran.measures.said().stranger(&ran.output.bytes)?;
    Some(format!("{}, which no program wrote", quoted(line)))
}

fn cut(ran: &Ran) -> String {
    format!(
        "{} bytes, of which only {} are kept: {}",
        ran.output.len,
        ran.output.bytes.len(),
        quoted(&ran.output.bytes)
    )
}

fn same(expected: &[u8], seen: &[u8]) -> Result<(), Difference> {
    match expected == seen {
        true => Ok(()),
        false => Err(difference(expected, seen)),
    }
}

fn file(path: &str, content: &Content, ran: &Ran) -> Result<(), Difference> {
    let found = disk::read(ran.disk.clone(), path);
    let expected = || Expected::File(path.to_owned(), content.clone()).to_string();
    let seen = match (&found, content) {
        (disk::Content::File(size, data), _) => match content {
            Content::Size(wanted) if wanted == size => return Ok(()),
            Content::Size(_) => format!("{size} bytes"),
            Content::Absent => format!("a file of {size} bytes"),
            _ if *size > disk::MOST => format!("{size} bytes, more than are looked at"),
            Content::Exact(text) => return same(text.as_bytes(), data),
            Content::Matches(pattern) if pattern.is_match(&String::from_utf8_lossy(data)) => {
                return Ok(());
            }
            Content::Matches(_) => quoted(data),
        },
        (disk::Content::Absent, Content::Absent) => return Ok(()),
        (disk::Content::Absent, _) => "no such file".to_owned(),
        (disk::Content::Other(what), _) => (*what).to_owned(),
        (disk::Content::Unreadable(why), _) => {
            format!("the disk cannot be read: {}", quoted(why.as_bytes()))
        }
    };
    Err((expected(), seen))
}
