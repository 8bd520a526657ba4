//! Signal actions. The way back from a handler is the kernel's: it leads through a page that it maps.

use abi::signal::Sigaction;

/// An action as rt_sigaction(2) takes it.
pub(crate) fn action(handler: u64, flags: u32, mask: u64) -> Sigaction {
    Sigaction {
        handler,
        flags: flags.into(),
        mask,
    }
}
