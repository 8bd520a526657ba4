//! The memory path of every ISA: the translation look-aside buffer and the accesses that go through it.

pub mod tlb;
