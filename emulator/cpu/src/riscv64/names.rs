//! What the manual calls the numbers of traps.

use super::trap::cause;

/// The name of an exception or an interrupt, in the words of the Privileged spec's table "mcause", shortened.
pub const fn trap(is_interrupt: bool, number: u16) -> Option<&'static str> {
    Some(match (is_interrupt, number) {
        (true, 1) => "supervisor software interrupt",
        (true, 3) => "machine software interrupt",
        (true, 5) => "supervisor timer interrupt",
        (true, 7) => "machine timer interrupt",
        (true, 9) => "supervisor external interrupt",
        (true, 11) => "machine external interrupt",
        (false, 0) => "misaligned fetch",
        (false, 1) => "fetch access fault",
        (false, 2) => "illegal instruction",
        (false, 3) => "breakpoint",
        (false, 4) => "misaligned load",
        (false, 5) => "load access fault",
        (false, 6) => "misaligned store",
        (false, 7) => "store access fault",
        (false, 8) => "ecall from U-mode",
        (false, 9) => "ecall from S-mode",
        (false, 11) => "ecall from M-mode",
        (false, 12) => "fetch page fault",
        (false, 13) => "load page fault",
        (false, 15) => "store page fault",
        _ => return None,
    })
}

/// What the cause of a translation that failed says, in words of [`FAULT_WORDS`].
pub fn translation_fault(cause: u32) -> Vec<&'static str> {
    let [fetch, read, write, denied] = FAULT_WORDS;
    match u64::from(cause) {
        cause::FETCH_PAGE => vec![fetch],
        cause::LOAD_PAGE => vec![read],
        cause::STORE_PAGE => vec![write],
        cause::FETCH_ACCESS => vec![denied, fetch],
        cause::LOAD_ACCESS => vec![denied, read],
        cause::STORE_ACCESS => vec![denied, write],
        _ => Vec::new(),
    }
}

/// The words of [`translation_fault`]; the last one: physical memory protection, or no memory there.
pub const FAULT_WORDS: [&str; 4] = ["fetch", "read", "write", "access_fault"];

/// Whether an exception is a page fault.
pub const fn is_page_fault(number: u16) -> bool {
    matches!(
        number as u64,
        cause::FETCH_PAGE | cause::LOAD_PAGE | cause::STORE_PAGE
    )
}
