//! What became of the mutants, for people: a line each, the sum last.
//!
//! Key types: [`Verdict`] and [`Report`].

use std::fmt;

/// Share of the mutants that must be killed, in percent.
const REQUIRED: usize = 95;
/// Columns of a mutant's name, and of a judge's.
const NAME: usize = 28;
const JUDGE: usize = 18;

/// The judges that noticed, each with what it saw. Nobody: the mutant survived.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verdict(pub Vec<(String, String)>);

impl Verdict {
    fn is_killed(&self) -> bool {
        !self.0.is_empty()
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.is_killed() {
            return f.write_str("SURVIVED");
        }
        for (index, (judge, what)) in self.0.iter().enumerate() {
            if index > 0 {
                write!(f, "\n{:NAME$} ", "")?;
            }
            write!(f, "{judge:<JUDGE$} {what}")?;
        }
        Ok(())
    }
}

/// Names and verdicts.
pub struct Report(pub Vec<(String, Verdict)>);

impl Report {
    fn killed(&self) -> usize {
        let verdicts = self.0.iter().map(|(_, verdict)| verdict);
        verdicts.filter(|verdict| verdict.is_killed()).count()
    }

    /// Whether enough were killed.
    pub fn is_good(&self) -> bool {
        self.killed() * 100 >= self.0.len() * REQUIRED
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, verdict) in &self.0 {
            writeln!(f, "{name:<NAME$} {verdict}")?;
        }
        let (killed, all) = (self.killed(), self.0.len());
        let tenths = killed * 1000 / all.max(1);
        let percent = format!("{}.{} %", tenths / 10, tenths % 10);
        writeln!(f, "{killed} of {all} mutants killed ({percent})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(killed: usize, survived: usize) -> Report {
        let seen = |judge: &str, what: &str| (judge.to_string(), what.to_string());
        let both = vec![
            seen("crash, promise", "cut@end"),
            seen("usertests, 1 CPU", "brk_moves"),
        ];
        let mut verdicts = vec![("mutant".to_string(), Verdict(both)); killed];
        verdicts.extend(vec![("other".to_string(), Verdict::default()); survived]);
        Report(verdicts)
    }

    #[test]
    fn a_mutant_has_a_line_for_each_judge_that_noticed() {
        let lines = [
            "mutant                       crash, promise     cut@end",
            "                             usertests, 1 CPU   brk_moves",
            "other                        SURVIVED",
            "1 of 2 mutants killed (50.0 %)",
        ];
        assert_eq!(report(1, 1).to_string(), lines.join("\n") + "\n");
    }

    #[test]
    fn nineteen_of_twenty_are_enough() {
        assert!(report(19, 1).is_good());
        assert!(!report(18, 1).is_good());
    }
}
