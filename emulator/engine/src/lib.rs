//! Runs IR: keeps lifted blocks ([`cache`]), interprets them ([`interpreter`], [`float`]), and moves from block to block ([`run`]).
//!
//! The engine knows no ISA: it drives an [`ir::Guest`]. Neighbours: `base` and `ir` below, `machine` above.

pub mod cache;
pub mod float;
pub mod interpreter;
pub mod run;

pub use run::{Engine, Run, Stop};
