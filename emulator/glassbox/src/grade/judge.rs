//! The verdict on a test: each check against what the run left behind.

use super::check::{Bounds, Check, Content, Ends, Expected};
use super::disk;
use super::lab::{Lab, Test};
use super::measure::Found;
use super::report::{Failed, Verdict};
use super::run::{Images, Kept, Ran, run, token};
use super::said::Said;
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
    let counts = ran.end == Ends::Ok || test.may_end(ran.end);
    let points = if counts {
        test.points * passed / weight
    } else {
        0
    };
    let all = counts && failed.is_empty();
    let replay = (!all).then(|| token(lab, test, images)).transpose()?;
    Ok(Verdict {
        name: test.name.clone(),
        hidden: test.hidden,
        points,
        of: test.points,
        passed: all,
        end: ran.end.name(),
        why: ran.why,
        counts,
        instructions: ran.instructions,
        feedback: test.feedback.clone(),
        failed,
        replay,
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
        Expected::Output(_) | Expected::OutputMatches(_) => {
            output(&check.expected, &ran.output, ran.measures.said())
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
        Expected::Count(_, bounds) | Expected::SharedPages(_, bounds) => {
            match measures.found(index) {
                Found::Number(count) => must(bounds.has(count), format!("{count}")),
                _ => must(false, "nothing was counted".to_owned()),
            }
        }
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
        Expected::FreeFrames(frames, bounds) => match measures.frames(*frames) {
            Some(count) => must(
                bounds.has(count),
                format!("{count} page frames {}", frames.participle()),
            ),
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

/// Whether the line's output is as expected, and its programs' own.
fn output(expected: &Expected, kept: &Kept, said: &Said) -> Result<(), Difference> {
    let shown = quoted(&kept.bytes);
    let seen = match (said.stranger(&kept.bytes), expected) {
        (Some(line), _) => format!("{}, which no program wrote", quoted(line)),
        (None, Expected::OutputMatches(pattern))
            if pattern.is_match(&String::from_utf8_lossy(&kept.bytes)) =>
        {
            return Ok(());
        }
        (None, Expected::Output(text)) if !kept.is_cut() => {
            return same(text.as_bytes(), &kept.bytes);
        }
        _ if kept.is_cut() => {
            let (len, few) = (kept.len, kept.bytes.len());
            format!("{len} bytes, of which only {few} are kept: {shown}")
        }
        _ => shown,
    };
    Err((expected.to_string(), seen))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::record::{Body, Record};
    use base::Time;
    use regex_lite::Regex;

    #[test]
    fn output_counts_if_it_is_whole_and_the_programs_own() {
        let mut said = Said::default();
        said.hear(&Record {
            time: Time(0),
            cpu: 0,
            pid: 2,
            body: Body::SysEnter {
                number: abi::nr::WRITE,
                args: [1, 0, 0, 0, 0, 0],
                memory: [(16, &b"no\n"[..])].into_iter().collect(),
            },
        });
        let seen = |expected: &str, printed: &[u8], len| {
            let kept = Kept {
                bytes: printed.to_vec(),
                len,
            };
            let exact = output(&Expected::Output(expected.to_owned()), &kept, &said);
            let pattern = Expected::OutputMatches(Regex::new(expected).unwrap());
            [exact, output(&pattern, &kept, &said)].map(|result| result.err().map(|e| e.1))
        };
        assert_eq!(seen("no\n", b"no\n", 3), [None, None]);
        let stranger = Some("\"yes\\n\", which no program wrote".to_owned());
        assert_eq!(seen("yes\n", b"yes\n", 4), [stranger.clone(), stranger]);
        let [exact, pattern] = seen("no\n", b"no\n", 9);
        assert!(
            exact
                .unwrap()
                .starts_with("9 bytes, of which only 3 are kept")
        );
        assert_eq!(pattern, None, "it was found in what is kept");
        assert_eq!(seen("on", b"no\n", 3)[1], Some("\"no\\n\"".to_owned()));
    }

    #[test]
    fn times_are_compared_to_the_nanosecond() {
        let bounds = Bounds {
            least: Some(2),
            most: Some(3),
        };
        let within = |time| within(bounds, time);
        assert!(within(2000) && within(3000) && !within(1999) && !within(3001));
    }
}
