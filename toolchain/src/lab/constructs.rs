//! Constructs that a submission may not bring: with them code could forge what the grader believes
//! (a probe's note, a symbol, a section) or reach files and variables of the host at build time.
//!
//! The text is lexed as Rust, so that comments and strings do not count. A file that cannot be lexed
//! is refused too: rustc would not take it, and a lexer that guesses can be led astray.

use anyhow::Result;
use proc_macro2::{Delimiter, TokenStream, TokenTree};

use super::refusal::Refusal;

/// Words that are refused wherever they stand: a `use` could rename a macro, another macro could put
/// the `!` behind it, and an attribute may be nested in `unsafe(...)` or `cfg_attr(...)`.
const WORDS: [&str; 21] = [
    // Machine code, and with it sections and notes.
    "asm",
    "global_asm",
    "naked_asm",
    "naked",
    // What the linker sees.
    "link_section",
    "link_name",
    "linkage",
    "no_mangle",
    "export_name",
    // Files of the host.
    "include",
    "include_str",
    "include_bytes",
    "option_env",
    // Code that runs inside the compiler.
    "proc_macro",
    "proc_macro_derive",
    "proc_macro_attribute",
    // What the grader listens to: only the lab's own sources may speak to it.
    "probe",
    "probe_site",
    "sdt_note",
    "inject",
    "debug_exit",
];

/// Refuses `text`, the contents of the file called `path`, if it brings more of any such construct
/// than `before` had. What stood there already is the lab's own and may stay.
pub fn check(path: &str, before: &str, text: &str) -> Result<()> {
    let found = find(path, text)?;
    if found.is_empty() {
        return Ok(());
    }
    let had = find(path, before)?;
    for (line, construct) in &found {
        let count = |list: &[(usize, String)]| list.iter().filter(|(_, c)| c == construct).count();
        if count(&found) > count(&had) {
            return Err(Refusal::error(format!(
                "{path}, line {line}: `{construct}` may not be used in a submission"
            )));
        }
    }
    Ok(())
}

/// How deep brackets may nest: the lexer recurses.
const DEEPEST: usize = 256;

/// Line and name of each construct.
fn find(path: &str, text: &str) -> Result<Vec<(usize, String)>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text); // so does rustc
    // To rustc the first line may be a shebang, and then it is none of the program: in `#!/*` it sees no comment.
    if text.starts_with("#!") && !text.starts_with("#![") {
        return Err(Refusal::error(format!("{path} begins with `#!`")));
    }
    if depth(text) > DEEPEST {
        return Err(Refusal::error(format!("{path} is nested too deeply")));
    }
    let stream: TokenStream = text.parse().map_err(|error: proc_macro2::LexError| {
        let line = error.span().start().line;
        Refusal::error(format!("{path}, line {line}: this is not Rust"))
    })?;
    let mut found = Vec::new();
    search(stream, Place::Code, &mut found);
    Ok(found)
}

/// How deep brackets can nest at most in `text`, those in comments and strings counted in.
fn depth(text: &str) -> usize {
    let (mut now, mut most) = (0usize, 0);
    for byte in text.bytes() {
        match byte {
            b'(' | b'[' | b'{' => now += 1,
            b')' | b']' | b'}' => now = now.saturating_sub(1),
            _ => {}
        }
        most = most.max(now);
    }
    most
}

/// Where tokens stand.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Code,
    /// In `#[...]`, where attributes are named.
    Attribute,
    /// Behind the `=` of an attribute.
    Value,
}

