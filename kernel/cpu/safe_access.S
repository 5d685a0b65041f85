/* SPDX-License-Identifier: MIT */
/*
 * safe_access.S - one access that may fault (safe_access.h).
 *
 * void safe_access_asm(struct safe_access *access, enum safe_access_kind kind, paging_virt_t address,
 *                      uint64_t value)
 *
 * Reads (0), writes (1) or calls (2) the address, or pushes with it as the stack pointer (3). After a fault
 * the exception handler continues at resume_ip with the stack pointer resume_sp. A function that was called
 * may have got far before that, and have changed all registers: what belongs to the caller lies on the stack
 * there.
 */
        .section .text
        .hidden safe_access_asm
        .globl  safe_access_asm
safe_access_asm:
        pushq   %rbx
        pushq   %rbp
        pushq   %r12
        pushq   %r13
        pushq   %r14
        pushq   %r15
        subq    $8, %rsp                /* aligned for the call */
        movq    %rdi, %rbx
        leaq    2f(%rip), %rax
        movq    %rax, 0(%rdi)           /* access->resume_ip */
        movq    %rsp, 8(%rdi)           /* access->resume_sp */
        cmpl    $2, %esi
        je      3f
        ja      4f
        cmpl    $1, %esi
        je      1f
        movq    (%rdx), %rax
        movq    %rax, 16(%rbx)          /* access->value */
        jmp     2f
1:      movq    %rcx, (%rdx)
        jmp     2f
4:      movq    %rdx, %rsp
        pushq   $0
        movq    8(%rbx), %rsp
        jmp     2f
3:      call    *%rdx
2:      addq    $8, %rsp
        popq    %r15
        popq    %r14
        popq    %r13
        popq    %r12
        popq    %rbp
        popq    %rbx
        ret

        .section .note.GNU-stack, "", @progbits
