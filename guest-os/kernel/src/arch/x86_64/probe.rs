//! `probe!`: a place an observer outside the machine can watch.
//!
//! A probe is one `nop` and a SystemTap SDT note (`.note.stapsdt`: address, provider, name, where the
//! arguments are). The emulator reads the notes; in the guest nothing else happens, so a traced run
//! is the untraced run. Names and arguments are listed in `abi::probe`. Inlining makes several sites of one
//! name, each with its own argument places. An argument is written `8@%rdi`, `8@16(%rsp)` or `8@$1`.

/// Leaves a probe of `abi::probe`: `probe!(timer_tick, cpu, pid)`. Arguments are cast to `u64`; they should be
/// values at hand, because the guest computes them whether or not somebody looks. A site's source line is that of the
/// `probe!`, not one in here: it tells an observer which file the probe is in.
#[collapse_debuginfo(yes)]
#[macro_export]
macro_rules! probe {
    ($name:ident $(, $argument:expr)*) => {
        $crate::probe_site!($name $(, $argument)*)
    };
}

/// The site itself; use `probe!`.
#[collapse_debuginfo(yes)]
#[doc(hidden)]
#[macro_export]
macro_rules! probe_site {
    ($name:ident $(, $first:expr $(, $more:expr)*)?) => {{
        const ARGS: &[&str] = &[$(stringify!($first) $(, stringify!($more))*)?];
        const _: () = assert!(ARGS.len() == abi::probe::arity::$name, "abi::probe lists other arguments");
        // SAFETY: the code is a NOP; the note is not loaded.
        unsafe {
            core::arch::asm!(
                "990: nop",
                ".pushsection .note.stapsdt,\"?\",\"note\"",
                ".balign 4",
                ".4byte 992f-991f, 994f-993f, 3",
                "991: .asciz \"stapsdt\"",
                "992: .balign 4",
                "993: .8byte 990b",
                ".8byte _.stapsdt.base",
                ".8byte 0",
                ".asciz \"silica\"",
                concat!(".asciz \"", stringify!($name), "\""),
                concat!(".asciz \"", $("8@{}" $(, $crate::one_more_argument!($more))*,)? "\""),
                "994: .balign 4",
                ".popsection",
                ".ifndef _.stapsdt.base",
                ".pushsection .stapsdt.base,\"aG\",\"progbits\",.stapsdt.base,comdat",
                ".weak _.stapsdt.base",
                ".hidden _.stapsdt.base",
                "_.stapsdt.base: .space 1",
                ".size _.stapsdt.base,1",
                ".popsection",
                ".endif",
                $(in(reg) ($first) as u64, $(in(reg) ($more) as u64,)*)?
                options(att_syntax, readonly, nostack, preserves_flags)
            );
        }
    }};
}

/// What an argument adds to the note's list; use `probe!`.
#[doc(hidden)]
#[macro_export]
macro_rules! one_more_argument {
    ($argument:expr) => {
        " 8@{}"
    };
}
