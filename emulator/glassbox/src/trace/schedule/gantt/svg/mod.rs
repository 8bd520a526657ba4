//! A chart as a picture: standalone SVG 1.1 without scripts or fonts of its own, for a browser, a slide or a README.
//!
//! ```text
//!  title: the shell line
//!              │ 8 ms      │ 10 ms     │ 12 ms     running  waiting  turnaround
//!   2 sh       ███▒▒▒──wait4──────────────────██│     1.20     0.10       6.80
//!   3 cat        ╰▒▒████▒▒██│                         0.80     0.70       1.60
//!     CPU 0    sh   cat    cat                sh                    busy 71 %
//!  legend
//! ```

mod lane;
mod legend;
mod xml;

use super::ticks::{Ticks, short};
use super::{Chart, Phase};
use crate::trace::schedule::process::Process;
use crate::trace::schedule::timeline::Span;
use base::Time;
use legend::{Entry, legend};
use std::fmt::{self, Write as _};
use xml::{STYLE, cut, escaped, ms_long};

/// Width of the picture.
const WIDTH: f64 = 1240.0;
/// Where the lanes begin and end.
const LEFT: f64 = 150.0;
const RIGHT: f64 = 955.0;
/// Right edges of the columns of numbers, and their heads.
const COLUMNS: [(f64, &str); 4] = [
    (1030.0, "running"),
    (1088.0, "waiting"),
    (1146.0, "blocked"),
    (1222.0, "turnaround"),
];
/// Where the first lane begins.
const TOP: f64 = 118.0;
/// Heights of a process's lane, of a CPU's, and of their bars.
const LANE: f64 = 34.0;
const CPU_LANE: f64 = 27.0;
const BAR: f64 = 15.0;
/// Room between the processes and the CPUs.
const GAP: f64 = 14.0;
/// Most characters of the title, in large letters and in small ones.
const TITLES: [(usize, u8); 2] = [(102, 18), (140, 13)];

/// Height of a row of the legend.
const LEGEND: f64 = 22.0;
/// Colours for CPUs, in [`STYLE`]; told apart by most eyes.
const CPUS: usize = 8;

impl Chart<'_> {
    /// The picture. `line` is the shell line, for its title.
    pub fn svg(&self, line: &str) -> String {
        let mut svg = Picture {
            chart: self,
            out: String::new(),
            scale: (RIGHT - LEFT) / self.len().0.max(1) as f64,
            bottom: self.cpus_top() + CPU_LANE * self.accounts.cpus().len() as f64,
        };
        // Writing to a string does not fail.
        let _ = svg.draw(line);
        svg.out
    }

    fn cpus_top(&self) -> f64 {
        TOP + LANE * self.lanes.len() as f64 + GAP
    }
}

struct Picture<'a> {
    chart: &'a Chart<'a>,
    out: String,
    /// Pixels a nanosecond.
    scale: f64,
    /// Where the last lane ends.
    bottom: f64,
}

