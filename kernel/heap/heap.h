/* SPDX-License-Identifier: MIT */
/*
 * heap.h - memory in blocks of any size, in pages that the core maps when they are needed.
 *
 * The heap lives in a range of addresses of its own:
 *
 *     start                                                                          end
 *       | guard | notes, as far as needed | ... | guard | blocks --> | not mapped ... | guard |
 *
 * A guard is a page with a marker. Behind the last page of blocks nothing is mapped either. Pages of the
 * heap are writable, not executable (on a processor that has no-execute) and the supervisor's, and their
 * frames are owned. The heap grows at its end, and gives pages back when its end is free
 * (HEAP_SHRINK_BYTES).
 *
 * Which chunk of memory serves a request is decided by two-level segregated fit (M. Masmano et al., "TLSF: a
 * New Dynamic Memory Allocator for Real-Time Systems", ECRTS 2004): a good fit in constant time, whatever
 * the number of blocks. A chunk is a header of 16 bytes, the block, and a red zone of at least 8 bytes. Where
 * chunks begin is noted outside of them, so what a program overwrites cannot mislead the heap: misuse is told
 * (enum heap_status says which), and not followed.
 *
 * In debug mode each block has pages of its own, and ends where an unmapped page begins. When it is freed its
 * pages are unmapped, so that the next access to it faults. Its addresses are used again only when all others
 * have been used, the oldest first.
 *
 * The space must be active whenever the heap is called. Where several share their upper half and the heap
 * lies there, its blocks are in all of them: heap_use_space says which one is active now. The heap is for one
 * processor at a time, and not for interrupt handlers that may interrupt it: the caller locks. It has no
 * global state. Of the C library it needs memcpy and memset.
 */
#ifndef KERNEL_HEAP_HEAP_H
#define KERNEL_HEAP_HEAP_H

#include <selfmap/space.h>

enum heap_status {
    HEAP_OK,

    /* Something cannot be done. Nothing has changed. */
    HEAP_BAD_SETUP,     /* a pointer is NULL, or a number is not as struct heap_setup says */
    HEAP_PLACE_TAKEN,   /* part of the heap's range is mapped, marked or reserved, or is no range */
    HEAP_NO_BYTES,      /* a block of zero bytes */
    HEAP_BAD_ALIGNMENT, /* not a power of two, or larger than HEAP_ALIGNMENT_LIMIT */
    HEAP_NO_FRAMES,     /* the frame source does not have enough frames */
    HEAP_NO_ADDRESSES,  /* the heap cannot grow so far within its limit */
    HEAP_REFUSED,       /* the core refused a call for another reason: heap->refusal */

    /* Findings: a program misuses the heap. Told through the hook; nothing has changed. */
    HEAP_FOREIGN,        /* the address is not in a block, and never was since these pages were mapped */
    HEAP_INSIDE_BLOCK,   /* the address is in a block, and is not its first */
    HEAP_DOUBLE_FREE,    /* the address is in memory that is free already */
    HEAP_OVERRUN,        /* bytes behind a block were written to */
    HEAP_UNDERRUN,       /* bytes before a block were written to */
    HEAP_USE_AFTER_FREE, /* bytes of a freed block were written to; or an access to one has faulted */
    HEAP_BAD_NOTES,      /* the heap's own notes contradict each other: somebody wrote to them */
    HEAP_STATUS_COUNT
};

/* Returns the name as it stands above, in lower case and without the prefix: "double free". Never NULL. */
const char *heap_status_name(enum heap_status status);

/* What was found. Numbers that are not known are 0. */
struct heap_finding {
    enum heap_status kind;
    uintptr_t address;      /* what was passed; or the first byte that is wrong */
    uintptr_t block;        /* the block that it belongs to, */
    uint64_t bytes;         /* the bytes that were asked for, */
    uintptr_t allocated_by; /* where the call returns that allocated or resized it, */
    uintptr_t freed_by;     /* and the one that freed it */
    uintptr_t caller;       /* where the call of the heap returns that found it */
};

/* Called for each finding, from within the call that found it. Must not call the heap; may end the run. */
typedef void (*heap_hook)(void *context, const struct heap_finding *finding);

/* Alignment of a block in bytes, unless a larger one is asked for. */
#define HEAP_ALIGNMENT 16u

