//! What the end-to-end tests share: running the emulator ([`glassbox`]), kernels and programs made on the
//! spot ([`kernel`], [`riscv`], [`program`]), a pseudo-terminal ([`pty`]), traces ([`trace`]) and their schema ([`schema`]), a
//! parser of strace's lines ([`strace`]), and Silica on a machine in the test's own process ([`silica`]).
//!
//! The tests use the emulator as a user does, as the `glassbox` program that was built beside them, and the images
//! under `images/`. `cargo xtask test` builds both; a test that misses one says so and fails.

pub mod glassbox;
pub mod kernel;
pub mod program;
pub mod pty;
pub mod riscv;
pub mod schema;
pub mod silica;
pub mod strace;
pub mod trace;
