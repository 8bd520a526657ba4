//! The report for people.

use super::report::{Details, Line, Report};
use std::fmt;

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(refusal) = &self.refusal {
            return writeln!(f, "{}: 0 points: {}", self.lab, refusal.reason);
        }
        writeln!(f, "{}: {} (seed {})\n", self.lab, self.title, self.seed)?;
        let name = |test: &Line| test.name.len();
        let width = self
            .tests
            .iter()
            .map(name)
            .max()
            .unwrap_or(0)
            .max("total".len());
        let digits = self.of.to_string().len();
        let row = |f: &mut fmt::Formatter<'_>, name: &str, points: u64, of: u64, verdict: &str| {
            let text = format!("{name:width$}  {points:>digits$} / {of:>digits$}  {verdict}");
            writeln!(f, "{}", text.trim_end())
        };
        for test in &self.tests {
            row(f, &test.name, test.points, test.of, test.verdict)?;
            if let Some(details) = &test.details {
                failures(f, details)?;
            }
        }
        row(f, "total", self.points, self.of, "")?;
        if self.probes.ignored > 0 {
            let names = self.probes.ignored_names.iter();
            let names: Vec<String> = names
                .map(|(name, count)| format!("{name} ({count})"))
                .collect();
            let of = self.probes.believed + self.probes.ignored;
            writeln!(
                f,
                "\n{} of {of} probes are not believed, because the submission may have placed them: {}",
                self.probes.ignored,
                names.join(", ")
            )?;
        }
        Ok(())
    }
}

/// What went wrong, below a test's row.
fn failures(f: &mut fmt::Formatter<'_>, details: &Details) -> fmt::Result {
    if details.void {
        writeln!(f, "    no points: {}", details.ended)?;
    }
    for check in &details.failed {
        if check.name == check.expected {
            writeln!(f, "    expected {}", check.expected)?;
        } else {
            writeln!(f, "    {}: expected {}", check.name, check.expected)?;
        }
        writeln!(f, "        saw {}", check.seen)?;
        if let Some(feedback) = &check.feedback {
            writeln!(f, "        {feedback}")?;
        }
    }
    if let Some(feedback) = &details.feedback {
        writeln!(f, "    {feedback}")?;
    }
    if let Some(again) = &details.again {
        writeln!(f, "    again: {again}")?;
    }
    if let Some(token) = &details.replay {
        writeln!(f, "    replay: {token}")?;
    }
    Ok(())
}
