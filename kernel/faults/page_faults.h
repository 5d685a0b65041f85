/* SPDX-License-Identifier: MIT */
/*
 * page_faults.h - the page fault handler: asks the areas of the space that is active.
 */
#ifndef KERNEL_FAULTS_PAGE_FAULTS_H
#define KERNEL_FAULTS_PAGE_FAULTS_H

#include "cpu/exceptions.h"
#include "faults/areas.h"

/*
 * Begin and end to answer page faults in these areas, while their space is active; it is a known one
 * (cpu/known_spaces.h). Each is called once. The struct must not be moved in between.
 */
void page_faults_watch(struct areas *areas);
void page_faults_ignore(struct areas *areas);
void page_faults_ignore_all(void);

/* The hook of the exception handler: returns whether it was a page fault in an area, and is handled. */
bool page_faults_take(struct exception_frame *frame);

/* Returns the name of the area of the active space that the address is in, or NULL. */
const char *page_faults_name_at(paging_virt_t address);

/* Writes the line of areas_explain about the last page fault, if it was in an area. */
void page_faults_explain(struct format_sink *sink);

#endif
