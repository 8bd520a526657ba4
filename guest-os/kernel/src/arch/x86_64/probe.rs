//! `probe!`: a place an observer outside the machine can watch. `inject!`: one where it can have the kernel's luck turn.
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
                $crate::sdt_note!("silica", $name, $("8@{}" $(, $crate::one_more_argument!($more))*)?),
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

/// A `nop` and the note that says where it is, whose it is, and where its arguments are; use `probe!` or `inject!`.
#[doc(hidden)]
#[macro_export]
macro_rules! sdt_note {
    ($provider:literal, $name:ident, $($arguments:expr),*) => {
        concat!(
            "990: nop\n",
            ".pushsection .note.stapsdt,\"?\",\"note\"\n",
            ".balign 4\n",
            ".4byte 992f-991f, 994f-993f, 3\n",
            "991: .asciz \"stapsdt\"\n",
            "992: .balign 4\n",
            "993: .8byte 990b\n",
            ".8byte _.stapsdt.base\n",
            ".8byte 0\n",
            ".asciz \"", $provider, "\"\n",
            ".asciz \"", stringify!($name), "\"\n",
            ".asciz \"" $(, $arguments)*, "\"\n",
            "994: .balign 4\n",
            ".popsection"
        )
    };
}

/// What an argument adds to the note's list; use `probe!`.
#[doc(hidden)]
#[macro_export]
macro_rules! one_more_argument {
    ($argument:expr) => {
        " 8@{}"
    };
}

/// Leaves an injection point of `abi::inject`, and gives what is found there: 0 unless an emulator that knows the
/// point has put something else into the register. `inject!(alloc)`, or with a key `inject!(syscall, number)`.
#[macro_export]
macro_rules! inject {
    ($name:ident) => {{
        const _: () = assert!(matches!(abi::inject::key::$name, abi::inject::Key::None));
        $crate::injection_site!($name, "8@{found}",)
    }};
    ($name:ident, $key:expr) => {{
        const _: () = assert!(!matches!(abi::inject::key::$name, abi::inject::Key::None));
        $crate::injection_site!($name, "8@{found} 8@{key}", key = in(reg) ($key) as u64,)
    }};
}

/// The site itself; use `inject!`.
#[doc(hidden)]
#[macro_export]
macro_rules! injection_site {
    ($name:ident, $arguments:literal, $($key:tt)*) => {{
        let found: u64;
        // SAFETY: the code clears a register of its own; the note is not loaded. Whoever writes the register instead does
        // so from outside the machine, and any value is a legal one.
        unsafe {
            core::arch::asm!(
                "xorl {found:e}, {found:e}",
                $crate::sdt_note!("silica.inject", $name, $arguments),
                found = out(reg) found,
                $($key)*
                options(att_syntax, nomem, nostack)
            );
        }
        found
    }};
}
