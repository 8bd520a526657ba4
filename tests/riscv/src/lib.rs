//! RISC-V instructions against QEMU and binutils, and privileged programs against the manual.
//!
//! [`catalog`] has the instructions as the manual lists them ([`pattern`]). [`case`] makes seeded cases of them: a few
//! instructions and the [`record`] that they start from. [`image`] is a program that runs thousands of cases;
//! [`guest`] runs it in the emulator, [`qemu`] by user-mode emulation, and every byte of the records must be the same.
//! [`program`] is the other half: programs for the whole machine, which judge themselves.

pub mod binutils;
pub mod case;
pub mod catalog;
pub mod guest;
pub mod image;
pub mod pattern;
pub mod program;
pub mod qemu;
pub mod record;
