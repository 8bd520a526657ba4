//! A thread of control's call stack, found again from nothing but the addresses of its instructions.
//!
//! A call pushes a frame, a return takes frames off up to the one that it returns from. Code that leaves a function in
//! another way is taken as it comes: a jump into another function takes the place of the one that jumped (a tail call),
//! and a return to an address that nobody pushed goes to the nearest frame of the function that the address belongs to.

use super::isa::Flow;

/// Deepest stack that is followed; a kernel's is far smaller.
const DEEPEST: usize = 256;

/// A function that has been entered and not left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call {
    /// Its first address, or 0 if it is in no known function.
    pub function: u64,
    /// The address of the instruction that it is at: a call, for all but the innermost.
    pub pc: u64,
    /// Where it returns to; nothing for a handler, which a trap entered.
    returns: Option<u64>,
}

/// The stack of calls, the outermost first.
#[derive(Clone, Debug, Default)]
pub struct Stack {
    calls: Vec<Call>,
    /// What the last instruction does to the flow.
    flow: Option<Flow>,
}

/// What an instruction did to the stack: what is left of it, and whether a call was pushed on that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// Calls that are still there.
    pub kept: usize,
    /// Whether there is one more.
    pub entered: bool,
}

impl Stack {
    /// The calls, the outermost first.
    pub fn calls(&self) -> &[Call] {
        &self.calls
    }

    /// The instruction at `pc`, in `function`, is executed; `flow` is what it does next.
    pub fn step(&mut self, pc: u64, function: u64, flow: Flow) -> Change {
        let change = match (self.flow.replace(flow), self.calls.last()) {
            (_, None) => self.push(0, function, None),
            (Some(Flow::Call(back)), Some(_)) if pc != back => {
                self.push(self.calls.len(), function, Some(back))
            }
            (Some(Flow::Return), Some(_)) => self.unwind(pc, function),
            (_, Some(top)) if top.function != function => {
                let returns = top.returns;
                self.push(self.calls.len() - 1, function, returns)
            }
            _ => Change {
                kept: self.calls.len(),
                entered: false,
            },
        };
        if let Some(top) = self.calls.last_mut() {
            top.pc = pc;
        }
        change
    }

    /// A trap interrupts the thread: what comes now is the handler's.
    pub fn trap(&mut self, function: u64) -> Change {
        self.flow = None;
        self.push(self.calls.len(), function, None)
    }

    /// A handler returns: the thread goes on where the innermost trap came.
    pub fn trap_return(&mut self) {
        self.flow = None;
        let handler = self.calls.iter().rposition(|call| call.returns.is_none());
        self.calls.truncate(handler.unwrap_or(0));
    }

    /// Control comes back from elsewhere, such as another thread, to where it left.
    pub const fn resume(&mut self) {
        self.flow = None;
    }

    fn push(&mut self, kept: usize, function: u64, returns: Option<u64>) -> Change {
        self.calls.truncate(kept);
        if self.calls.len() >= DEEPEST {
            return Change {
                kept: self.calls.len(),
                entered: false,
            };
        }
        self.calls.push(Call {
            function,
            pc: function,
            returns,
        });
        Change {
            kept,
            entered: true,
        }
    }

    fn unwind(&mut self, pc: u64, function: u64) -> Change {
        let returned = |call: &Call| call.returns == Some(pc);
        let kept = match self.calls.iter().rposition(returned) {
            Some(index) => index,
            None => match self.calls.iter().rposition(|c| c.function == function) {
                Some(index) => index + 1,
                None => return self.push(0, function, None),
            },
        };
        match kept {
            // The caller was never seen: it takes the place of what returned.
            0 => self.push(0, function, None),
            kept => {
                self.calls.truncate(kept);
                Change {
                    kept,
                    entered: false,
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Functions are the hundreds of an address; instructions are one apart, calls two.
    fn follow(stack: &mut Stack, path: &[(u64, Flow)]) -> Vec<u64> {
        for &(pc, flow) in path {
            stack.step(pc, pc / 100 * 100, flow);
        }
        stack.calls().iter().map(|call| call.pc).collect()
    }

    #[test]
    fn calls_and_returns_are_matched() {
        let mut stack = Stack::default();
        let inner = [
            (100, Flow::Next),
            (101, Flow::Call(103)),
            (200, Flow::Call(202)),
            (300, Flow::Next),
        ];
        assert_eq!(follow(&mut stack, &inner), [101, 200, 300]);
        let outer = [(301, Flow::Return), (202, Flow::Return), (103, Flow::Next)];
        assert_eq!(follow(&mut stack, &outer), [103]);
    }

    #[test]
    fn a_tail_call_takes_its_callers_place() {
        let mut stack = Stack::default();
        let path = [
            (101, Flow::Call(103)),
            (200, Flow::Next),
            (300, Flow::Return),
            (103, Flow::Next),
        ];
        assert_eq!(follow(&mut stack, &path[..3]), [101, 300]);
        assert_eq!(follow(&mut stack, &path[3..]), [103]);
    }

    #[test]
    fn a_return_to_nowhere_finds_the_function_or_begins_anew() {
        let mut stack = Stack::default();
        let path = [
            (101, Flow::Call(103)),
            (200, Flow::Call(202)),
            (300, Flow::Return),
            (110, Flow::Next),
        ];
        assert_eq!(follow(&mut stack, &path), [110]);
        let path = [(111, Flow::Return), (700, Flow::Next)];
        assert_eq!(follow(&mut stack, &path), [700]);
    }

    #[test]
    fn a_trap_is_left_as_it_was_entered() {
        let mut stack = Stack::default();
        follow(&mut stack, &[(101, Flow::Call(103)), (200, Flow::Next)]);
        stack.trap(900);
        follow(&mut stack, &[(900, Flow::Call(902)), (950, Flow::Next)]);
        assert_eq!(stack.calls().len(), 4);
        stack.trap_return();
        assert_eq!(follow(&mut stack, &[(201, Flow::Next)]), [101, 201]);
    }

    #[test]
    fn a_bottomless_stack_is_followed_only_so_far() {
        let mut stack = Stack::default();
        for _ in 0..2 * DEEPEST {
            stack.step(100, 100, Flow::Call(102));
        }
        assert_eq!(stack.calls().len(), DEEPEST);
    }
}
