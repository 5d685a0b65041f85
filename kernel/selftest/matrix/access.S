/* SPDX-License-Identifier: MIT */
/*
 * access.S - one access from ring 0 or ring 3. It always ends in an exception: a page fault if it is
 * refused, else the INT 32 that follows it. The two handlers return the outcome to the caller of
 * matrix_access. They do not use IRET; what the exception has pushed is dropped with the stack.
 */
#include "cpu/selectors.h"

        .section .text
        .balign 16

/* One access to (%rdi) per enum matrix_kind, in that order, MATRIX_CODE_BYTES apart. */
        .hidden matrix_code
        .globl  matrix_code
matrix_code:
        movq    (%rdi), %rsi
        int     $32
        .balign 16
        movq    %rsi, (%rdi)
        int     $32
        .balign 16
        jmp     *%rdi                   /* memory holds an INT 32 */
        .balign 16
        lar     %cx, %eax               /* the processor reads its LDT, which begins at (%rdi) */
        int     $32
        .balign 16

/*
 * struct matrix_outcome matrix_access(paging_virt_t address, uint64_t word, const void *code,
 *                                     uint64_t rflags, bool user)
 */
        .hidden matrix_access
        .globl  matrix_access
matrix_access:
        pushfq
        movq    %rsp, resume(%rip)
        movq    %rcx, %rax
        movl    $7, %ecx                /* the LDT's one descriptor */
        testl   %r8d, %r8d
        jnz     1f
        pushq   %rax
        popfq
        jmp     *%rdx
1:      pushq   $(USER_DATA_SELECTOR | RING_3)
        pushq   $0                      /* no stack in ring 3 */
        pushq   %rax
        pushq   $(USER_CODE_SELECTOR | RING_3)
        pushq   %rdx
        iretq

/* Handles a page fault: returns error code and CR2. Without an access in progress it is reported as usual. */
        .hidden matrix_fault
        .globl  matrix_fault
matrix_fault:
        cmpq    $0, resume(%rip)
        je      exception_entries + 14 * 16
        popq    %rax
        movq    %cr2, %rdx
        jmp     back

/* Handles INT 32: returns MATRIX_NO_FAULT and the word that was read or written. */
        .hidden matrix_done
        .globl  matrix_done
matrix_done:
        movl    $0xffffffff, %eax
        movq    %rsi, %rdx
back:   movq    resume(%rip), %rsp
        movq    $0, resume(%rip)
        popfq
        ret

        .section .data
        .balign 8
resume: .quad   0                       /* the stack pointer while an access is in progress */

        .section .note.GNU-stack, "", @progbits
