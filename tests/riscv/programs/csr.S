# Control and status registers: what exists, who may touch it, which values it takes.

    .include "macros.S"

main:
    # 64 bits, A C D F I M S U; what there is cannot be switched off (3.1.1).
    csrr    a0, misa
    check   a0, 0x800000000014112d
    csrw    misa, zero
    csrr    a0, misa
    check   a0, 0x800000000014112d
    csrr    a0, mhartid
    check   a0, 0

    # mstatus has its fields and no others (3.1.6), sstatus is a part of it (4.1.1).
    .ifndef QEMU                    # QEMU 7.2 has fields of other extensions, and takes the reserved mode
    write   mstatus, -1
    csrr    a0, mstatus
    check   a0, 0x8000000a007e79aa
    csrw    mstatus, zero
    csrr    a0, mstatus
    check   a0, 0x0000000a00000000
    write   mstatus, MPP
    write   mstatus, 2 << 11
    csrr    a0, mstatus
    check   a0, 0x0000000a00001800
    write   mstatus, -1
    csrr    a0, sstatus
    check   a0, 0x80000002000c6122
    csrw    sstatus, zero
    csrr    a0, mstatus
    check   a0, 0x0000000a00721888
    write   sstatus, -1
    csrr    a0, mstatus
    check   a0, 0x8000000a007e79aa
    .endif
    csrw    mstatus, zero
    write   sstatus, -1
    csrr    a0, mstatus
    check_set a0, SIE | SPIE | SPP | FS | SUM | MXR | 1 << 63
    check_clear a0, MIE | MPIE | MPP | MPRV | TVM | TW | TSR
    csrw    sstatus, zero
    csrr    a0, mstatus
    check_clear a0, SIE | SPIE | SPP | FS | SUM | MXR | 1 << 63

    # Vectors are aligned and have two modes; addresses of instructions are even (3.1.7, 3.1.14).
    csrr    s8, mtvec
    write   mtvec, 0x80001001
    csrr    a0, mtvec
    check   a0, 0x80001001
    write   mtvec, 0x80001002
    csrr    a0, mtvec
    check_clear a0, 2
    csrw    mtvec, s8
    .ifndef QEMU                    # masks when it returns
    write   mepc, -1
    csrr    a0, mepc
    check   a0, -2
    write   sepc, -1
    csrr    a0, sepc
    check   a0, -2
    .endif
    write   mscratch, 0x123456789abcdef0
    csrr    a0, mscratch
    check   a0, 0x123456789abcdef0

    # Calls from M-mode are never delegated; nor are M-mode's interrupts (3.1.8).
    write   medeleg, -1
    csrr    a0, medeleg
    check_set a0, 0xb1ff
    .ifndef QEMU                    # takes calls from M-mode
    check_clear a0, 1 << 11 | 1 << 10 | 1 << 14
    .endif
    csrw    medeleg, zero
    write   mideleg, -1
    csrr    a0, mideleg
    check_set a0, 0x222
    check_clear a0, 0x888

    # sie and sip show what is delegated; of sip software may write SSIP alone (4.1.3).
    csrw    mie, zero
    write   mideleg, 0x202
    write   sie, -1
    csrr    a0, mie
    check   a0, 0x202
    write   mie, 0xaaa
    csrr    a0, sie
    check   a0, 0x202
    csrw    mie, zero
    write   sip, -1
    csrr    a0, sip
    check   a0, 2
    csrw    sip, zero
    csrw    mideleg, zero
    write   sip, -1
    csrr    a0, mip
    check_clear a0, 0x222

    # In mip, software sets and clears S-mode's three, and no others (3.1.9).
    write   mip, 0xaaa
    csrr    a0, mip
    check_set a0, 0x222
    check_clear a0, 0x808
    csrw    mip, zero
    csrr    a0, mip
    check_clear a0, 0x222

    # satp: a mode that does not exist changes nothing (4.1.11).
    li      a1, 8 << 60 | 0x1234 << 44 | 0x80123
    csrw    satp, a1
    csrr    a0, satp
    same    a0, a1
    write   satp, 5 << 60 | 0x777
    csrr    a0, satp
    same    a0, a1
    li      a1, 9 << 60 | 0x80123
    csrw    satp, a1
    csrr    a0, satp
    same    a0, a1
    csrw    satp, zero

    # A number says who may read and who may write (2.1).
    illegal M, csrw mhartid, zero
    illegal M, csrrs a0, mhartid, a1
    illegal M, csrrci a0, mhartid, 1
    legal   M, csrrs a0, mhartid, x0
    legal   M, csrrci a0, mhartid, 0
    illegal S, csrr a0, mstatus
    illegal S, csrr a0, mhartid
    illegal S, csrw mscratch, a0
    legal   S, csrr a0, sstatus
    legal   S, csrw sscratch, a0
    illegal U, csrr a0, sstatus
    illegal U, csrw satp, a0
    illegal U, csrr a0, mstatus
    illegal M, csrr a0, 0x5c0
    illegal M, csrr a0, 0x3a1
    illegal M, csrr a0, 0xc80
    illegal M, csrw 0xc00, a0

    # A register that cannot be read is not written either.
    write   sscratch, 77
    illegal U, csrw sscratch, zero
    csrr    a0, sscratch
    check   a0, 77

    # Counters are open to S-mode by mcounteren, to U-mode by both (3.1.11, 4.1.5).
    .irp    bit, 0, 1, 2, 3, 18
    csrw    mcounteren, zero
    write   scounteren, -1
    illegal S, csrr a0, 0xc00 + \bit
    illegal U, csrr a0, 0xc00 + \bit
    write   mcounteren, 1 << \bit
    csrw    scounteren, zero
    legal   S, csrr a0, 0xc00 + \bit
    illegal U, csrr a0, 0xc00 + \bit
    write   scounteren, 1 << \bit
    legal   U, csrr a0, 0xc00 + \bit
    write   mcounteren, ~(1 << \bit) & 0xffffffff
    illegal S, csrr a0, 0xc00 + \bit
    .endr
    legal   M, csrr a0, 0xc03

    # minstret counts what retires; a write takes the place of its own increment (3.1.10).
    .ifndef QEMU                    # counts the host's time
    csrr    a0, minstret
    nop
    csrr    a1, minstret
    sub     a1, a1, a0
    check   a1, 2
    csrw    minstret, zero
    csrr    a0, minstret
    csrr    a1, minstret
    check   a0, 0
    check   a1, 1
    csrr    a0, mcycle
    csrr    a1, mcycle
    sub     a1, a1, a0
    check   a1, 1
    # What traps does not retire: the ECALL; the handler's four CSRs and its jump do.
    la      s11, 1f
    csrw    minstret, zero
    ecall
