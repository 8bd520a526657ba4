//! Communication between processes: pipes. (Signals belong to `proc`.)

pub mod pipe;
