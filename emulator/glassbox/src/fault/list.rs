//! What `--fault-list` prints: the sites of a machine and its kernel, and how often each was passed.

use super::action::Sort;
use super::plan::Plan;
use crate::sites::{Board, DISK_OPS};
use abi::inject::{self, Key};
use base::Site;
use base::event::DiskOp;
use machine::names;
use std::fmt::Write;

/// The table, after a run that made the choices of `plan`.
pub fn table(board: &Board, plan: &Plan) -> String {
    let mut rows: Vec<(String, String, &str)> = Vec::new();
    let row = |site: Site, sort: Sort| {
        (
            board.site(site),
            plan.passes(site).to_string(),
            sort.actions(),
        )
    };
    for (op, _) in DISK_OPS.into_iter().filter(|(op, _)| *op != DiskOp::Other) {
        rows.push(row(Site::Disk(op), Sort::Disk(op)));
    }
    rows.push(row(Site::Timer, Sort::Irq));
    for (_, line) in names::lines(&board.arch) {
        rows.push(row(Site::Line(*line), Sort::Irq));
    }
    for (number, name) in (0..).zip(&board.points) {
        let point = inject::by_name(name);
        let sort = Sort::Point(point.map(|point| point.value));
        let key = point.map(|point| point.key);
        let of_this = |site: &Site| matches!(site, Site::Point { point, .. } if *point == number);
        let mut passed: Vec<Site> = plan
            .counts()
            .map(|(site, _)| site)
            .filter(of_this)
            .collect();
        if passed.is_empty() && key != Some(Key::Syscall) {
            passed.push(Site::Point {
                point: number,
                key: 0,
            });
        }
        rows.extend(passed.into_iter().map(|site| row(site, sort)));
        if key == Some(Key::Syscall) {
            rows.push((format!("{name}.NAME"), "0".into(), "any other system call"));
        }
    }
    rows.push((
        "mem.flip@ADDRESS:BIT".into(),
        String::new(),
        "#time=TIME, #insn=N",
    ));
    rows.push((
        "cut@SITE#N".into(),
        String::new(),
        "the power goes; also cut@time=TIME, cut@insn=N",
    ));
    let width =
        |column: fn(&(String, String, &str)) -> usize| rows.iter().map(column).max().unwrap_or(0);
    let (names, counts) = (width(|row| row.0.len()), width(|row| row.1.len()).max(6));
    let mut text = format!(
        "{:<names$}  {:>counts$}  what can happen\n",
        "site", "passed"
    );
    for (name, count, what) in &rows {
        let _ = writeln!(text, "{name:<names$}  {count:>counts$}  {what}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::Chooser;

    #[test]
    fn the_table_has_every_site_with_its_passes() {
        let board = Board {
            arch: "x86_64".into(),
            points: vec!["alloc".into(), "coin".into(), "syscall".into()],
        };
        let mut plan = Plan::new(0, Vec::new());
        for _ in 0..12 {
            plan.pass(Site::Disk(DiskOp::Write));
        }
        plan.pass(Site::Point {
            point: 2,
            key: abi::nr::READ,
        });
        let text = table(&board, &plan);
        let has = |name: &str, count: &str| {
            let words = |line: &str| {
                let mut words = line.split_whitespace();
                (words.next() == Some(name)) && words.next() == Some(count)
            };
            assert!(text.lines().any(words), "{name} {count}:\n{text}");
        };
        has("disk.write", "12");
        has("disk.read", "0");
        has("irq.disk", "0");
        has("irq.timer", "0");
        has("alloc", "0");
        has("coin", "0");
        has("syscall.read", "1");
        assert!(text.lines().all(|line| line.len() < 100), "{text}");
    }
}
