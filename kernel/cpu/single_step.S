/* SPDX-License-Identifier: MIT */
/*
 * single_step.S - a call with the trap flag set (single_step.h).
 *
 * void single_step_asm(void (*call)(void *), void *context, uint64_t stack_top)
 *
 * The call runs on the stack below stack_top, or on the current one if stack_top is 0.
 */
        .section .text
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

        .section .note.GNU-stack, "", @progbits
