//! Every package from outside has a licence that the list in `toolchain/licences.toml` allows.
//!
//! A licence is an SPDX expression: names joined by AND and OR, in parentheses. Of an OR one side
//! has to be allowed, of an AND both. Old packages write `/` for OR.

use std::collections::BTreeSet;
use std::iter::Peekable;
use std::vec::IntoIter;

use super::source::{Finding, Tree};

/// Where the list is.
const LIST: &str = "toolchain/licences.toml";

/// The rule.
pub fn check(tree: &Tree) -> Vec<Finding> {
    let parsed = tree.licences.parse::<toml::Table>();
    let Ok(table) = parsed else {
        return vec![Finding::new(LIST, 1, "this is not TOML")];
    };
    let names = table
        .get("allow")
        .and_then(|allow| allow.as_array())
        .into_iter()
        .flatten();
    let allow: BTreeSet<&str> = names.filter_map(|name| name.as_str()).collect();

    let mut messages = BTreeSet::new();
    for package in &tree.foreign {
        let licence = package.licence.as_deref().unwrap_or("no licence at all");
        if !permits(licence, &allow) {
            messages.insert(format!(
                "{} {} has {licence}",
                package.name, package.version
            ));
        }
    }
    messages
        .into_iter()
        .map(|message| Finding::new(LIST, 1, message))
        .collect()
}

/// Whether `expression` can be met with licences in `allow` alone. Nonsense cannot.
fn permits(expression: &str, allow: &BTreeSet<&str>) -> bool {
    let spaced = expression
        .replace('/', " OR ")
        .replace('(', " ( ")
        .replace(')', " ) ");
    let tokens: Vec<String> = spaced.split_whitespace().map(str::to_string).collect();
    let mut tokens = tokens.into_iter().peekable();
    any(&mut tokens, allow).is_some_and(|permitted| permitted && tokens.next().is_none())
}

type Tokens = Peekable<IntoIter<String>>;

/// `all (OR all)*`
fn any(tokens: &mut Tokens, allow: &BTreeSet<&str>) -> Option<bool> {
    let mut permitted = all(tokens, allow)?;
    while tokens.next_if(|token| token == "OR").is_some() {
        permitted |= all(tokens, allow)?;
    }
    Some(permitted)
}

/// `one (AND one)*`
fn all(tokens: &mut Tokens, allow: &BTreeSet<&str>) -> Option<bool> {
    let mut permitted = one(tokens, allow)?;
    while tokens.next_if(|token| token == "AND").is_some() {
        permitted &= one(tokens, allow)?;
    }
    Some(permitted)
}

/// A name, perhaps `WITH` an exception, or an expression in parentheses.
fn one(tokens: &mut Tokens, allow: &BTreeSet<&str>) -> Option<bool> {
    let token = tokens.next()?;
    if token == "(" {
        let permitted = any(tokens, allow)?;
        return tokens.next_if(|token| token == ")").map(|_| permitted);
    }
    let name = match tokens.next_if(|token| token == "WITH") {
        Some(_) => format!("{token} WITH {}", tokens.next()?),
        None => token,
    };
    Some(allow.contains(name.as_str()))
}

#[cfg(test)]
mod tests {
    use super::super::source::Foreign;
    use super::*;

    fn findings(licence: Option<&str>) -> usize {
        let package = Foreign {
            name: "p".into(),
            version: "1.0.0".into(),
            licence: licence.map(str::to_string),
        };
        let licences = "allow = [\"MIT\", \"Apache-2.0\", \"Apache-2.0 WITH LLVM-exception\", \"Unicode-3.0\"]";
        check(&Tree {
            foreign: vec![package],
            licences: licences.into(),
            ..Tree::default()
        })
        .len()
    }

    #[test]
    fn a_licence_outside_the_list_is_found() {
        assert_eq!(findings(Some("GPL-3.0-only")), 1);
        assert_eq!(findings(Some("MIT AND GPL-3.0-only")), 1);
        assert_eq!(findings(Some("MIT OR")), 1);
        assert_eq!(findings(None), 1);
    }

    #[test]
    fn one_side_of_an_or_and_both_of_an_and_have_to_be_allowed() {
        assert_eq!(findings(Some("MIT OR GPL-3.0-only")), 0);
        assert_eq!(findings(Some("MIT/Apache-2.0")), 0);
        assert_eq!(
            findings(Some("(GPL-2.0-only OR Apache-2.0) AND Unicode-3.0")),
            0
        );
        assert_eq!(findings(Some("Apache-2.0 WITH LLVM-exception")), 0);
    }
}
