//! What the kernel leaves on the stack of a new program: arguments, environment, auxiliary vector, all the same on every
//! instruction set.
//!
//! ```text
//! stack pointer -> argc | argv[0] .. argv[argc-1] | NULL | envp.. | NULL | auxiliary vector
//! ```

use core::ffi::{CStr, c_char};

/// The first Rust code of a program: `_start` calls it with the stack pointer it found.
pub(super) extern "C" fn entry(stack: *const usize) -> ! {
    // SAFETY: the kernel put the vectors there as drawn above; they live as long as the process,
    // and nothing writes to them.
    let (args, env) = unsafe {
        let argc = *stack;
        let argv = stack.add(1).cast::<*const c_char>();
        (strings(argv), strings(argv.add(argc + 1)))
    };
    crate::start::start(args, env)
}

/// Iterates over a NULL-terminated vector of strings.
///
/// # Safety
/// `vector` and its strings are well formed and live for the rest of the process.
unsafe fn strings(vector: *const *const c_char) -> impl Iterator<Item = &'static [u8]> {
    let mut next = vector;
    core::iter::from_fn(move || {
        // SAFETY: by the caller's promise `next` is within the vector, which ends with NULL.
        unsafe {
            if (*next).is_null() {
                return None;
            }
            let string = CStr::from_ptr(*next).to_bytes();
            next = next.add(1);
            Some(string)
        }
    })
}
