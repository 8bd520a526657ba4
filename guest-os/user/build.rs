//! Links the programs without C's start files and library, statically, at a fixed address.

/// What the linker is told. The precompiled `alloc` of a hosted target mentions the unwinder's entries, which a program
/// that aborts never calls.
const LINKER: [&str; 3] = [
    "--build-id=none",
    "--defsym=rust_eh_personality=0",
    "--defsym=_Unwind_Resume=0",
];
/// What the C compiler is told, where it calls the linker: what is the linker's own habit.
const DRIVER: [&str; 4] = ["-nostartfiles", "-nostdlib", "-static", "-no-pie"];

fn main() {
    // A target without an operating system is linked by the linker itself.
    let is_hosted = std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|system| system != "none");
    let prefix = if is_hosted { "-Wl," } else { "" };
    for arg in LINKER {
        println!("cargo::rustc-link-arg-bins={prefix}{arg}");
    }
    if is_hosted {
        for arg in DRIVER {
            println!("cargo::rustc-link-arg-bins={arg}");
        }
    }
    println!("cargo::rerun-if-changed=build.rs");
}
