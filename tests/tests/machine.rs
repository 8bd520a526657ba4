//! The machine as kernels made on the spot see it: modes, paging, privilege, exceptions, interrupts, other CPUs.

use iced_x86::code_asm::*;
use tests::kernel::*;

/// Model-specific registers (SDM vol. 4).
const STAR: u32 = 0xc000_0081;
const LSTAR: u32 = 0xc000_0082;
const FMASK: u32 = 0xc000_0084;
const TSC_DEADLINE: u32 = 0x6e0;

/// The status that QEMU and we give for this word on the debug-exit port.
fn status_of(word: u32) -> i32 {
    i32::from((word << 1 | 1) as u8)
}

/// Runs a kernel that ends well and gives the words it printed.
#[track_caller]
fn says(kernel: &[u8], options: &[&str]) -> Vec<u64> {
    let ran = boot(kernel, options);
    assert_eq!(
        (ran.stderr.as_str(), ran.status),
        ("", status_of(0)),
        "{}",
        ran.text()
    );
    words(&ran.stdout)
}

fn write_msr(a: &mut CodeAssembler, msr: u32) -> Built {
    a.mov(ecx, msr)?;
    a.mov(rdx, rax)?;
    a.shr(rdx, 32)?;
    a.wrmsr()
}

/// RAX = the time-stamp counter.
fn read_tsc(a: &mut CodeAssembler) -> Built {
    a.rdtsc()?;
    a.shl(rdx, 32)?;
    a.or(rax, rdx)
}

/// Goes on in user mode at `at`.
fn enter_user(a: &mut CodeAssembler, at: CodeLabel) -> Built {
    a.push(USER_DATA as i32)?;
    a.push(0x28_0000)?; // a stack
    a.push(2)?; // RFLAGS
    a.push(USER_CODE as i32)?;
    a.lea(rax, ptr(at))?;
    a.push(rax)?;
    a.iretq()
}

#[test]
fn a_kernel_is_entered_by_pvh_and_says_hello() {
    let kernel = elf(|a| {
        put(a, "hello\n")?;
        exit(a, 0x10)
    });
    let ran = boot(&kernel, &[]);
    assert_eq!(
        (ran.text().as_str(), ran.stderr.as_str(), ran.status),
        ("hello\n", "", status_of(0x10))
    );
}

#[test]
fn the_start_information_lies_where_ebx_points() {
    let kernel = elf(|a| {
        a.mov(eax, dword_ptr(ebx))?; // magic
        a.cmp(eax, 0x336e_c578)?;
        let mut bad = a.create_label();
        a.jne(bad)?;
        a.mov(esi, dword_ptr(ebx + 24))?; // command line
        a.mov(edx, 0x3f8)?;
        a.mov(ecx, 5)?;
        a.rep().outsb()?;
        a.set_label(&mut bad)?;
        exit(a, 0)
    });
    assert_eq!(boot(&kernel, &["--append", "abc d"]).text(), "abc d");
}

#[test]
fn long_mode_computes_in_64_bits_and_maps_pages_of_all_three_sizes() {
    // Of the second GiB: 2 MiB at 0x6000_0000 by one large page, then one page of 4 KiB at 0x6020_0000.
    const DIRECTORY: u64 = 0x40_0000;
    const TABLE: u64 = 0x40_1000;
    let kernel = long_mode(|a| {
        a.mov(dword_ptr(DIRECTORY + 0x100 * 8), 0x0060_0083)?;
        a.mov(dword_ptr(DIRECTORY + 0x101 * 8), TABLE as u32 | 3)?;
        a.mov(dword_ptr(TABLE), 0x0080_0003)?;
        a.mov(dword_ptr(PML4 + 0x1000 + 8), DIRECTORY as u32 | 3)?;
        a.mov(rax, cr3)?;
        a.mov(cr3, rax)?;
        a.mov(rax, 0x1122_3344_5566_7788u64)?;
        a.mov(r15, 0x6000_1238u64)?;
        a.mov(qword_ptr(r15), rax)?;
        a.add(rax, rax)?;
        a.mov(r15, 0x6020_0ff8u64)?;
        a.mov(qword_ptr(r15), rax)?;
        for address in [
            0x60_1238,
            0x80_0ff8,
            DIRECTORY + 0x800,
            DIRECTORY + 0x808,
            TABLE,
        ] {
            a.mov(rax, qword_ptr(address))?;
            word(a)?;
        }
        exit(a, 0)
    });
    // Accessed (0x20) in every entry walked through, dirty (0x40) in those that name a page.
    let expected = [
        0x1122_3344_5566_7788,
        0x2244_6688_aacc_ef10,
        0x60_00e3,
        TABLE | 0x23,
        0x80_0063,
    ];
    assert_eq!(says(&kernel, &[]), expected);
}

