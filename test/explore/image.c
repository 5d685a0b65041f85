/* SPDX-License-Identifier: MIT */
/* Packing the tables of the space at hand, and making them anew. */
#include "image.h"
#include "machines/machine_internal.h"
#include "table_entry.h"
#include <string.h>

/* An entry in a byte. 0 is an unused entry. */
#define CODE_LEAF        0x20u
#define CODE_WRITABLE    0x01u /* or copied on write */
#define CODE_DIRTY       0x02u
#define CODE_SHIFTED     0x04u /* frame = page + 1 */
#define CODE_SHARED      0x04u /* of an owned page: its frame was shared, and it may not be writable yet */
#define CODE_HOME(size)  ((size) << 3) /* of an owned page: the size of the run it came in */
#define CODE_PAT         0x40u         /* with CODE_LEAF */
#define CODE_TABLE       0x40u         /* without */
#define CODE_OWNED_BELOW 0x01u
#define CODE_MARKER      0x80u /* its value in the other bits */
#define MOST_VALUE       0x7fu

#define MOST_RUNS        16u
#define MOST_BASE_FRAMES 16u

/* What exists when the space at hand is empty: its root, and what belongs to another space. */
static struct {
    unsigned frames;
    uint64_t words[MOST_BASE_FRAMES * PAGING_TABLE_ENTRIES];
    struct paging_space space;
} base;

/* How far packing or unpacking has come. */
struct packing {
    struct image image;
    unsigned used;
    struct {
        uint64_t frame, page;
        unsigned size;
    } runs[MOST_RUNS]; /* larger ones that were taken from the source, and the page each was taken for */
    unsigned run_count;
};

static uint64_t base_frame(unsigned number)
{
    return FIRST_FRAME + 2 * number; /* every second one: they are not contiguous */
}

void image_open(void)
{
    base.frames = machine_frames_out();
    base.space = *rig.at->space;
    assert_true(base.frames <= MOST_BASE_FRAMES);
    for (unsigned i = 0; i < base.frames; i++)
        memcpy(&base.words[i * PAGING_TABLE_ENTRIES], machine_frame(base_frame(i)), PAGING_PAGE_BYTES);
}

static bool is_reserved(unsigned level, uint64_t page)
{
    return level == rig.model.levels && model_is_reserved_slot(&rig.model, page);
}

/* ---- packing ---- */

static uint8_t code_of_leaf(unsigned level, uint64_t page, paging_entry_t leaf)
{
    uint64_t frame = paging_leaf_frame(leaf, level).number, flags = paging_leaf_flags(leaf, level),
             usual = PAGING_PRESENT | PAGING_WRITABLE | PAGING_ACCESSED;
    usual |= PAGING_DIRTY | PAGING_PAT | PAGING_OWNED | PAGING_SHARED_FRAME | PAGING_COPY_ON_WRITE;
    if ((flags & ~usual) != 0)
        fail_msg("no image can contain the leaf %#lx", (unsigned long)leaf.bits);
    unsigned code = CODE_LEAF;
    code |= leaf.bits & (PAGING_WRITABLE | PAGING_COPY_ON_WRITE) ? CODE_WRITABLE : 0;
    code |= leaf.bits & PAGING_DIRTY ? CODE_DIRTY : 0;
    code |= flags & PAGING_PAT ? CODE_PAT : 0;
    if ((leaf.bits & PAGING_OWNED) != 0) {
        code |= leaf.bits & PAGING_SHARED_FRAME ? CODE_SHARED : 0;
        return (uint8_t)(code | CODE_HOME(machine_home_of(frame)));
    }
    if (frame - page > MOST_SHIFT)
        fail_msg("no image can contain page %#lx mapped to frame %#lx", (unsigned long)page,
                 (unsigned long)frame);
    return (uint8_t)(code | (frame != page ? CODE_SHIFTED : 0));
}

static uint8_t code_of(unsigned level, uint64_t page, paging_entry_t entry)
{
    if (paging_entry_is_table(entry, level))
        return CODE_TABLE | (entry.bits & PAGING_OWNED_BELOW ? CODE_OWNED_BELOW : 0);
    if (paging_entry_is_present(entry))
        return code_of_leaf(level, page, entry);
    if (paging_marker_value(entry) > MOST_VALUE)
        fail_msg("no image can contain the value %#lx", (unsigned long)paging_marker_value(entry));
    return paging_entry_is_unused(entry) ? 0 : (uint8_t)(CODE_MARKER | paging_marker_value(entry));
}

static void pack(struct packing *packing, unsigned level, uint64_t table, uint64_t page)
{
    for (unsigned i = 0; i < PAGING_TABLE_ENTRIES; i++, page += paging_level_pages(level)) {
        if (is_reserved(level, page))
            continue;
        paging_entry_t entry = {machine_frame(table)[i]};
        if (packing->used == IMAGE_BYTES)
            fail_msg("there are more tables than an image has room for");
        packing->image.bytes[packing->used++] = code_of(level, page, entry);
        if (paging_entry_is_table(entry, level))
            pack(packing, level - 1, paging_entry_frame(entry).number, page);
    }
}

struct image image_take(void)
{
    struct packing packing = {0};
    pack(&packing, rig.model.levels, rig.at->space->root.number, 0);
    return packing.image;
}

/* ---- unpacking ---- */

