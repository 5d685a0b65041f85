/* SPDX-License-Identifier: MIT */
/*
 * second_stack.S - calls a function on another stack (demand_pages.c).
 *
 * void second_stack_call(void)
 *
 * Calls second_stack_body with the stack pointer second_stack_top, and comes back to the caller's stack.
 */
        .section .text
        .hidden second_stack_call, second_stack_body, second_stack_top
        .globl  second_stack_call
second_stack_call:
        pushq   %rbp
        movq    %rsp, %rbp
        movq    second_stack_top(%rip), %rsp
        call    second_stack_body
        movq    %rbp, %rsp
        popq    %rbp
        ret

        .section .note.GNU-stack, "", @progbits
