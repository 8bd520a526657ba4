//! The micro-ops: one flat list, eight bytes each.
//!
//! ```text
//! byte   0     1   2   3   4..7
//!        code  d   a   b   imm
//! ```
//!
//! `d` is written, `a` and `b` are read, `imm` is signed. What an opcode does with them is its [`Form`] and the line
//! beside it. Names end in the width where it matters: `Add` and `Add64`-less names work on 64 bits, `...32` ops
//! work on the low 32 bits and *zero-extend* their result, `...W` ops sign-extend it.
//! Memory operands are little-endian, addresses virtual. 256 opcodes is a wall; what is not hot goes through `Call`.

use crate::reg::Reg;

/// Which operands an opcode uses, and what kind of thing it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Uses nothing.
    None,
    /// d = f(imm)
    DI,
    /// d = f(a)
    DA,
    /// d = f(a, imm)
    DAI,
    /// d = f(a, b), or f(a, b, imm)
    DAB,
    /// d = f(d, a)
    UpdateA,
    /// d = f(d, a, b)
    UpdateAB,
    /// Writes the lazy flags from a, b, imm (and, for `SetFlagsCarry`, d; `SetFlagsI` has its kind there);
    /// `SetFlagsIf` may leave them.
    Flags,
    /// d = f(lazy flags)
    FromFlags,
    /// d = memory[a + imm]; 128-bit loads write d and d + 1.
    Load,
    /// d = memory[a + (b << (imm & 3)) + (imm >> 2)]
    LoadX,
    /// memory[a + imm] = b; 128-bit stores read b and b + 1.
    Store,
    /// memory[a + (b << (imm & 3)) + (imm >> 2)] = d
    StoreX,
    /// Checks an address and may fault, moves nothing.
    Check,
    /// 128-bit: d,d+1 = f(a,a+1, b,b+1)
    Vector,
    /// Scalar floating point d = f(a, b); imm is the number of the ISA's exact form.
    Float,
    /// Ends the block: control goes to the taken successor if the condition on a, b (or imm) holds, else to the next.
    Branch,
    /// Ends the block: control goes to the address in a.
    JumpReg,
    /// Ends the block: to the taken successor, or (`Next`) to the one that follows.
    Jump,
    /// Asks the ISA: may read and write any register, fault, and call for attention.
    Call,
    /// As `Call`, and ends the block.
    CallEnd,
    /// Tells whoever listens that control is here. The guest's state is untouched, and nothing of it need be exact but
    /// the ISA's registers. a and b are the low and high byte of the distance from the block's beginning.
    Report,
}

