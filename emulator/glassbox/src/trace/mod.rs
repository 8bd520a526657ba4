//! Seeing inside: from the machine's events to what a person or a program reads.
//!
//! ```text
//! machine ── Event ──► Recorder ── Record ──► Model ──► Select ──► Sink: strace · ftrace · json · perfetto · gbt file
//!                      (peeks at memory)      (who is who)         ▲
//!                                     gbt file ── Reader ── Record ┘
//! ```
//!
//! A [`record::Record`] is complete: it needs the guest no more, so a trace can be shown now or years later, by the
//! same sinks. [`kind`] names all kinds of records; [`recorder`] is the machine's observer; [`model`] keeps what a
//! stream of records says, above all about processes ([`tasks`], which [`follow`] learns alone and cheaply); [`select`] is
//! what the user wants to see; [`sink`] takes the rest. [`events`] is the list of all events with their fields, and
//! [`value`] what a field can hold. One sink writes nothing: [`schedule`]
//! keeps accounts of processes and draws charts of them.

pub mod calendar;
pub mod edge;
pub mod events;
pub mod explain;
pub mod expression;
pub mod file;
pub mod follow;
pub mod ftrace;
pub mod json;
pub mod kind;
pub mod map;
pub mod meaning;
pub mod model;
pub mod perfetto;
pub mod pipe;
pub mod record;
pub mod recorder;
pub mod schedule;
pub mod select;
pub mod sink;
pub mod strace;
pub mod summary;
pub mod syscall;
pub mod tasks;
pub mod value;
