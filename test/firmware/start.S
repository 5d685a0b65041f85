/* SPDX-License-Identifier: MIT */
/*
 * start.S - calls the image with another stack and other flags, and comes back with those of before.
 *
 * uint64_t start_image(entry, image, table, const struct start_state *state)
 */
    .section .note.GNU-stack, "", @progbits
    .text
    .globl start_image
start_image:
    push %rbp
    push %rbx
    push %r12
    pushfq
    mov %rsp, %rbx              /* the image preserves it */
    mov %rdi, %rax
    mov 0(%rcx), %r10           /* flags */
    mov 8(%rcx), %r11           /* stack */
    mov %rsi, %rcx              /* arguments as the firmware's functions take them */
    test %r11, %r11
    jz 1f
    mov %r11, %rsp
1:  and $-16, %rsp
    sub $32, %rsp
    pushfq
    or %r10, (%rsp)
    popfq
    call *%rax
    mov %rbx, %rsp
    popfq
    cld
    pop %r12
    pop %rbx
    pop %rbp
    ret
