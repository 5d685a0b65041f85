/* free.c - giving back what nothing leads to any more. */
#include "walk.h"

/* While its entries are read, the scratch page shows the table; the tables below it take their turn. */
void free_table(struct address_space *space, unsigned level, frame_t table, struct frame_source *frames)
{
    volatile entry_t *entries = new_table_open(space, table);
    for (unsigned i = 0; i < ENTRY_COUNT; i++) {
        entry_t entry = entry_load(&entries[i]);
        /* Most entries are a P1's, and name nothing of ours. */
        if (!entry_is_present(entry) || (level == PAGE_4K && (entry.bits & ENTRY_OWNED) == 0))
            continue;
        free_named(space, level, entry, frames);
        if (entry_is_table(entry, level))
            entries = new_table_open(space, table);
    }
    new_table_done(space);
    frames->release(frames, PAGE_4K, table);
    space->tables--;
}

void free_named(struct address_space *space, unsigned level, entry_t entry, struct frame_source *frames)
{
    entry_t present = {entry.bits | ENTRY_PRESENT};
    if (entry_is_table(present, level))
        free_table(space, level - 1, entry_frame(entry), frames);
    else if ((entry.bits & ENTRY_OWNED) != 0)
        frames->release(frames, (enum page_size)level, leaf_frame(entry, level));
}
