//! Every piece of unsafe code says why it is sound: `// SAFETY:` at a block or an implementation,
//! and a `# Safety` section for callers at an unsafe function.

use super::source::{Finding, Source, Tree, words};

/// The rule.
pub fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in &tree.sources {
        for (line, code) in source.code_lines() {
            if needs_reason(code) && !has_reason(source, line) {
                findings.push(Finding::new(
                    &source.path,
                    line,
                    "unsafe without a `// SAFETY:` above it",
                ));
            }
        }
    }
    findings
}

/// Blocks, implementations and public functions need one. A private function is explained where its
/// blocks are and a trait's method by its trait; a function *type*, a block of foreign declarations
/// and an attribute such as `#[unsafe(no_mangle)]` do nothing by themselves.
fn needs_reason(code: &str) -> bool {
    let mut parts = code.split("unsafe").map(str::trim_start);
    let before = parts.next().unwrap_or_default();
    let whole_word = !before.ends_with('_') && words(code).any(|word| word == "unsafe");
    let Some(rest) = parts.next().filter(|_| whole_word) else {
        return false;
    };
    let (foreign, rest) = match rest.strip_prefix("extern") {
        Some(rest) => (true, rest.trim_start()),
        None => (false, rest),
    };
    let private = rest.starts_with("fn ") && !words(before).any(|word| word == "pub");
    let idle = private
        || rest.starts_with('(')
        || rest.starts_with("fn(")
        || (foreign && rest.starts_with('{'));
    !idle
}

/// Looks at the line itself and upwards through comments, attributes and the beginning of the same
/// statement.
fn has_reason(source: &Source, line: usize) -> bool {
    let texts: Vec<&str> = source.text.lines().take(line).collect();
    let codes: Vec<&str> = source.code.lines().take(line).collect();
    for (distance, (text, code)) in texts.iter().zip(&codes).rev().enumerate() {
        if text.contains("SAFETY:") || text.contains("# Safety") {
            return true;
        }
        let code = code.trim();
        let ends_statement = code.ends_with([';', '}', '{']) && !code.starts_with("#[");
        // Neighbouring one-line implementations (Send and Sync) may share one reason.
        let sibling = code.starts_with("unsafe impl") && code.ends_with("{}");
        if distance > 0 && ends_statement && !sibling {
            return false;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(code: &str) -> usize {
        check(&Tree::of("emulator/engine/src/lib.rs", code)).len()
    }

    #[test]
    fn unsafe_code_without_a_reason_is_found() {
        assert_eq!(findings("fn f() {\n    unsafe { g() }\n}"), 1);
        assert_eq!(findings("pub unsafe fn f() {}"), 1);
        assert_eq!(
            findings("// SAFETY: of the line before.\nlet a = 1;\nunsafe { g() }"),
            1
        );
        assert_eq!(findings("unsafe impl Send for P {}"), 1);
    }

    #[test]
    fn a_reason_may_stand_above_the_statement_or_in_the_documentation() {
        assert_eq!(findings("// SAFETY: g is fine.\nunsafe { g() }"), 0);
        assert_eq!(
            findings("// SAFETY: g is fine.\nlet a =\n    unsafe { g() };"),
            0
        );
        assert_eq!(
            findings("/// # Safety\n/// Call it once.\n#[inline]\npub unsafe fn f() {}"),
            0
        );
        assert_eq!(
            findings(
                "// SAFETY: no threads.\nunsafe impl Send for P {}\nunsafe impl Sync for P {}"
            ),
            0
        );
    }

    #[test]
    fn declarations_need_none() {
        assert_eq!(
            findings("type F = unsafe extern \"C\" fn(u64);\n#[unsafe(no_mangle)]"),
            0
        );
    }
}
