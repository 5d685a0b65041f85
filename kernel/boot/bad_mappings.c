/* SPDX-License-Identifier: MIT */
/* bad_mappings.c - one mapping per kind of finding. Nobody accesses them. */
#include "boot/bad_mappings.h"
#include "console/console.h"
#include <selfmap/map.h>
#include <selfmap/translate.h>

enum { SLOT = 400 /* of the root: neither the loader nor a test maps anything there */ };

static struct paging_space *space;
static struct frames *frames;

static paging_page_t bad_page(unsigned number)
{
    return (paging_page_t){SLOT * paging_level_pages(space->cpu.levels) + number};
}

/* Says which mapping could not be made: then its finding is missing, and nobody has to wonder why. */
static void must(enum paging_status status, unsigned number)
{
    if (status != PAGING_OK)
        print("# fault injection: bad mapping %u: %s\n", number, paging_status_name(status));
}

static void map_frame(unsigned number, paging_frame_t frame, uint64_t flags)
{
    must(paging_map_to(space, bad_page(number), frame, flags, &frames->source), number);
}

/* Maps a new frame there, and the same one at the next number with other flags. */
static void map_twice(unsigned number, uint64_t flags, uint64_t other)
{
    struct paging_translation found = {0};
    must(paging_map(space, bad_page(number), flags, &frames->source), number);
    must(paging_translate(space, paging_page_start(space->cpu.levels, bad_page(number)), &found), number);
    map_frame(number + 1, paging_frame_containing(found.address), other);
}

/* Maps the last frame of a free 2 MiB run, which the tests' single frames do not come from. */
static void map_free_frame(unsigned number, uint64_t flags)
{
    paging_frame_t block;
    if (frames_allocate(frames, PAGING_2M, &block) != FRAMES_OK ||
        frames_free(frames, PAGING_2M, block) != FRAMES_OK) {
        print("# fault injection: bad mapping %u: no 2 MiB are free\n", number);
        return;
    }
    map_frame(number, (paging_frame_t){block.number + paging_level_pages(PAGING_2M) - 1}, flags);
}

void bad_mappings_make(struct paging_space *active, struct frames *from)
{
    space = active;
    frames = from;
    uint64_t no_execute = space->cpu.has_no_execute ? PAGING_NO_EXECUTE : 0;
    must(paging_map(space, bad_page(0), PAGING_WRITABLE, &frames->source), 0);
    must(paging_map(space, bad_page(1), PAGING_USER | no_execute, &frames->source), 1);
    map_twice(2, no_execute, no_execute | PAGING_CACHE_WRITE_COMBINING);
    map_twice(4, no_execute, no_execute | PAGING_WRITABLE);
    map_frame(6, space->root, no_execute);
    map_free_frame(7, no_execute);
}