#[test]
fn a_page_is_remapped_when_the_tlb_is_told() {
    const DIRECTORY: u64 = 0x40_0000;
    let kernel = long_mode(|a| {
        a.mov(qword_ptr(0x60_0000), 1)?;
        a.mov(qword_ptr(0x80_0000), 2)?;
        a.mov(dword_ptr(DIRECTORY), 0x0060_0083)?;
        a.mov(dword_ptr(PML4 + 0x1000 + 8), DIRECTORY as u32 | 3)?;
        a.mov(rax, cr3)?;
        a.mov(cr3, rax)?;
        a.mov(rbx, 0x4000_0000u64)?;
        a.mov(rax, qword_ptr(rbx))?;
        word(a)?;
        a.mov(dword_ptr(DIRECTORY), 0x0080_0083)?;
        a.mov(rax, qword_ptr(rbx))?; // still the old page: the TLB holds it
        word(a)?;
        a.invlpg(ptr(rbx))?;
        a.mov(rax, qword_ptr(rbx))?;
        word(a)?;
        exit(a, 0)
    });
    assert_eq!(says(&kernel, &[]), [1, 1, 2]);
}

#[test]
fn user_mode_calls_the_kernel_and_is_called_back() {
    let kernel = long_mode(|a| {
        let (mut user, mut entry, mut call) =
            (a.create_label(), a.create_label(), a.create_label());
        a.mov(rax, 0x0013_0008u64 << 32)?; // SYSRET takes 0x1b and 0x23, SYSCALL 0x08 and 0x10
        a.mov(rax, 0x0010_0008_0000_0000u64)?;
        write_msr(a, STAR)?;
        a.lea(rax, ptr(entry))?;
        write_msr(a, LSTAR)?;
        a.mov(eax, 0x200)?;
        write_msr(a, FMASK)?;
        enter_user(a, user)?;

        a.set_label(&mut user)?;
        a.mov(edi, 40)?;
        a.set_label(&mut call)?;
        a.syscall()?;
        a.lea(edi, ptr(rdi + 2))?;
        a.syscall()?;

        a.set_label(&mut entry)?;
        a.mov(r12, rcx)?; // where to return to
        a.lea(rbx, ptr(call))?;
        a.sub(rcx, rbx)?;
        a.mov(rax, rcx)?;
        word(a)?;
        a.mov(rax, rdi)?;
        word(a)?;
        a.mov(rax, cs)?;
        word(a)?;
        a.mov(rax, ss)?;
        word(a)?;
        let mut leave = a.create_label();
        a.cmp(edi, 42)?;
        a.je(leave)?;
        a.mov(rcx, r12)?;
        a.sysretq()?;
        a.set_label(&mut leave)?;
        exit(a, 0)
    });
    // SYSCALL is two bytes long, LEA three.
    assert_eq!(
        says(&kernel, &[]),
        [
            2,
            40,
            KERNEL_CODE,
            KERNEL_DATA,
            7,
            42,
            KERNEL_CODE,
            KERNEL_DATA
        ]
    );
}