1:  csrr    a0, minstret
    check   a0, 5
    # Stopped counters keep what is written (3.1.12).
    write   mcountinhibit, 5
    li      a1, 1000
    csrw    minstret, a1
    csrw    mcycle, a1
    csrr    a0, minstret
    check   a0, 1000
    csrr    a0, mcycle
    check   a0, 1000
    csrw    mcountinhibit, zero
    csrr    a0, minstret
    csrr    a1, minstret
    sub     a1, a1, a0
    check   a1, 1
    write   mcountinhibit, -1
    csrr    a0, mcountinhibit
    check_clear a0, 2
    csrw    mcountinhibit, zero
    .endif

    # Floating point: off it is illegal, everywhere; writing it makes it dirty (3.1.6.6).
    clear_bits mstatus, FS
    illegal M, fmv.w.x f0, zero
    illegal M, fld f0, 0(sp)
    illegal M, csrr a0, fcsr
    illegal M, csrw frm, zero
    illegal U, fmv.x.w a0, f0
    set_bits mstatus, 1 << 13
    csrr    a0, mstatus
    check_clear a0, 1 << 14 | 1 << 63
    fmv.w.x f0, zero
    csrr    a0, mstatus
    check_set a0, FS | 1 << 63
    clear_bits mstatus, FS
    set_bits mstatus, 1 << 13
    csrw    fflags, zero
    csrr    a0, mstatus
    check_set a0, FS | 1 << 63
    # The same code, with it on and off.
    .rept   2
    set_bits mstatus, FS
    call    floating
    clear_bits mstatus, FS
    la      s11, 1f
    call    floating
1:  check   s0, ILLEGAL
    la      a0, floating
    same    s2, a0
    .endr
    set_bits mstatus, FS
    # A reserved rounding mode is illegal where it is used, named or not.
    write   frm, 5
    illegal M, fadd.d f0, f1, f2
    illegal M, fcvt.w.s a0, f1
    legal   M, fadd.d f0, f1, f2, rtz
    legal   M, fsgnj.d f0, f1, f2
    csrw    frm, zero
    illegal M, .insn 0x0220d053        # fadd.d with mode 5
    write   fcsr, -1
    csrr    a0, fcsr
    check   a0, 0xff
    csrr    a0, frm
    check   a0, 7
    csrw    fcsr, zero

    # TVM keeps address translation for M-mode, TW waiting, TSR returning (3.1.6.5).
    set_bits mstatus, TVM
    illegal S, csrr a0, satp
    illegal S, csrw satp, a0
    illegal S, sfence.vma
    legal   M, csrr a0, satp
    legal   M, sfence.vma
    clear_bits mstatus, TVM
    legal   S, csrr a0, satp
    legal   S, sfence.vma
    illegal U, sfence.vma
    set_bits mstatus, TW
    illegal S, wfi
    illegal U, wfi
    clear_bits mstatus, TW
    illegal U, wfi
    set_bits mstatus, TSR
    illegal S, sret
    clear_bits mstatus, TSR
    illegal U, sret
    illegal S, mret
    illegal U, mret

    # senvcfg and menvcfg have FIOM (3.1.18, 4.1.10).
    write   menvcfg, 1
    csrr    a0, menvcfg
    check_set a0, 1
    legal   S, csrw senvcfg, a0
    illegal U, csrr a0, senvcfg
    csrw    menvcfg, zero
    j       pass

floating:
    fadd.d  f0, f1, f2
    ret