/* The largest that can be asked for, in bytes. */
#define HEAP_ALIGNMENT_LIMIT (UINT64_C(1) << 30)

/* The most bytes that all chunks can have, headers and red zones included. */
#define HEAP_LIMIT_BYTES ((UINT64_C(1) << 36) - PAGING_PAGE_BYTES)

/* Its end moves to a multiple of this, if there are frames and addresses enough; else by what is needed. */
#define HEAP_GROW_BYTES (UINT64_C(64) << 10)

/* Once the end of the heap has so many free bytes, all except HEAP_GROW_BYTES go back. */
#define HEAP_SHRINK_BYTES (UINT64_C(256) << 10)

/* The value of the markers of its guard pages: "heapg". */
#define HEAP_GUARD_MARKER UINT64_C(0x6865617067)

struct heap_setup {
    struct paging_space *space;
    struct paging_frame_source *frames;
    paging_virt_t start; /* of its range: a multiple of PAGING_PAGE_BYTES */
    uint64_t limit;      /* bytes of chunks at most: a multiple of that, not 0, at most HEAP_LIMIT_BYTES */
    bool debug;          /* a page or more for each block, unmapped when it is freed */
    heap_hook found;     /* not NULL: what is found must not stay untold */
    void *context;       /* for the hook */
};

struct heap_statistics {
    uint64_t live_blocks, live_bytes;         /* not freed, and how many bytes were asked for */
    uint64_t peak_live_bytes;                 /* the most there were at a time */
    uint64_t mapped_bytes, peak_mapped_bytes; /* in pages for blocks */
    uint64_t notes_bytes;                     /* in pages for notes */
    uint64_t free_bytes, free_chunks;         /* of mapped_bytes, for the next blocks; 0 in debug mode */
    uint64_t grown, shrunk;                   /* how often pages were mapped, and given back */
    uint64_t refused;                         /* calls that got HEAP_NO_FRAMES, _NO_ADDRESSES or _REFUSED */
    uint64_t findings;                        /* what the hook was told */
};

/* The levels of segregated fit: powers of two, and 32 classes of equal width in each. */
enum { HEAP_ROWS = 28, HEAP_COLUMNS = 32 };

/* All of it is the heap's own, except that `refusal` may be read. */
struct heap {
    struct heap_setup setup;
    enum paging_status refusal; /* what the core answered when it refused something last */
    uint64_t end;               /* of the range */
    uint64_t notes, notes_mapped;
    uint64_t blocks; /* the address of the first page for blocks */
    uint64_t bytes;  /* from there to the end of the heap. In debug mode: to where pages were ever mapped */
    uint64_t next;   /* debug mode: the page of the next block */
    struct heap_statistics statistics;
    uint32_t rows;                           /* a bit for each row that has a chunk, */
    uint32_t columns[HEAP_ROWS];             /* and in each for each column */
    uint32_t heads[HEAP_ROWS][HEAP_COLUMNS]; /* the first chunk of a list, by its unit */
};

/*
 * Returns the first address of a part of the upper half in which nothing else of this project lies: three
 * quarters of the root's slots are below it. What lies in the upper half can be seen from all spaces
 * (selfmap/share.h).
 */
paging_virt_t heap_default_start(unsigned levels);

/* Returns how many bytes of addresses a heap takes with this limit, guards and notes included. */
uint64_t heap_address_bytes(uint64_t limit, bool debug);

/*
 * Begins a heap without blocks. Maps nothing, and marks its three guard pages, which takes frames for tables.
 *
 *   HEAP_BAD_SETUP, HEAP_PLACE_TAKEN, HEAP_NO_FRAMES, HEAP_REFUSED
 * On each of them nothing is marked, and only `refusal` in *heap has a meaning.
 */
PAGING_MUST_CHECK enum heap_status heap_create(struct heap *heap, const struct heap_setup *setup);

/*
 * Unmaps the whole range: all blocks are gone, and all frames and tables back. One flush.
 *
 *   HEAP_REFUSED   the space cannot be changed now
 */
PAGING_MUST_CHECK enum heap_status heap_destroy(struct heap *heap);

/*
 * Says which space is active now, after a switch between spaces that share the upper half in which the heap
 * lies: only through that one can the half be changed (selfmap/share.h). Until it is said, a call that has to
 * map pages gets HEAP_REFUSED, and one that would give pages back keeps them.
 */
