/* SPDX-License-Identifier: MIT */
/*
 * bench_memory.c - the machine that the benchmark pretends to have.
 *
 * Frame f is the page f of a memfd. All of it is mapped at one place, for the accessor by direct map. For the
 * window each table's frame is mapped once more, at the very address where the recursion would show it,
 * before anything is measured: the window is a second view of the same memory, as on the processor, and no
 * access is emulated.
 *
 * That needs to know which frame will be which table. Everything here is deterministic, so the work is done
 * once by direct map, and the tables it made are surveyed. There cannot be a scratch page, which shows
 * one frame after the other: these builds have no slot for it, and new tables are filled directly in both
 * accessors.
 */
#define _GNU_SOURCE
#include "bench.h"
#include <selfmap/window.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define FIRST_FRAME  ((uint64_t)256)                       /* the allocator leaves out the first MiB */
#define MEMORY_PLACE ((uintptr_t)6 << 40)                  /* below BENCH_FOLD_BITS, away from the windows */
#define BOOKKEEPING  ((size_t)(4 * MEMORY_FRAMES + 65536)) /* frames.h asks for about two bytes a frame */

/* Pages shown next to each other, with frames next to each other. */
struct view {
    uintptr_t address;
    uint64_t frame, pages;
};

static struct {
    int fd;
    uint8_t *bookkeeping;
    struct view *views;
    uint64_t view_count;
} memory;

struct bench_tally bench_tally;

__attribute__((noinline)) void bench_table_zero(volatile paging_entry_t *table)
{
    uint64_t count = PAGING_TABLE_ENTRIES;
    uintptr_t at = bench_fold((uintptr_t)table);
    bench_tally.zeroed_tables++;
    __asm__ volatile("rep stosq" : "+D"(at), "+c"(count) : "a"(0ull) : "memory");
}

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

/* A place is asked for, not forced: if something is there already, we get another one and notice. */
static void map_at(uintptr_t address, uint64_t frame, uint64_t pages, int more_flags)
{
    void *wanted = (void *)address;
    void *got = mmap(wanted, pages * PAGING_PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | more_flags,
                     memory.fd, (off_t)(frame * PAGING_PAGE_BYTES));
    if (got == MAP_FAILED)
        fail("bench: mmap");
    if (got != wanted) {
        fprintf(stderr, "bench: something is at %#lx already\n", (unsigned long)address);
        exit(1);
    }
}

void memory_open(void)
{
    memory.fd = memfd_create("frames", MFD_CLOEXEC);
    if (memory.fd < 0 || ftruncate(memory.fd, (off_t)(MEMORY_FRAMES * PAGING_PAGE_BYTES)) != 0)
        fail("bench: memfd");
    map_at(MEMORY_PLACE, 0, MEMORY_FRAMES, MAP_NORESERVE);
    memory.bookkeeping = malloc(BOOKKEEPING);
    if (!memory.bookkeeping)
        fail("bench: malloc");
}

void memory_restart(struct bench *bench)
{
    frames_init(&bench->frames, memory.bookkeeping, BOOKKEEPING);
    if (frames_add_free(&bench->frames, (paging_frame_t){FIRST_FRAME}, (paging_frame_t){MEMORY_FRAMES}) !=
        FRAMES_OK)
        bench->failures++;
    struct paging_cpu cpu = {.levels = bench->world->levels,
                             .physical_bits = 52,
                             .has_no_execute = true,
                             .has_1g_pages = !bench->work->without_1g};
    enum paging_status status =
        bench->world->mode == PAGING_MODE_DIRECT_ACTIVE
            ? paging_create_direct(&bench->space, cpu, MEMORY_PLACE, &bench->frames.source)
            : paging_create(&bench->space, cpu, MEMORY_PLACE, &bench->frames.source);
    if (status != PAGING_OK)
        bench->failures++;
    if (bench->work->setup)
        bench->work->setup(bench);
}

void memory_enter_world(struct bench *bench)
{
    if (bench->world->mode != PAGING_MODE_DIRECT)
        paging_mark_active(&bench->space);
}

static void add_view(uintptr_t address, uint64_t frame)
{
    struct view *last = memory.views + memory.view_count;
    if (memory.view_count > 0) {
        last--;
        if (last->address + last->pages * PAGING_PAGE_BYTES == address &&
            last->frame + last->pages == frame) {
            last->pages++;
            return;
        }
        last++;
    }
    *last = (struct view){address, frame, 1};
    memory.view_count++;
}

void memory_show(const struct bench *bench, const struct survey *survey)
{
    memory.views = calloc(survey->table_count, sizeof(*memory.views));
    if (!memory.views)
        fail("bench: calloc");
    for (uint64_t i = 0; i < survey->table_count; i++) {
        const struct found_table *table = &survey->tables[i];
        paging_virt_t window = paging_window_table(bench->world->levels, PAGING_RECURSIVE_SLOT, table->level,
                                                   (paging_page_t){table->page});
        add_view(bench_fold(window.value), table->frame);
    }
    for (uint64_t i = 0; i < memory.view_count; i++)
        map_at(memory.views[i].address, memory.views[i].frame, memory.views[i].pages, MAP_POPULATE);
}

void memory_hide(void)
{
    for (uint64_t i = 0; i < memory.view_count; i++)
        munmap((void *)memory.views[i].address, memory.views[i].pages * PAGING_PAGE_BYTES);
    free(memory.views);
    memory.views = NULL;
    memory.view_count = 0;
}
