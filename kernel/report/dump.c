/* dump.c - one line per run of pages. */
#include "report/dump.h"
#include "console/console.h"
#include "cpu/cpuid.h"
#include "report/mixed_mappings.h"
#include "report/report.h"
#include <selfmap/for_each.h>

struct run {
    const struct paging_space *space;
    unsigned level; /* 0: there is none yet */
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

static bool continues(const struct run *run, const struct paging_entry_info *visit, uint64_t flags)
{
    return visit->level == run->level && flags == run->flags &&
           visit->first.number == run->first.number + run->pages &&
           paging_leaf_frame(visit->entry, visit->level).number == run->to.number + run->pages &&
           paging_page_index(visit->first, run->space->cpu.levels) ==
               paging_page_index(run->first, run->space->cpu.levels);
}

static bool see(void *context, const struct paging_entry_info *visit)
{
    struct run *run = context;
    if (visit->kind == PAGING_KIND_LEAF) {
        uint64_t flags = visit->flags & ~(PAGING_ACCESSED | PAGING_DIRTY);
        if (!continues(run, visit, flags)) {
            print_run(run);
            *run = (struct run){
                run->space, visit->level, visit->first, 0, paging_leaf_frame(visit->entry, visit->level),
                flags,      run->lines};
        }
        run->pages += visit->pages;
    }
    if (visit->kind == PAGING_KIND_MARKER) {
        print_run(run);
        print("# kept %lx %u %lx\n", paging_page_start(run->space->cpu.levels, visit->first).value,
              visit->level, visit->entry.bits);
        ++*run->lines;
    }
    return true;
}

static bool print_space(const char *name, const struct paging_space *space, uint64_t *lines)
{
    struct run run = {.space = space, .lines = lines};
    print("# dump %s root=%lx tables=%lu\n", name, paging_root_address(space).value, space->tables);
    bool walked = paging_for_each(space, see, &run) == PAGING_OK;
    print_run(&run);
    return walked;
}

void dump_tables(struct handoff *handoff, struct frames *frames)
{
    uint64_t lines = 0;
    if (handoff->options.dump == DUMP_NO)
        return;
    struct paging_space *live = &handoff->space, *other = NULL;
    if (handoff->options.dump == DUMP_VARIED && machine_is_qemu(handoff->rsdp_oem)) {
        if (!mixed_mappings_make(live, &other, &frames->source))
            report_crash("the variety for the dump could not be mapped");
    }
    bool walked = print_space("live", live, &lines);
    if (walked && other)
        walked = print_space("other", other, &lines) && mixed_mappings_close(live, other);
    if (!walked)
        report_crash("the dump could not be made");
    print("# dump end lines=%lu\n", lines);
}