/// Looks through the tokens that stand in `place`.
fn search(stream: TokenStream, outside: Place, found: &mut Vec<(usize, String)>) {
    let mut place = outside;
    let tokens: Vec<TokenTree> = stream.into_iter().collect();
    for (at, token) in tokens.iter().enumerate() {
        let mut refuse = |construct: &str| {
            found.push((token.span().start().line, construct.to_string()));
        };
        if is_made_by_a_macro(&tokens[at..], place) {
            refuse("$ in the place of a name");
        }
        match token {
            TokenTree::Group(group) => {
                // `#[...]` and `#![...]`.
                let hash = at.checked_sub(1).map(|at| &tokens[at]);
                let is_attribute = group.delimiter() == Delimiter::Bracket
                    && (is_punct(hash, '#') || is_punct(hash, '!'));
                let inside = match place {
                    Place::Code if is_attribute => Place::Attribute,
                    _ => place,
                };
                search(group.stream(), inside, found);
            }
            TokenTree::Ident(ident) => {
                let name = ident.to_string();
                let name = name.strip_prefix("r#").unwrap_or(&name);
                let rest = [tokens.get(at + 1), tokens.get(at + 2)];
                if let Some(construct) = construct(name, rest, place != Place::Code) {
                    refuse(&construct);
                }
            }
            TokenTree::Punct(punct) => match (place, punct.as_char()) {
                (Place::Attribute, '=') => place = Place::Value,
                (Place::Value, ',') => place = outside,
                _ => {}
            },
            TokenTree::Literal(_) => {}
        }
    }
}

/// Whether a macro's definition, from here on, fills in what decides the meaning of the rest: `$name!(...)` calls any
/// macro, `#[$name = ...]` is any attribute. The words that it is filled with stand elsewhere and look harmless there.
fn is_made_by_a_macro(tokens: &[TokenTree], place: Place) -> bool {
    let [first, second, rest @ ..] = tokens else {
        return false;
    };
    let is_call = |rest: &[TokenTree]| {
        is_punct(rest.first(), '!') && matches!(rest.get(1), Some(TokenTree::Group(_)))
    };
    match second {
        _ if is_punct(Some(first), '#') => is_punct(Some(second), '$'),
        _ if !is_punct(Some(first), '$') => false,
        _ if place == Place::Attribute => true,
        // `$name!(...)`, or a repetition with its sign and, before that, what separates: `$($name),*!(...)`.
        TokenTree::Group(_) => (1..=2).any(|signs| rest.get(signs..).is_some_and(is_call)),
        _ => is_call(rest),
    }
}

/// What `name`, followed by `rest`, is called if it is refused.
fn construct(name: &str, rest: [Option<&TokenTree>; 2], in_attribute: bool) -> Option<String> {
    if WORDS.contains(&name) {
        return Some(name.to_string());
    }
    let [next, second] = rest;
    match name {
        // A variable may be called `path` too, and set to anything but plain text.
        "path" if is_punct(next, '=') => {
            let is_text = matches!(second, Some(TokenTree::Literal(_)));
            (in_attribute || is_text).then(|| "#[path]".into())
        }
        // A variable may be called `env`, but nobody gives it another name by `as`.
        "env" if is_punct(next, '!') || is_word(next, "as") => Some("env!".into()),
        "link" if in_attribute => Some("#[link]".into()),
        "extern" => is_word(next, "crate").then(|| "extern crate".into()),
        _ => None,
    }
}

fn is_word(token: Option<&TokenTree>, wanted: &str) -> bool {
    matches!(token, Some(TokenTree::Ident(ident)) if *ident == wanted)
}

