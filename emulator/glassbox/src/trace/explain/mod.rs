//! The life of one system call, told from a real run.
//!
//! A run is the same every time, so it is run twice. The first run only counts system calls ([`census`]) and finds when
//! the chosen one begins and ends; the second tells everything about that stretch, every instruction included
//! ([`story`]). Then the story is put into words.
//!
//! ```text
//! run 1 ── records ──► Census: which call, when
//! run 2 ── records ──► Story: marks (what happened), Path (calls in the kernel), Ledger (where the time went)
//!                        │         Code, Stack: calls found again from addresses; Isa: all that is the ISA's
//!                        ▼
//!                      steps and tree ──► page
//! ```

pub mod call;
pub mod census;
pub mod code;
pub mod fold;
pub mod isa;
pub mod landmark;
pub mod ledger;
pub mod mark;
pub mod name;
pub mod number;
pub mod page;
pub mod path;
pub mod phrases;
pub mod plain;
pub mod shorten;
pub mod source;
pub mod stack;
pub mod steps;
pub mod story;
pub mod tables;
pub mod text;
pub mod tree;
pub mod units;
pub mod words;
