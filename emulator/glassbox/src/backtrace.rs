//! Who called whom, along the chain of frame pointers that kernels keep.

use base::Width;
use machine::AnyBoard;
use machine::pc::x86_64;
use machine::virt::riscv64;

/// Frames of a backtrace at most: a damaged stack must not fill the screen.
const FRAMES: usize = 32;

/// The addresses that a CPU's functions were called from, the innermost first. Each lies in the call's last byte, for a
/// return address points behind its call, perhaps into the next line or function.
pub fn calls(board: &AnyBoard, index: usize) -> Vec<u64> {
    // Where the caller's frame pointer and the return address lie, from the frame pointer (System V ABI of x86-64,
    // figure 3.3; RISC-V calling convention, "Frame Pointer Convention").
    let (register, [caller, back]) = match board {
        AnyBoard::Pc(_) => (x86_64::reg::RBP, [0, 8]),
        AnyBoard::Virt(_) => (riscv64::reg::FP, [-16, -8]),
    };
    let mut frame = board.regs(index)[usize::from(register)];
    let mut addresses = Vec::new();
    while addresses.len() < FRAMES && frame.is_multiple_of(8) {
        let (Some(next), Some(address)) = (
            board.peek(index, frame.wrapping_add_signed(caller), Width::B8),
            board.peek(index, frame.wrapping_add_signed(back), Width::B8),
        ) else {
            break;
        };
        if address == 0 {
            break;
        }
        addresses.push(address.wrapping_sub(1));
        // Stacks grow down: a caller's frame lies higher.
        if next <= frame {
            break;
        }
        frame = next;
    }
    addresses
}
