/* SPDX-License-Identifier: MIT */
/* What the processor, and whoever owns a space, do between the core's operations. */
#include "rig/rig_internal.h"
#include "table_entry.h"

enum paging_status rig_load(uint64_t address)
{
    machine_speculate(address);
    return PAGING_OK;
}

enum paging_status rig_fill_tlb(void)
{
    machine_fill_tlb();
    return PAGING_OK;
}

enum paging_status rig_access(uint64_t address, uint64_t access)
{
    struct walk walk = walker_walk(machine_walker(), NULL, address, (unsigned)access, false);
    struct machine_access result = machine_access(address, (unsigned)access);
    assert_int_equal(result.faulted, walk.faulted);
    assert_int_equal(result.error, walk.faulted ? walk.error : 0);
    return result.faulted ? PAGING_DENIED : PAGING_OK;
}

/* The entry is counted in the table's own entry, as the core would do it. */
enum paging_status rig_plant_marker(uint64_t address, uint64_t level, uint64_t entry)
{
    const struct walker walker = rig_walker();
    uint64_t table = walker.root,
             page = rig_page(address).number & ~(paging_level_pages((unsigned)level) - 1);
    volatile uint64_t *parent = NULL, *slot;
    machine_flush_all();
    for (unsigned at = walker.levels;; at--) {
        slot = walker.entry(table, paging_page_index(rig_page(address), at));
        if (at == level)
            break;
        assert_true(*slot & 1);
        parent = slot;
        table = walker_entry_frame(&walker, at, *slot);
    }
    assert_int_equal(*slot, 0);
    *slot = entry;
    if (parent)
        *parent =
            entry_with_count((paging_entry_t){*parent}, entry_count((paging_entry_t){*parent}) + 1).bits;
    model_add(rig.at->model, (struct model_leaf){.page = page, .size = (unsigned)level, .marker = entry});
    rig_check();
    return PAGING_OK;
}
