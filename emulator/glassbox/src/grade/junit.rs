//! The report as JUnit XML, for whoever collects test results. A partly passed test is a failure there.

use super::report::{Details, Report};
use std::fmt::Write;

impl Report {
    /// The report as a JUnit test suite.
    pub fn junit(&self) -> String {
        let failures = self.tests.iter().filter(|test| test.verdict != "passed");
        let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
        let lab = escaped(&self.lab);
        let _ = writeln!(
            xml,
            "<testsuites>\n<testsuite name=\"{lab}\" tests=\"{}\" failures=\"{}\" errors=\"0\">",
            self.tests.len(),
            failures.count()
        );
        let _ = writeln!(
            xml,
            "<properties>\n<property name=\"seed\" value=\"{}\"/>\n<property name=\"points\" value=\"{}\"/>\n\
             <property name=\"of\" value=\"{}\"/>\n<property name=\"ignored probes\" value=\"{}\"/>\n</properties>",
            self.seed, self.points, self.of, self.probes.ignored
        );
        for test in &self.tests {
            let name = escaped(&test.name);
            let score = format!("{} of {} points", test.points, test.of);
            let _ = write!(xml, "<testcase classname=\"{lab}\" name=\"{name}\"");
            if test.verdict == "passed" {
                xml.push_str("/>\n");
                continue;
            }
            let details = match (&self.refusal, &test.details) {
                (Some(refusal), _) => refusal.reason.clone(),
                (None, details) => details.as_ref().map(text).unwrap_or_default(),
            };
            let _ = writeln!(
                xml,
                ">\n<failure message=\"{score}\" type=\"{}\">{}</failure>\n</testcase>",
                test.verdict,
                escaped(&details)
            );
        }
        if let Some(words) = self
            .refusal
            .as_ref()
            .and_then(|refusal| refusal.compiler.as_ref())
        {
            let _ = writeln!(xml, "<system-err>{}</system-err>", escaped(words));
        }
        xml.push_str("</testsuite>\n</testsuites>\n");
        xml
    }
}

fn text(details: &Details) -> String {
    let mut lines = Vec::new();
    if details.void {
        lines.push(format!("no points: {}", details.ended));
    }
    for check in &details.failed {
        lines.push(format!(
            "{}: expected {}, saw {}",
            check.name, check.expected, check.seen
        ));
        lines.extend(check.feedback.clone());
    }
    lines.extend(details.feedback.clone());
    lines.extend(
        details
            .again
            .as_ref()
            .map(|again| format!("again: {again}")),
    );
    lines.join("\n")
}

/// Text that is text in XML, too; what no document may hold becomes a question mark.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' => out.push(c),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('?'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn nothing_ends_a_tag_or_acts_on_a_terminal() {
        assert_eq!(
            escaped("<a b=\"&\">\x1b\n"),
            "&lt;a b=&quot;&amp;&quot;&gt;?\n"
        );
    }
}
