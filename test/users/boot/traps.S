/* SPDX-License-Identifier: MIT */
/* traps.S - the entries of exceptions and calls, and the ways out of them. */
#include "selectors.h"

    .text
    .macro save_callee_saved
    push %rbx
    push %rbp
    push %r12
    push %r13
    push %r14
    push %r15
    .endm

/* trap_entries: for each exception, and last for int 0x80, 16 bytes that complete struct trap (boot.h). */
    .balign 16
    .global trap_entries
trap_entries:
    .set vector, 0
    .rept EXCEPTIONS + 1
    .balign 16
    .if (EXCEPTIONS_WITH_CODE >> vector) & 1 == 0
    push $0
    .endif
    .if vector == EXCEPTIONS
    push $CALL_VECTOR
    .else
    push $vector
    .endif
    jmp trap_common
    .set vector, vector + 1
    .endr

trap_common:
    .irp register, rax, rcx, rdx, rsi, rdi, r8, r9, r10, r11, rbx, rbp, r12, r13, r14, r15
    push %\register
    .endr
    cld
    mov %rsp, %rdi
    mov %rsp, %rbx
    and $-16, %rsp
    call trap
    mov %rbx, %rsp
    .irp register, r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rdi, rsi, rdx, rcx, rax
    pop %\register
    .endr
    add $16, %rsp
    iretq

/* uint64_t boot_try(void (*function)(uint64_t), uint64_t argument) */
    .global boot_try
boot_try:
    save_callee_saved
    mov %rsp, boot_way_back(%rip)
    mov %rdi, %rax
    mov %rsi, %rdi
    sub $8, %rsp
    call *%rax
    xor %edi, %edi

/* _Noreturn void boot_leave(uint64_t value): on whichever stack, however deep. */
    .global boot_leave
boot_leave:
    mov %rdi, %rax
    mov boot_way_back(%rip), %rsp
    movq $0, boot_way_back(%rip)
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbp
    pop %rbx
    cld
    ret

/* uint64_t boot_run_program(uint64_t entry, uint64_t stack): no register keeps anything of the kernel's. */
    .global boot_run_program
boot_run_program:
    save_callee_saved
    mov %rsp, boot_way_back(%rip)
    push $USER_DATA_SELECTOR | 3
    push %rsi
    push $1 << 1 /* rflags: interrupts stay off; bit 1 is always set */
    push $USER_CODE_SELECTOR | 3
    push %rdi
    .irp register, eax, ecx, edx, esi, edi, r8d, r9d, r10d, r11d, ebx, ebp, r12d, r13d, r14d, r15d
    xor %\register, %\register
    .endr
    iretq

    .bss
    .balign 8
    .global boot_way_back
boot_way_back: /* the stack pointer of the boot_try or boot_run_program that has not ended; 0 for none */
    .zero 8
    .section .note.GNU-stack, "", @progbits
