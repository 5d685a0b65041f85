/* SPDX-License-Identifier: MIT */
/*
 * entry.S - from the machine that a PVH loader hands over (QEMU -kernel, Xen) to C in the upper half.
 *
 * The loader finds the note, loads the image at its physical addresses, and jumps to boot_entry: 32 bits,
 * paging off, flat segments, the physical address of the start info in ebx (Xen's public headers,
 * arch-x86/hvm/start_info.h). The tables here are only the way to the kernel's own. They map the first GiB of
 * memory twice, writable and executable: at 0, where the processor is while paging is switched on, and at
 * ffff_ffff_8000_0000, where the kernel is linked.
 */
#define BASE 0xffffffff80000000

    .section .note.pvh, "a", @note
    .balign 4
    .long 4, 8, 18 /* lengths of name and value; 18 is XEN_ELFNOTE_PHYS32_ENTRY */
    .asciz "Xen"
    .quad boot_entry - BASE

    .text
    .code32
    .global boot_entry
boot_entry:
    mov %ebx, %esi
    mov $boot_p4 - BASE, %edi
    mov %cr4, %ebp
    or $1 << 5, %ebp /* PAE */
    xor %eax, %eax
    cpuid
    cmp $7, %eax
    jb 1f
    mov $7, %eax
    xor %ecx, %ecx
    cpuid
    bt $16, %ecx
    jnc 1f
    or $1 << 12, %ebp /* LA57: five levels, because the processor has them */
    mov $boot_p5 - BASE, %edi
1:  mov %ebp, %cr4
    mov %edi, %cr3
    mov $0xc0000080, %ecx /* EFER */
    rdmsr
    or $1 << 8, %eax /* LME: 64 bits as soon as paging is on */
    wrmsr
    mov %cr0, %eax
    or $1 << 31 | 1 << 16 | 1, %eax /* PG, and WP: the kernel, too, writes only where it may */
    mov %eax, %cr0
    lgdt boot_gdt_pointer - BASE
    ljmp $8, $1f - BASE

    .code64
1:  movabs $2f, %rax
    jmp *%rax /* up: from here on only the tables' second mapping is used */
2:  xor %eax, %eax
    mov %eax, %ds
    mov %eax, %es
    mov %eax, %ss
    mov $boot_stack_end, %rsp
    xor %ebp, %ebp
    mov %esi, %edi
    call kernel_main /* does not return */

    .data
    .balign 8
boot_gdt:
    .quad 0, 0x00af9b000000ffff /* 64-bit code; descriptors.c has the whole table */
boot_gdt_pointer:
    .word . - boot_gdt - 1
    .long boot_gdt - BASE

    .balign 4096
boot_p4:
    .quad boot_p3 - BASE + 3 /* present, writable */
    .zero 510 * 8
    .quad boot_p3 - BASE + 3
boot_p5: /* with five levels: the same addresses, whose upper bits are all zeroes or all ones */
    .quad boot_p4 - BASE + 3
    .zero 510 * 8
    .quad boot_p4 - BASE + 3
boot_p3: /* serves both */
    .quad boot_p2 - BASE + 3
    .zero 509 * 8
    .quad boot_p2 - BASE + 3
    .zero 8
boot_p2:
    .set physical, 0
    .rept 512
    .quad physical + 0x83 /* the same, 2 MiB */
    .set physical, physical + 0x200000
    .endr

/* A guard page and a stack above it. The kernel maps all of the image, and leaves the guard page out. */
    .section .stack, "aw", @nobits
    .balign 4096
    .global boot_stack_guard, boot_stack_end
boot_stack_guard:
    .zero 4096
    .zero 16384
boot_stack_end:
    .section .note.GNU-stack, "", @progbits