/// Runs `code`, which must fault in the way of `vector`, and gives the words on the stack that the fault left: error
/// code if it has one, RIP counted from the code's start, CS; then CR2.
#[track_caller]
fn fault(
    vector: u64,
    has_code: bool,
    user: bool,
    code: impl FnOnce(&mut CodeAssembler) -> Built,
) -> [u64; 4] {
    let kernel = long_mode(|a| {
        let (mut handler, mut start) = (a.create_label(), a.create_label());
        gate(a, vector, handler)?;
        if user {
            enter_user(a, start)?;
        }
        a.set_label(&mut start)?;
        code(a)?;
        exit(a, 99)?;
        a.set_label(&mut handler)?;
        if has_code {
            a.pop(rax)?;
        } else {
            a.mov(eax, u32::MAX)?;
        }
        word(a)?;
        a.pop(rax)?;
        a.lea(rbx, ptr(start))?;
        a.sub(rax, rbx)?;
        word(a)?;
        a.pop(rax)?;
        word(a)?;
        a.mov(rax, cr2)?;
        word(a)?;
        exit(a, 0)
    });
    says(&kernel, &[]).try_into().expect("four words")
}

/// What [`fault`] says in place of an error code.
const NO_CODE: u64 = 0xffff_ffff;

#[test]
fn faults_come_with_their_error_codes_and_point_at_the_instruction() {
    let divide = fault(0, false, false, |a| {
        a.xor(ecx, ecx)?; // 2 bytes
        a.div(ecx)
    });
    assert_eq!(divide, [NO_CODE, 2, KERNEL_CODE, 0]);
    assert_eq!(
        fault(6, false, false, |a| a.ud2()),
        [NO_CODE, 0, KERNEL_CODE, 0]
    );
    // A breakpoint is a trap: it points behind itself.
    assert_eq!(
        fault(3, false, false, |a| a.int3()),
        [NO_CODE, 1, KERNEL_CODE, 0]
    );
    let no_such_segment = fault(13, true, false, |a| {
        a.mov(eax, 0x53)?; // 5 bytes
        a.mov(ds, eax)
    });
    assert_eq!(no_such_segment, [0x50, 5, KERNEL_CODE, 0]);
    let empty_gate = fault(13, true, true, |a| a.int(0x30));
    assert_eq!(empty_gate, [0x30 << 3 | 2, 0, USER_CODE, 0]);
    assert_eq!(fault(13, true, true, |a| a.cli()), [0, 0, USER_CODE, 0]);
    let not_canonical = fault(13, true, false, |a| {
        a.mov(rbx, 1u64 << 63)?; // 10 bytes
        a.mov(al, byte_ptr(rbx))
    });
    assert_eq!(not_canonical, [0, 10, KERNEL_CODE, 0]);
}

#[test]
fn page_faults_say_what_was_tried_and_where() {
    const FAR: u64 = 0x80_0000_0000; // beyond the first 512 GiB: nothing is mapped
    let at_far = |a: &mut CodeAssembler| a.mov(rbx, FAR + 5); // 10 bytes
    let read = fault(14, true, false, |a| {
        at_far(a)?;
        a.mov(al, byte_ptr(rbx))
    });
    assert_eq!(read, [0, 10, KERNEL_CODE, FAR + 5]);
    let write = fault(14, true, false, |a| {
        at_far(a)?;
        a.inc(byte_ptr(rbx))
    });
    assert_eq!(write, [2, 10, KERNEL_CODE, FAR + 5]);
    let of_user = fault(14, true, true, |a| {
        at_far(a)?;
        a.mov(byte_ptr(rbx), al)
    });
    assert_eq!(of_user, [6, 10, USER_CODE, FAR + 5]);
    let fetch = fault(14, true, true, |a| {
        at_far(a)?;
        a.jmp(rbx)
    });
    assert_eq!(
        (
            fetch[0],
            fetch[1].wrapping_add(fetch[2]).wrapping_sub(USER_CODE),
            fetch[3]
        ),
        (0x14, fetch[1], FAR + 5)
    );
    // A word across the border of mapped memory: the part that misses is named.
    let across = fault(14, true, false, |a| {
        a.mov(rbx, (4u64 << 30) - 4)?; // 10 bytes
        a.mov(rax, qword_ptr(rbx))
    });
    assert_eq!(across, [0, 10, KERNEL_CODE, 4 << 30]);
}

