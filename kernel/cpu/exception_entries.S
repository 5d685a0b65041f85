/* SPDX-License-Identifier: MIT */
/*
 * exception_entries.S - one entry per vector, each of which leads to exception_report() in exceptions.c.
 *
 * An entry pushes an error code if the processor did not, and its vector. The rest is common: it saves the
 * general registers in the order of struct exception_frame, calls exception_report, and returns. Below the
 * registers it pushes a record of frame pointer and address, as a function does, so that a stack trace that
 * begins in the handler leads to the interrupted code (stack_trace.h).
 */
        .section .text
        .cfi_sections .debug_frame
        .balign 16
        .hidden exception_entries
        .globl  exception_entries
exception_entries:
        .set    vector, 0
        .rept   256
        .balign 16
        /* the processor pushes an error code for 8, 10-14, 17, 21, 29 and 30 (SDM 3A, table 6-1) */
        .if     vector > 31
        pushq   $0
        .elseif !((0x60227d00 >> vector) & 1)
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
        pushq   136(%rdi)               /* frame->rip */
        pushq   %rbp
        movq    %rsp, %rbp
        .cfi_startproc                  /* for debuggers: where the interrupted code's registers are */
        .cfi_signal_frame
        .cfi_def_cfa %rbp, 16
        .cfi_offset %rbp, -16
        .cfi_offset %rip, -8
        .cfi_offset %rsp, 160           /* frame->rsp */
        andq    $-16, %rsp
        call    exception_report
        leaq    16(%rbp), %rsp
        .cfi_endproc
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

        .section .note.GNU-stack, "", @progbits
