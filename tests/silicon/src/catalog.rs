//! The encodings under test: the decoder's own list of the legacy instructions of a mode, so that an instruction is
//! compared from the day it is lifted; what cannot be compared, with the reason; and what must be there.

use crate::CodeSize;
use iced_x86::{
    Code, CpuidFeature, EncodingKind, FlowControl, Mnemonic, OpCodeOperandKind as Kind,
};

/// The encodings that a mode has, VEX and its kin left out.
pub fn encodings(size: CodeSize) -> impl Iterator<Item = Code> {
    Code::values().filter(move |code| {
        let info = code.op_code();
        let exists = match size {
            CodeSize::Bits64 => info.mode64(),
            CodeSize::Bits32 => info.mode32(),
        };
        info.is_instruction() && exists && info.encoding() == EncodingKind::Legacy
    })
}

/// Why an encoding cannot be compared with silicon.
pub fn excluded(code: Code) -> Option<&'static str> {
    use Mnemonic as M;
    const SEGMENTS: &str = "needs the host's descriptor tables";
    let jumps = !matches!(
        code.flow_control(),
        FlowControl::Next | FlowControl::Exception | FlowControl::Interrupt
    );
    if is_far(code) || loads_segment(code) {
        return Some(SEGMENTS);
    }
    if matches!(
        code,
        Code::Pushd_ES
            | Code::Pushd_CS
            | Code::Pushd_SS
            | Code::Pushd_DS
            | Code::Pushd_FS
            | Code::Pushd_GS
    ) {
        return Some("models differ in the upper bytes that it writes");
    }
    if jumps && code.op_code().operand_size() == 16 {
        return Some("clips the instruction pointer to 16 bits, away from the test's pages");
    }
    Some(match code.mnemonic() {
        M::INVALID => "no instruction",
        M::Rdtsc | M::Rdtscp | M::Rdpmc | M::Rdpid | M::Rdpru | M::Cpuid | M::Xgetbv => {
            "its result is the machine's own"
        }
        M::Rdrand | M::Rdseed => "its result is the machine's own",
        M::Syscall | M::Sysenter | M::Int | M::Int1 => "enters the host's kernel",
        M::Iret | M::Iretd | M::Iretq | M::Sysret | M::Sysretq | M::Sysexit | M::Sysexitq => {
            SEGMENTS
        }
        M::Lar | M::Lsl | M::Verr | M::Verw => SEGMENTS,
        M::Sgdt | M::Sidt | M::Sldt | M::Str | M::Smsw => {
            "the host's kernel answers for the CPU (UMIP)"
        }
        M::Rdfsbase | M::Rdgsbase | M::Wrfsbase | M::Wrgsbase => "moves the host's thread pointer",
        M::Rcpps | M::Rcpss | M::Rsqrtps | M::Rsqrtss => "no two vendors' tables agree",
        M::Fxsave | M::Fxsave64 | M::Fxrstor | M::Fxrstor64 => "has a test of its own",
        M::Bswap if code == Code::Bswap_r16 => "undefined with 16 bits",
        M::Tzcnt | M::Lzcnt => {
            "is BSF or BSR on the emulated CPU, which has neither BMI1 nor LZCNT"
        }
        M::Ud0 | M::Ud1 | M::Endbr32 | M::Endbr64 | M::Xbegin | M::Xabort | M::Xend => {
            "depends on the host's model"
        }
        M::Monitor | M::Mwait | M::Umonitor | M::Umwait | M::Tpause | M::Clzero | M::Senduipi => {
            "waits"
        }
        _ => return None,
    })
}

/// Whether it changes CS by a far jump, call or return.
fn is_far(code: Code) -> bool {
    let info = code.op_code();
    let pointer =
        (0..info.op_count()).any(|n| matches!(info.op_kind(n), Kind::farbr2_2 | Kind::farbr4_2));
    pointer
        || code.mnemonic() == Mnemonic::Retf
        || code.is_jmp_far_indirect()
        || code.is_call_far_indirect()
}

/// Whether it loads a segment register.
fn loads_segment(code: Code) -> bool {
    use Mnemonic as M;
    let first = code.op_code().op_kind(0);
    match code.mnemonic() {
        M::Mov => first == Kind::seg_reg,
        M::Pop => is_segment(first),
        M::Lss | M::Lfs | M::Lgs | M::Lds | M::Les => true,
        _ => false,
    }
}

fn is_segment(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::es | Kind::cs | Kind::ss | Kind::ds | Kind::fs | Kind::gs
    )
}

/// Whether the emulated CPU claims every feature that the encoding belongs to, so that it must do what silicon does.
pub fn promised(code: Code) -> bool {
    use CpuidFeature as F;
    let promised = |feature: &CpuidFeature| {
        let old = matches!(
            feature,
            F::INTEL8086 | F::INTEL186 | F::INTEL286 | F::INTEL386 | F::INTEL486 | F::X64
        );
        let units = matches!(
            feature,
            F::SSE | F::SSE2 | F::FXSR | F::CX8 | F::CMOV | F::CMPXCHG16B | F::POPCNT
        );
        old || units
    };
    let info = code.op_code();
    let mmx = (0..info.op_count()).any(|n| {
        matches!(
            info.op_kind(n),
            Kind::mm_reg | Kind::mm_rm | Kind::mm_or_mem
        )
    });
    !mmx && code.cpuid_features().iter().all(promised)
}
