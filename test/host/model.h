/*
 * model.h - the abstract map: what an address space should map, as a plain list of leaves.
 *
 * It knows nothing of tables; how many of them a leaf needs follows from which other leaves there are.
 */
#ifndef HOST_MODEL_H
#define HOST_MODEL_H

#include "space.h"

struct model_leaf {
    uint64_t page, frame;
    unsigned size; /* the level of its entry: 1, 2, 3 */
    uint64_t flags;
    bool owned;
    uint64_t reserved; /* not zero: no leaf, but this entry that belongs to the owner of the space */
};

#define MODEL_LEAVES 1024u

struct model {
    unsigned levels;
    unsigned count;
    struct model_leaf leaves[MODEL_LEAVES];
};

/* A leaf that shares a page with this range, or NULL. The one that starts lowest, if there are more. */
const struct model_leaf *model_overlap(const struct model *model, uint64_t page, uint64_t pages);

/* The leaf that starts at the page, or NULL. */
const struct model_leaf *model_at(const struct model *model, uint64_t page);

void model_add(struct model *model, struct model_leaf leaf);
void model_remove(struct model *model, uint64_t page);

/* Is there a table of this level on the way to the page? */
bool model_has_table(const struct model *model, unsigned level, uint64_t page);

/* How many tables a leaf of this size at page would need that are not there yet. */
unsigned model_missing_tables(const struct model *model, uint64_t page, unsigned size);

/* Every status that is right for mapping this, as a set of bits 1 << status. Frames are not considered. */
unsigned model_refusals(const struct model *model, const struct paging_cpu *cpu,
                        const struct model_leaf *wanted);

/* The same for removing the leaf that starts at the page. */
unsigned model_unmap_refusals(const struct model *model, uint64_t page);

/* Does the page lie below a slot of the root that the core keeps? */
bool model_is_kept(unsigned levels, uint64_t page);

#endif
