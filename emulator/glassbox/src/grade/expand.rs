//! `{name}` in a lab's texts becomes the value drawn under that name.

use super::random::{Draw, Random};
use std::collections::{BTreeMap, BTreeSet};

/// How often another word is drawn when one is taken.
const ATTEMPTS: u64 = 64;

/// The values of a test.
#[derive(Clone, Debug, Default)]
pub struct Values(BTreeMap<String, String>);

impl Values {
    /// Draws them; no two words are equal.
    ///
    /// # Errors
    /// One line: a name or what is to be drawn under it makes no sense.
    pub fn draw(wanted: &BTreeMap<String, String>, random: &Random) -> Result<Self, String> {
        let mut values = BTreeMap::new();
        let mut taken = BTreeSet::new();
        for (name, text) in wanted {
            if !is_name(name) {
                return Err(format!(
                    "random: '{name}' is no name: small letters, digits and _"
                ));
            }
            let draw = Draw::parse(text).ok_or_else(|| {
                format!(
                    "random.{name}: '{text}' is neither \"word\" nor a range such as \"10..99\""
                )
            })?;
            let attempts = (0..ATTEMPTS).map(|attempt| random.draw(name, &draw, attempt));
            let mut free = attempts.filter(|value| draw != Draw::Word || !taken.contains(value));
            let value = free.next().unwrap_or_else(|| random.draw(name, &draw, 0));
            taken.insert(value.clone());
            values.insert(name.clone(), value);
        }
        Ok(Self(values))
    }

    /// The text with values in place of names. `${name}` is the shell's and stays.
    ///
    /// # Errors
    /// One line: nothing was drawn under a name.
    pub fn expand(&self, text: &str) -> Result<String, String> {
        let mut out = String::new();
        let mut rest = text;
        while let Some(at) = rest.find('{') {
            let (before, from) = rest.split_at(at);
            out.push_str(before);
            let name = from[1..].split_once('}').map(|(name, _)| name);
            match name.filter(|name| is_name(name) && !before.ends_with('$')) {
                Some(name) => {
                    let value = self.0.get(name);
                    out.push_str(value.ok_or_else(|| {
                        format!("{{{name}}}: there is no random value of this name")
                    })?);
                    rest = &from[name.len() + 2..];
                }
                None => {
                    out.push('{');
                    rest = &from[1..];
                }
            }
        }
        out.push_str(rest);
        Ok(out)
    }
}

/// Whether this can be the name of a value; a pattern's `{2,3}` cannot.
fn is_name(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_lowercase())
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(wanted: &[(&str, &str)]) -> Result<Values, String> {
        let wanted = wanted
            .iter()
            .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
            .collect();
        Values::draw(&wanted, &Random::new(7, "test"))
    }

    #[test]
    fn names_become_values_and_other_braces_stay() {
        let values = values(&[("n", "5..5"), ("word", "word")]).unwrap();
        let word = values.expand("{word}").unwrap();
        assert_eq!(word.len(), 8);
        for (text, expected) in [
            ("a{n}b{n}", "a5b5".to_owned()),
            (
                "${n} { echo; } x{2,3} {",
                "${n} { echo; } x{2,3} {".to_owned(),
            ),
            ("/data/{word}", format!("/data/{word}")),
        ] {
            assert_eq!(values.expand(text).unwrap(), expected);
        }
    }

    #[test]
    fn a_name_without_a_value_is_a_mistake() {
        let error = values(&[]).unwrap().expand("x {wrod}").unwrap_err();
        assert_eq!(error, "{wrod}: there is no random value of this name");
        assert!(values(&[("N", "word")]).unwrap_err().contains("no name"));
        assert!(
            values(&[("n", "often")])
                .unwrap_err()
                .starts_with("random.n: ")
        );
    }

    #[test]
    fn words_of_a_test_differ() {
        let names: Vec<String> = (0..20_000).map(|n| format!("w{n}")).collect();
        let wanted: Vec<(&str, &str)> = names.iter().map(|n| (&n[..], "word")).collect();
        let values = values(&wanted).unwrap();
        let different: BTreeSet<&String> = values.0.values().collect();
        assert_eq!(different.len(), names.len());
    }
}
