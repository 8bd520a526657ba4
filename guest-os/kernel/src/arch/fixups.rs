//! Instructions that may fault on user memory, and where each goes on then: the table that the ports' `usercopy` fill.

use super::frame::TrapFrame;

unsafe extern "C" {
    static __ex_table_start: [usize; 2];
    static __ex_table_end: [usize; 2];
}

fn landing_place(pc: usize) -> Option<usize> {
    let start = &raw const __ex_table_start;
    let end = &raw const __ex_table_end;
    // SAFETY: the link script puts the table between the two symbols.
    let table = unsafe { core::slice::from_raw_parts(start, end.offset_from(start) as usize) };
    table
        .iter()
        .find(|entry| entry[0] == pc)
        .map(|entry| entry[1])
}

/// Whether the instruction at `pc` is one that may fault on user memory.
pub fn is_user_access(pc: usize) -> bool {
    landing_place(pc).is_some()
}

/// Sends a faulting copy to its landing place; false if the instruction is not one.
pub fn fix_up(frame: &mut TrapFrame) -> bool {
    let place = landing_place(frame.program_counter());
    if let Some(place) = place {
        frame.set_program_counter(place);
    }
    place.is_some()
}
