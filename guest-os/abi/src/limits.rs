//! Limits that programs may rely on (limits.h).

/// Longest name of one file, in bytes.
pub const NAME_MAX: usize = 255;
/// Longest path, with its NUL.
pub const PATH_MAX: usize = 4096;
/// Largest write to a pipe that is not mixed with others.
pub const PIPE_BUF: usize = 4096;
/// Most buffers of one readv or writev.
pub const IOV_MAX: usize = 1024;
/// Bytes of a page.
pub const PAGE_SIZE: usize = 4096;
/// Bytes of arguments and environment that exec accepts.
pub const ARG_MAX: usize = 128 * 1024;
/// Symbolic links followed before `ELOOP`.
pub const SYMLOOP_MAX: usize = 40;
