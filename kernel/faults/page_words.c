/* SPDX-License-Identifier: MIT */
/* page_words.c - clears and copies with string instructions. */
#include "faults/page_words.h"

void page_words_clear(paging_virt_t to, uint64_t bytes)
{
    uint64_t words = bytes / sizeof(uint64_t);
    __asm__ volatile("rep stosq" : "+D"(to.value), "+c"(words) : "a"(0) : "memory");
}

void page_words_copy(paging_virt_t to, paging_virt_t from, uint64_t bytes)
{
    uint64_t words = bytes / sizeof(uint64_t);
    __asm__ volatile("rep movsq" : "+D"(to.value), "+S"(from.value), "+c"(words) : : "memory");
}
