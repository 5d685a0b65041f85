/* The steps in a list; what each does, and how it is written. */
#include "steps.h"
#include "rig/rig_spaces.h"

#define MOST_STEPS 8192u
#define PAYLOAD    5u
#define RW         PAGING_WRITABLE

static struct {
    struct step list[MOST_STEPS];
    unsigned count;
    uint64_t pages; /* from 0 on, that are mapped */
    unsigned largest;
    const struct scope *scope;
} steps;

static void add(struct step step)
{
    assert_true(steps.count < MOST_STEPS);
    steps.list[steps.count++] = step;
}

/* The rights a new page can have, and whether it may take the place of an entry of the owner's. */
static unsigned flags_of(uint64_t flags[4])
{
    unsigned count = 0;
    flags[count++] = RW;
    if (steps.scope->rights)
        flags[count++] = 0;
    if (steps.scope->reserved)
        flags[count++] = RW | PAGING_REPLACE_MARKER;
    return count;
}

static void add_maps(uint64_t page)
{
    uint64_t flags[4];
    for (unsigned i = 0, count = flags_of(flags); i < count; i++) {
        for (uint64_t shift = 0; shift <= steps.scope->shifted; shift++) {
            uint64_t frame = page + shift;
            add((struct step){STEP_MAP_TO, .page = page, .frame = frame, .flags = flags[i]});
            for (unsigned size = PAGING_2M; size <= steps.largest; size++)
                add((struct step){STEP_MAP_SIZED, .page = page, .frame = frame, .flags = flags[i],
                                  .size = size});
        }
        if (steps.scope->owned)
            add((struct step){STEP_MAP, .page = page, .flags = flags[i]});
    }
    add((struct step){STEP_IDENTITY_MAP, .frame = page, .flags = RW});
}

static void add_for_page(uint64_t page)
{
    add_maps(page);
    add((struct step){STEP_UNMAP, .page = page});
    add((struct step){STEP_SPLIT, .page = page});
    if (steps.scope->reserved) {
        add((struct step){STEP_RESERVE, .page = page});
        add((struct step){STEP_UNRESERVE, .page = page});
    }
    if (steps.scope->rights)
        add((struct step){STEP_WRITE, .page = page});
}

/* As many huge frames as there is room for, and all smaller numbers. */
static void add_allocations(uint64_t page, uint64_t pages, uint64_t flags)
{
    unsigned room = 0;
    for (uint64_t at = page; at < page + pages; at++)
        room += at % PAGING_TABLE_ENTRIES == 0 && at + PAGING_TABLE_ENTRIES <= page + pages;
    for (unsigned huge = 0; huge <= room; huge++)
        add((struct step){STEP_MAP_RANGE_ALLOC, .page = page, .pages = pages, .flags = flags, .huge = huge});
}

static void add_for_range(uint64_t page, uint64_t pages)
{
    uint64_t flags[4];
    for (unsigned i = 0, count = flags_of(flags); i < count; i++) {
        for (uint64_t shift = 0; shift <= steps.scope->shifted; shift++)
            add((struct step){STEP_MAP_RANGE, .page = page, .pages = pages, .frame = page + shift,
                              .flags = flags[i]});
        if (steps.scope->owned)
            add_allocations(page, pages, flags[i]);
    }
    add((struct step){STEP_IDENTITY_MAP_RANGE, .page = page, .pages = pages, .flags = RW});
    add((struct step){STEP_UNMAP_RANGE, .page = page, .pages = pages});
    add((struct step){STEP_MERGE_RANGE, .page = page, .pages = pages});
    if (steps.scope->rights) {
        add((struct step){STEP_PROTECT_RANGE, .page = page, .pages = pages, .flags = RW});
        add((struct step){STEP_PROTECT_RANGE, .page = page, .pages = pages, .clear = RW});
    }
}

/*
 * With two entries in a table, all pages below the first slot are mapped; with more, those of two P1s. Beyond
 * that comes what is refused: the first page of a slot that the core keeps, a range that reaches into it, and
 * an empty one.
 */
unsigned steps_make(const struct scope *scope, unsigned levels)
{
    steps.count = 0;
    steps.scope = scope;
    uint64_t kept = paging_level_pages(levels); /* slot 1 */
    steps.pages = PAGING_TABLE_ENTRIES == 2 ? kept : 2 * PAGING_TABLE_ENTRIES;
    steps.largest = levels > 3 ? PAGING_1G : levels - 1;
    for (uint64_t page = 0; page < steps.pages; page++)
        add_for_page(page);
    add_for_page(kept);
    for (uint64_t page = 0; scope->ranges && page < steps.pages; page++)
        for (uint64_t pages = 1; page + pages <= steps.pages; pages++)
            add_for_range(page, pages);
    if (scope->ranges) {
        add_for_range(kept - 1, 2);
        add_for_range(0, 0);
    }
    if (scope->foreign)
        add((struct step){STEP_REOPEN, .page = 0});
    return steps.count;
}

const struct step *step_at(unsigned number)
{
    return &steps.list[number];
}

/* ---- taking one ---- */

static enum paging_status unreserve(uint64_t page)
{
    const struct model_leaf *leaf = model_overlap(rig.at->model, page, 1);
    enum paging_status expected = PAGING_OK;
    if (model_is_reserved_slot(rig.model.levels, page))
        expected = PAGING_RESERVED_SLOT;
    else if (!leaf)
        expected = PAGING_NOT_MAPPED;
    else if (!leaf->reserved)
        expected = PAGING_ALREADY_MAPPED;
    (void)rig_clear_marker(rig_address(page), expected);
    return expected;
}

/* It may, or not; either is the processor's business, and changes no translation. */
static enum paging_status write_to(uint64_t page)
{
    (void)machine_access(rig_address(page), WALK_WRITE);
    rig_check();
    return PAGING_OK;
}