macro_rules! opcodes {
    ($($(#[doc = $doc:literal])* $name:ident $form:ident;)*) => {
        /// A micro-op's operation.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum Opcode { $($(#[doc = $doc])* $name,)* }

        /// Every opcode, in order of its number.
        pub const OPCODES: &[Opcode] = &[$(Opcode::$name),*];

        const FORMS: &[Form] = &[$(Form::$form),*];
        const NAMES: &[&str] = &[$(stringify!($name)),*];
    };
}

opcodes! {
    /// Nothing.
    Nop None;
    /// An instruction begins (imm = 0), or control passes probe number imm - 1.
    Report Report;
    /// d = a
    Mov DA;
    /// d = imm
    MovI DI;
    /// d = the block's 64-bit constant number imm
    MovPool DI;

    /// d = a + b
    Add DAB;
    /// d = a - b
    Sub DAB;
    /// d = a & b
    And DAB;
    /// d = a | b
    Or DAB;
    /// d = a ^ b
    Xor DAB;
    /// d = a & !b
    AndNot DAB;
    /// d = a + imm
    AddI DAI;
    /// d = a & imm
    AndI DAI;
    /// d = a | imm
    OrI DAI;
    /// d = a ^ imm
    XorI DAI;
    /// d = a + (b << (imm & 3)) + (imm >> 2)
    Lea DAB;

    /// d = a + b, 32 bits, zero-extended
    Add32 DAB;
    /// d = a - b, 32 bits, zero-extended
    Sub32 DAB;
    /// d = a & b, 32 bits, zero-extended
    And32 DAB;
    /// d = a | b, 32 bits, zero-extended
    Or32 DAB;
    /// d = a ^ b, 32 bits, zero-extended
    Xor32 DAB;
    /// d = a + imm, 32 bits, zero-extended
    AddI32 DAI;
    /// d = a & imm, 32 bits, zero-extended
    AndI32 DAI;
    /// d = a | imm, 32 bits, zero-extended
    OrI32 DAI;
    /// d = a ^ imm, 32 bits, zero-extended
    XorI32 DAI;
    /// As `Lea`, 32 bits, zero-extended
    Lea32 DAB;

    /// d = a + b, 32 bits, sign-extended
    AddW DAB;
    /// d = a - b, 32 bits, sign-extended
    SubW DAB;
    /// d = a + imm, 32 bits, sign-extended
    AddIW DAI;
    /// d = a << (b & 31), 32 bits, sign-extended
    ShlW DAB;
    /// d = a >> (b & 31) unsigned, 32 bits, sign-extended
    ShrW DAB;
    /// d = a >> (b & 31) signed, 32 bits, sign-extended
    SarW DAB;
    /// d = a << (imm & 31), 32 bits, sign-extended
    ShlIW DAI;
    /// d = a >> (imm & 31) unsigned, 32 bits, sign-extended
    ShrIW DAI;
    /// d = a >> (imm & 31) signed, 32 bits, sign-extended
    SarIW DAI;

    /// d = a << (b & 63)
    Shl DAB;
    /// d = a >> (b & 63), unsigned
    Shr DAB;
    /// d = a >> (b & 63), signed
    Sar DAB;
    /// d = a rotated left by b & 63
    Rol DAB;
    /// d = a rotated right by b & 63
    Ror DAB;
    /// d = a << (imm & 63)
    ShlI DAI;
    /// d = a >> (imm & 63), unsigned
    ShrI DAI;
    /// d = a >> (imm & 63), signed
    SarI DAI;
    /// d = a rotated right by imm & 63
    RorI DAI;
    /// d = a << (b & 31), 32 bits, zero-extended
    Shl32 DAB;
    /// d = a >> (b & 31) unsigned, 32 bits, zero-extended
    Shr32 DAB;
    /// d = a >> (b & 31) signed, 32 bits, zero-extended
    Sar32 DAB;
    /// d = a rotated left by b & 31, 32 bits, zero-extended
    Rol32 DAB;
    /// d = a rotated right by b & 31, 32 bits, zero-extended
    Ror32 DAB;
    /// d = a << (imm & 31), 32 bits, zero-extended
    ShlI32 DAI;
    /// d = a >> (imm & 31) unsigned, 32 bits, zero-extended
    ShrI32 DAI;
    /// d = a >> (imm & 31) signed, 32 bits, zero-extended
    SarI32 DAI;
    /// d = a rotated right by imm & 31, 32 bits, zero-extended
    RorI32 DAI;

    /// d = low 64 bits of a * b
    Mul DAB;
    /// d = a * b, 32 bits, zero-extended
    Mul32 DAB;
    /// d = a * b, 32 bits, sign-extended
    MulW DAB;
    /// d = high 64 bits of a * b, unsigned
    MulHU DAB;
    /// d = high 64 bits of a * b, signed
    MulHS DAB;
    /// d = high 64 bits of a (signed) * b (unsigned)
    MulHSU DAB;

    /// d = low 8 bits of a, zero-extended
    Zext8 DA;
    /// d = low 16 bits of a, zero-extended
    Zext16 DA;
    /// d = low 32 bits of a, zero-extended
    Zext32 DA;
    /// d = low 8 bits of a, sign-extended
    Sext8 DA;
    /// d = low 16 bits of a, sign-extended
    Sext16 DA;
    /// d = low 32 bits of a, sign-extended
    Sext32 DA;
    /// d = bits 8..15 of a, zero-extended
    Extract8h DA;
    /// bits 0..7 of d = low bits of a, the rest of d stays
    Insert8l UpdateA;
    /// bits 8..15 of d = low bits of a, the rest of d stays
    Insert8h UpdateA;
    /// bits 0..15 of d = low bits of a, the rest of d stays
    Insert16 UpdateA;
    /// bits 0..31 of d = low bits of a, the rest of d stays
    Insert32 UpdateA;

    /// d = a with its 8 bytes reversed
    Bswap DA;
    /// d = the low 4 bytes of a reversed, zero-extended
    Bswap32 DA;
    /// d = leading zero bits of a (64 for zero)
    Clz DA;
    /// d = trailing zero bits of a (64 for zero)
    Ctz DA;
    /// d = one bits of a
    Popcnt DA;

    /// d = (a == b)
    Seq DAB;
    /// d = (a != b)
    Sne DAB;
    /// d = (a < b), unsigned
    Sltu DAB;
    /// d = (a >= b), unsigned
    Sgeu DAB;
    /// d = (a < b), signed
    Slt DAB;
    /// d = (a >= b), signed
    Sge DAB;
    /// d = (a == b), low 32 bits
    Seq32 DAB;
    /// d = (a != b), low 32 bits
    Sne32 DAB;
    /// d = (a < b), unsigned, low 32 bits
    Sltu32 DAB;
    /// d = (a >= b), unsigned, low 32 bits
    Sgeu32 DAB;
    /// d = (a < b), signed, low 32 bits
    Slt32 DAB;
    /// d = (a >= b), signed, low 32 bits
    Sge32 DAB;
    /// d = (a == imm)
    SeqI DAI;
    /// d = (a < imm), unsigned
    SltuI DAI;
    /// d = (a < imm), signed
    SltI DAI;
    /// d = b if a != 0, else d stays
    MovNz UpdateAB;
    /// d = b if a == 0, else d stays
    MovZ UpdateAB;

    /// lazy flags = (kind imm, a, b)
    SetFlags Flags;
    /// lazy flags = (kind d, a, imm); d is the kind's number itself
    SetFlagsI Flags;
    /// lazy flags = (kind imm + 4 if d else imm, a, b), d being 0 or 1
    SetFlagsCarry Flags;
    /// lazy flags = (kind imm, a, b) if b != 0, else they stay
    SetFlagsIf Flags;
    /// d = the flag word
    GetFlags FromFlags;
    /// d = 1 if condition imm holds, else 0
    TestCond FromFlags;

    /// 8 bits, zero-extended
    Ld8 Load;
    /// 8 bits, sign-extended
    Ld8s Load;
    /// 16 bits, zero-extended
    Ld16 Load;
    /// 16 bits, sign-extended
    Ld16s Load;
    /// 32 bits, zero-extended
    Ld32 Load;
    /// 32 bits, sign-extended
    Ld32s Load;
    /// 64 bits
    Ld64 Load;
    /// 128 bits into d and d + 1
    Ld128 Load;
    /// 8 bits, zero-extended
    LdX8 LoadX;
    /// 8 bits, sign-extended
    LdX8s LoadX;
    /// 16 bits, zero-extended
    LdX16 LoadX;
    /// 16 bits, sign-extended
    LdX16s LoadX;
    /// 32 bits, zero-extended
    LdX32 LoadX;
    /// 32 bits, sign-extended
    LdX32s LoadX;
    /// 64 bits
    LdX64 LoadX;
    /// 8 bits, zero-extended, of memory about to be written: faults as a write
    LdW8 Load;
    /// 16 bits, zero-extended, faults as a write
    LdW16 Load;
    /// 32 bits, zero-extended, faults as a write
    LdW32 Load;
    /// 64 bits, faults as a write
    LdW64 Load;
    /// 8 bits
    St8 Store;
    /// 16 bits
    St16 Store;
    /// 32 bits
    St32 Store;
    /// 64 bits
    St64 Store;
    /// 128 bits from b and b + 1
    St128 Store;
    /// 8 bits
    StX8 StoreX;
    /// 16 bits
    StX16 StoreX;
    /// 32 bits
    StX32 StoreX;
    /// 64 bits
    StX64 StoreX;
    /// Faults as the ISA does for a misaligned operand unless (a + imm) is a multiple of b (a power of two, literal)
    CheckAlign Check;
    /// Faults as a write of b (literal) bytes at a + imm would
    ProbeWrite Check;

    /// bitwise and
    VAnd Vector;
    /// bitwise or
    VOr Vector;
    /// bitwise exclusive or
    VXor Vector;
    /// (not a) and b
    VAndNot Vector;
    /// bytes: a + b
    VAdd8 Vector;
    /// 16-bit lanes: a + b
    VAdd16 Vector;
    /// 32-bit lanes: a + b
    VAdd32 Vector;
    /// 64-bit lanes: a + b
    VAdd64 Vector;
    /// bytes: a - b
    VSub8 Vector;
    /// 16-bit lanes: a - b
    VSub16 Vector;
    /// 32-bit lanes: a - b
    VSub32 Vector;
    /// 64-bit lanes: a - b
    VSub64 Vector;
    /// bytes: all ones where equal
    VEq8 Vector;
    /// 16-bit lanes: all ones where equal
    VEq16 Vector;
    /// 32-bit lanes: all ones where equal
    VEq32 Vector;
    /// bytes: unsigned minimum
    VMinU8 Vector;
    /// bytes: unsigned maximum
    VMaxU8 Vector;
    /// 32-bit lanes of a picked by the two-bit fields of imm (b is not read)
    VShuffle32 Vector;
    /// low bytes of a and b interleaved
    VUnpackL8 Vector;
    /// low 16-bit lanes of a and b interleaved
    VUnpackL16 Vector;
    /// low 32-bit lanes of a and b interleaved
    VUnpackL32 Vector;
    /// d = bit i is the top bit of byte i of the pair a, a + 1; d is one word
    VMoveMask8 DA;

    /// 64-bit a + b: the host's result where that is certainly the guest's, else the exact form (call imm)
    FAdd64 Float;
    /// 64-bit a - b
    FSub64 Float;
    /// 64-bit a * b
    FMul64 Float;
    /// 64-bit a / b
    FDiv64 Float;
    /// 64-bit square root of b; a names the same register
    FSqrt64 Float;
    /// 32-bit a + b; only the low half of d is written
    FAdd32 Float;
    /// 32-bit a - b
    FSub32 Float;
    /// 32-bit a * b
    FMul32 Float;
    /// 32-bit a / b
    FDiv32 Float;
    /// 32-bit square root of b; a names the same register
    FSqrt32 Float;

    /// Asks the ISA: call number imm & 0xffff; the upper half of imm is the call's own
    Call Call;
    /// The same, and ends the block
    CallEnd CallEnd;

    /// to the next instruction
    Next Jump;
    /// to the taken successor
    Jump Jump;
    /// to the address in a
    JumpReg JumpReg;
    /// if condition imm holds on the lazy flags
    BrCond Branch;
    /// if a == b
    BrEq Branch;
    /// if a != b
    BrNe Branch;
    /// if a < b, unsigned
    BrLtu Branch;
    /// if a >= b, unsigned
    BrGeu Branch;
    /// if a < b, signed
    BrLt Branch;
    /// if a >= b, signed
    BrGe Branch;
    /// if a == b, low 32 bits
    BrEq32 Branch;
    /// if a != b, low 32 bits
    BrNe32 Branch;
    /// if a < b, unsigned, low 32 bits
    BrLtu32 Branch;
    /// if a >= b, unsigned, low 32 bits
    BrGeu32 Branch;
    /// if a < b, signed, low 32 bits
    BrLt32 Branch;
    /// if a >= b, signed, low 32 bits
    BrGe32 Branch;
    /// if a == imm
    BrEqI Branch;
    /// if a != imm
    BrNeI Branch;
    /// if a < imm, unsigned
    BrLtuI Branch;
    /// if a >= imm, unsigned
    BrGeuI Branch;
    /// if a < imm, signed
    BrLtI Branch;
    /// if a >= imm, signed
    BrGeI Branch;
    /// if a == imm, low 32 bits
    BrEqI32 Branch;
    /// if a != imm, low 32 bits
    BrNeI32 Branch;
    /// if a < imm, unsigned, low 32 bits
    BrLtuI32 Branch;
    /// if a >= imm, unsigned, low 32 bits
    BrGeuI32 Branch;
    /// if a < imm, signed, low 32 bits
    BrLtI32 Branch;
    /// if a >= imm, signed, low 32 bits
    BrGeI32 Branch;
}

impl Opcode {
    /// Which operands it uses.
    pub const fn form(self) -> Form {
        FORMS[self as usize]
    }

    /// Its name.
    pub const fn name(self) -> &'static str {
        NAMES[self as usize]
    }

    /// Whether it is the last op of its block.
    pub const fn ends_block(self) -> bool {
        matches!(
            self.form(),
            Form::Branch | Form::JumpReg | Form::Jump | Form::CallEnd
        )
    }

    /// Whether a guest may see the state in front of it: it can fault, or hands the state to the ISA.
    pub const fn observes(self) -> bool {
        matches!(
            self.form(),
            Form::Load
                | Form::LoadX
                | Form::Store
                | Form::StoreX
                | Form::Check
                | Form::Float
                | Form::Call
                | Form::CallEnd
        )
    }
}

/// One micro-op.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Op {
    /// What to do.
    pub code: Opcode,
    /// Destination (in some forms an operand).
    pub d: Reg,
    /// First operand.
    pub a: Reg,
    /// Second operand.
    pub b: Reg,
    /// Immediate.
    pub imm: i32,
}

