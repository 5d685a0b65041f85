/* SPDX-License-Identifier: MIT */
/* page_words.h - the bytes of pages that are mapped. */
#ifndef KERNEL_FAULTS_PAGE_WORDS_H
#define KERNEL_FAULTS_PAGE_WORDS_H

#include <selfmap/address.h>

/* Write zeroes to, or copy, `bytes` bytes: a multiple of PAGING_PAGE_BYTES. Addresses are those of pages. */
void page_words_clear(paging_virt_t to, uint64_t bytes);
void page_words_copy(paging_virt_t to, paging_virt_t from, uint64_t bytes);

#endif