#[test]
fn a_fault_that_cannot_be_delivered_is_a_double_fault_on_its_own_stack() {
    let double = fault(8, true, false, |a| {
        a.mov(esp, 0x1000)?; // 5 bytes; the page fault has no gate, and the stack no use
        a.mov(rbx, 0x80_0000_0000u64)?; // 10 bytes
        a.mov(al, byte_ptr(rbx))
    });
    assert_eq!(double, [0, 15, KERNEL_CODE, 0x80_0000_0000]);
}

#[test]
fn the_time_stamp_counter_counts_instructions() {
    let kernel = long_mode(|a| {
        a.rdtsc()?;
        a.mov(r8d, eax)?;
        a.rdtsc()?;
        a.mov(r9d, eax)?;
        a.mov(ecx, 1000)?;
        a.anonymous_label()?;
        let again = a.bwd()?;
        a.dec(ecx)?;
        a.jnz(again)?;
        a.rdtsc()?;
        a.sub(eax, r9d)?;
        a.sub(r9d, r8d)?;
        word(a)?;
        a.mov(eax, r9d)?;
        word(a)?;
        exit(a, 0)
    });
    let [looped, two] = says(&kernel, &[])[..] else {
        panic!("two words")
    };
    // Two instructions lie between the first two readings; 2 + 2000 + 1 between the others.
    assert_eq!(
        looped * 2,
        two * 2003,
        "a tick is a fixed part of an instruction"
    );
}

/// Sets the timer and counts until its interrupt: how many ticks after the deadline the handler began, and how far the
/// count came.
fn deadline(ticks: u32) -> [u64; 2] {
    let kernel = long_mode(|a| {
        let mut handler = a.create_label();
        gate(a, 0x40, handler)?;
        a.mov(ebx, LOCAL_APIC as u32)?;
        a.mov(dword_ptr(rbx + 0xf0), 0x1ff)?; // on, spurious vector 0xff
        a.mov(dword_ptr(rbx + 0x320), 0x4_0040)?; // timer: TSC deadline, vector 0x40
        a.xor(ebx, ebx)?;
        a.sti()?;
        read_tsc(a)?;
        a.add(rax, ticks as i32)?;
        a.mov(r8, rax)?;
        write_msr(a, TSC_DEADLINE)?;
        a.anonymous_label()?;
        let again = a.bwd()?;
        a.inc(rbx)?;
        a.jmp(again)?;
        a.set_label(&mut handler)?;
        read_tsc(a)?;
        a.sub(rax, r8)?;
        word(a)?;
        a.mov(rax, rbx)?;
        word(a)?;
        exit(a, 0)
    });
    says(&kernel, &[]).try_into().expect("two words")
}

#[test]
fn a_timer_interrupts_on_the_exact_instruction() {
    // An instruction takes ten ticks. From RDTSC to the loop there are nine, then each turn has two. The deadlines meet
    // every place in the loop, on the tick and off it.
    for ticks in (1000u32..2000).step_by(37) {
        let instructions = ticks.div_ceil(10);
        let [late, count] = deadline(ticks);
        assert_eq!(
            count,
            u64::from(instructions - 9).div_ceil(2),
            "{ticks} ticks"
        );
        assert_eq!(late, u64::from(instructions * 10 - ticks), "{ticks} ticks");
    }
}

