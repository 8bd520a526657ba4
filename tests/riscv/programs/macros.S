# What programs for M-mode begin with, and a handler there that notes a trap and goes on. Expectations cite the Privileged
# Architecture, version 1.12, by section.
#
# s0 … s3   mcause, mtval, mepc, mstatus as of the last trap to M-mode       s11   where M-mode goes on after a trap
# s4 … s7   scause, stval, sepc, sstatus as of the last trap to S-mode       s10   an instruction that may trap

    .text
    j       _start                  # this is where memory begins

    .include "checks.S"

# Goes on in this mode at the address in t5.
    .macro  enter mode
    clear_bits mstatus, MPP
    set_bits mstatus, \mode << 11
    csrw    mepc, t5
    mret
    .endm

# Runs an instruction in this mode. It traps to M-mode with this cause; ECALL_x, if it shall complete. Elsewhere is what
# is added to the instruction's address.
    .macro  from mode, cause, insn:vararg
    from_at 0, \mode, \cause, \insn
    .endm
    .macro  from_at elsewhere, mode, cause, insn:vararg
    la      s11, 9f
    la      t5, 8f
    li      t6, \elsewhere
    add     t5, t5, t6
    mv      s10, t5
    enter   \mode
    .option push
    .option norvc
8:  \insn
    ecall
9:
    .option pop
    check   s0, \cause
    .if     \cause != ECALL_U + \mode
    same    s2, s10
    .endif
    .endm

# The instruction is illegal in this mode, and mtval has it (3.1.16).
    .macro  illegal mode, insn:vararg
    from    \mode, ILLEGAL, \insn
    lwu     t5, 0(s2)
    same    s1, t5
    .endm

# The instruction traps to S-mode with this cause.
    .macro  to_supervisor mode, cause, insn:vararg
    la      s11, 9f
    la      t5, 8f
    mv      s10, t5
    enter   \mode
    .option push
    .option norvc
8:  \insn
9:
    .option pop
    check   s0, ECALL_S
    check   s4, \cause
    same    s6, s10
    .endm

# The instruction completes in this mode.
    .macro  legal mode, insn:vararg
    from    \mode, ECALL_U + \mode, \insn
    .endm

    .text
    .globl  _start
_start:
    la      t0, handler
    csrw    mtvec, t0
    la      t0, supervisor_handler
    csrw    stvec, t0
    csrw    mie, zero
    # All memory is open to all modes.
    li      t0, -1
    csrw    pmpaddr0, t0
    li      t0, 0x1f
    csrw    pmpcfg0, t0
    csrr    t0, mhartid
    bnez    t0, others
    la      sp, stack_end
    j       main

    .ifndef HARTS                       # the program is for one hart
others:
    wfi
    j       others
    .endif

    .balign 4
handler:
    csrr    s0, mcause
    csrr    s1, mtval
    csrr    s2, mepc
    csrr    s3, mstatus
    jr      s11

    .balign 4
supervisor_handler:
    csrr    s4, scause
    csrr    s5, stval
    csrr    s6, sepc
    csrr    s7, sstatus
    ecall

    .bss
    .balign 16
    .zero   4096
stack_end:
    .text
