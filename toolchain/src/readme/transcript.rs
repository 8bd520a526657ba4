//! Transcripts in a text: commands and what they print, perhaps with `...` for what is left out.

use std::ops::Range;

/// A command, and the lines below it.
#[derive(Debug, PartialEq, Eq)]
pub struct Transcript {
    pub command: String,
    /// Where its output is shown.
    pub shown: Range<usize>,
}

/// What stands for any number of lines.
const REST: &str = "...";

/// The transcripts of runs of the emulator, in their order. Those that need a file which is not in the
/// checkout, and those of the toolchain itself, are none.
pub fn all(lines: &[String]) -> Vec<Transcript> {
    let mut found: Vec<Transcript> = Vec::new();
    let (mut in_block, mut open) = (false, false);
    for (at, line) in lines.iter().enumerate() {
        if line.starts_with("```") {
            in_block = !in_block;
            open = false;
        } else if let Some(command) = line.strip_prefix("$ ").filter(|_| in_block) {
            open = command.contains("glassbox") && !command.contains("--put");
            if open {
                found.push(Transcript {
                    command: command.to_string(),
                    shown: at + 1..at + 1,
                });
            }
        } else if open && let Some(last) = found.last_mut() {
            last.shown.end = at + 1;
        }
    }
    for transcript in &mut found {
        let blank = |at: &usize| lines[*at].is_empty();
        while let Some(last) = transcript.shown.clone().last().filter(blank) {
            transcript.shown.end = last;
        }
    }
    found
}

/// Whether `printed` is what is `shown`. What tells of the host's time may be any number.
pub fn agree(shown: &[String], printed: &[String]) -> bool {
    let same = |shown: &String, printed: &String| {
        let of_the_host = shown.contains("host time") && skeleton(shown) == skeleton(printed);
        shown == printed || of_the_host || is_short_for(shown, printed)
    };
    places(shown, printed, same).is_some()
}

/// `shown` with the numbers that are `printed` now, if only numbers and the like have changed.
pub fn renewed(shown: &[String], printed: &[String]) -> Option<Vec<String>> {
    let places = places(shown, printed, |shown, printed| {
        skeleton(shown) == skeleton(printed)
    })?;
    let line = |(place, shown): (Option<usize>, &String)| match place {
        Some(at) => printed[at].clone(),
        None => shown.clone(),
    };
    Some(places.into_iter().zip(shown).map(line).collect())
}

/// For each line that is shown the printed one that is the same; none for [`REST`].
fn places(
    shown: &[String],
    printed: &[String],
    same: impl Fn(&String, &String) -> bool + Copy,
) -> Option<Vec<Option<usize>>> {
    let Some((line, below)) = shown.split_first() else {
        return printed.is_empty().then(Vec::new);
    };
    // How many lines go by before those below begin, and what this line stands for.
    let (skips, place) = if line == REST {
        (0..=printed.len(), None)
    } else if printed.first().is_some_and(|first| same(line, first)) {
        (1..=1, Some(0))
    } else {
        return None;
    };
    skips.into_iter().find_map(|skip| {
        let rest = places(below, &printed[skip..], same)?;
        let moved = rest.into_iter().map(|at| at.map(|at| at + skip));
        Some(std::iter::once(place).chain(moved).collect())
    })
}

/// Whether `shown` is `printed` with a `…` for a part of it.
fn is_short_for(shown: &str, printed: &str) -> bool {
    shown.split_once('…').is_some_and(|(begin, end)| {
        let rest = printed.strip_prefix(begin);
        rest.is_some_and(|rest| rest.ends_with(end))
    })
}

/// A line without what a change of the guest changes: numbers, tokens, and the room around them.
fn skeleton(line: &str) -> String {
    let is_number = |word: &str| word.contains(|c: char| c.is_ascii_digit());
    let parts = line.split(|c: char| !c.is_ascii_alphanumeric() && !"._,-".contains(c));
    let words = parts.filter(|word| !word.is_empty() && !is_number(word));
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<String> {
        text.lines().map(str::to_string).collect()
    }

    #[test]
    fn commands_are_found_with_what_they_print() {
        let text =
            lines("$ glassbox no\n```\n$ glassbox run\none\n\n$ ls\nx\n$ glassbox stat\n```\n");
        let found = all(&text);
        let shown: Vec<_> = found
            .iter()
            .map(|one| (&one.command[..], one.shown.clone()))
            .collect();
        assert_eq!(shown, [("glassbox run", 3..4), ("glassbox stat", 8..8)]);
    }

    #[test]
    fn what_is_left_out_may_be_anything() {
        let printed = lines("a 1\nb\nc\nd");
        for (shown, same) in [
            ("a 1\nb\nc\nd", true),
            ("a 1\n...", true),
            ("...\nc\nd", true),
            ("a 1\n...\nd", true),
            ("a 1\n...\nc\n...", true),
            ("a 1\nc\nd", false),
            ("a 1\nb", false),
            ("...\nd\nc", false),
            ("a 1\nb\n…c\nd", true),
            ("a 2…\nb\nc\nd", false),
        ] {
            assert_eq!(agree(&lines(shown), &printed), same, "{shown}");
        }
    }

    #[test]
    fn numbers_are_renewed_and_words_are_not() {
        let printed = lines("took  12,345 instructions\nrest\n0.5 s host time");
        let shown = lines("took 9,999 instructions\n...\n0.7 s host time");
        assert!(!agree(&shown, &printed));
        let renewed = renewed(&shown, &printed).unwrap();
        assert_eq!(
            renewed,
            lines("took  12,345 instructions\n...\n0.5 s host time")
        );
        assert!(agree(&lines("...\n0.7 s host time"), &printed));
        assert!(agree(&lines("x\n...\n\nz"), &lines("x\n\ny\n\nz")));
        assert_eq!(super::renewed(&lines("gave 9\n..."), &printed), None);
    }
}
