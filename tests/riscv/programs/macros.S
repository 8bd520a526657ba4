# What every program begins with: names, checks, and a machine-mode handler that notes a trap and goes on.
#
# A check that fails prints its number (there is a symbol check.NUMBER at it), what is and what should be, in hexadecimal,
# and ends the program with code 1. Expectations cite the Privileged Architecture, version 1.12, by section.
#
# s0 … s3   mcause, mtval, mepc, mstatus as of the last trap to M-mode       s11   where M-mode goes on after a trap
# s4 … s7   scause, stval, sepc, sstatus as of the last trap to S-mode       t5, t6, gp   the macros' own

    .equ FINISHER, 0x100000
    .equ UART, 0x10000000
    .equ PASS, 0x5555
    .equ FAIL, 0x3333

    .equ U, 0
    .equ S, 1
    .equ M, 3

    .equ FETCH_ACCESS, 1
    .equ ILLEGAL, 2
    .equ BREAKPOINT, 3
    .equ LOAD_MISALIGNED, 4
    .equ LOAD_ACCESS, 5
    .equ STORE_MISALIGNED, 6
    .equ STORE_ACCESS, 7
    .equ ECALL_U, 8
    .equ ECALL_S, 9
    .equ ECALL_M, 11
    .equ FETCH_PAGE, 12
    .equ LOAD_PAGE, 13
    .equ STORE_PAGE, 15
    .equ INTERRUPT, 1 << 63

    .equ SIE, 1 << 1
    .equ MIE, 1 << 3
    .equ SPIE, 1 << 5
    .equ MPIE, 1 << 7
    .equ SPP, 1 << 8
    .equ MPP, 3 << 11
    .equ FS, 3 << 13
    .equ MPRV, 1 << 17
    .equ SUM, 1 << 18
    .equ MXR, 1 << 19
    .equ TVM, 1 << 20
    .equ TW, 1 << 21
    .equ TSR, 1 << 22

    .equ menvcfg, 0x30a
    .equ senvcfg, 0x10a
    .equ stimecmp, 0x14d

# The register has this value.
    .macro  check register, value
    mv      t5, \register
    li      t6, \value
    check_t5
    .endm

# The registers are alike.
    .macro  same register, other
    mv      t5, \register
    mv      t6, \other
    check_t5
    .endm

# All of these bits are set in the register, or none is.
    .macro  check_set register, bits
    li      t6, \bits
    and     t5, t6, \register
    check_t5
    .endm
    .macro  check_clear register, bits
    li      t6, \bits
    and     t5, t6, \register
    li      t6, 0
    check_t5
    .endm

    .macro  check_t5
check.\@:
    li      gp, \@
    bne     t5, t6, fail
    .endm

# Sets and clears bits of a CSR that have no short immediate.
    .macro  set_bits csr, bits
    li      t6, \bits
    csrs    \csr, t6
    .endm
    .macro  clear_bits csr, bits
    li      t6, \bits
    csrc    \csr, t6
    .endm
    .macro  write csr, value
    li      t6, \value
    csrw    \csr, t6
    .endm

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

fail:
    mv      a0, gp
    call    print
    mv      a0, t5
    call    print
    mv      a0, t6
    call    print
    li      gp, 1 << 16 | FAIL
    j       finish
pass:
    li      gp, PASS
finish:
    li      t6, FINISHER
    sw      gp, 0(t6)
    j       .

print:                              # a0 in hexadecimal, and a blank
    li      a1, UART
    li      a2, 60
1:  srl     a3, a0, a2
    andi    a3, a3, 15
    addi    a3, a3, '0'
    li      a4, '9'
    ble     a3, a4, 2f
    addi    a3, a3, 'a' - '0' - 10
2:  sb      a3, 0(a1)
    addi    a2, a2, -4
    bgez    a2, 1b
    li      a3, ' '
    sb      a3, 0(a1)
    ret

    .bss
    .balign 16
    .zero   4096
stack_end:
    .text