impl Picture<'_> {
    fn draw(&mut self, line: &str) -> fmt::Result {
        let legend = legend(self.chart);
        let rows = legend.last().map_or(0, |entry| entry.row);
        let height = self.bottom + 56.0 + LEGEND * rows as f64;
        writeln!(
            self.out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" \
             viewBox=\"0 0 {WIDTH} {height}\" font-family=\"system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif\" \
             font-size=\"12\" fill=\"#24292f\">"
        )?;
        self.out.push_str(STYLE);
        writeln!(
            self.out,
            "<rect width=\"{WIDTH}\" height=\"{height}\" rx=\"6\" fill=\"#fff\"/>"
        )?;
        self.head(line)?;
        self.axis()?;
        for (index, process) in self.chart.lanes.iter().enumerate() {
            self.lane(index, process)?;
        }
        self.forks()?;
        for cpu in 0..self.chart.accounts.cpus().len() {
            self.cpu(cpu)?;
        }
        self.legend(&legend)?;
        self.out.push_str("</svg>\n");
        Ok(())
    }

    fn x(&self, time: Time) -> f64 {
        LEFT + (time - self.chart.from).0 as f64 * self.scale
    }

    fn head(&mut self, line: &str) -> fmt::Result {
        let [large, small] = TITLES;
        let count = line.chars().count();
        let (most, size) = if count <= large.0 { large } else { small };
        let mut title: String = line.chars().take(most).collect();
        if count > most {
            title.push('…');
        }
        writeln!(
            self.out,
            "<text x=\"18\" y=\"34\" class=\"m\" font-size=\"{size}\" font-weight=\"600\">\
             <tspan fill=\"#8b949e\">$</tspan><tspan dx=\"9\">{}</tspan></text>",
            escaped(&title)
        )?;
        let cpus = self.chart.accounts.cpus().len();
        let plural = if cpus == 1 { "" } else { "s" };
        let mut words = format!(
            "{} of virtual time on {cpus} CPU{plural}, from {} after power-on",
            short(self.chart.len()),
            short(self.chart.from),
        );
        if self.chart.hidden > 0 {
            let hidden = self.chart.hidden;
            let _ = write!(words, "; {hidden} more processes had less CPU time");
        }
        let grain = self.chart.accounts.grain();
        if grain.0 > 0 {
            let _ = write!(words, "; thinned: less than {} is merged", short(grain));
        }
        writeln!(
            self.out,
            "<text x=\"18\" y=\"56\" class=\"g\">{}</text>",
            words.replace(" us", " µs")
        )
    }

    /// Marks with their times above the lanes, thin lines through them, and the heads of the columns.
    fn axis(&mut self) -> fmt::Result {
        let (from, to) = (self.chart.from, self.chart.to);
        let ticks = Ticks::new(from, to, 9);
        for time in ticks.between(from, to) {
            let x = self.x(time);
            writeln!(
                self.out,
                "<path d=\"M{x:.1} {:.1}V{:.1}\" class=\"a\"/><text x=\"{x:.1}\" y=\"{:.1}\" class=\"g\" \
                 text-anchor=\"middle\">{}</text>",
                TOP - 6.0,
                self.bottom,
                TOP - 12.0,
                ticks.label(time).replace("us", "µs")
            )?;
        }
        for (x, head) in COLUMNS {
            writeln!(
                self.out,
                "<text x=\"{x}\" y=\"{:.1}\" class=\"g\" text-anchor=\"end\">{head}</text>",
                TOP - 12.0
            )?;
        }
        writeln!(
            self.out,
            "<text x=\"{:.1}\" y=\"{:.1}\" class=\"g\" text-anchor=\"end\" font-size=\"10\">of the whole run, in ms</text>",
            COLUMNS[3].0,
            TOP - 28.0
        )
    }

    /// From each parent to its child, where the child was made.
    fn forks(&mut self) -> fmt::Result {
        for (index, child) in self.chart.lanes.iter().enumerate() {
            let Some(at) = child.arrival.filter(|at| *at >= self.chart.from) else {
                continue;
            };
            let lanes = self.chart.lanes[..index].iter();
            let Some(parent) = lanes.clone().rposition(|p| p.pid == child.parent) else {
                continue;
            };
            let x = self.x(at);
            let middle = |lane: usize| TOP + LANE * (lane + 1) as f64 - BAR / 2.0 - 8.0;
            writeln!(
                self.out,
                "<path d=\"M{x:.1} {:.1}V{:.1}\" class=\"f\"/><circle cx=\"{x:.1}\" cy=\"{:.1}\" r=\"2.2\" class=\"o\"/>",
                middle(parent),
                middle(index) - BAR / 2.0,
                middle(parent)
            )?;
        }
        Ok(())
    }

    fn cpu(&mut self, cpu: usize) -> fmt::Result {
        let top = self.chart.cpus_top() + CPU_LANE * cpu as f64;
        let (y, base) = (top + (CPU_LANE - BAR) / 2.0, top + CPU_LANE - 9.5);
        let times = &self.chart.accounts.cpus()[cpu];
        let all = (times.busy + times.idle).0.max(1);
        let percent = times.busy.0 as f64 * 100.0 / all as f64;
        writeln!(
            self.out,
            "<text x=\"62\" y=\"{base:.1}\" font-weight=\"600\">CPU {cpu}</text>\
             <path d=\"M{LEFT} {:.1}H{RIGHT}\" class=\"i\"/>\
             <text x=\"{:.1}\" y=\"{base:.1}\" class=\"g\" text-anchor=\"end\">busy {percent:.0} % of the time</text>",
            y + BAR / 2.0,
            COLUMNS[3].0,
        )?;
        let mut list: Vec<(Span, &Process)> = Vec::new();
        let grain = Time((0.5 / self.scale) as u64);
        for (span, process) in self.chart.on_cpu(cpu) {
            match list.last_mut() {
                // What cannot be seen is drawn as part of its neighbour.
                Some((last, who)) if std::ptr::eq(*who, process) && span.from - last.to < grain => {
                    last.to = span.to;
                }
                Some((last, _)) if span.len() < grain && span.from - last.to < grain => {
                    last.to = span.to;
                }
                _ => list.push((span, process)),
            }
        }
        for (span, process) in list {
            let (x, width) = (
                self.x(span.from),
                (self.x(span.to) - self.x(span.from)).max(0.4),
            );
            let who = format!("{} ({})", process.name(), process.pid);
            writeln!(
                self.out,
                "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{BAR}\" class=\"c{} u\">\
                 <title>{}, {} to {}</title></rect>",
                cpu % CPUS,
                escaped(&who),
                ms_long(span.from),
                ms_long(span.to),
            )?;
            let name = cut(&process.name(), 12);
            let names = [format!("{name} {}", process.pid), name];
            let room = |name: &&String| 6.4 * name.len() as f64 + 4.0 < width;
            if let Some(name) = names.iter().find(room) {
                writeln!(
                    self.out,
                    "<text x=\"{:.1}\" y=\"{:.1}\" class=\"t\" text-anchor=\"middle\">{}</text>",
                    x + width / 2.0,
                    y + BAR - 4.0,
                    escaped(name)
                )?;
            }
        }
        Ok(())
    }

    fn legend(&mut self, entries: &[Entry]) -> fmt::Result {
        for entry in entries {
            let y = self.bottom + 30.0 + LEGEND * entry.row as f64;
            writeln!(
                self.out,
                "<g transform=\"translate({:.1} {y:.1})\">{}<text x=\"28\" y=\"4\" class=\"g\">{}</text></g>",
                entry.x, entry.mark, entry.words
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::schedule::gantt::View;
    use crate::trace::schedule::testing::{Script, small};

    /// The elements of well-formed XML of the plain kind that we write: balanced, and no stray `<`, `>` or `&`.
    fn elements(xml: &str) -> Vec<String> {
        let (mut open, mut all) = (Vec::new(), Vec::new());
        let mut rest = xml;
        while let Some(at) = rest.find('<') {
            let (text, tag) = rest.split_at(at);
            for (index, _) in text.match_indices('&') {
                let known = ["&amp;", "&lt;", "&gt;", "&quot;"];
                assert!(known.iter().any(|e| text[index..].starts_with(e)), "{text}");
            }
            assert!(!text.contains('>'), "{text}");
            let end = tag.find('>').expect("a tag ends");
            let inner = &tag[1..end];
            assert_eq!(inner.matches('"').count() % 2, 0, "{inner}");
            let name = inner
                .trim_start_matches('/')
                .split([' ', '/'])
                .next()
                .unwrap();
            if inner.starts_with('/') {
                assert_eq!(open.pop().as_deref(), Some(name));
            } else {
                all.push(name.to_owned());
                if !inner.ends_with('/') {
                    open.push(name.to_owned());
                }
            }
            rest = &tag[end + 1..];
        }
        assert_eq!(open, Vec::<String>::new());
        assert_eq!(rest, "\n");
        all
    }

    fn picture(accounts: &crate::trace::schedule::accounts::Accounts, line: &str) -> String {
        let view = View {
            lanes: 9,
            ..View::default()
        };
        Chart::new(accounts, &view).unwrap().svg(line)
    }

    #[test]
    fn the_picture_is_xml_without_scripts_or_foreign_things() {
        let svg = picture(&small(), "cat README | wc");
        let all = elements(&svg);
        let count = |name: &str| all.iter().filter(|e| *e == name).count();
        assert_eq!((count("svg"), count("script"), count("image")), (1, 0, 0));
        assert_eq!(
            svg.matches("http").count(),
            1,
            "only the name of the format"
        );
        // Three forks in view, and one in the legend.
        assert_eq!(count("circle"), 4);
        for title in [
            "cat&gt; (3): running on CPU 0, 1.500 ms to 3.500 ms (2 ms)",
            "wc (4): blocked on disk, 7.000 ms to 8.000 ms (1 ms)",
            "sh (2): waiting (runnable), 5.500 ms to 6.000 ms (500 µs)",
            "wc (4) ended at 8.500 ms",
            "exec /bin/&lt;cat&gt; at 1.600 ms",
        ] {
            assert!(svg.contains(title), "{title}\n{svg}");
        }
    }

    #[test]
    fn what_lies_outside_is_not_drawn_and_what_reaches_in_is_cut() {
        let accounts = small();
        let view = View {
            from: Some(Time(5_800_000)),
            to: Some(Time(7_500_000)),
            lanes: 9,
        };
        let svg = Chart::new(&accounts, &view).unwrap().svg("");
        assert!(
            svg.contains("blocked on disk, 7.000 ms to 7.500 ms"),
            "{svg}"
        );
        assert!(!svg.contains("3.500 ms"), "{svg}");
        assert!(
            !svg.contains("ended at") && !svg.contains("exec /bin"),
            "{svg}"
        );
    }

    #[test]
    fn names_and_lines_cannot_break_out() {
        let mut run = Script::charted(1);
        run.fork(0, 0, 1)
            .switch(10, 0, "0 running idle 1")
            .exec(20, 1, "/bin/</text>\"&\x01")
            .switch(500, 0, "1 sleeping blocked <x> 0");
        let accounts = run.close(1000);
        for line in [
            "echo '</text><script>' & \"\x1b\u{fffe}",
            &"ä".repeat(500),
            "",
        ] {
            let svg = picture(&accounts, line);
            assert!(!elements(&svg).contains(&"script".to_owned()));
            assert!(svg.chars().all(|c| c == '\n' || !c.is_control()));
        }
    }

    #[test]
    fn the_picture_of_a_long_run_is_no_larger_than_what_can_be_seen() {
        let mut run = Script::charted(1);
        run.fork(0, 0, 1);
        for n in 1..50_000 {
            run.switch(n * 1000, 0, "0 running idle 1")
                .switch(n * 1000 + 300, 0, "1 sleeping blocked disk 0")
                .wake(n * 1000 + 900, 0, 1);
        }
        let svg = picture(&run.close(50_000_000), "");
        assert!(svg.len() < 1 << 20, "{}", svg.len());
    }
}
