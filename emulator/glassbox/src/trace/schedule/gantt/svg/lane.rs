//! The lane of a process.

use super::xml::{cut, escaped, ms, ms_long};
use super::{BAR, COLUMNS, CPUS, LANE, Picture, TOP, WIDTH};
use crate::trace::schedule::gantt::ticks::short;
use crate::trace::schedule::process::{Phase, Process};
use crate::trace::schedule::timeline::{Span, thinned};
use base::Time;
use std::fmt::{self, Write as _};

impl Picture<'_> {
    /// Its number, name and times; what it did when; what programs it ran, and its end.
    pub(super) fn lane(&mut self, index: usize, process: &Process) -> fmt::Result {
        let top = TOP + LANE * index as f64;
        if index.is_multiple_of(2) {
            writeln!(
                self.out,
                "<rect x=\"10\" y=\"{top:.1}\" width=\"{:.1}\" height=\"{LANE}\" rx=\"3\" class=\"b\"/>",
                WIDTH - 20.0
            )?;
        }
        let base = top + LANE - 12.0;
        writeln!(
            self.out,
            "<text x=\"52\" y=\"{base:.1}\" class=\"g\" text-anchor=\"end\">{}</text>\
             <text x=\"62\" y=\"{base:.1}\" font-weight=\"600\">{}</text>",
            process.pid,
            escaped(&cut(&process.name(), 12))
        )?;
        let account = &process.account;
        let numbers = [
            Some(account.running),
            Some(account.waiting),
            Some(account.blocked),
            process.turnaround(),
        ];
        for ((x, _), time) in COLUMNS.into_iter().zip(numbers) {
            let text = time.map_or("–".to_owned(), ms);
            writeln!(
                self.out,
                "<text x=\"{x}\" y=\"{base:.1}\" text-anchor=\"end\" class=\"n\">{text}</text>"
            )?;
        }
        writeln!(self.out, "<g>")?;
        let y = top + LANE - BAR - 8.0;
        let who = format!("{} ({})", process.name(), process.pid);
        // What is narrower than half a pixel is merged with its neighbours.
        let grain = Time((0.5 / self.scale) as u64);
        for span in thinned(&self.chart.spans(process), grain) {
            self.span(&span, y, &who)?;
        }
        self.programs(process, y)?;
        if let Some(end) = process.completion
            && (self.chart.from..=self.chart.to).contains(&end)
        {
            writeln!(
                self.out,
                "<path d=\"M{0:.1} {1:.1}v{2}\" class=\"e\"><title>{3} ended at {4}</title></path>",
                self.x(end),
                y - 2.0,
                BAR + 4.0,
                escaped(&who),
                ms_long(end)
            )?;
        }
        writeln!(self.out, "</g>")
    }

    fn span(&mut self, span: &Span, y: f64, who: &str) -> fmt::Result {
        let (x, end) = (self.x(span.from), self.x(span.to));
        let width = (end - x).max(0.4);
        let title = |what: &str| {
            format!(
                "<title>{}: {}, {} to {} ({})</title>",
                escaped(who),
                escaped(what),
                ms_long(span.from),
                ms_long(span.to),
                short(span.len()).replace("us", "µs")
            )
        };
        let middle = y + BAR / 2.0;
        match span.phase {
            Phase::Running(cpu) => writeln!(
                self.out,
                "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{BAR}\" class=\"c{}\">{}</rect>",
                usize::from(cpu) % CPUS,
                title(&format!("running on CPU {cpu}"))
            ),
            Phase::Waiting => writeln!(
                self.out,
                "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{BAR}\" class=\"w\">{}</rect>",
                title("waiting (runnable)")
            ),
            Phase::Blocked(wait) => {
                let name = self.chart.accounts.waits().name(wait);
                writeln!(
                    self.out,
                    "<path d=\"M{x:.1} {middle:.1}h{width:.1}\" class=\"k\">{}</path>",
                    title(&format!("blocked on {name}"))
                )?;
                let room = (width - 6.0) / 5.8;
                if (name.len() as f64) < room {
                    writeln!(
                        self.out,
                        "<text x=\"{:.1}\" y=\"{:.1}\" class=\"l\" text-anchor=\"middle\">{}</text>",
                        x + width / 2.0,
                        middle - 4.0,
                        escaped(&name)
                    )?;
                }
                Ok(())
            }
            Phase::Stopped => writeln!(
                self.out,
                "<path d=\"M{x:.1} {middle:.1}h{width:.1}\" class=\"s\">{}</path>",
                title("stopped")
            ),
            Phase::Zombie => writeln!(
                self.out,
                "<path d=\"M{x:.1} {middle:.1}h{width:.1}\" class=\"z\">{}</path>",
                title("ended, not waited for yet")
            ),
            Phase::Gone => Ok(()),
        }
    }

    /// Where the process began to run another program: a mark, and the program's name.
    fn programs(&mut self, process: &Process, y: f64) -> fmt::Result {
        let mut free = 0.0;
        for (time, path) in &process.programs {
            if !(self.chart.from..=self.chart.to).contains(time) {
                continue;
            }
            let x = self.x(*time);
            let path = path.escape_ascii().to_string();
            let name = cut(path.rsplit('/').next().unwrap_or_default(), 12);
            writeln!(
                self.out,
                "<path d=\"M{x:.1} {:.1}l-3 -5h6z\" class=\"x\"><title>exec {} at {}</title></path>",
                y - 0.5,
                escaped(&cut(&path, 200)),
                ms_long(*time)
            )?;
            if x > free {
                writeln!(
                    self.out,
                    "<text x=\"{:.1}\" y=\"{:.1}\" class=\"p\">{}</text>",
                    x + 5.0,
                    y - 1.5,
                    escaped(&name)
                )?;
                free = x + 10.0 + 6.4 * name.len() as f64;
            }
        }
        Ok(())
    }
}
