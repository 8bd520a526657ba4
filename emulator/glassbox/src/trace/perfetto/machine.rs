//! What the hardware does beside entering handlers: an instant each on its CPU's track, and page walks as counts.

use super::Perfetto;
use super::packets::{Mark, Moment, Phase};
use super::tracks::Track;
use crate::trace::kind::Kind;
use crate::trace::model::Model;
use crate::trace::record::{Body, Record};
use ::machine::names;
use base::Time;
use base::event::{Access, Flush, Walked};
use std::io::{self, Write};

/// The span, in nanoseconds, in which page walks are counted together.
const SPAN: u64 = 100_000;

impl<W: Write> Perfetto<W> {
    pub(super) fn machine(&mut self, at: Moment, record: &Record, model: &Model) -> io::Result<()> {
        if let Body::PageWalk { .. } = record.body {
            self.misses(at)?;
            if !self.walks {
                return Ok(());
            }
        }
        let kind = Kind::of(&record.body).name();
        let name = match &record.body {
            Body::PageWalk { access, end, .. } => {
                let access = match access {
                    Access::Fetch => "fetch",
                    Access::Read => "read",
                    Access::Write => "write",
                };
                match end {
                    Walked::Mapped { .. } => format!("page walk: {access}"),
                    Walked::Fault(_) => format!("page walk: {access} faults"),
                }
            }
            Body::TlbFlush(flush) => match flush {
                Flush::All => "TLB flush: all",
                Flush::NonGlobal => "TLB flush: not global",
                Flush::Space(_) => "TLB flush: space",
                Flush::Page(_) => "TLB flush: page",
            }
            .into(),
            Body::SpaceSwitch { .. } => "address space".into(),
            Body::IrqLine { line, level: true } => format!("line {line} raised"),
            Body::IrqLine { line, level: false } => format!("line {line} lowered"),
            Body::IrqAck { number } => {
                format!("takes {}", names::interrupt(&model.meta.arch, *number))
            }
            Body::Ipi { target, number } => {
                let name = names::interrupt(&model.meta.arch, *number);
                match target {
                    Some(cpu) => format!("sends {name} to CPU {cpu}"),
                    None => format!("sends {name}"),
                }
            }
            Body::Device {
                chip,
                register,
                write,
                ..
            } => {
                let what = if *write { "write" } else { "read" };
                let register = register.escape_default();
                format!("{} {register}: {what}", chip.escape_default())
            }
            _ => kind.replace('_', " "),
        };
        let track = self.packets.track(at.time, Track::Machine(at.cpu))?;
        let mark = Mark {
            name: &name,
            category: kind,
            notes: &self.notes(record, model),
            ..Mark::default()
        };
        self.packets.mark(at.time, track, Phase::Moment, &mark)
    }

    /// Counts a page walk.
    fn misses(&mut self, at: Moment) -> io::Result<()> {
        let span = at.time.0 / SPAN;
        if self.cpu(at.cpu).span != span {
            self.show_misses(at.cpu, span)?;
        }
        let cpu = self.cpu(at.cpu);
        cpu.span = span;
        cpu.misses += 1;
        Ok(())
    }

    /// Shows what was counted, before the span `next` begins to be counted.
    pub(super) fn show_misses(&mut self, cpu: u8, next: u64) -> io::Result<()> {
        let state = self.cpu(cpu);
        let (span, misses) = (state.span, std::mem::take(&mut state.misses));
        if misses == 0 {
            return Ok(());
        }
        let track = Track::TlbMisses(cpu);
        let begin = |span: u64| Time(span.saturating_mul(SPAN));
        self.packets.counter(begin(span), track, misses as i64)?;
        if next > span.saturating_add(1) {
            self.packets.counter(begin(span + 1), track, 0)?;
        }
        Ok(())
    }
}
