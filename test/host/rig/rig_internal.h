/* SPDX-License-Identifier: MIT */
/*
 * rig_internal.h - how the rig judges an operation: what each judge (rig_*.c) does before and after its call.
 *
 *   refusals = ...                     the statuses that would be right, by the models; 0: it must succeed
 *   rig_look_before(refusals);         remembers what must not change
 *   status = paging_...();
 *   rig_judge_status(status);          the status is right, and a refusal has changed nothing
 *   ...                                frames, flushes, and what the operation makes of the model
 *   rig_check();                       the whole state
 */
#ifndef HOST_RIG_RIG_INTERNAL_H
#define HOST_RIG_RIG_INTERNAL_H

#include "rig/rig.h"

/* Remembers every space, and all of memory if the call must refuse. */
void rig_look_before(unsigned refusals);

/* Fails the test unless the status is right, and a refusal has changed nothing in any space. */
void rig_judge_status(enum paging_status status);

/*
 * The same for an operation on the space at hand alone. In addition its counters of flushes are right, and of
 * an attached space only windows were flushed, and of an inactive one that lives by direct map nothing.
 */
void rig_judge_one_space(enum paging_status status);

/* No byte, frame, flush or member of a space has changed. Memory must have been remembered. */
void rig_judge_nothing_changed(const char *why);

/* Nothing except the scratch page was flushed: a page that is mapped was not present before. */
void rig_judge_map_flushes(void);

/* Returns the frames that went out since rig_look_before; negative if they went back. */
int rig_frames_taken(void);

/* Take a frame of this size from the source, as a caller of the core does; and give it back. */
bool rig_take_frame(enum paging_size size, uint64_t *number);
void rig_give_frame(enum paging_size size, uint64_t number);

/* Returns the statuses that are right for setting and clearing these flags in leaves of the page's half. */
unsigned rig_change_refusals(uint64_t page, uint64_t set, uint64_t clear);

/*
 * Judges find_hole, which is in no table of operations because it changes nothing: the address must be that
 * of the map.
 */
enum paging_status rig_find_hole(uint64_t from, uint64_t until, uint64_t bytes, uint64_t alignment);

/* ---- one page, or a list of pages (rig_map.c, rig_unmap.c, rig_flushes.c) ---- */

/* Returns the statuses that are right for mapping this leaf. */
unsigned rig_map_refusals(const struct model_leaf *wanted);

/* As rig_leaf_refusals, for an operation on the leaf that begins at the page. */
unsigned rig_whole_leaf_refusals(uint64_t page, const struct model_leaf **leaf);

/*
 * What an operation has told, which was filled with 0x5a before the call, is what this leaf was, whose entry
 * was this. With an error it was not written. The processor may have set the bits in `late` since.
 */
void rig_judge_unmapped(enum paging_status status, const struct paging_unmapped *unmapped,
                        const struct model_leaf *leaf, uint64_t entry, bool released, uint64_t late);

/*
 * Expects the flushes of the leaf, which it takes out of the map, and of the windows of the tables that go
 * with it. A marker itself is in no TLB; without windows, the flush of any page below the tables that go
 * forgets the way to them. Returns how many frames go back, tables among them.
 */
unsigned rig_expect_removal(struct model *model, struct model_leaf leaf);

/* flush_list.h: of more flushes than this, one of everything takes the place. */
#define RIG_FLUSH_LIMIT 32u

/* Begin a new list of what must be flushed. */
void rig_expect_no_flush(void);
/*
 * Add the pages of a leaf. A huge one is a smaller leaf in the windows of the tables that are not there. Not
 * a marker: that is in no TLB.
 */
void rig_expect_leaf_flushes(const struct model_leaf *leaf);
/* Add an address, anywhere within the span of a level. */
void rig_expect_flush(uint64_t address, unsigned level);
/*
 * Add the window of this level on the way to the address, in each space that shows it: any page of a level.
 */
void rig_expect_window_flush(unsigned window, uint64_t address, unsigned level);
/*
 * Just those were flushed, in any order, each once; or all of the TLB, if they are many. The scratch page's
 * come on top.
 */
void rig_judge_flushes(void);

/* ---- spaces (rig_spaces.c, rig_share.c) ---- */

/*
 * The status is right. If it is PAGING_OK, this many frames were taken (negative: given back), and all of
 * the TLB was flushed this many times.
 */
void rig_judge_spaces(enum paging_status status, int frames, unsigned full_flushes);

/* ---- ranges (rig_range.c) ---- */

/* What the operation must make of the map. */
extern struct model rig_after;

/*
 * Returns the statuses that are right for a range of this form. Without one, *page is where it starts and
 * rig_after is the map, with the accessed and dirty bits that the processor has set in the range so far.
 */
unsigned rig_range_refusals(uint64_t start, uint64_t bytes, uint64_t *page);

/* As rig_look_before, with rig_after made: adds PAGING_NO_FRAMES if it takes more frames than there are. */
void rig_look_before_range(unsigned refusals);

/* Judges status, frames and flushes by rig_after, which is the map from here on. Returns the status. */
enum paging_status rig_judge_range(enum paging_status status, uint64_t pages);

/*
 * What the operation must flush if the space lives through a direct map (rig_range_flushes.c): nothing,
 * until these say otherwise. They read rig.at->model and rig_after.
 */
void rig_expect_no_range_flush(void);
void rig_expect_split(uint64_t page);                 /* of the huge page that covers this one */
void rig_expect_merged(uint64_t page, unsigned size); /* of a table of such leaves, page after page */
void rig_expect_unmapped(uint64_t page, uint64_t pages);
void rig_expect_protected(uint64_t page, uint64_t pages, uint64_t set, uint64_t clear);
void rig_expect_moved(uint64_t page, uint64_t pages);
void rig_expect_cleared(uint64_t page, uint64_t pages, uint64_t which); /* bits of whole pages */
void rig_judge_exact_flushes(void);
/* The same with rig_after made, for the operations of that name. */
unsigned rig_unmap_range_refusals(uint64_t start, uint64_t bytes, uint64_t *page);
unsigned rig_protect_range_refusals(uint64_t start, uint64_t bytes, uint64_t set, uint64_t clear,
                                    uint64_t *page);

/* ---- gathers (rig_gather.c) ---- */

/* Returns the statuses that are right for unmapping a list of pages (rig_list.c). */
unsigned rig_unmap_list_refusals(const paging_page_t *pages, unsigned count);

/* A gather is open: stale translations of what waits are no mistake. */
bool rig_is_gathering(void);
/* Do pages of the range wait, or a table below which they lie? */
bool rig_waits(uint64_t page, uint64_t pages);
/* Returns the leaf at this page that waits, or NULL; and how many do. */
const struct model_leaf *rig_waiting_at(uint64_t page);
unsigned rig_count_waiting(void);

/* Adds to the map the accessed and dirty bits that the processor has set in the range so far. */
void rig_note_touched(uint64_t page, uint64_t pages);

#endif
