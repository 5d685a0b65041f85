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
 * an attached space only windows were flushed.
 */
void rig_judge_one_space(enum paging_status status);

/* No byte, frame, flush or member of a space has changed. Memory must have been remembered. */
void rig_judge_nothing_changed(const char *why);

/* Nothing except the scratch page was flushed: a page that is mapped was not present before. */
void rig_judge_map_flushes(void);

/* Returns the frames that went out since rig_look_before; negative if they went back. */
int rig_frames_taken(void);

/* ---- single entries (rig_map.c, rig_unmap.c) ---- */

/* Returns the statuses that are right for mapping this leaf, and for unmapping the leaf at the page. */
unsigned rig_map_refusals(const struct model_leaf *wanted);
unsigned rig_unmap_refusals(uint64_t page);

/* Of more flushes than this, one of everything must take their place. */
#define RIG_FLUSH_LIMIT 32u

/* What must be flushed, each address within the span of a level; and the tables and frames that go back. */
struct rig_removal {
    unsigned count, tables, frames;
    struct {
        uint64_t address;
        unsigned level;
    } flushes[64 * PAGING_MAX_LEVELS];
};

/* Adds what the removal of the leaf must flush and give back, and takes it out of the map. */
void rig_expect_removal(struct rig_removal *removal, struct model *model, struct model_leaf leaf);
/* Exactly that was flushed and given back. */
void rig_judge_removal(const struct rig_removal *removal);

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

/* The same with rig_after made, for the operations of that name. */
unsigned rig_unmap_range_refusals(uint64_t start, uint64_t bytes, uint64_t *page);
unsigned rig_protect_range_refusals(uint64_t start, uint64_t bytes, uint64_t set, uint64_t clear,
                                    uint64_t *page);

/* ---- gathers (rig_gather.c) ---- */

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
