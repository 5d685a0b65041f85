/* SPDX-License-Identifier: MIT */
/*
 * switch.S - loads the kernel's root into CR3, and its stack pointer.
 */
#include "cpu/selectors.h"

        .section .text
        .cfi_sections .debug_frame
/*
 * _Noreturn void cross_over(uint64_t cr3, uint64_t stack, void (*entry)(void *), void *argument)
 *
 * This code and everything that it uses after the load is mapped at the same addresses by the firmware's
 * tables and by the kernel's; efi/preflight.c has checked that.
 */
        .hidden cross_over
        .globl  cross_over
cross_over:
        .cfi_startproc
        .cfi_undefined %rip             /* for debuggers: this is the outermost call */
        cli
        movq    %rdi, %cr3
        movq    %rsi, %rsp
        xorl    %ebp, %ebp
        movq    %rcx, %rdi
        call    *%rdx
        ud2
        .cfi_endproc

/*
 * _Noreturn void cross_over_to_five_levels(uint64_t cr3, uint64_t stack, void (*entry)(void *),
 *                                          void *argument)
 *
 * CR4.LA57 cannot change while paging is on (SDM 3A, 4.1.2), and paging cannot be switched off in 64-bit
 * mode. The code therefore goes to 32-bit mode, switches paging off, sets LA57, loads CR3, switches paging on
 * and returns to 64-bit mode. A change of mode leaves the upper halves of the registers undefined, so the
 * values that are needed later are kept in memory. CR3 and all addresses are below 4 GiB.
 */
        .hidden cross_over_to_five_levels
        .globl  cross_over_to_five_levels
cross_over_to_five_levels:
        cli
        movq    %rsi, five_stack(%rip)
        movq    %rdx, five_entry(%rip)
        movq    %rcx, five_argument(%rip)
        movl    %edi, %ebx
        leaq    five_far(%rip), %rbp
        leaq    2f(%rip), %rax
        movl    %eax, (%rbp)
        leaq    1f(%rip), %rax
        pushq   $CODE32_SELECTOR
        pushq   %rax
        lretq
        .code32
1:      movl    %cr0, %eax
        andl    $0x7fffffff, %eax       /* paging off */
        movl    %eax, %cr0
        movl    %cr4, %ecx
        orl     $0x1000, %ecx           /* LA57 */
        movl    %ecx, %cr4
        movl    %ebx, %cr3
        orl     $0x80000000, %eax       /* paging on */
        movl    %eax, %cr0
        ljmpl   *(%ebp)                 /* to 2, in 64-bit mode */
        .code64
2:      .cfi_startproc
        .cfi_undefined %rip
        movq    five_stack(%rip), %rsp
        movq    five_argument(%rip), %rdi
        xorl    %ebp, %ebp
        call    *five_entry(%rip)
        ud2
        .cfi_endproc

        .section .data
        .balign 8
five_stack:     .quad 0
five_entry:     .quad 0
five_argument:  .quad 0
five_far:       .long 0
                .word CODE_SELECTOR

        .section .note.GNU-stack, "", @progbits