void heap_use_space(struct heap *heap, struct paging_space *space);

/*
 * Allocates a block of at least `bytes` bytes, aligned to HEAP_ALIGNMENT, and stores its address. It may hold
 * anything. Takes constant time, unless the heap grows: then it takes frames, for each page and for tables.
 * Nothing is flushed except the scratch page. In debug mode it always takes pages, and the time it takes to
 * find addresses that were not used for the longest time: none in the first lap.
 *
 *   HEAP_NO_BYTES, HEAP_NO_FRAMES, HEAP_NO_ADDRESSES, HEAP_REFUSED
 * On each of them nothing has changed, and *block is untouched.
 */
PAGING_MUST_CHECK enum heap_status heap_allocate(struct heap *heap, uint64_t bytes, void **block);

/*
 * The same, with an address that is a multiple of `alignment`, a power of two. One that is smaller than
 * HEAP_ALIGNMENT has a meaning in debug mode only: the block ends nearer to the unmapped page, with 1 right
 * before it.
 *
 *   HEAP_BAD_ALIGNMENT, and those of heap_allocate
 */
PAGING_MUST_CHECK enum heap_status heap_allocate_aligned(struct heap *heap, uint64_t bytes,
                                                         uint64_t alignment, void **block);

/*
 * Makes *block, a block of this heap, at least `bytes` bytes long. What it holds stays, up to the smaller of
 * both lengths. If it has to move, its new address is stored; in debug mode it always moves. With *block NULL
 * it allocates. Takes constant time, unless it copies or the heap grows. The new address is a multiple of
 * HEAP_ALIGNMENT: for a block that was aligned to more, use heap_resize_aligned.
 *
 *   HEAP_NO_BYTES, HEAP_NO_FRAMES, HEAP_NO_ADDRESSES, HEAP_REFUSED
 *   HEAP_FOREIGN, HEAP_INSIDE_BLOCK, HEAP_DOUBLE_FREE, HEAP_OVERRUN, HEAP_UNDERRUN
 * On each of them *block is the block that it was.
 */
PAGING_MUST_CHECK enum heap_status heap_resize(struct heap *heap, uint64_t bytes, void **block);

/* The same; where it has to move, the new address is a multiple of `alignment`. HEAP_BAD_ALIGNMENT */
PAGING_MUST_CHECK enum heap_status heap_resize_aligned(struct heap *heap, uint64_t bytes, uint64_t alignment,
                                                       void **block);

/*
 * Frees a block of this heap. NULL is no block, and not an error. A finding is told through the hook as well,
 * so the status may be left unread. A block with a finding is not freed, and its memory is not used again.
 * Takes constant time, unless pages go back: then there is one flush. If the core refuses to take them, they
 * stay free memory of the heap, except in debug mode.
 *
 *   HEAP_FOREIGN, HEAP_INSIDE_BLOCK, HEAP_DOUBLE_FREE, HEAP_OVERRUN, HEAP_UNDERRUN
 *   HEAP_REFUSED   in debug mode: the core did not unmap the block
 */
enum heap_status heap_free(struct heap *heap, void *block);

/*
 * Looks at everything: headers, red zones and free chunks, and whether lists and notes agree. Tells each
 * finding, and returns the first. Changes nothing. Takes time in proportion to chunks, in debug mode to
 * the addresses that were used.
 *
 *   HEAP_OVERRUN, HEAP_UNDERRUN, HEAP_USE_AFTER_FREE, HEAP_BAD_NOTES
 */
enum heap_status heap_check(struct heap *heap);

/*
 * Says what is known about an address, for a page fault handler: the access that faulted is a
 * HEAP_USE_AFTER_FREE; a HEAP_OVERRUN, of the block before an unmapped page; HEAP_FOREIGN, at an address that
 * was not handed out; HEAP_INSIDE_BLOCK if it is in a block; or HEAP_UNDERRUN if nothing can be said about
 * the block because its header was overwritten. Returns false for an address outside of the heap's range.
 * Changes and tells nothing, and may be called whatever was interrupted, except this heap.
 */
bool heap_explain(const struct heap *heap, uintptr_t address, struct heap_finding *finding);

/* Returns what there is, and what there has been since the heap was created. */
struct heap_statistics heap_statistics(const struct heap *heap);

#endif
