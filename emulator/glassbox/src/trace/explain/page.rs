//! The page: headline, numbered steps, the kernel's call tree, and where the time went; 100 columns wide.

use super::call;
use super::number::{Item, attach, number};
use super::plain::plural;
use super::source::Sources;
use super::steps::{Step, Teller};
use super::story::Story;
use super::tables::{aside, path, time};
use super::text::{Style, columns, cut, printable, wrapped};
use super::tree;
use super::units::{Unit, grouped};
use std::io::{self, Write};

/// Columns of a page.
pub const WIDTH: usize = 100;
/// Columns in front of a step's title and details.
const MARGIN: usize = 5;

/// What to show beside the story.
#[derive(Clone, Copy, Debug)]
pub struct Heading<'a> {
    /// The shell line.
    pub line: &'a str,
    /// Why this call: how the slowest was found, or nothing.
    pub chosen: &'a str,
    /// Number of CPUs.
    pub cpus: usize,
}

/// Writes the page.
///
/// # Errors
/// `out` does not take it.
pub fn write(
    out: &mut dyn Write,
    story: &Story,
    sources: &Sources<'_>,
    heading: &Heading<'_>,
    style: Style,
) -> io::Result<()> {
    let duration = story.end - story.call.begin;
    let unit = Unit::of(duration);
    let teller = Teller::new(story, sources, unit);
    let mut frames = |pc| sources.frames(pc);
    let whole = tree::build(&story.path, &mut frames, &[]);
    let steps = teller.steps(&whole);
    let (items, numbers) = number(steps, story, unit);
    let mut tree = tree::build(&story.path, &mut frames, &numbers.places);
    for (function, number) in &numbers.functions {
        attach(&mut tree, function, *number);
    }

    headline(out, story, heading, unit, style)?;
    writeln!(out)?;
    for item in &items {
        match item {
            Item::Step(number, step) => show(out, *number, step, story, unit, style)?,
            Item::Again(text) => {
                for line in wrapped(text, WIDTH - MARGIN) {
                    writeln!(out, "{:MARGIN$}{}", "", style.dim(&line))?;
                }
            }
        }
    }
    if story.lost > 0 {
        writeln!(
            out,
            "{:MARGIN$}… and {} more events, which did not fit.",
            "",
            grouped(story.lost)
        )?;
    }
    path(out, &tree, style)?;
    time(out, story, duration, unit, style)?;
    if heading.cpus > 1 {
        let turns = format!(
            "CPUs take turns of {} instructions, on a clock that they share: the times above include the others' \
             turns, those in the tree do not.",
            machine::run::QUANTUM
        );
        for line in wrapped(&turns, WIDTH - 2) {
            writeln!(out, "  {}", style.dim(&line))?;
        }
    }
    aside(out, story, sources, style)
}

fn headline(
    out: &mut dyn Write,
    story: &Story,
    heading: &Heading<'_>,
    unit: Unit,
    style: Style,
) -> io::Result<()> {
    let name = abi::nr::name(story.call.number).unwrap_or("a call");
    let title = format!("The life of {name}#{}", story.call.nth);
    let cpus = plural(heading.cpus as u64, "CPU", "CPUs");
    let line = cut(&printable(heading.line), 60);
    let right = format!("{line}  ({cpus})");
    let gap = WIDTH
        .saturating_sub(columns(&title) + columns(&right))
        .max(2);
    writeln!(
        out,
        "{}{:gap$}{}",
        style.bold(&title),
        "",
        style.dim(&right)
    )?;
    writeln!(out, "{}", style.dim(&"─".repeat(WIDTH)))?;
    let result = match (story.result, story.complete) {
        (Some(result), _) => format!(" = {}", call::outcome(story.call.number, result)),
        (None, true) => " = ?  (it does not come back)".into(),
        (None, false) => " = ?  (it has not come back when the run ends)".into(),
    };
    for line in wrapped(&format!("{}{result}", story.line), WIDTH - 2) {
        writeln!(out, "  {}", style.bold(&line))?;
    }
    let chosen = match heading.chosen {
        "" => String::new(),
        chosen => format!("; {chosen}"),
    };
    let by = format!(
        "by {} (pid {}), at {} s, for {}{chosen}",
        story.who.comm,
        story.call.pid,
        story.call.begin,
        unit.span(story.end - story.call.begin),
    );
    for line in wrapped(&by, WIDTH - 2) {
        writeln!(out, "  {line}")?;
    }
    Ok(())
}

fn show(
    out: &mut dyn Write,
    number: usize,
    step: &Step,
    story: &Story,
    unit: Unit,
    style: Style,
) -> io::Result<()> {
    let since = unit.since(step.time - story.call.begin);
    let cpu = step
        .cpu
        .map_or_else(|| "    ".to_owned(), |cpu| format!("cpu{cpu}"));
    let meta = format!("{since:>13}  {}  {cpu} {:<6}", step.time, step.mode);
    let room = WIDTH - MARGIN - columns(&meta) - 1;
    let mut title = wrapped(&step.title, room).into_iter();
    let first = title.next().unwrap_or_default();
    let gap = room + 1 - columns(&first).min(room);
    writeln!(
        out,
        "{}  {}{:gap$}{}",
        style.number(&format!("{number:>3}")),
        style.bold(&first),
        "",
        style.dim(&meta).trim_end()
    )?;
    for line in title {
        writeln!(out, "{:MARGIN$}{}", "", style.bold(&line))?;
    }
    for detail in &step.details {
        for line in wrapped(detail, WIDTH - MARGIN - 2) {
            writeln!(out, "{:MARGIN$}  {line}", "")?;
        }
    }
    Ok(())
}

/// The title of a part of the page, with something to say at its right end.
///
/// # Errors
/// `out` does not take it.
pub fn section(out: &mut dyn Write, title: &str, aside: &str, style: Style) -> io::Result<()> {
    let gap = WIDTH.saturating_sub(columns(title) + columns(aside)).max(2);
    writeln!(out)?;
    if aside.is_empty() {
        return writeln!(out, "{}", style.bold(title));
    }
    writeln!(out, "{}{:gap$}{}", style.bold(title), "", style.dim(aside))
}
