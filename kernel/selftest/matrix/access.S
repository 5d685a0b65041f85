/*
 * access.S - one access, from either ring, that ends in an exception whatever comes of it: with a page fault
 * if it was refused, else with INT 32 behind it. So nothing but these two handlers knows how it went, and
 * none of them returns with IRET: what the exception left on the stack is abandoned.
 */
        .section .text
        .balign 16

/* One access to (%rdi) each, MATRIX_CODE_BYTES apart, in the order of enum matrix_kind. */
        .hidden matrix_code
        .globl  matrix_code
matrix_code:
        movq    (%rdi), %rsi
        int     $32
        .balign 16
        movq    %rsi, (%rdi)
        int     $32
        .balign 16
        jmp     *%rdi                   /* an INT 32 is there */
        .balign 16
        lar     %cx, %eax               /* the processor reads its LDT, which is there */
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
1:      pushq   $0x33                   /* data, ring 3: descriptors.c */
        pushq   $0                      /* no stack there */
        pushq   %rax
        pushq   $0x3b                   /* code, ring 3 */
        pushq   %rdx
        iretq

/* A page fault: the error code, and the address. One that nobody asked for goes the usual way. */
        .hidden matrix_fault
        .globl  matrix_fault
matrix_fault:
        cmpq    $0, resume(%rip)
        je      exception_entries + 14 * 16
        popq    %rax
        movq    %cr2, %rdx
        jmp     back

/* INT 32: no error code, and the word that was read or written. */
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
resume: .quad   0                       /* the stack pointer while an access is under way */

        .section .note.GNU-stack, "", @progbits
