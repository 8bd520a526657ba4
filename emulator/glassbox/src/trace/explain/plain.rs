//! Numbers, lists and the kernel's words in plain English.

use abi::signal;
use abi::wait::{Ended, WaitStatus};

/// `8 sectors from 4184`.
pub fn sectors_named(sector: u64, sectors: u64) -> String {
    match sectors {
        1 => format!("sector {sector}"),
        n => format!("{n} sectors from {sector}"),
    }
}

/// What a fault turned out to be, for somebody who does not know the kernel's word.
pub fn fault_name(kind: &str) -> &str {
    match kind {
        "minor" => "the page was in memory",
        "major" => "the page came from the disk",
        "zero" => "a fresh page of zeros",
        "stack" => "the stack grew by a fresh page",
        "cow" => "copy on write",
        "spurious" => "nothing was missing any more",
        "bad" => "nothing that could be resolved",
        other => other,
    }
}

/// What a process waits for, in words.
pub fn wait_name(wait: &str) -> String {
    match wait {
        "disk" => "the disk".into(),
        "pipe_read" => "bytes in a pipe".into(),
        "pipe_write" => "room in a pipe".into(),
        "wait4" => "a child".into(),
        "vfork" => "its vfork child".into(),
        "nanosleep" => "its alarm".into(),
        "tty_read" => "the keyboard".into(),
        "port_read" => "the console's input".into(),
        "port_write" => "the console's output".into(),
        "poll" => "one of its descriptors".into(),
        "" => "something".into(),
        other => other.replace('_', " "),
    }
}

/// What a status word of wait4(2) says.
pub fn ended(status: u64) -> String {
    match WaitStatus(status as u32).ended() {
        Ended::Exited(code) => format!("exit status {code}"),
        Ended::Signaled(number) => match signal::name(u32::from(number)) {
            Some(name) => format!("killed by {name}"),
            None => format!("killed by signal {number}"),
        },
        Ended::Stopped(_) => "stopped".into(),
        Ended::Continued => "continued".into(),
    }
}

/// `one block`, `3 blocks`.
pub fn plural(n: u64, one: &str, many: &str) -> String {
    match n {
        1 => format!("1 {one}"),
        n => format!("{n} {many}"),
    }
}

/// A sentence's beginning.
pub fn capital(text: &str) -> String {
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => first.to_uppercase().chain(chars).collect(),
        None => String::new(),
    }
}

/// Pages of a file.
pub fn ranges(numbers: impl Iterator<Item = u64>) -> String {
    ranges_of("page", "pages", numbers)
}

/// `page 3`, `pages 3–5, 9`.
pub fn ranges_of(one: &str, many: &str, numbers: impl Iterator<Item = u64>) -> String {
    const MOST: usize = 4;
    let mut runs: Vec<(u64, u64)> = Vec::new();
    for number in numbers {
        match runs.last_mut() {
            Some((_, last)) if *last == number => {}
            Some((_, last)) if last.checked_add(1) == Some(number) => *last = number,
            _ => runs.push((number, number)),
        }
    }
    let mut shown: Vec<String> = runs
        .iter()
        .take(MOST)
        .map(|(first, last)| match last - first {
            0 => first.to_string(),
            1 => format!("{first}, {last}"),
            _ => format!("{first}–{last}"),
        })
        .collect();
    if runs.len() > MOST {
        shown.push("…".into());
    }
    let word = match &runs[..] {
        [(first, last)] if first == last => one,
        _ => many,
    };
    format!("{word} {}", shown.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_a_row_are_a_range() {
        let show = |numbers: &[u64]| ranges(numbers.iter().copied());
        assert_eq!(show(&[3]), "page 3");
        assert_eq!(show(&[3, 3, 4]), "pages 3, 4");
        assert_eq!(show(&[3, 4, 5, 9]), "pages 3–5, 9");
        assert_eq!(show(&[1, 3, 5, 7, 9]), "pages 1, 3, 5, 7, …");
        assert_eq!(show(&[u64::MAX, 0]), format!("pages {}, 0", u64::MAX));
    }

    #[test]
    fn one_is_no_plural() {
        assert_eq!(plural(1, "entry", "entries"), "1 entry");
        assert_eq!(plural(0, "entry", "entries"), "0 entries");
    }
}
