# Runs cases one after the other: registers from a case's record, its instructions, registers back into the record. At
# the end all records go to standard output. A signal is written down, and ends its case.
#
# record   0 x0 … x31 (x0's place has the entry, which x4 gets)    512 fcsr    520 signal    528 its pc    544 data
#
# x3 is the record's address from beginning to end, so no case may write it.

    .equ FCSR, 512
    .equ SIGNAL, 520
    .equ TRAP_PC, 528

    # struct ucontext, as the kernel lays it out: pc, x1 … x31
    .equ UC_PC, 176
    .equ UC_X3, UC_PC + 8 * 3

    .equ SYS_WRITE, 64
    .equ SYS_EXIT, 93
    .equ SYS_SIGALTSTACK, 132
    .equ SYS_RT_SIGACTION, 134
    # SA_SIGINFO | SA_ONSTACK | SA_NODEFER
    .equ FLAGS, 0x4 | 0x08000000 | 0x40000000

    .option norelax
    .option norvc
    .text
    .globl _start
_start:
    j       main
back:                               # every case jumps here, so its place is fixed: _start + 4
    sd      x1, 8(x3)
    csrr    x1, fcsr
    sd      x1, FCSR(x3)
    .irp    n, 2,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    sd      x\n, 8 * \n(x3)
    .endr
    .irp    n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    fsd     f\n, 256 + 8 * \n(x3)
    .endr
    addi    x3, x3, RECORD
next:
    la      x1, records_end
    beq     x3, x1, end
    .irp    n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    fld     f\n, 256 + 8 * \n(x3)
    .endr
    ld      x1, FCSR(x3)
    csrw    fcsr, x1
    .irp    n, 1,2,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    ld      x\n, 8 * \n(x3)
    .endr
    ld      x4, 0(x3)
    jr      x4
end:
    li      a0, 1
    la      a1, records
    sub     a2, x3, a1
    li      a7, SYS_WRITE
    ecall
    li      a0, 0
    li      a7, SYS_EXIT
    ecall

main:
    la      a0, stack
    li      a1, 0
    li      a7, SYS_SIGALTSTACK
    ecall
    .irp    signal, 4,5,7,11        # SIGILL, SIGTRAP, SIGBUS, SIGSEGV
    li      a0, \signal
    la      a1, action
    li      a2, 0
    li      a3, 8
    li      a7, SYS_RT_SIGACTION
    ecall
    .endr
    la      x3, records
    j       next

handler:                            # (signal, siginfo, ucontext)
    ld      t0, UC_X3(a2)
    sd      a0, SIGNAL(t0)
    ld      t1, UC_PC(a2)
    sd      t1, TRAP_PC(t0)
    la      t1, back
    sd      t1, UC_PC(a2)
    ret

    .data
    .balign 16
stack:
    .dword  stack_memory, 0, STACK
action:
    .dword  handler, FLAGS, 0, 0

    .bss
    .balign 16
    .equ    STACK, 0x8000
stack_memory:
    .zero   STACK

    .section .cases, "ax"
    .incbin "cases.bin"

    .section .records, "aw"
records:
    .incbin "records.bin"
records_end:
