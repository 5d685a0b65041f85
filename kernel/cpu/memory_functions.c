/* SPDX-License-Identifier: MIT */
/* memory_functions.c - the four functions that a compiler may call on its own in freestanding code. */
#include <stddef.h>

void *memcpy(void *restrict to, const void *restrict from, size_t bytes);
void *memmove(void *to, const void *from, size_t bytes);
void *memset(void *to, int value, size_t bytes);
int memcmp(const void *a, const void *b, size_t bytes);

void *memcpy(void *restrict to, const void *restrict from, size_t bytes)
{
    void *start = to;
    __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(bytes) : : "memory");
    return start;
}

void *memmove(void *to, const void *from, size_t bytes)
{
    if ((char *)to <= (const char *)from || (char *)to >= (const char *)from + bytes)
        return memcpy(to, from, bytes);
    for (volatile char *t = to; bytes > 0; bytes--)
        t[bytes - 1] = ((const char *)from)[bytes - 1];
    return to;
}

void *memset(void *to, int value, size_t bytes)
{
    void *start = to;
    __asm__ volatile("rep stosb" : "+D"(to), "+c"(bytes) : "a"(value) : "memory");
    return start;
}

int memcmp(const void *a, const void *b, size_t bytes)
{
    const unsigned char *left = a, *right = b;
    for (; bytes > 0; bytes--, left++, right++)
        if (*left != *right)
            return *left - *right;
    return 0;
}
