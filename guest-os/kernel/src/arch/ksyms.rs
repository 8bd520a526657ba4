//! The kernel's symbols, by which `symbols` names addresses.

/// Bytes of the symbol table.
const SYMBOLS_ROOM: usize = 192 * 1024;

#[unsafe(link_section = ".ksyms")]
#[used]
static SYMBOLS: [u8; SYMBOLS_ROOM] = [0; SYMBOLS_ROOM];

/// The kernel's symbols in the form of `kcore::ksyms`. They are filled into the linked file, so the
/// compiler must not take the zeros above for granted.
pub fn table() -> &'static [u8] {
    core::hint::black_box(&SYMBOLS)
}
