//! What the checks of a lab's file mean.

use super::{MOST_POINTS, absolute, file, whole};
use crate::grade::check::{Bounds, Check, Content, Ends, Expected, Frames, Quantity};
use crate::grade::expand::Values;
use crate::grade::predicate::{Predicate, Wanted};
use regex_lite::Regex;

/// A check as the file has it.
///
/// # Errors
/// One line: what is wrong, and under which key.
pub fn check(check: &file::Check, values: &Values) -> Result<Check, String> {
    let expected = expected(check, values)?;
    let believes = matches!(
        expected,
        Expected::Count(..)
            | Expected::Order(_)
            | Expected::Never(_)
            | Expected::FreeFrames(..)
            | Expected::SharedPages(..)
            | Expected::Time(..)
    );
    if check.open.is_some() && !believes {
        return Err("open: only a check of events can believe probes in open files".to_owned());
    }
    Ok(Check {
        name: match &check.name {
            Some(name) => values.expand(name).map_err(|e| format!("name: {e}"))?,
            None => expected.to_string(),
        },
        weight: whole("weight", check.weight.unwrap_or(1), 1, MOST_POINTS)?,
        feedback: check.feedback.clone(),
        open: check.open.unwrap_or(false),
        expected,
    })
}

/// The one thing that a check expects.
fn expected(check: &file::Check, values: &Values) -> Result<Expected, String> {
    let expand = |key: &str, text: &str| values.expand(text).map_err(|e| format!("{key}: {e}"));
    let mut found = Vec::new();
    let mut add = |key, result: Result<Expected, String>| found.push((key, result));
    if let Some(status) = check.status {
        let status = whole("status", status, 0, u8::MAX.into());
        add("status", status.map(|n| Expected::Status(n as u8)));
    }
    if let Some(text) = &check.output {
        add("output", expand("output", text).map(Expected::Output));
    }
    if let Some(text) = &check.output_matches {
        let pattern = pattern("output_matches", text, values);
        add("output_matches", pattern.map(Expected::OutputMatches));
    }
    if let Some(file) = &check.file {
        add("file", content(file, values));
    }
    if let Some(sound) = check.fsck {
        add("fsck", Ok(Expected::Fsck(sound)));
    }
    if let Some(count) = &check.count {
        let result = predicate("count", &count.event, &count.conditions, values)
            .and_then(|what| Ok(Expected::Count(what, count_bounds(count)?)));
        add("count", result);
    }
    if let Some(list) = &check.order {
        let list = list
            .iter()
            .map(|one| predicate("order", &one.event, &one.conditions, values));
        let list = list.collect::<Result<Vec<_>, _>>();
        add(
            "order",
            list.and_then(|list| match list.is_empty() {
                true => Err("order: there is nothing in it".to_owned()),
                false => Ok(Expected::Order(list)),
            }),
        );
    }
    if let Some(one) = &check.never {
        let what = predicate("never", &one.event, &one.conditions, values);
        add("never", what.map(Expected::Never));
    }
    if let Some(frames) = &check.free_frames {
        add("free_frames", self::frames(frames));
    }
    if let Some(pages) = &check.shared_pages {
        add("shared_pages", shared_pages(pages, values));
    }
    if let Some(time) = &check.time {
        add("time", self::time(time, values));
    }
    if let Some(name) = &check.ends {
        let end = Ends::named(name)
            .ok_or_else(|| format!("ends: '{name}' is none of ok, panic, hang, budget, power-cut"));
        add("ends", end.map(Expected::Ends));
    }
    match (found.pop(), found.pop()) {
        (Some((_, result)), None) => result,
        (None, _) => Err(
            "it expects nothing: status, output, output_matches, file, fsck, count, order, \
                          never, free_frames, shared_pages, time or ends is missing"
                .to_owned(),
        ),
        (Some((second, _)), Some((first, _))) => Err(format!(
            "it expects two things, '{first}' and '{second}': make two checks of them"
        )),
    }
}

fn frames(frames: &file::Frames) -> Result<Expected, String> {
    let at_most = |most| Bounds {
        least: None,
        most: Some(most),
    };
    match (frames.lost_at_most, frames.used_at_most) {
        (Some(most), None) => Ok(Expected::FreeFrames(Frames::Lost, at_most(most))),
        (None, Some(most)) => Ok(Expected::FreeFrames(Frames::Used, at_most(most))),
        _ => Err("free_frames: it takes lost_at_most or used_at_most".to_owned()),
    }
}

