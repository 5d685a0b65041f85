/* SPDX-License-Identifier: MIT */
/* hosted_code.c - what such code finds in a process: a thread's block, and functions of the C library. */
#include "cpu/hosted_code.h"
#include "cpu/instructions.h"
#include <stddef.h>

enum { BLOCK_WORDS = 8, SECRET_WORD = 5 }; /* the secret of the stack protector is at %fs:0x28 */

void call_hosted(void (*call)(void *argument), void *argument)
{
    static uint64_t block[BLOCK_WORDS];
    uint64_t before = read_msr(MSR_FS_BASE);
    block[SECRET_WORD] = read_tsc() << 8; /* the lowest byte is zero, which ends a text that overflows */
    write_msr(MSR_FS_BASE, (uintptr_t)block);
    call(argument);
    write_msr(MSR_FS_BASE, before);
}

/* ---- what the libraries call ---- */

_Noreturn void __stack_chk_fail(void);
_Noreturn void __assert_fail(const char *what, const char *file, unsigned line, const char *function);
void *__memset_chk(void *to, int value, size_t bytes, size_t room);
void *memset(void *to, int value, size_t bytes);
size_t strlen(const char *text);
char *strchr(const char *text, int c);

_Noreturn void __stack_chk_fail(void)
{
    __builtin_trap();
}

_Noreturn void __assert_fail(const char *what, const char *file, unsigned line, const char *function)
{
    (void)what, (void)file, (void)line, (void)function;
    __builtin_trap();
}

void *__memset_chk(void *to, int value, size_t bytes, size_t room)
{
    if (bytes > room)
        __builtin_trap();
    return memset(to, value, bytes);
}

size_t strlen(const char *text)
{
    size_t length = 0;
    while (text[length])
        length++;
    return length;
}

char *strchr(const char *text, int c)
{
    for (; *text != (char)c; text++)
        if (*text == '\0')
            return NULL;
    return (char *)text;
}
