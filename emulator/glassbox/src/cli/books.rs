//! The accounts of scheduling that `stat` keeps while a line runs, and the charts it draws of them.

use super::Failure;
use super::options::{GanttLanes, StatOptions};
use super::session::Session;
use crate::trace::meaning::watches;
use crate::trace::pipe::Pipe;
use crate::trace::recorder::Recorder;
use crate::trace::schedule::accounts::Accounts;
use crate::trace::schedule::gantt::text::Lanes;
use crate::trace::schedule::gantt::{Chart, View};
use crate::trace::schedule::kinds;
use crate::trace::select::Select;
use base::Time;
use machine::Board;
use std::cell::{Ref, RefCell};
use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::rc::Rc;

/// Lanes of a chart, unless all are wanted.
const LANES: usize = 40;
/// Columns where nobody says how many there are.
const COLUMNS: usize = 80;

/// The books, and what is to be drawn of them.
pub struct Books {
    /// The machine's observer that fills them.
    pub recorder: Recorder,
    accounts: Rc<RefCell<Accounts>>,
    line: String,
    view: View,
    text: Option<Lanes>,
    picture: Option<(PathBuf, File)>,
}

impl Books {
    /// Opens the books of a session that has not begun.
    pub fn open(session: &mut Session<'_>, options: &StatOptions) -> Result<Self, Failure> {
        if let (Some(from), Some(to)) = (options.from, options.to)
            && from >= to
        {
            return Err(Failure::usage("--from must be before --to"));
        }
        let chart = options.gantt.is_some() || options.gantt_svg.is_some();
        if !chart && (options.from.is_some() || options.to.is_some()) {
            return Err(Failure::usage(
                "--from and --to are for charts: say --gantt or --gantt-svg FILE, too",
            ));
        }
        // A file that cannot be written is told of before the run.
        let picture = match &options.gantt_svg {
            Some(path) => {
                let file = File::create(path).map_err(|e| Failure::file(path, e))?;
                Some((path.clone(), file))
            }
            None => None,
        };
        let needed = kinds();
        let (watches, meanings) = watches(session.machine.board.sites(), |kind| needed.has(kind));
        session
            .machine
            .board
            .watch(&watches, false)
            .map_err(|e| Failure::input(e.to_string()))?;
        let line = options.line.join(" ");
        let meta = session.meta(&line, 0, needed);
        let window = options.from.unwrap_or_default()..options.to.unwrap_or(Time::NEVER);
        let accounts = Accounts::new(options.machine.cpus, chart.then_some(window));
        let accounts = Rc::new(RefCell::new(accounts));
        let select = Select {
            kinds: needed,
            ..Select::default()
        };
        let pipe = Pipe::new(meta, select, Box::new(Rc::clone(&accounts)));
        Ok(Self {
            recorder: Recorder::new(pipe, meanings, options.machine.cpus),
            accounts,
            line,
            view: View {
                from: options.from,
                to: options.to,
                lanes: if options.all { usize::MAX } else { LANES },
            },
            text: options.gantt.map(|lanes| match lanes {
                GanttLanes::Process => Lanes::Processes,
                GanttLanes::Cpu => Lanes::Cpus,
                GanttLanes::Both => Lanes::Both,
            }),
            picture,
        })
    }

    /// The run is over at `now`: gives the accounts.
    pub fn close(&mut self, now: Time) -> Result<Ref<'_, Accounts>, Failure> {
        self.recorder
            .finish()
            .map_err(|e| Failure::input(format!("the accounts: {e}")))?;
        self.accounts.borrow_mut().close(now);
        Ok(self.accounts.borrow())
    }

    /// Draws the picture, after the end; gives the chart for the terminal.
    pub fn draw(mut self) -> Result<String, Failure> {
        let mut text = String::new();
        if self.text.is_none() && self.picture.is_none() {
            return Ok(text);
        }
        let accounts = self.accounts.borrow();
        let Some(chart) = Chart::new(&accounts, &self.view) else {
            return Err(Failure::input(
                "no chart: nothing is known of any process in that time",
            ));
        };
        if let Some((path, file)) = &mut self.picture {
            file.write_all(chart.svg(&self.line).as_bytes())
                .map_err(|e| Failure::file(path, e))?;
        }
        if let Some(lanes) = self.text {
            text = chart.text(lanes, columns());
        }
        Ok(text)
    }
}

/// Columns of the terminal on standard error.
fn columns() -> usize {
    let said = std::env::var("COLUMNS").ok();
    said.and_then(|columns| columns.parse().ok())
        .or_else(|| {
            let size = rustix::termios::tcgetwinsize(std::io::stderr()).ok()?;
            Some(usize::from(size.ws_col)).filter(|columns| *columns > 0)
        })
        .unwrap_or(COLUMNS)
}
