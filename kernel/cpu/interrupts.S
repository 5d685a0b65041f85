/*
 * interrupts.S - from an exception to exception_report() in faults.c, and back.
 *
 * Each entry pushes an error code if the processor did not, and its vector; the rest is common. The order of
 * the registers on the stack is struct exception_frame's.
 */
        .section .text
        .balign 16
        .hidden exception_entries
        .globl  exception_entries
exception_entries:
        .set    vector, 0
        .rept   32
        .balign 16
        /* 8, 10-14, 17, 21, 29 and 30 come with an error code (SDM 3A, table 6-1) */
        .if     !((0x60227d00 >> vector) & 1)
        pushq   $0
        .endif
        pushq   $vector
        jmp     common
        .set    vector, vector + 1
        .endr

common:
        pushq   %rax
        pushq   %rbx
        pushq   %rcx
        pushq   %rdx
        pushq   %rsi
        pushq   %rdi
        pushq   %rbp
        pushq   %r8
        pushq   %r9
        pushq   %r10
        pushq   %r11
        pushq   %r12
        pushq   %r13
        pushq   %r14
        pushq   %r15
        cld
        movq    %rsp, %rdi
        movq    %rsp, %rbp
        andq    $-16, %rsp
        call    exception_report
        movq    %rbp, %rsp
        popq    %r15
        popq    %r14
        popq    %r13
        popq    %r12
        popq    %r11
        popq    %r10
        popq    %r9
        popq    %r8
        popq    %rbp
        popq    %rdi
        popq    %rsi
        popq    %rdx
        popq    %rcx
        popq    %rbx
        popq    %rax
        addq    $16, %rsp
        iretq

/*
 * void safe_access_asm(struct safe_access *probe, enum safe_access_kind kind, paging_virt_t address, uint64_t value)
 * One access that may fault: read (0), write (1), or call (2). See safe_access.h. The exception handler comes back
 * to resume_ip with resume_sp, so nothing here is left half done.
 */
        .hidden safe_access_asm
        .globl  safe_access_asm
safe_access_asm:
        pushq   %rbx
        movq    %rdi, %rbx
        leaq    2f(%rip), %rax
        movq    %rax, 0(%rdi)           /* resume_ip */
        movq    %rsp, 8(%rdi)           /* resume_sp */
        cmpl    $1, %esi
        je      1f
        ja      3f
        movq    (%rdx), %rax
        movq    %rax, 16(%rbx)          /* value */
        jmp     2f
1:      movq    %rcx, (%rdx)
        jmp     2f
3:      call    *%rdx
2:      popq    %rbx
        ret

/*
 * void single_step_asm(void (*call)(void *), void *context, uint64_t stack_top)
 * The call with the trap flag set, on a stack of its own unless stack_top is 0. See single_step.h.
 */
        .hidden single_step_asm
        .globl  single_step_asm
single_step_asm:
        pushq   %rbp
        movq    %rsp, %rbp
        testq   %rdx, %rdx
        cmovnzq %rdx, %rsp
        andq    $-16, %rsp
        movq    %rdi, %rax
        movq    %rsi, %rdi
        pushfq
        orq     $0x100, (%rsp)
        popfq
        call    *%rax
        pushfq
        andq    $~0x100, (%rsp)
        popfq
        movq    %rbp, %rsp
        popq    %rbp
        ret

/*
 * _Noreturn void switch_to(uint64_t cr3, uint64_t stack, void (*entry)(void *), void *argument)
 * From the firmware's tables and stack to ours, in one block: the code and everything it needs after the
 * load is mapped at the same addresses on both sides, which the pre-flight has checked.
 */
        .hidden switch_to
        .globl  switch_to
switch_to:
        cli
        movq    %rdi, %cr3
        movq    %rsi, %rsp
        xorl    %ebp, %ebp
        movq    %rcx, %rdi
        call    *%rdx
        ud2

/*
 * _Noreturn void switch_to_five_levels(uint64_t cr3, uint64_t stack, void (*entry)(void *), void *)
 * CR4.LA57 cannot change while paging is on (SDM 3A, 4.1.2), nor can paging be switched off in 64-bit mode.
 * So: to 32-bit code, paging off, LA57 on, CR3, paging on, and back. Switching modes leaves the upper halves
 * of registers undefined: what is wanted afterwards waits in memory.
 */
        .hidden switch_to_five_levels
        .globl  switch_to_five_levels
switch_to_five_levels:
        cli
        movq    %rsi, five_stack(%rip)
        movq    %rdx, five_entry(%rip)
        movq    %rcx, five_argument(%rip)
        movl    %edi, %ebx
        leaq    five_far(%rip), %rbp
        leaq    2f(%rip), %rax
        movl    %eax, (%rbp)
        leaq    1f(%rip), %rax
        pushq   $0x28                   /* 32-bit code: descriptors.c */
        pushq   %rax
        lretq
        .code32
1:      movl    %cr0, %eax
        andl    $0x7fffffff, %eax
        movl    %eax, %cr0
        movl    %cr4, %ecx
        orl     $0x1000, %ecx
        movl    %ecx, %cr4
        movl    %ebx, %cr3
        orl     $0x80000000, %eax
        movl    %eax, %cr0
        ljmpl   *(%ebp)
        .code64
2:      movq    five_stack(%rip), %rsp
        movq    five_argument(%rip), %rdi
        xorl    %ebp, %ebp
        call    *five_entry(%rip)
        ud2

        .section .data
        .balign 8
five_stack:     .quad 0
five_entry:     .quad 0
five_argument:  .quad 0
five_far:       .long 0
                .word 0x08              /* 64-bit code */

        .section .note.GNU-stack, "", @progbits