fn shared_pages(pages: &file::SharedPages, values: &Values) -> Result<Expected, String> {
    let process = values
        .expand(&pages.process)
        .map_err(|e| format!("shared_pages.process: {e}"))?;
    let bounds = Bounds {
        least: pages.at_least,
        most: pages.at_most,
    };
    let bounds = possible("shared_pages", "at_least or at_most", bounds)?;
    Ok(Expected::SharedPages(process, bounds))
}

fn content(file: &file::FileCheck, values: &Values) -> Result<Expected, String> {
    let expand = |text: &str| values.expand(text).map_err(|e| format!("file: {e}"));
    let mut found = Vec::new();
    if let Some(text) = &file.content {
        found.push(Content::Exact(expand(text)?));
    }
    if let Some(text) = &file.matches {
        found.push(Content::Matches(pattern("file.matches", text, values)?));
    }
    if let Some(size) = file.size {
        found.push(Content::Size(whole("file.size", size, 0, i64::MAX as u64)?));
    }
    match file.absent {
        Some(true) => found.push(Content::Absent),
        Some(false) => return Err("file.absent: say true, or leave it out".to_owned()),
        None => {}
    }
    let path = absolute("file", expand(&file.path)?)?;
    match (found.pop(), found.is_empty()) {
        (Some(content), true) => Ok(Expected::File(path, content)),
        _ => Err("file: one of content, matches, size and absent has to be there".to_owned()),
    }
}

fn count_bounds(count: &file::Count) -> Result<Bounds, String> {
    let bounds = Bounds {
        least: count.exactly.or(count.at_least),
        most: count.exactly.or(count.at_most),
    };
    if count.exactly.is_some() && (count.at_least.is_some() || count.at_most.is_some()) {
        return Err("count: 'exactly' stands alone".to_owned());
    }
    possible("count", "exactly, at_least or at_most", bounds)
}

fn time(time: &file::Time, values: &Values) -> Result<Expected, String> {
    let process = values
        .expand(&time.process)
        .map_err(|e| format!("time.process: {e}"))?;
    let quantity = Quantity::named(&time.what).ok_or_else(|| {
        format!(
            "time.what: '{}' is none of waiting, turnaround, running, response",
            time.what.escape_debug()
        )
    })?;
    let bounds = Bounds {
        least: time.at_least_us,
        most: time.at_most_us,
    };
    let bounds = possible("time", "at_least_us or at_most_us", bounds)?;
    Ok(Expected::Time(process, quantity, bounds))
}

/// Bounds that say something and that a count can be within.
fn possible(key: &str, missing: &str, bounds: Bounds) -> Result<Bounds, String> {
    match (bounds.least, bounds.most) {
        (None, None) => Err(format!("{key}: {missing} is missing")),
        (Some(least), Some(most)) if least > most => Err(format!(
            "{key}: nothing is at least {least} and at most {most}"
        )),
        (_, Some(most)) if most < 0 => Err(format!("{key}: nothing is at most {most}")),
        _ => Ok(bounds),
    }
}

fn predicate(
    key: &str,
    event: &str,
    conditions: &toml::Table,
    values: &Values,
) -> Result<Predicate, String> {
    let conditions = conditions.iter().map(|(name, value)| {
        let wanted = match value {
            toml::Value::String(text) => Wanted::Text(values.expand(text)?),
            toml::Value::Integer(n) => Wanted::Number((*n).into()),
            toml::Value::Boolean(yes) => Wanted::Bool(*yes),
            _ => {
                return Err(format!(
                    "where.{name}: neither text, a whole number nor true or false"
                ));
            }
        };
        Ok((name.clone(), wanted))
    });
    conditions
        .collect::<Result<Vec<_>, _>>()
        .and_then(|conditions| Predicate::new(event, conditions))
        .map_err(|e| format!("{key}: {e}"))
}

fn pattern(key: &str, text: &str, values: &Values) -> Result<Regex, String> {
    let text = values.expand(text).map_err(|e| format!("{key}: {e}"))?;
    Regex::new(&text).map_err(|e| format!("{key}: /{text}/: {e}"))
}
