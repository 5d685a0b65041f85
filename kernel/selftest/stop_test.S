/* SPDX-License-Identifier: MIT */
/*
 * stop_test.S - runs a test that can be stopped from an exception handler (stop_test.h).
 *
 * void stop_test_call(struct test_stop_point *point, void (*run)(struct selftest_run *),
 *                     struct selftest_run *t)
 *
 * Registers that a function has to keep are on the stack. A handler that continues at point->ip with the
 * stack pointer point->sp returns from here, as the test would have.
 */
        .section .text
        .hidden stop_test_call
        .globl  stop_test_call
stop_test_call:
        pushq   %rbp
        pushq   %rbx
        pushq   %r12
        pushq   %r13
        pushq   %r14
        pushq   %r15
        subq    $8, %rsp
        leaq    1f(%rip), %rax
        movq    %rax, 0(%rdi)           /* point->ip */
        movq    %rsp, 8(%rdi)           /* point->sp */
        movq    %rsi, %rax
        movq    %rdx, %rdi
        call    *%rax
1:      addq    $8, %rsp
        popq    %r15
        popq    %r14
        popq    %r13
        popq    %r12
        popq    %rbx
        popq    %rbp
        ret

        .section .note.GNU-stack, "", @progbits
