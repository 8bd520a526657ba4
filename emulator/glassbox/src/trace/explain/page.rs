//! The page: headline, numbered steps, the kernel's call tree, and where the time went; 100 columns wide.

use super::call;
use super::fold::fold;
use super::ledger::State;
use super::plain::{plural, wait_name};
use super::source::Sources;
use super::steps::{Step, Teller};
use super::story::Story;
use super::tree::{self, Branch};
use super::units::{Unit, grouped};
use base::Time;
use std::io::{self, Write};

/// Columns of a page.
const WIDTH: usize = 100;
/// Columns in front of a step's title and details.
const MARGIN: usize = 5;
/// Columns of a bar.
const BAR: usize = 36;
/// Lines of the call tree, if no more are needed for the steps.
const TREE: usize = 36;
/// Columns of a place in the sources, if names want the rest.
const LEAST_PLACE: usize = 20;

/// How text may look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Style {
    /// Whether escape sequences may be used.
    pub colour: bool,
}

impl Style {
    fn wrapped(self, code: &str, text: &str) -> String {
        if self.colour && !text.is_empty() {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }

    fn bold(self, text: &str) -> String {
        self.wrapped("1", text)
    }

    fn dim(self, text: &str) -> String {
        self.wrapped("2", text)
    }

    fn number(self, text: &str) -> String {
        self.wrapped("36", text)
    }
}

/// What to show beside the story.
#[derive(Clone, Copy, Debug)]
pub struct Heading<'a> {
    /// The shell line.
    pub line: &'a str,
    /// Why this call: how the slowest was found, or nothing.
    pub chosen: &'a str,
    /// Number of CPUs.
    pub cpus: usize,
    /// Most bytes of a string.
    pub strings: usize,
}

