//! A chart as a picture: standalone SVG 1.1 without scripts or fonts of its own, for a browser, a slide or a README.
//!
//! ```text
//!  title: the shell line                                                legend
//!              │ 8 ms      │ 10 ms     │ 12 ms     running  waiting  turnaround
//!   2 sh       ███▒▒▒──child──────────────────██│     1.20     0.10       6.80
//!   3 cat        ╰▒▒████▒▒██│                         0.80     0.70       1.60
//!     CPU 0    sh   cat    cat                sh                    busy 71 %
//! ```

use super::ticks::{Ticks, short};
use super::{Chart, Phase};
use crate::trace::schedule::process::Process;
use crate::trace::schedule::timeline::{Span, thinned};
use base::Time;
use std::fmt::{self, Write as _};

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

/// A colour for each CPU, told apart by most eyes.
const CPUS: [&str; 8] = [
    "#2b6cb0", "#dd7f1e", "#2f9469", "#a8508f", "#7d6b3d", "#6659c2", "#b83a3a", "#3f93a5",
];

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
        let height = self.bottom + 62.0;
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
        self.legend()?;
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

    fn lane(&mut self, index: usize, process: &Process) -> fmt::Result {
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
                usize::from(cpu) % CPUS.len(),
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
                let room = (width - 6.0) / 5.2;
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
                free = x + 10.0 + 6.0 * name.len() as f64;
            }
        }
        Ok(())
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
                cpu % CPUS.len(),
                escaped(&who),
                ms_long(span.from),
                ms_long(span.to),
            )?;
            let name = cut(&process.name(), 12);
            if 6.4 * name.len() as f64 + 4.0 < width {
                writeln!(
                    self.out,
                    "<text x=\"{:.1}\" y=\"{:.1}\" class=\"t\" text-anchor=\"middle\">{}</text>",
                    x + width / 2.0,
                    y + BAR - 4.0,
                    escaped(&name)
                )?;
            }
        }
        Ok(())
    }

    fn legend(&mut self) -> fmt::Result {
        let y = self.bottom + 30.0;
        let mut x = 18.0;
        let cpus = self.chart.accounts.cpus().len().min(CPUS.len());
        let mut put = |mark: &str, words: &str| {
            let _ = writeln!(
                self.out,
                "<g transform=\"translate({x:.1} {y:.1})\">{mark}<text x=\"28\" y=\"4\" class=\"g\">{words}</text></g>"
            );
            x += 46.0 + 6.4 * words.chars().count() as f64;
        };
        for cpu in 0..cpus {
            let mark = format!("<rect y=\"-6\" width=\"22\" height=\"12\" class=\"c{cpu}\"/>");
            put(&mark, &format!("running on CPU {cpu}"));
        }
        put(
            "<rect y=\"-6\" width=\"22\" height=\"12\" class=\"w\"/>",
            "waiting (runnable)",
        );
        put("<path d=\"M0 0h22\" class=\"k\"/>", "blocked");
        let spans = self.chart.lanes.iter().flat_map(|p| p.timeline.spans());
        let stopped = spans.clone().any(|span| span.phase == Phase::Stopped);
        let zombie = spans.clone().any(|span| span.phase == Phase::Zombie);
        if stopped {
            put("<path d=\"M0 0h22\" class=\"s\"/>", "stopped");
        }
        if zombie {
            put("<path d=\"M0 0h22\" class=\"z\"/>", "ended, not waited for");
        }
        put(
            "<path d=\"M11 -7v14\" class=\"f\"/><circle cx=\"11\" cy=\"-6\" r=\"2.2\" class=\"o\"/>",
            "fork",
        );
        put("<path d=\"M11 3l-3 -5h6z\" class=\"x\"/>", "exec");
        put("<path d=\"M11 -8v16\" class=\"e\"/>", "exit");
        Ok(())
    }
}

/// What the classes look like, and the pattern of what waits.
const STYLE: &str = "<style>\
.m{font-family:ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,monospace}\
.g{fill:#57606a}\
.n{font-variant-numeric:tabular-nums}\
.a{stroke:#d8dee4;stroke-width:1;fill:none}\
.b{fill:#f6f8fa}\
.w{fill:url(#q);stroke:#c9a227;stroke-width:.5}\
.k{stroke:#8c959f;stroke-width:2;fill:none}\
.s{stroke:#cf222e;stroke-width:3;stroke-dasharray:5 3;fill:none}\
.z{stroke:#8c959f;stroke-width:2;stroke-dasharray:1.5 2.5;fill:none}\
.i{stroke:#d8dee4;stroke-width:1;fill:none}\
.e{stroke:#24292f;stroke-width:2;fill:none}\
.f{stroke:#6e7781;stroke-width:1;stroke-dasharray:2 2;fill:none}\
.o{fill:#fff;stroke:#24292f;stroke-width:1}\
.x{fill:#24292f}\
.u{stroke:#fff;stroke-width:.7}\
.l{font-size:9px;fill:#6e7781}\
.p{font-size:9px;fill:#24292f;font-style:italic}\
.t{font-size:10px;fill:#fff}\
.c0{fill:#2b6cb0}.c1{fill:#dd7f1e}.c2{fill:#2f9469}.c3{fill:#a8508f}\
.c4{fill:#7d6b3d}.c5{fill:#6659c2}.c6{fill:#b83a3a}.c7{fill:#3f93a5}\
</style>\
<defs><pattern id=\"q\" width=\"5\" height=\"5\" patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\">\
<rect width=\"5\" height=\"5\" fill=\"#fff8e1\"/><rect width=\"1.6\" height=\"5\" fill=\"#e2b93b\"/></pattern></defs>\n";

/// Milliseconds with two digits.
fn ms(time: Time) -> String {
    format!("{:.2}", time.0 as f64 / 1e6)
}

fn ms_long(time: Time) -> String {
    format!("{:.3} ms", time.0 as f64 / 1e6)
}

/// At most `most` characters of ASCII text.
fn cut(text: &str, most: usize) -> String {
    match text.get(..most) {
        Some(begin) if text.len() > most => format!("{begin}~"),
        _ => text.to_owned(),
    }
}

/// Text for XML: whatever it may not contain, or would act on, is written out.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\u{fffe}' | '\u{ffff}' => out.extend(c.escape_unicode()),
            c if c.is_control() => out.extend(c.escape_default()),
            c => out.push(c),
        }
    }
    out
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