impl Op {
    /// Registers that the op may read, as a set of up to five, `None` meaning "any" (calls).
    pub fn reads(&self) -> Option<[Reg; 6]> {
        use crate::reg::{FLAG_A, FLAG_B, FLAG_KIND, ZERO};
        let Self { d, a, b, .. } = *self;
        let wide = |r: Reg| r.wrapping_add(1);
        let z = ZERO;
        Some(match self.code.form() {
            Form::None | Form::DI | Form::Jump | Form::Report => [z; 6],
            Form::DA if self.code == Opcode::VMoveMask8 => [a, wide(a), z, z, z, z],
            Form::DA | Form::DAI | Form::Load | Form::JumpReg | Form::Check => [a, z, z, z, z, z],
            Form::DAB | Form::LoadX => [a, b, z, z, z, z],
            Form::UpdateA => [d, a, z, z, z, z],
            Form::UpdateAB | Form::StoreX => [d, a, b, z, z, z],
            Form::Flags if self.code == Opcode::SetFlagsI => [a, z, z, z, z, z],
            Form::Flags if self.code == Opcode::SetFlagsIf => [a, b, z, FLAG_KIND, FLAG_A, FLAG_B],
            Form::Flags => [d, a, b, z, z, z],
            Form::FromFlags => [FLAG_KIND, FLAG_A, FLAG_B, z, z, z],
            Form::Branch if self.code == Opcode::BrCond => [FLAG_KIND, FLAG_A, FLAG_B, z, z, z],
            Form::Branch => [a, b, z, z, z, z],
            Form::Store => [a, b, wide(b), z, z, z],
            Form::Vector => [a, wide(a), b, wide(b), z, z],
            Form::Float | Form::Call | Form::CallEnd => return None,
        })
    }

