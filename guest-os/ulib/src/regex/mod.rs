//! Regular expressions: POSIX basic and extended, matched in linear time.
//!
//! `parse` turns text into a tree, `program` the tree into instructions of a small automaton, and
//! `matcher` runs all its states side by side over the text, so no pattern can make it slow. The match
//! reported is the leftmost and, among those, the longest. There are no back-references.

mod matcher;
mod parse;
mod program;

pub use parse::{Error, Syntax};
use program::Program;

/// A compiled expression.
pub struct Regex(Program);

impl Regex {
    /// Compiles an expression; `fold` ignores the case of letters.
    pub fn new(pattern: &[u8], syntax: Syntax, fold: bool) -> Result<Regex, Error> {
        let tree = parse::parse(pattern, syntax)?;
        Ok(Regex(Program::new(&tree, fold)))
    }

    /// The first match at or after `from`: where it starts and ends.
    pub fn find(&self, text: &[u8], from: usize) -> Option<(usize, usize)> {
        matcher::find(&self.0, text, from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(syntax: Syntax, pattern: &str, text: &str, expected: Option<(usize, usize)>) {
        let regex = Regex::new(pattern.as_bytes(), syntax, false).unwrap();
        assert_eq!(
            regex.find(text.as_bytes(), 0),
            expected,
            "{pattern} in {text}"
        );
    }

    #[test]
    fn extended_expressions_find_the_leftmost_longest() {
        let check = |pattern, text, expected| check(Syntax::Extended, pattern, text, expected);
        check("abc", "xabcx", Some((1, 4)));
        check("a|ab|abc", "abcd", Some((0, 3)));
        check("(ab)+", "xababab", Some((1, 7)));
        check("x*", "aaa", Some((0, 0)));
        check("^a.c$", "abc", Some((0, 3)));
        check("^a.c$", "xabc", None);
        check("[0-9]{2,3}", "a12345", Some((1, 4)));
        check("a{2}", "aaa", Some((0, 2)));
        check("a{,2}b", "aaab", Some((1, 4)));
        check("[^a-z]+", "abcXY1d", Some((3, 6)));
        check("[[:space:]]b", "a b", Some((1, 3)));
        check("colou?r", "my color", Some((3, 8)));
        check("\\bfoo\\b", "a foo b", Some((2, 5)));
        check("\\<oo", "foo", None);
        check("\\w+\\>", "-ab-", Some((1, 3)));
        check("a\\.b", "axb a.b", Some((4, 7)));
        check("()", "x", Some((0, 0)));
        check("a||b", "b", Some((0, 1)));
        check("*a", "*a", Some((0, 2)));
        check("a{x", "a{x", Some((0, 3)));
    }

    #[test]
    fn basic_expressions_escape_their_operators() {
        let check = |pattern, text, expected| check(Syntax::Basic, pattern, text, expected);
        check("a+b", "aab a+b", Some((4, 7)));
        check("a\\+b", "aab", Some((0, 3)));
        check("\\(ab\\)*c", "ababc", Some((0, 5)));
        check("a\\|b", "b", Some((0, 1)));
        check("a\\{2\\}", "aa", Some((0, 2)));
        check("*a", "*a", Some((0, 2)));
        check("a^b$c", "a^b$c", Some((0, 5)));
        check("(x)", "(x)", Some((0, 3)));
    }

    #[test]
    fn case_folding_reaches_into_classes() {
        let regex = Regex::new(b"[a-c]X", Syntax::Extended, true).unwrap();
        assert_eq!(regex.find(b"--Bx", 0), Some((2, 4)));
    }

    #[test]
    fn malformed_expressions_are_refused() {
        for (pattern, error) in [
            ("(a", Error::Parenthesis),
            ("a)", Error::Parenthesis),
            ("[a", Error::Bracket),
            ("a{3,2}", Error::Interval),
            ("a{70000}", Error::Interval),
            ("a\\", Error::Backslash),
        ] {
            let got = Regex::new(pattern.as_bytes(), Syntax::Extended, false).err();
            assert_eq!(got, Some(error), "{pattern}");
        }
    }

    #[test]
    fn nested_repetition_stays_fast() {
        let text = [b'a'; 2000];
        let regex = Regex::new(b"(a*)*b", Syntax::Extended, false).unwrap();
        assert_eq!(regex.find(&text, 1900), None);
    }
}
