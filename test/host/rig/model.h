/* SPDX-License-Identifier: MIT */
/*
 * model.h - the abstract map: what an address space should map, as a plain list of leaves.
 *
 * The map has no tables. Which tables there must be follows from the leaves. What one operation makes of the
 * map, and when it must refuse, is in the file of its judge (rig_*.c).
 */
#ifndef HOST_RIG_MODEL_H
#define HOST_RIG_MODEL_H

#include <selfmap/map.h>

struct model_leaf {
    uint64_t page, frame;
    unsigned size;  /* the level of its entry: 1, 2, 3 */
    uint64_t flags; /* and MODEL_SHARED, MODEL_COPIED */
    bool owned;
    uint64_t marker; /* not zero: the entry of a marker, which is here instead of a page */
};

/* Marks of leaves, where they are in the entry: the frame is or was shared; the page is copied on write. */
#define MODEL_SHARED (1ull << 53)
#define MODEL_COPIED (1ull << 54)

#define MODEL_LEAVES 8192u

struct model {
    unsigned levels;
    bool by_direct_map;    /* the space lives through a direct map: no slot of the root is reserved */
    bool owns_shared_half; /* the tables just below the root, in the upper half, are always there */
    unsigned count;
    struct model_leaf leaves[MODEL_LEAVES]; /* in the order of their pages */
};

void model_copy(struct model *to, const struct model *from);
/* Replaces what the upper half maps by what it maps in the other one. */
void model_copy_upper_half(struct model *to, const struct model *from);
bool model_is_equal(const struct model *one, const struct model *other);

/* Returns the number of the first leaf that reaches beyond the page, or model->count. */
unsigned model_first(const struct model *model, uint64_t page);

/* Returns the first leaf that has a page in common with the range, or NULL. */
const struct model_leaf *model_overlap(const struct model *model, uint64_t page, uint64_t pages);

/* Returns the leaf that starts at the page, or NULL. */
const struct model_leaf *model_at(const struct model *model, uint64_t page);

void model_add(struct model *model, struct model_leaf leaf);
void model_remove(struct model *model, uint64_t page);

/* Replaces the huge leaf that covers the page by leaves of the next smaller size. */
void model_split(struct model *model, uint64_t page);

/*
 * Returns the flags that the leaf has when `clear` is cleared and `set` is set. A marker has none. If its
 * frame is shared, the page becomes copied on write instead of writable.
 */
uint64_t model_changed_flags(const struct model_leaf *leaf, uint64_t set, uint64_t clear);

/* Returns what the flags of a page are when its frame is shared. */
uint64_t model_shared_flags(uint64_t flags);

/* Splits the leaf that covers the page, until it has at most this size. */
void model_split_down(struct model *model, uint64_t page, unsigned size);

/*
 * Splits leaves until none reaches over the start of the page. Leaves in which setting and clearing these
 * flags changes nothing stay whole. PRESENT may be cleared: that changes every leaf, and markers too.
 */
void model_split_boundary(struct model *model, uint64_t page, uint64_t set, uint64_t clear);

/* Is the page in the upper half? */
bool model_is_upper(const struct model *model, uint64_t page);

/* Does the page lie below the slot of the scratch page? */
bool model_is_scratch_slot(const struct model *model, uint64_t page);

/* Does the page lie below a reserved slot of the root? */
bool model_is_reserved_slot(const struct model *model, uint64_t page);

/* ---- tables ---- */

/* Is the table of this level, on the way to the page, a shared one? These exist whatever is mapped. */
bool model_is_shared_table(const struct model *model, unsigned level, uint64_t page);

/* Is there a table of this level on the way to the page? */
bool model_has_table(const struct model *model, unsigned level, uint64_t page);

/* Returns the number of tables that are missing for a leaf of this size at the page. */
unsigned model_missing_tables(const struct model *model, uint64_t page, unsigned size);

/* Returns the number of tables below the root that `after` needs, without shared ones. */
unsigned model_tables(const struct model *after);
/* Returns how many of those `before` does not have. */
unsigned model_new_tables(const struct model *after, const struct model *before);

/* Returns the frames, in units of PAGING_PAGE_BYTES, that go back when all owned leaves go. */
unsigned model_owned_frames(const struct model *model);

/* Returns the frames that map_range_alloc needs for a range of which nothing is mapped, if none is huge. */
uint64_t model_alloc_frames(const struct model *model, uint64_t page, uint64_t pages);

/* ---- refusals: sets of statuses, 1 << status each ---- */

/* Has the processor pages of this size, and a table to put one in? */
bool model_has_size(const struct model *model, const struct paging_cpu *cpu, unsigned size);

/* Returns the statuses that are right for a leaf with these flags at the page. */
unsigned model_flag_refusals(const struct model *model, const struct paging_cpu *cpu, uint64_t page,
                             uint64_t flags);

/*
 * Returns the statuses that are right for a range of this form, whatever is mapped in it. Only without one
 * of them is it a range of pages.
 */
unsigned model_range_refusals(const struct model *model, uint64_t start, uint64_t bytes);

#endif