#[test]
fn a_long_string_instruction_is_interrupted_and_resumed() {
    const LEN: u32 = 1 << 20;
    let kernel = long_mode(|a| {
        let (mut handler, mut rep, mut other) =
            (a.create_label(), a.create_label(), a.create_label());
        gate(a, 0x40, handler)?;
        a.mov(ebx, LOCAL_APIC as u32)?;
        a.mov(dword_ptr(rbx + 0xf0), 0x1ff)?;
        a.mov(dword_ptr(rbx + 0x3e0), 0xb)?; // count at the bus's own rate
        a.mov(dword_ptr(rbx + 0x320), 0x2_0040)?; // timer: periodic
        a.mov(dword_ptr(rbx + 0x380), 500_000)?;
        a.xor(r8d, r8d)?; // interrupts
        a.xor(r9d, r9d)?; // of them within the instruction
        a.mov(edi, 0x100_0000)?;
        a.mov(ecx, LEN)?;
        a.mov(eax, 0x5a)?;
        a.sti()?;
        a.set_label(&mut rep)?;
        a.rep().stosb()?;
        a.cli()?;
        a.mov(r10d, edi)?;
        a.mov(r11d, ecx)?;
        a.mov(edi, 0x100_0000)?;
        a.mov(ecx, LEN)?;
        a.repe().scasb()?; // all of it was written
        a.sete(cl)?;
        a.movzx(eax, cl)?;
        word(a)?;
        for register in [r8, r9, r10, r11] {
            a.mov(rax, register)?;
            word(a)?;
        }
        exit(a, 0)?;
        a.set_label(&mut handler)?;
        a.push(rax)?;
        a.inc(r8d)?;
        a.lea(rax, ptr(rep))?;
        a.cmp(rax, qword_ptr(rsp + 8))?;
        a.jne(other)?;
        a.inc(r9d)?;
        a.set_label(&mut other)?;
        a.mov(dword_ptr(rbx + 0xb0), 0)?; // end of interrupt
        a.pop(rax)?;
        a.iretq()
    });
    let [equal, interrupts, within, end, left] = says(&kernel, &[])[..] else {
        panic!("five words")
    };
    assert_eq!((equal, end, left), (1, u64::from(0x100_0000 + LEN), 0));
    assert!(
        within >= 3 && interrupts - within <= 1,
        "{within} of {interrupts} interrupts came within"
    );
}

#[test]
fn string_instructions_read_and_write_ports() {
    let kernel = long_mode(|a| {
        a.xor(eax, eax)?;
        a.mov(edx, 0x510)?; // fw_cfg: item 0 is its signature
        a.out(dx, ax)?;
        a.inc(edx)?;
        a.mov(edi, 0x40_0000)?;
        a.mov(ecx, 4)?;
        a.rep().insb()?;
        a.mov(esi, 0x40_0000)?;
        a.mov(edx, 0x3f8)?;
        a.mov(ecx, 4)?;
        a.rep().outsb()?;
        exit(a, 0)
    });
    let ran = boot(&kernel, &[]);
    assert_eq!(
        (ran.text().as_str(), ran.status),
        ("QEMU", status_of(0)),
        "{}",
        ran.stderr
    );
}

/// Copies 16-bit code to 0x8000 and starts the second CPU there.
fn start_second_cpu(a: &mut CodeAssembler, code: &[u8]) -> Built {
    let (mut data, mut behind) = (a.create_label(), a.create_label());
    a.jmp(behind)?;
    a.set_label(&mut data)?;
    a.db(code)?;
    a.set_label(&mut behind)?;
    a.lea(rsi, ptr(data))?;
    a.mov(edi, 0x8000)?;
    a.mov(ecx, code.len() as u32)?;
    a.rep().movsb()?;
    a.mov(ebx, LOCAL_APIC as u32)?;
    a.mov(dword_ptr(rbx + 0xf0), 0x1ff)?;
    a.mov(dword_ptr(rbx + 0x310), 1 << 24)?; // to APIC 1
    a.mov(dword_ptr(rbx + 0x300), 0x4500)?; // INIT
    a.mov(dword_ptr(rbx + 0x300), 0x4608)?; // start-up at page 8
    Ok(())
}

