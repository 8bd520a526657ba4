//! Text in columns.

use std::fmt::Write as _;

/// Rows of cells, set in columns as wide as they have to be.
#[derive(Debug, Default)]
pub struct Table {
    /// The words above the columns.
    pub head: Vec<String>,
    /// Words above several columns: the first, how many, the words.
    pub groups: Vec<(usize, usize, String)>,
    /// As many cells each as the head has.
    pub rows: Vec<Vec<String>>,
    /// Columns set to the left; the others are numbers.
    pub left: Vec<usize>,
    /// How many rows at the end stand below a line.
    pub foot: usize,
}

impl Table {
    /// The table in lines.
    pub fn show(&self) -> String {
        let width = |column: usize| {
            let cells = self.rows.iter().map(|row| row[column].len());
            cells.max().unwrap_or(0).max(self.head[column].len())
        };
        let widths: Vec<usize> = (0..self.head.len()).map(width).collect();
        let mut text = String::new();
        if !self.groups.is_empty() {
            text.push_str(&self.group_line(&widths));
        }
        self.line(&self.head, &widths, &mut text);
        for (index, row) in self.rows.iter().enumerate() {
            if index + self.foot == self.rows.len() {
                let rules: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
                self.line(&rules, &widths, &mut text);
            }
            self.line(row, &widths, &mut text);
        }
        text
    }

    fn line(&self, cells: &[String], widths: &[usize], text: &mut String) {
        let mut line = String::new();
        for (column, (cell, &width)) in cells.iter().zip(widths).enumerate() {
            let _ = if self.left.contains(&column) {
                write!(line, "  {cell:<width$}")
            } else {
                write!(line, "  {cell:>width$}")
            };
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }

    /// The words above the head, each between dashes as wide as its columns.
    fn group_line(&self, widths: &[usize]) -> String {
        let start = |column: usize| {
            widths[..column]
                .iter()
                .map(|width| width + 2)
                .sum::<usize>()
                + 2
        };
        let mut line = String::new();
        for (first, count, words) in &self.groups {
            let (from, to) = (start(*first), start(first + count) - 2);
            line = format!("{:<from$}", line);
            let room = to - from;
            let rest = room.saturating_sub(words.len() + 2);
            let _ = match rest {
                // Dashes on one side only would look like a mistake.
                0 | 1 => write!(line, "{words:^room$}"),
                _ => write!(
                    line,
                    "{} {words} {}",
                    "-".repeat(rest / 2),
                    "-".repeat(rest - rest / 2)
                ),
            };
        }
        line.push('\n');
        line
    }
}
