/*
 * model.h - the abstract map: what an address space should map, as a plain list of leaves.
 *
 * It knows nothing of tables; how many of them a leaf needs follows from which other leaves there are.
 */
#ifndef HOST_RIG_MODEL_H
#define HOST_RIG_MODEL_H

#include <selfmap/map.h>

struct model_leaf {
    uint64_t page, frame;
    unsigned size; /* the level of its entry: 1, 2, 3 */
    uint64_t flags;
    bool owned;
    uint64_t reserved; /* not zero: no leaf, but this entry that belongs to the owner of the space */
};

#define MODEL_LEAVES 8192u

struct model {
    unsigned levels;
    bool pinned; /* spaces share the upper half: the tables just below the root are always there */
    unsigned count;
    struct model_leaf leaves[MODEL_LEAVES]; /* in the order of their pages */
};

void model_copy(struct model *to, const struct model *from);
bool model_is_equal(const struct model *one, const struct model *other);

/* The number of the first leaf that reaches beyond the page; model->count if there is none. */
unsigned model_first(const struct model *model, uint64_t page);

/* A leaf that shares a page with this range, or NULL. The one that starts lowest, if there are more. */
const struct model_leaf *model_overlap(const struct model *model, uint64_t page, uint64_t pages);

/* The leaf that starts at the page, or NULL. */
const struct model_leaf *model_at(const struct model *model, uint64_t page);

void model_add(struct model *model, struct model_leaf leaf);
void model_remove(struct model *model, uint64_t page);

/* Is the table of this level on the way to the page one that is there whatever is mapped? */
bool model_is_pinned(const struct model *model, unsigned level, uint64_t page);

/* Is there a table of this level on the way to the page? */
bool model_has_table(const struct model *model, unsigned level, uint64_t page);

/* How many tables a leaf of this size at page would need that are not there yet. */
unsigned model_missing_tables(const struct model *model, uint64_t page, unsigned size);

/* Is the entry the owner's, and may the wanted leaf take its place (PAGING_REPLACE_MARKER)? */
bool model_is_replaceable(const struct model_leaf *other, const struct model_leaf *wanted);

/* Every status that is right for mapping this, as a set of bits 1 << status. Frames are not considered. */
unsigned model_refusals(const struct model *model, const struct paging_cpu *cpu,
                        const struct model_leaf *wanted);

/* The same for removing the leaf that starts at the page. */
unsigned model_unmap_refusals(const struct model *model, uint64_t page);

/* Is the page in the upper half? */
bool model_is_upper(const struct model *model, uint64_t page);

/* Does the page lie below a slot of the root that the core keeps? */
bool model_is_reserved_slot(unsigned levels, uint64_t page);

/* ---- ranges: model_range.c ---- */

/* Tables below the root that `after` needs, without pinned ones; those among them that `before` has not. */
unsigned model_tables(const struct model *after);
unsigned model_new_tables(const struct model *after, const struct model *before);

/* Frames of PAGING_PAGE_BYTES that go back when the owned leaves go. */
unsigned model_owned_frames(const struct model *model);

/* Every status that is right for a range of this form, whatever is mapped in it. Only without one of them
 * is it a range of pages. */
unsigned model_range_refusals(unsigned levels, uint64_t start, uint64_t bytes);

/* Statuses for mapping pages to a physical address (with no shape of its own to refuse). */
unsigned model_map_range_refusals(const struct model *model, const struct paging_cpu *cpu, uint64_t page,
                                  uint64_t pages, uint64_t to, uint64_t flags);
/* The same for frames of the source's choosing; and the frames it must have, if none is huge. */
unsigned model_alloc_refusals(const struct model *model, const struct paging_cpu *cpu, uint64_t page,
                              uint64_t pages, uint64_t flags);
uint64_t model_alloc_frames(const struct model *model, uint64_t page, uint64_t pages);
unsigned model_unmap_range_refusals(const struct model *model, uint64_t page, uint64_t pages);
unsigned model_protect_refusals(const struct model *model, const struct paging_cpu *cpu, uint64_t page,
                                uint64_t set, uint64_t clear);
unsigned model_split_refusals(const struct model *model, uint64_t page);

/* What the operations of range.h make of the map. The owner's entries in the way are known to give way. */
void model_map_range(struct model *model, const struct paging_cpu *cpu, struct model_leaf first,
                     uint64_t pages);
/* Asked for page after page, the largest size first: did the source have such a frame, and which? */
typedef bool model_source(unsigned size, uint64_t page, uint64_t *frame);
void model_alloc_range(struct model *model, const struct paging_cpu *cpu, struct model_leaf first,
                       uint64_t pages, model_source *source);
void model_unmap_range(struct model *model, uint64_t page, uint64_t pages);
void model_protect_range(struct model *model, uint64_t page, uint64_t pages, uint64_t set, uint64_t clear);
void model_split(struct model *model, uint64_t page);
void model_merge_range(struct model *model, const struct paging_cpu *cpu, uint64_t page, uint64_t pages);

#endif