    /// The register that the op writes and nothing else, if it has no other effect.
    pub const fn pure_result(&self) -> Option<Reg> {
        match self.code.form() {
            Form::DI
            | Form::DA
            | Form::DAI
            | Form::DAB
            | Form::UpdateA
            | Form::UpdateAB
            | Form::FromFlags => Some(self.d),
            _ => None,
        }
    }

    /// Whether the op may write `reg`.
    pub const fn writes(&self, reg: Reg) -> bool {
        use crate::reg::{FLAG_A, FLAG_B, FLAG_KIND};
        match self.code.form() {
            Form::Flags => reg == FLAG_KIND || reg == FLAG_A || reg == FLAG_B,
            Form::Vector => reg == self.d || reg == self.d.wrapping_add(1),
            Form::Load => {
                reg == self.d
                    || (reg == self.d.wrapping_add(1) && matches!(self.code, Opcode::Ld128))
            }
            Form::LoadX => reg == self.d,
            Form::Float | Form::Call | Form::CallEnd => true,
            _ => matches!(self.pure_result(), Some(d) if d == reg),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_op_is_eight_bytes_and_the_list_fits_a_byte() {
        assert_eq!(size_of::<Op>(), 8);
        assert!(
            OPCODES.len() <= 224,
            "{} opcodes: leave room for the other ISA",
            OPCODES.len()
        );
    }
}