fn is_punct(token: Option<&TokenTree>, wanted: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(before: &str, text: &str) -> String {
        check("a.rs", before, text).map_or_else(|error| error.to_string(), |()| String::new())
    }

    #[test]
    fn each_construct_is_found_with_its_line() {
        for (text, construct) in [
            ("fn f() { core::arch::asm!(\"nop\") }", "asm"),
            ("use core::arch::{global_asm as harmless};", "global_asm"),
            (
                "#[unsafe(link_section = \".note.stapsdt\")] static A: u8 = 0;",
                "link_section",
            ),
            ("#[unsafe(no_mangle)] fn memcpy() {}", "no_mangle"),
            (
                "#[cfg_attr(all(), export_name = \"f\")] fn g() {}",
                "export_name",
            ),
            (
                "const A: &str = include_str!(\"/etc/passwd\");",
                "include_str",
            ),
            (
                "const A: &str = r#include_str!(\"/etc/passwd\");",
                "include_str",
            ),
            ("const A: &str = env!(\"HOME\");", "env!"),
            ("#[path = \"/etc/x.rs\"] mod x;", "#[path]"),
            ("m! { path = \"/etc/x.rs\" }", "#[path]"),
            ("extern crate std;", "extern crate"),
            ("#[proc_macro] pub fn m() {}", "proc_macro"),
            ("fn f() { crate::probe!(sched_pick, 1) }", "probe"),
            ("fn f() { crate::probe_site!(sched_pick, 1) }", "probe_site"),
            ("use core::{env as harmless};", "env!"),
        ] {
            let said = refusal("", &format!("// first\n{text}"));
            let wanted = format!("a.rs, line 2: `{construct}` may not be used in a submission");
            assert_eq!(said, wanted, "{text}");
        }
    }

    #[test]
    fn a_macro_may_fill_in_values_but_no_names() {
        for text in [
            "macro_rules! m { ($a:ident) => { $a!(\"HOME\") } }",
            "macro_rules! m { ($($a:ident)*) => { $($a)*!(\"HOME\") } }",
            "macro_rules! m { ($($a:ident),*) => { $($a),*!{} } }",
            "macro_rules! m { ($a:ident) => { #[$a = \"/etc/x.rs\"] mod x; } }",
            "macro_rules! m { ($a:meta) => { #[cfg_attr(all(), doc = \"\", $a)] mod x; } }",
            "macro_rules! m { ($a:tt) => { #$a mod x; } }",
        ] {
            let refused = refusal("", text);
            assert!(
                refused.contains("`$ in the place of a name`"),
                "{text}: {refused}"
            );
        }
        for text in [
            "macro_rules! m { ($a:expr) => { #[doc = $a] struct S; } }",
            "macro_rules! m { ($a:expr) => { #[doc = concat!(\"of \", $a)] struct S; } }",
            "macro_rules! m { ($a:ident, $b:expr) => { if $a != ($b) { $a(!$b); other!($a) } } }",
            "macro_rules! m { ($($a:ident),*) => { [$(!$a),*] } }",
        ] {
            assert_eq!(refusal("", text), "", "{text}");
        }
    }

    #[test]
    fn a_first_line_that_is_no_rust_is_refused() {
        let hidden = "/*\n#[unsafe(no_mangle)] fn memcpy() {}\n// */";
        for head in ["#!", "\u{feff}#!", "#! ", "#!/bin/sh "] {
            assert_eq!(
                refusal("", &format!("{head}{hidden}")),
                "a.rs begins with `#!`"
            );
        }
        assert_eq!(refusal("", "#![warn(missing_docs)]"), "");
    }

    #[test]
    fn comments_strings_and_innocent_names_do_not_count() {
        for text in [
            "// asm! and /* include! */",
            "/* /* asm!() */ no_mangle */",
            "const A: &str = \"asm!(\\\"x\\\")\"; const B: &str = r#\"no_mangle\"#; const C: char = '\"';",
            "fn f<'a>(path: &'a str, env: u32) { let mut path = path; path = other(); let _ = env; }",
            "type F = extern \"C\" fn(u32) -> u32;",
            "fn assembly() { linked(); }",
        ] {
            assert_eq!(refusal("", text), "", "{text}");
        }
    }

    #[test]
    fn what_stood_there_may_stay_but_not_grow() {
        let before = "fn f() { crate::probe!(a); }";
        assert_eq!(
            refusal(before, "fn g() {}\nfn f() { crate::probe!(a); }"),
            ""
        );
        let more = "fn f() { crate::probe!(a); crate::probe!(b); }";
        assert!(refusal(before, more).contains("`probe`"));
    }

    #[test]
    fn what_cannot_be_lexed_is_refused() {
        for text in ["fn f() { \"", "fn f() }", "/* open", "let x = 'ab';"] {
            assert!(refusal("", text).ends_with("this is not Rust"), "{text}");
        }
        assert_eq!(
            refusal("", &"(".repeat(100_000)),
            "a.rs is nested too deeply"
        );
    }
}
