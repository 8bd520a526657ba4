//! What the marks of a picture mean.

use super::{CPUS, Chart, Phase, WIDTH};
use std::collections::BTreeSet;

/// An entry of the legend, and where it stands.
pub struct Entry {
    /// The mark, as SVG around (11, 0).
    pub mark: String,
    /// What it means.
    pub words: String,
    /// Its left edge.
    pub x: f64,
    /// Its row.
    pub row: usize,
}

/// What the marks mean, of those that can be seen, in as many rows as it takes.
pub fn legend(chart: &Chart<'_>) -> Vec<Entry> {
    let bar =
        |class: &str| format!("<rect y=\"-6\" width=\"22\" height=\"12\" class=\"{class}\"/>");
    let line = |class: &str| format!("<path d=\"M0 0h22\" class=\"{class}\"/>");
    let mut marks = Vec::new();
    for cpu in 0..chart.accounts.cpus().len().min(CPUS) {
        marks.push((bar(&format!("c{cpu}")), format!("running on CPU {cpu}")));
    }
    marks.push((bar("w"), "waiting (runnable)".to_owned()));
    marks.push((line("k"), "blocked".to_owned()));
    let spans = chart.lanes.iter().flat_map(|p| chart.spans(p));
    let phases: BTreeSet<Phase> = spans.map(|span| span.phase).collect();
    if phases.contains(&Phase::Stopped) {
        marks.push((line("s"), "stopped".to_owned()));
    }
    if phases.contains(&Phase::Zombie) {
        marks.push((line("z"), "ended, not waited for".to_owned()));
    }
    let fork =
        "<path d=\"M11 -7v14\" class=\"f\"/><circle cx=\"11\" cy=\"-6\" r=\"2.2\" class=\"o\"/>";
    marks.push((fork.to_owned(), "fork".to_owned()));
    let exec = "<path d=\"M11 3l-3 -5h6z\" class=\"x\"/>";
    marks.push((exec.to_owned(), "exec".to_owned()));
    let exit = "<path d=\"M11 -8v16\" class=\"e\"/>";
    marks.push((exit.to_owned(), "exit".to_owned()));
    let (mut x, mut row) = (18.0, 0);
    let place = |(mark, words): (String, String)| {
        let width = 46.0 + 6.4 * words.len() as f64;
        if x + width > WIDTH {
            (x, row) = (18.0, row + 1);
        }
        let entry = Entry {
            mark,
            words,
            x,
            row,
        };
        x += width;
        entry
    };
    marks.into_iter().map(place).collect()
}
