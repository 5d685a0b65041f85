/* SPDX-License-Identifier: MIT */
/* dump.c - joins neighbouring pages to runs and prints one line per run. */
#include "report/dump.h"
#include "report/mixed_mappings.h"
#include "report/report.h"
#include <selfmap/for_each.h>

struct run {
    const struct paging_space *space;
    unsigned level; /* 0: no page was met yet */
    paging_page_t first;
    uint64_t pages;
    paging_frame_t to;
    uint64_t flags;
    uint64_t *lines;
};

static void print_run(struct run *run)
{
    static const char *const sizes[] = {"", "4K", "2M", "1G"};
    if (run->level == 0)
        return;
    uint64_t start = paging_page_start(run->space->cpu.levels, run->first).value;
    print("# maps %lx %lx %s %lx %lx\n", start, start + run->pages * PAGING_PAGE_BYTES, sizes[run->level],
          paging_frame_start(run->to).value, run->flags);
    run->level = 0;
    ++*run->lines;
}

static bool continues(const struct run *run, const struct paging_entry_info *info, uint64_t flags)
{
    return info->level == run->level && flags == run->flags &&
           info->first.number == run->first.number + run->pages &&
           paging_leaf_frame(info->entry, info->level).number == run->to.number + run->pages &&
           paging_page_index(info->first, run->space->cpu.levels) ==
               paging_page_index(run->first, run->space->cpu.levels);
}

static enum paging_visit add_entry(void *context, const struct paging_entry_info *info)
{
    struct run *run = context;
    if (info->kind == PAGING_KIND_LEAF) {
        uint64_t flags = info->flags & ~(PAGING_ACCESSED | PAGING_DIRTY);
        if (!continues(run, info, flags)) {
            print_run(run);
            *run = (struct run){
                run->space, info->level, info->first, 0, paging_leaf_frame(info->entry, info->level),
                flags,      run->lines};
        }
        run->pages += info->pages;
    }
    if (info->kind == PAGING_KIND_MARKER) {
        print_run(run);
        print("# marker %lx %u %lx\n", paging_page_start(run->space->cpu.levels, info->first).value,
              info->level, info->entry.bits);
        ++*run->lines;
    }
    return PAGING_VISIT_NEXT;
}

static bool print_space(const char *name, const struct paging_space *space, uint64_t *lines)
{
    struct run run = {.space = space, .lines = lines};
    print("# dump %s root=%lx tables=%lu\n", name, paging_root_address(space).value,
          paging_counted(space).tables);
    bool walked = paging_for_each(space, add_entry, &run) == PAGING_OK;
    print_run(&run);
    return walked;
}

void dump_tables(struct paging_space *active, bool mixed, struct paging_frame_source *frames)
{
    uint64_t lines = 0;
    struct paging_space *second = NULL;
    if (mixed && !mixed_mappings_make(active, &second, frames))
        report_crash("the mixed mappings for the dump could not be made");
    bool printed = print_space("active", active, &lines);
    if (printed && second)
        printed = print_space("second", second, &lines) && mixed_mappings_close(active, second);
    if (!printed)
        report_crash("the dump could not be made");
    print("# dump end lines=%lu\n", lines);
}