/// Waits until the word at `address` is `value`.
fn wait_for(a: &mut CodeAssembler, address: u64, value: i32) -> Built {
    a.anonymous_label()?;
    let again = a.bwd()?;
    a.pause()?;
    a.cmp(word_ptr(address), value)?;
    a.jne(again)
}

#[test]
fn a_second_cpu_starts_in_real_mode_where_the_first_says() {
    let second = assemble(16, 0, |a| {
        a.mov(ax, cs)?;
        a.mov(word_ptr(0x7002), ax)?;
        a.mov(eax, cr0)?;
        a.mov(dword_ptr(0x7004), eax)?;
        a.mov(word_ptr(0x7000), 1)?;
        a.hlt()
    });
    let kernel = long_mode(|a| {
        start_second_cpu(a, &second)?;
        wait_for(a, 0x7000, 1)?;
        a.movzx(eax, word_ptr(0x7002))?;
        word(a)?;
        a.mov(eax, dword_ptr(0x7004))?;
        word(a)?;
        exit(a, 0)
    });
    assert_eq!(says(&kernel, &["--cpus", "2"]), [0x800, 0x6000_0010]);
}

#[test]
fn code_that_another_cpu_rewrites_runs_as_rewritten() {
    let second = assemble(16, 0, |a| {
        a.mov(sp, 0x7000)?;
        a.anonymous_label()?;
        let again = a.bwd()?;
        a.call(0x40)?;
        a.mov(word_ptr(0x7000), ax)?;
        a.jmp(again)
    });
    let mut page = second;
    page.resize(0x40, 0x90);
    page.extend([0xb8, 1, 0, 0xc3]); // MOV AX, 1; RET
    let kernel = long_mode(|a| {
        start_second_cpu(a, &page)?;
        for value in 1..=20 {
            wait_for(a, 0x7000, value)?;
            a.mov(byte_ptr(0x8041), value + 1)?;
        }
        wait_for(a, 0x7000, 21)?;
        exit(a, 0)
    });
    assert!(says(&kernel, &["--cpus", "2"]).is_empty());
}

#[test]
fn code_that_rewrites_the_next_instruction_runs_as_rewritten() {
    let kernel = long_mode(|a| {
        let mut target = a.create_label();
        a.mov(ebp, 2)?;
        a.anonymous_label()?;
        let again = a.bwd()?;
        a.lea(rbx, ptr(target))?;
        a.mov(byte_ptr(rbx + 1), 7)?; // the operand of what comes next
        a.set_label(&mut target)?;
        a.mov(eax, 1)?;
        word(a)?;
        a.dec(ebp)?;
        a.jnz(again)?;
        exit(a, 0)
    });
    assert_eq!(says(&kernel, &[]), [7, 7]);
}

#[test]
fn every_cpu_counts_in_locked_memory_without_losing_one() {
    let second = assemble(16, 0, |a| {
        a.mov(ecx, 30_000)?;
        a.anonymous_label()?;
        let again = a.bwd()?;
        a.lock().inc(dword_ptr(0x7004))?;
        a.dec(ecx)?;
        a.jnz(again)?;
        a.mov(word_ptr(0x7000), 1)?;
        a.hlt()
    });
    let kernel = long_mode(|a| {
        start_second_cpu(a, &second)?;
        a.mov(ecx, 30_000)?;
        a.anonymous_label()?;
        let again = a.bwd()?;
        a.lock().inc(dword_ptr(0x7004))?;
        a.dec(ecx)?;
        a.jnz(again)?;
        wait_for(a, 0x7000, 1)?;
        a.mov(eax, dword_ptr(0x7004))?;
        word(a)?;
        exit(a, 0)
    });
    assert_eq!(says(&kernel, &["--cpus", "2"]), [60_000]);
}