static enum paging_status reopen(void)
{
    struct rig_side *side = rig.open;
    assert_status(rig_detach(rig.live, side), PAGING_OK);
    return rig_attach(rig.live, side);
}

static enum paging_status take_range(const struct step *step)
{
    uint64_t start = rig_address(step->page), bytes = step->pages * PAGING_PAGE_BYTES;
    switch (step->operation) {
    case STEP_MAP_RANGE:
        return rig_map_range(start, step->frame * PAGING_PAGE_BYTES, bytes, step->flags);
    case STEP_IDENTITY_MAP_RANGE:
        return rig_identity_map_range(start, bytes, step->flags);
    case STEP_MAP_RANGE_ALLOC:
        machine_limit_huge(step->huge);
        return rig_map_range_alloc(start, bytes, step->flags);
    case STEP_UNMAP_RANGE:
        return rig_unmap_range(start, bytes);
    case STEP_PROTECT_RANGE:
        return rig_protect_range(start, bytes, step->flags, step->clear);
    default:
        return rig_merge_range(start, bytes);
    }
}

enum paging_status step_take(const struct step *step)
{
    uint64_t address = rig_address(step->page);
    switch (step->operation) {
    case STEP_MAP_TO:
        return rig_map_to(address, step->frame, step->flags);
    case STEP_IDENTITY_MAP:
        return rig_identity_map(step->frame, step->flags);
    case STEP_MAP_SIZED:
        return rig_map_sized(address, step->frame, (enum paging_size)step->size, step->flags);
    case STEP_MAP:
        return rig_map(address, step->flags);
    case STEP_UNMAP:
        return rig_unmap(address, NULL);
    case STEP_RESERVE:
        return rig_set_marker(address, PAYLOAD);
    case STEP_UNRESERVE:
        return unreserve(step->page);
    case STEP_SPLIT:
        return rig_split(address);
    case STEP_WRITE:
        return write_to(step->page);
    case STEP_REOPEN:
        return reopen();
    default:
        return take_range(step);
    }
}

bool step_takes_frames(const struct step *step)
{
    switch (step->operation) {
    case STEP_UNMAP:
    case STEP_UNRESERVE:
    case STEP_WRITE:
    case STEP_MERGE_RANGE:
    case STEP_REOPEN:
        return false;
    default:
        return true;
    }
}

/* ---- writing it down ---- */

static const char *flag_names(uint64_t flags)
{
    bool writable = (flags & RW) != 0, over = (flags & PAGING_REPLACE_MARKER) != 0;
    if (over)
        return writable ? "PAGING_WRITABLE | PAGING_REPLACE_MARKER" : "PAGING_REPLACE_MARKER";
    return writable ? "PAGING_WRITABLE" : "0";
}

static void print_range(const struct step *step)
{
    unsigned long start = rig_address(step->page), bytes = step->pages * PAGING_PAGE_BYTES;
    unsigned long to = step->frame * PAGING_PAGE_BYTES;
    const char *flags = flag_names(step->flags);
    switch (step->operation) {
    case STEP_MAP_RANGE:
        print_message("(void)rig_map_range(%#lx, %#lx, %#lx, %s);\n", start, to, bytes, flags);
        break;
    case STEP_IDENTITY_MAP_RANGE:
        print_message("(void)rig_identity_map_range(%#lx, %#lx, %s);\n", start, bytes, flags);
        break;
    case STEP_MAP_RANGE_ALLOC:
        print_message("machine_limit_huge(%u);\n", step->huge);
        print_message("(void)rig_map_range_alloc(%#lx, %#lx, %s);\n", start, bytes, flags);
        break;
    case STEP_UNMAP_RANGE:
        print_message("(void)rig_unmap_range(%#lx, %#lx);\n", start, bytes);
        break;
    case STEP_PROTECT_RANGE:
        print_message("(void)rig_protect_range(%#lx, %#lx, %s, %s);\n", start, bytes, flags,
                      flag_names(step->clear));
        break;
    default:
        print_message("(void)rig_merge_range(%#lx, %#lx);\n", start, bytes);
    }
}

void step_print(const struct step *step)
{
    unsigned long address = rig_address(step->page), frame = step->frame;
    const char *flags = flag_names(step->flags);
    switch (step->operation) {
    case STEP_MAP_TO:
        print_message("(void)rig_map_to(%#lx, %#lx, %s);\n", address, frame, flags);
        break;
    case STEP_IDENTITY_MAP:
        print_message("(void)rig_identity_map(%#lx, %s);\n", frame, flags);
        break;
    case STEP_MAP_SIZED:
        print_message("(void)rig_map_sized(%#lx, %#lx, %u, %s);\n", address, frame, step->size, flags);
        break;
    case STEP_MAP:
        print_message("(void)rig_map(%#lx, %s);\n", address, flags);
        break;
    case STEP_UNMAP:
        print_message("(void)rig_unmap(%#lx, NULL);\n", address);
        break;
    case STEP_RESERVE:
        print_message("(void)rig_set_marker(%#lx, %u);\n", address, PAYLOAD);
        break;
    case STEP_UNRESERVE:
        print_message("(void)rig_clear_marker(%#lx, PAGING_OK);\n", address);
        break;
    case STEP_SPLIT:
        print_message("(void)rig_split(%#lx);\n", address);
        break;
    case STEP_WRITE:
        print_message("(void)machine_access(%#lx, WALK_WRITE);\n", address);
        break;
    case STEP_REOPEN:
        print_message("(void)rig_detach(rig.live, rig.open);\n");
        print_message("(void)rig_attach(rig.live, &rig.sides[1]);\n");
        break;
    default:
        print_range(step);
    }
}
