//! Links the programs without C's start files and library, statically, at a fixed address.

/// The precompiled `alloc` mentions the unwinder's entries, which a program that aborts never calls.
const NO_UNWINDER: [&str; 2] = [
    "-Wl,--defsym=rust_eh_personality=0",
    "-Wl,--defsym=_Unwind_Resume=0",
];

fn main() {
    let layout = [
        "-nostartfiles",
        "-nostdlib",
        "-static",
        "-no-pie",
        "-Wl,--build-id=none",
    ];
    for arg in layout.into_iter().chain(NO_UNWINDER) {
        println!("cargo::rustc-link-arg-bins={arg}");
    }
    println!("cargo::rerun-if-changed=build.rs");
}