/// A step with its number, or that the steps before it come again.
enum Item {
    Step(usize, Step),
    Again(String),
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

/// Where the numbered steps are in the kernel.
#[derive(Default)]
struct Numbers {
    places: Vec<((usize, u64), usize)>,
    functions: Vec<(&'static str, usize)>,
}

/// Folds what repeats and numbers the rest.
fn number(steps: Vec<Step>, story: &Story, unit: Unit) -> (Vec<Item>, Numbers) {
    let shapes: Vec<&str> = steps.iter().map(|step| step.shape.as_str()).collect();
    let turns = fold(&shapes);
    let mut items = Vec::new();
    let mut numbers = Numbers::default();
    let mut next = 1;
    for turn in turns {
        let all = &steps[turn.start..turn.start + turn.len * turn.turns];
        for (index, step) in all.iter().enumerate() {
            let number = next + index % turn.len;
            numbers
                .places
                .extend(step.places.iter().map(|place| (*place, number)));
            numbers
                .functions
                .extend(step.function.map(|function| (function, number)));
        }
        for (index, step) in all.iter().take(turn.len).enumerate() {
            items.push(Item::Step(next + index, step.clone()));
        }
        if turn.turns > 1 {
            items.push(Item::Again(again(all, turn.len, next, story, unit)));
        }
        next += turn.len;
    }
    (items, numbers)
}

/// That `len` steps, the first of which has `number`, come again and again.
fn again(all: &[Step], len: usize, number: usize, story: &Story, unit: Unit) -> String {
    const MOST: usize = 6;
    let times = all.len() / len - 1;
    let which = match len {
        1 => format!("Step {number} comes"),
        len => format!("Steps {number} to {} come", number + len - 1),
    };
    let until = all
        .last()
        .map_or(Time(0), |step| step.time - story.call.begin);
    let gists: Vec<&str> = all[len..]
        .iter()
        .map(|step| step.gist.as_str())
        .filter(|gist| !gist.is_empty())
        .collect();
    let mut text = format!(
        "⋮ {which} {} more, until {}",
        plural(times as u64, "time", "times"),
        unit.since(until)
    );
    if !gists.is_empty() {
        let dots = if gists.len() > MOST { ", …" } else { "" };
        let shown = &gists[..gists.len().min(MOST)];
        text.push_str(&format!(": {}{dots}", shown.join(", ")));
    }
    text.push('.');
    text
}

/// Marks the first function of that name in the tree.
fn attach(tree: &mut [Branch], function: &str, number: usize) -> bool {
    tree.iter_mut().any(|branch| {
        if branch.name == function {
            branch.steps.push(number);
            return true;
        }
        attach(&mut branch.kids, function, number)
    })
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
    let call = call::invocation(
        story.call.number,
        &story.args,
        &story.memory,
        heading.strings,
    );
    let result = match (story.result, story.complete) {
        (Some(result), _) => format!(" = {}", call::outcome(story.call.number, result)),
        (None, true) => " = ?  (it does not come back)".into(),
        (None, false) => " = ?  (it has not come back when the run ends)".into(),
    };
    for line in wrapped(&format!("{call}{result}"), WIDTH - 2) {
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

fn section(out: &mut dyn Write, title: &str, aside: &str, style: Style) -> io::Result<()> {
    let gap = WIDTH.saturating_sub(columns(title) + columns(aside)).max(2);
    writeln!(out)?;
    if aside.is_empty() {
        return writeln!(out, "{}", style.bold(title));
    }
    writeln!(out, "{}{:gap$}{}", style.bold(title), "", style.dim(aside))
}

fn path(out: &mut dyn Write, tree: &[Branch], style: Style) -> io::Result<()> {
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
fn rails(more: &[bool]) -> String {
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

/// The numbers of steps in few columns: `3–5 8`.
fn tag(steps: &[usize]) -> String {
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for &step in steps {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == step => *last = step,
            _ => runs.push((step, step)),
        }
    }
    const MOST: usize = 2;
    let mut shown: Vec<String> = runs
        .iter()
        .take(MOST)
        .map(|(first, last)| match last - first {
            0 => first.to_string(),
            1 => format!("{first} {last}"),
            _ => format!("{first}–{last}"),
        })
        .collect();
    if runs.len() > MOST {
        shown.push("…".into());
    }
    shown.join(" ")
}

fn time(
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

/// A bar as long as `part` of `whole`, to an eighth of a column.
fn bar(part: u64, whole: u64) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let eighths = (u128::from(part) * BAR as u128 * 8).div_ceil(u128::from(whole.max(1))) as usize;
    let eighths = eighths.min(BAR * 8);
    format!("{}{}", "█".repeat(eighths / 8), EIGHTHS[eighths % 8])
}

fn state_name(state: &State) -> String {
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

fn aside(
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

/// A text without what could act on a terminal.
fn printable(text: &str) -> String {
    text.chars()
        .flat_map(|c| {
            let escaped = c.is_control().then(|| c.escape_default());
            let plain = (!c.is_control()).then_some(c);
            escaped.into_iter().flatten().chain(plain)
        })
        .collect()
}

/// Columns of a text: all of its characters are one wide.
fn columns(text: &str) -> usize {
    text.chars().count()
}

/// The beginning of a text.
fn cut(text: &str, most: usize) -> String {
    if columns(text) <= most {
        return text.to_owned();
    }
    let mut cut: String = text.chars().take(most.saturating_sub(1)).collect();
    cut.push('…');
    cut
}

/// The end of a text.
fn cut_left(text: &str, most: usize) -> String {
    let len = columns(text);
    if len <= most {
        return text.to_owned();
    }
    let end: String = text.chars().skip(len + 1 - most).collect();
    format!("…{end}")
}

/// A text in lines of at most `width` columns, broken at spaces where there are any.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let mut word = word;
        loop {
            let last = lines.len() - 1;
            let line = &mut lines[last];
            let space = usize::from(!line.is_empty());
            if columns(line) + space + columns(word) <= width {
                if space > 0 {
                    line.push(' ');
                }
                line.push_str(word);
                break;
            }
            if line.is_empty() {
                let end = word
                    .char_indices()
                    .nth(width.max(1))
                    .map_or(word.len(), |(at, _)| at);
                line.push_str(&word[..end]);
                word = &word[end..];
                if word.is_empty() {
                    break;
                }
            }
            lines.push(String::new());
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_broken_at_spaces_and_words_that_are_too_long_anywhere() {
        assert_eq!(wrapped("ab cd ef", 5), ["ab cd", "ef"]);
        assert_eq!(wrapped("abcdefg h", 3), ["abc", "def", "g h"]);
        assert_eq!(wrapped("", 3), [""]);
        assert_eq!(wrapped("äöü ß", 3), ["äöü", "ß"]);
    }

    #[test]
    fn a_bar_is_as_long_as_its_share() {
        assert_eq!(bar(0, 10), "");
        assert_eq!(columns(&bar(10, 10)), BAR);
        assert_eq!(columns(&bar(5, 10)), BAR / 2);
        assert_eq!(bar(1, 1_000_000), "▏");
        assert_eq!(columns(&bar(u64::MAX, 0)), BAR);
    }

    #[test]
    fn step_numbers_in_a_row_are_a_range() {
        assert_eq!(tag(&[1]), "1");
        assert_eq!(tag(&[1, 2]), "1 2");
        assert_eq!(tag(&[1, 2, 3, 7]), "1–3 7");
        assert_eq!(tag(&[1, 3, 5, 7]), "1 3 …");
    }

    #[test]
    fn what_is_too_long_is_cut_where_it_matters_least() {
        assert_eq!(cut("abcdef", 4), "abc…");
        assert_eq!(cut_left("abcdef", 4), "…def");
        assert_eq!(cut("abc", 3), "abc");
    }
}
