//! The arguments of the kernel's events, by name. A name that does not exist is an error at compile time.

/// The value of the argument `$name` of the kernel's event `$probe`.
macro_rules! arg {
    ($args:expr, $probe:literal, $name:literal) => {{
        const AT: usize =
            $crate::trace::model::arg_of($crate::trace::kind::index_of($probe), $name);
        $args[AT]
    }};
}

/// The text of such an argument, in a form that cannot act on a terminal.
macro_rules! text {
    ($record:expr, $probe:literal, $name:literal) => {{
        const AT: usize =
            $crate::trace::model::arg_of($crate::trace::kind::index_of($probe), $name);
        let text = $record.body.text(AT).unwrap_or_default();
        text.escape_ascii().to_string()
    }};
}

pub(super) use {arg, text};

/// The arguments.
pub(super) type Args = [u64; base::event::PROBE_ARGS];
