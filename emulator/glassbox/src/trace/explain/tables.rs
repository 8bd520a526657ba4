//! The tables below the steps: the call tree, where the time went, and what happened on the way.

use super::ledger::State;
use super::number::tag;
use super::page::{WIDTH, section};
use super::plain::{plural, wait_name};
use super::source::Sources;
use super::story::Story;
use super::text::{Style, bar, columns, cut, cut_left, wrapped};
use super::tree::{self, Branch};
use super::units::{Unit, grouped};
use base::Time;
use std::io::{self, Write};

/// Lines of the call tree, if no more are needed for the steps.
const TREE: usize = 36;
/// Columns of a place in the sources, if names want the rest.
const LEAST_PLACE: usize = 20;

/// The call tree.
///
/// # Errors
/// `out` does not take it.
pub fn path(out: &mut dyn Write, tree: &[Branch], style: Style) -> io::Result<()> {
    let lines = tree::lines(tree, TREE);
    if lines.is_empty() {
        return Ok(());
    }
    section(
        out,
        "The way through the kernel",
        "calls, folded; steps in them, time in and below, source",
        style,
    )?;
    let tags: Vec<String> = lines.iter().map(|line| tag(&line.steps)).collect();
    let left = tags
        .iter()
        .map(|tag| columns(tag))
        .max()
        .unwrap_or(0)
        .max(4);
    let unit = Unit::of(Time(tree.iter().map(|branch| branch.time).sum()));
    let times: Vec<String> = lines
        .iter()
        .map(|line| unit.span(Time(line.time)))
        .collect();
    let times_width = times.iter().map(|time| columns(time)).max().unwrap_or(0);
    let names: Vec<(String, String)> = lines
        .iter()
        .map(|line| {
            let calls = match line.calls {
                0 | 1 => String::new(),
                n => format!(" ×{n}"),
            };
            (rails(&line.more), format!("{}{calls}", line.name))
        })
        .collect();
    let widest = names
        .iter()
        .map(|(rails, name)| columns(rails) + columns(name));
    let places = lines.iter().map(|line| columns(&line.place));
    // Names come first: a place may lose its beginning, which says least.
    let both = WIDTH - left - 2 - 2 - times_width - 2;
    let room = widest.max().unwrap_or(0).min(both - LEAST_PLACE);
    let places_width = places.max().unwrap_or(0).min(both - room);
    let room = both - places_width;
    for (((line, tag), time), (rails, name)) in lines.iter().zip(tags).zip(times).zip(names) {
        let place = cut_left(&line.place, places_width);
        let right = format!("{time:>times_width$}  {place:<places_width$}");
        let name = cut(&name, room.saturating_sub(columns(&rails)));
        let gap = room + 2 - (columns(&rails) + columns(&name)).min(room);
        writeln!(
            out,
            "{}  {}{name}{:gap$}{}",
            style.number(&format!("{tag:>left$}")),
            style.dim(&rails),
            "",
            style.dim(right.trim_end())
        )?;
    }
    Ok(())
}

/// The rails in front of a line of the tree.
pub fn rails(more: &[bool]) -> String {
    let Some((here, above)) = more.split_last() else {
        return String::new();
    };
    let mut text = String::new();
    for more in above.iter().skip(1) {
        text.push_str(if *more { "│ " } else { "  " });
    }
    if !above.is_empty() {
        text.push_str(if *here { "├ " } else { "└ " });
    }
    text
}

/// Where the time went.
///
/// # Errors
/// `out` does not take it.
pub fn time(
    out: &mut dyn Write,
    story: &Story,
    duration: Time,
    unit: Unit,
    style: Style,
) -> io::Result<()> {
    section(out, "Where the time went", "", style)?;
    let mut parts: Vec<(String, Time)> = story
        .ledger
        .parts()
        .map(|(state, time)| (state_name(state), time))
        .collect();
    parts.sort_by_key(|(_, time)| std::cmp::Reverse(*time));
    let names = parts.iter().map(|(name, _)| columns(name));
    let width = names.max().unwrap_or(0).clamp(28, 40);
    for (name, time) in &parts {
        let name = cut(name, width);
        let share = time.0 as f64 / duration.0.max(1) as f64;
        let bar = bar(time.0, duration.0);
        writeln!(
            out,
            "  {name:<width$}  {:>12} {:>5.1} %  {}",
            unit.span(*time),
            share * 100.0,
            style.number(&bar)
        )?;
    }
    let total = story.ledger.total();
    writeln!(
        out,
        "  {}  {}",
        style.bold(&format!("{:<width$}", "together")),
        style.bold(&format!("{:>12}", unit.span(total)))
    )
}

/// What a process does, in words.
pub fn state_name(state: &State) -> String {
    match state {
        State::Kernel => "running in the kernel".into(),
        State::Fault => "running: page faults".into(),
        State::Interrupt => "interrupts served meanwhile".into(),
        State::Lock(name) => format!("spinning for the lock {name}"),
        State::Asleep(wait) => format!("asleep, waiting for {}", wait_name(wait)),
        State::Runnable => "runnable, waiting for a CPU".into(),
        State::Stopped => "stopped".into(),
    }
}

/// What happened on the way, in numbers.
///
/// # Errors
/// `out` does not take it.
pub fn aside(
    out: &mut dyn Write,
    story: &Story,
    sources: &Sources<'_>,
    style: Style,
) -> io::Result<()> {
    section(out, "On the way", "", style)?;
    let mut rows = vec![(
        grouped(story.path.instructions()),
        "instructions of the kernel's for the call".to_owned(),
    )];
    let walks = &story.walks;
    if walks.count > 0 {
        let mut text = format!(
            "page walks, which read {} (the TLB did not know {} and {})",
            plural(walks.entries, "page-table entry", "page-table entries"),
            plural(walks.fetches, "page of code", "pages of code"),
            plural(walks.count - walks.fetches, "page of data", "pages of data"),
        );
        if walks.after_switch > 0 {
            text.push_str(&format!(
                "; {} after {} had changed and the TLB forgotten what was the process's",
                walks.after_switch, sources.isa.table
            ));
        }
        if walks.faults > 0 {
            text.push_str(&format!("; {} ended in a page fault", walks.faults));
        }
        rows.push((grouped(walks.count), text));
    }
    let (allocated, freed) = story.frames;
    if allocated + freed > 0 {
        rows.push((
            grouped(allocated),
            format!(
                "{} allocated, {} freed",
                if allocated == 1 {
                    "page frame"
                } else {
                    "page frames"
                },
                grouped(freed)
            ),
        ));
    }
    let touched: u64 = story.registers.values().sum();
    if touched > 0 {
        let mut names: Vec<_> = story.registers.iter().collect();
        names.sort_by_key(|(name, count)| (std::cmp::Reverse(**count), name.as_str()));
        let names: Vec<String> = names
            .iter()
            .take(4)
            .map(|(name, count)| match count {
                1 => (*name).clone(),
                n => format!("{name} ×{n}"),
            })
            .collect();
        rows.push((
            grouped(touched),
            format!(
                "{} touched: {}",
                if touched == 1 {
                    "device register"
                } else {
                    "device registers"
                },
                names.join(", ")
            ),
        ));
    }
    for (number, text) in rows {
        for (index, line) in wrapped(&text, WIDTH - 14).into_iter().enumerate() {
            let number = if index == 0 { number.as_str() } else { "" };
            writeln!(out, "  {number:>10}  {line}")?;
        }
    }
    Ok(())
}
