//! QEMU: user-mode emulation as the judge of instructions, and its `virt` board as a second opinion on programs.

use crate::binutils::run;
use std::path::Path;
use std::process::Command;

/// The extensions that the emulated hart has and this QEMU knows, and none that it has not.
const CPU: &str = "rv64,zba=true,zbb=true,zbs=true,zbc=false,Zfh=false,h=false,v=false";

/// What a Linux program prints.
pub fn user(folder: &Path, program: &str) -> Vec<u8> {
    let mut command = Command::new("qemu-riscv64-static");
    command.current_dir(folder).args(["-cpu", CPU, program]);
    run(&mut command)
}
