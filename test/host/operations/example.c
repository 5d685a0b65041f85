/* SPDX-License-Identifier: MIT */
/*
 * example.c - a program that uses the core as any user would, with tables that are not active.
 *
 * "Physical memory" is an arena of the host. Its first page stands for frame 16, to show what the offset is.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <selfmap/map.h>
#include <selfmap/translate.h>

enum { FIRST_FRAME = 16, FRAMES = 64 };

/*
 * The simplest frame source: a stack of free frames. The core's struct comes first, so that it can be cast.
 */
struct stack_source {
    struct paging_frame_source source;
    unsigned count;
    paging_frame_t free[FRAMES];
};

static bool has(struct paging_frame_source *source, const struct paging_space *space, uint64_t tables,
                uint64_t pages)
{
    (void)space;
    return ((struct stack_source *)source)->count >= tables + pages;
}

/* There is one operation at a time, so nothing has been kept from another one. */
static void has_no_more(struct paging_frame_source *source, const struct paging_space *space)
{
    (void)source, (void)space;
}

/* It need not know either whose the frames are, and what they are for. */
static bool take(struct paging_frame_source *source, const struct paging_space *space,
                 enum paging_frame_use use, enum paging_size size, paging_frame_t *frame)
{
    (void)space, (void)use;
    struct stack_source *stack = (struct stack_source *)source;
    if (size != PAGING_4K || stack->count == 0)
        return false;
    *frame = stack->free[--stack->count];
    return true;
}

static void give_back(struct paging_frame_source *source, const struct paging_space *space,
                      enum paging_frame_use use, enum paging_size size, paging_frame_t frame)
{
    (void)space, (void)use;
    struct stack_source *stack = (struct stack_source *)source;
    for (uint64_t i = 0; i < paging_level_pages(size); i++)
        stack->free[stack->count++] = (paging_frame_t){frame.number + i};
}

/* A source of single frames need not know which of them form a larger page. */
static void no_matter(struct paging_frame_source *source, const struct paging_space *space,
                      enum paging_size size, paging_frame_t frame)
{
    (void)source, (void)space, (void)size, (void)frame;
}

static int fail(const char *what, enum paging_status status)
{
    printf("not ok - %s: %s\n1..1\n", what, paging_status_name(status));
    return 1;
}

int main(void)
{
    char *arena = aligned_alloc(PAGING_PAGE_BYTES, FRAMES * PAGING_PAGE_BYTES);
    struct stack_source stack = {.source = {.reserve = has,
                                            .unreserve = has_no_more,
                                            .allocate = take,
                                            .release = give_back,
                                            .split = no_matter,
                                            .join = no_matter}};
    for (unsigned i = 0; i < FRAMES; i++)
        stack.free[stack.count++] = (paging_frame_t){FIRST_FRAME + i};

    struct paging_cpu cpu = {.levels = 4, .physical_bits = 40, .has_no_execute = true, .has_1g_pages = true};
    struct paging_space space;
    uintptr_t offset = (uintptr_t)arena - FIRST_FRAME * PAGING_PAGE_BYTES;
    enum paging_status status = paging_create(&space, cpu, offset, &stack.source);
    if (status != PAGING_OK)
        return fail("create", status);

    uint64_t before = paging_counted(&space).tables; /* the root, and what leads to the scratch page */
    paging_page_t page;
    paging_virt_t address = {0xffff800000001234};
    status = paging_page_containing(cpu.levels, address, &page);
    if (status == PAGING_OK)
        status = paging_map(&space, page, PAGING_WRITABLE | PAGING_NO_EXECUTE, &stack.source);
    struct paging_translation found;
    if (status == PAGING_OK)
        status = paging_translate(&space, address, &found);
    if (status != PAGING_OK)
        return fail("map and translate", status);
    printf("# %" PRIx64 " leads to %" PRIx64 ", with %" PRIu64 " tables in use\n", address.value,
           found.address.value, paging_counted(&space).tables);

    struct paging_unmapped gone;
    status = paging_unmap(&space, page, &stack.source, &gone);
    if (status != PAGING_OK || !gone.released || paging_counted(&space).tables != before)
        return fail("unmap", status);
    printf("ok - an address was mapped, translated and unmapped\n1..1\n");
    free(arena);
    return 0;
}