static uint64_t take(enum paging_frame_use use, unsigned size)
{
    paging_frame_t frame = {0};
    assert_true(machine_take(use, (enum paging_size)size, &frame));
    return frame.number;
}

/* Returns the frame of an owned page: a single one, or a part of a run that may have been met before. */
static uint64_t owned_frame(struct packing *packing, unsigned home, uint64_t page)
{
    uint64_t first = page & ~(paging_level_pages(home) - 1);
    unsigned i = 0;
    if (home == PAGING_4K)
        return take(PAGING_FRAME_FOR_PAGE, home);
    while (i < packing->run_count && (packing->runs[i].page != first || packing->runs[i].size != home))
        i++;
    if (i == packing->run_count) {
        assert_true(packing->run_count++ < MOST_RUNS);
        packing->runs[i].page = first;
        packing->runs[i].size = home;
        packing->runs[i].frame = take(PAGING_FRAME_FOR_PAGE, home);
    }
    return packing->runs[i].frame + page - first;
}

static uint64_t unpack_leaf(struct packing *packing, unsigned level, uint64_t page, unsigned code)
{
    unsigned home = code >> 3 & 3;
    uint64_t flags = PAGING_ACCESSED | (code & CODE_WRITABLE ? PAGING_WRITABLE : 0) |
                     (code & CODE_DIRTY ? PAGING_DIRTY : 0) | (code & CODE_PAT ? PAGING_PAT : 0);
    uint64_t frame = home ? owned_frame(packing, home, page) : page + (code & CODE_SHIFTED ? 1 : 0);
    if (home && (code & CODE_SHARED))
        flags = model_shared_flags(flags);
    model_add(rig.at->model, (struct model_leaf){page, frame, level, flags, home != 0, 0});
    return paging_entry_leaf(level, (paging_frame_t){frame}, flags | (home ? PAGING_OWNED : 0)).bits;
}

static unsigned unpack(struct packing *packing, unsigned level, uint64_t table, uint64_t page);

static uint64_t unpack_entry(struct packing *packing, unsigned level, uint64_t page, unsigned code)
{
    if (code == 0)
        return 0;
    if (code & CODE_MARKER) {
        uint64_t entry = paging_marker_entry(code & MOST_VALUE).bits;
        model_add(rig.at->model, (struct model_leaf){.page = page, .size = level, .marker = entry});
        return entry;
    }
    if (code & CODE_LEAF)
        return unpack_leaf(packing, level, page, code);
    uint64_t table = take(PAGING_FRAME_FOR_TABLE, PAGING_4K);
    rig.at->space->counters[0].tables++;
    unsigned count = unpack(packing, level - 1, table, page);
    return entry_to_table((paging_frame_t){table}, count).bits |
           (code & CODE_OWNED_BELOW ? PAGING_OWNED_BELOW : 0);
}

/* Returns the number of used entries of the table. */
static unsigned unpack(struct packing *packing, unsigned level, uint64_t table, uint64_t page)
{
    unsigned used = 0;
    for (unsigned i = 0; i < PAGING_TABLE_ENTRIES; i++, page += paging_level_pages(level)) {
        if (is_reserved(level, page))
            continue;
        uint64_t entry = unpack_entry(packing, level, page, packing->image.bytes[packing->used++]);
        machine_frame(table)[i] = entry;
        used += entry != 0;
    }
    return used;
}

/* Does the page map a part of this run? */
static bool is_part(const struct model_leaf *leaf, uint64_t frame, unsigned size)
{
    return leaf && leaf->owned && leaf->frame - frame < paging_level_pages(size);
}

/* Gives back the parts of a run that no page has any more. A run that is mapped in parts is split. */
static void settle(unsigned size, uint64_t frame, uint64_t page)
{
    const struct model_leaf *leaf = model_overlap(rig.at->model, page, paging_level_pages(size));
    unsigned parts = 0;
    for (uint64_t at = page; !parts && at < page + paging_level_pages(size); at++)
        parts = is_part(model_overlap(rig.at->model, at, 1), frame, size);
    if (!parts) {
        machine_give(PAGING_FRAME_FOR_PAGE, (enum paging_size)size, (paging_frame_t){frame});
        return;
    }
    if (is_part(leaf, frame, size) && leaf->size == size)
        return;
    machine_frames()->split(machine_frames(), &machine_nobody, (enum paging_size)size,
                            (paging_frame_t){frame});
    for (unsigned i = 0; i < PAGING_TABLE_ENTRIES; i++)
        settle(size - 1, frame + i * paging_level_pages(size - 1), page + i * paging_level_pages(size - 1));
}

void image_restore(const struct image *image)
{
    struct packing packing = {.image = *image};
    machine_flush_all();
    machine_reset_frames();
    *rig.at->space = base.space;
    rig.at->model->count = 0;
    for (unsigned i = 0; i < base.frames; i++) {
        assert_int_equal(take(PAGING_FRAME_FOR_TABLE, PAGING_4K), base_frame(i));
        memcpy(machine_frame(base_frame(i)), &base.words[i * PAGING_TABLE_ENTRIES], PAGING_PAGE_BYTES);
    }
    (void)unpack(&packing, rig.model.levels, rig.at->space->root.number, 0);
    for (unsigned i = 0; i < packing.run_count; i++)
        settle(packing.runs[i].size, packing.runs[i].frame, packing.runs[i].page);
    machine_reset_log();
}
