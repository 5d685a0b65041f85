/*
 * linux/main.c - builds, edits, walks and prints page tables in a program's own memory, as a virtual machine
 * monitor does for its guest, or a boot loader's tool for an image. Read it from top to bottom.
 */
#include <inttypes.h>
#include <selfmap/for_each.h>
#include <selfmap/map.h>
#include <selfmap/range.h>
#include <selfmap/translate.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- 1. An array stands for physical memory ---------------------------------------------------------------- */
#define MEMORY_BASE  0x1000000 /* its first byte's physical address */
#define MEMORY_PAGES 64

static _Alignas(PAGING_PAGE_BYTES) unsigned char memory[MEMORY_PAGES * PAGING_PAGE_BYTES];

static void *at_physical(uint64_t address)
{
    return memory + (address - MEMORY_BASE);
}

/* The core asks for frames here. Its struct comes first in this one, so that a pointer to it can be cast. */
struct stack {
    struct paging_frame_source source;
    uint64_t count;
    paging_frame_t frames[MEMORY_PAGES];
};

static bool has(struct paging_frame_source *source, uint64_t frames)
{
    return ((struct stack *)source)->count >= frames;
}

static bool take(struct paging_frame_source *source, enum paging_size size, paging_frame_t *frame)
{
    struct stack *stack = (struct stack *)source;
    if (size != PAGING_4K || stack->count == 0)
        return false; /* the core manages without larger frames */
    *frame = stack->frames[--stack->count];
    return true;
}

static void give_back(struct paging_frame_source *source, enum paging_size size, paging_frame_t frame)
{
    struct stack *stack = (struct stack *)source;
    for (uint64_t i = 0; i < paging_level_pages(size); i++)
        stack->frames[stack->count++] = (paging_frame_t){frame.number + i};
}

static void ignore(struct paging_frame_source *source, enum paging_size size, paging_frame_t frame)
{
    (void)source, (void)size, (void)frame;
}

/* ---- 2. Results -------------------------------------------------------------------------------------------- */
static unsigned tests, failures;

static void tap(bool passed, const char *what)
{
    failures += !passed;
    printf("%s %u %s\n", passed ? "ok" : "not ok", ++tests, what);
}

/* No status may be ignored: the compiler warns. Here each other than PAGING_OK is the end. */
static void must(enum paging_status status, const char *what)
{
    if (status == PAGING_OK)
        return;
    printf("Bail out! %s: %s\n", what, paging_status_name(status));
    exit(1);
}

static paging_page_t page_of(uint64_t address)
{
    paging_page_t page = {0};
    must(paging_page_containing(4, (paging_virt_t){address}, &page), "an address is in no page");
    return page;
}

/*
 * Goes through the tables as the processor would, without asking the core (SDM 3A, 4.5): bits 47 to 12 of the
 * address are four indices. Returns the leaf, or the entry that is not present; *level is the table's.
 */
static uint64_t walk(const struct paging_space *space, uint64_t address, unsigned *level)
{
    uint64_t entry = paging_root_address(space).value;
    for (*level = 4;; --*level) {
        const uint64_t *table = at_physical(entry & 0xffffffffff000);
        entry = table[address >> (12 + 9 * (*level - 1)) & 511];
        if (!(entry & 1) || *level == 1 || entry & 1 << 7)
            return entry;
    }
}

/* ---- 3. Tables as a tree ----------------------------------------------------------------------------------- */
static bool print_entry(void *context, const struct paging_entry_info *info)
{
    static const char *const sizes[] = {"", "4 KiB", "2 MiB", "1 GiB"};
    if (info->kind == PAGING_KIND_HOLE)
        return true;
    (void)context;
    printf("# %*s%016" PRIx64, 2 * (int)(4 - info->level), "", paging_page_start(4, info->first).value);
    if (info->kind == PAGING_KIND_TABLE)
        printf(" P%u at %" PRIx64 "\n", info->level - 1,
               paging_frame_start(paging_entry_frame(info->entry)).value);
    else if (info->kind == PAGING_KIND_MARKER)
        printf(" marker %" PRIu64 "\n", paging_marker_value(info->entry));
    else
        printf(" %s at %" PRIx64 " %c%c%c%c\n", sizes[info->level],
               paging_frame_start(paging_leaf_frame(info->entry, info->level)).value, 'r',
               info->flags & PAGING_WRITABLE ? 'w' : '-', info->flags & PAGING_NO_EXECUTE ? '-' : 'x',
               info->flags & PAGING_USER ? 'u' : '-');
    return true;
}

/* ---- 4. A map of a small guest ----------------------------------------------------------------------------- */
#define IMAGE 0xffffffff80000000
#define RAM   0xffff800000000000 /* all of its memory once more: a direct map */
#define HUGE  0x200000
#define GUARD 1
#define DATA  (PAGING_WRITABLE | PAGING_NO_EXECUTE)

int main(void)
{
    struct stack stack = {.source = {has, take, give_back, ignore, ignore}};
    for (uint64_t i = 0; i < MEMORY_PAGES; i++)
        stack.frames[stack.count++] = (paging_frame_t){MEMORY_BASE / PAGING_PAGE_BYTES + i};
    struct paging_frame_source *frames = &stack.source;

    /* A table at a physical address is reached at that address plus the offset. Nothing is flushed. */
    struct paging_cpu cpu = {.levels = 4, .physical_bits = 40, .has_no_execute = true, .has_1g_pages = true};
    struct paging_space space;
    must(paging_create_direct(&space, cpu, (uintptr_t)memory - MEMORY_BASE, frames), "create");

    /* Build. The largest pages that fit are taken: this direct map of 1 GiB + 4 MiB is three entries. */
    unsigned level;
    must(paging_map_range(&space, (paging_virt_t){RAM}, (paging_phys_t){0}, 0x40000000 + 2 * HUGE, DATA,
                          frames),
         "RAM");
    tap(walk(&space, RAM + 0x12345678, &level) >> 12 == (1ull << 51 | 0) && level == 3, "1 GiB is one entry");
    must(paging_map(&space, page_of(IMAGE), 0, frames), "image");
    must(paging_map(&space, page_of(IMAGE + 0x1000), DATA, frames), "data");
    must(paging_set_marker(&space, page_of(IMAGE + 0x2000), GUARD, frames), "guard page");
    must(paging_map(&space, page_of(IMAGE + 0x3000), DATA, frames), "stack");
    (void)level;
    must(paging_for_each(&space, print_entry, NULL), "print");
    (void)at_physical;
    printf("1..%u\n", tests);
    return failures != 0;
}
