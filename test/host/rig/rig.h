/* SPDX-License-Identifier: MIT */
/*
 * rig.h - an address space on an emulated machine, with its abstract map. Or several of them.
 *
 * A test opens the rig, calls judged operations (operation_table.h), and makes accesses.
 */
#ifndef HOST_RIG_RIG_H
#define HOST_RIG_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "machines/machine.h"
#include "rig/model.h"
#include "rig/operation_table.h"
#include <selfmap/map.h>
#include <selfmap/range.h>
#include <selfmap/translate.h>
#include <selfmap/window.h>

#define RIG_SPACES 4u

/* A space with its map, and how it shares its upper half. A side without a space is a place for one. */
struct rig_side {
    struct paging_space *space;
    struct model *model;
    struct rig_side *shared_owner; /* whose upper half it shares, or NULL */
    bool owns_shared_half;         /* it is the owner of a half that others may share */
};

struct rig {
    struct paging_space space; /* of sides[0], */
    struct model model;        /* and its map */
    struct rig_side sides[RIG_SPACES];
    struct rig_side *active;
    struct rig_side *attached; /* through the alternate slot of the active one, or NULL */
    struct rig_side *at;       /* what the operations work on: the active one, unless a test says otherwise */
    uint64_t random;
    unsigned base_frames;            /* the root and, in a recursive life, the scratch page's tables */
    struct paging_unmapped unmapped; /* what the last rig_unmap took away, or rig_remap replaced */
    uint64_t piece;                  /* what the last rig_next_piece answered */
    uint64_t marker_value;           /* what the last rig_clear_marker took away */
};

extern struct rig rig;

/*
 * What this run is about: how many levels, and whether spaces live through a direct map. The program's
 * argument, `4:recursive` without one.
 */
extern unsigned rig_levels;
extern bool rig_by_direct_map;

/* A test named by what it shows. The machine is closed afterwards. */
#define RIG_TEST(name, function)              \
    {                                         \
        name, function, NULL, rig_close, NULL \
    }

/* Calls paging_create, or paging_create_direct in a run about that life. How many frames that takes. */
enum paging_status rig_create(struct paging_space *space, struct paging_cpu cpu,
                              struct paging_frame_source *frames);
unsigned rig_own_tables(void);

/* The same for a test about the life through the recursive slot. A run about the other life leaves it out. */
#define RIG_RECURSIVE_TEST(name, function)                           \
    {                                                                \
        name, function, NULL, rig_close, (void *)&rig_recursive_only \
    }
extern const char rig_recursive_only;

/* Opens a machine with an empty active space, on a processor with everything. */
void rig_open(void);
void rig_open_on(struct machine_setup setup);
struct machine_setup rig_setup(void); /* the processor with everything, to take something away from */
void rig_open_large(void); /* the source can break its runs, and so promise small frames for huge pages */
int rig_close(void **state);

/* Reads the program's argument: LEVELS, LEVELS:direct or LEVELS:recursive. */
void rig_read_arguments(int count, char **arguments);

/* Runs those of the tests that the run is about. Returns how many have failed. */
int rig_run(const char *name, const struct CMUnitTest *tests, size_t count);

/* Defines main: runs the tests given as program `name`. */
#define RIG_MAIN(name, tests)                                                                \
    int main(int count, char **arguments)                                                    \
    {                                                                                        \
        rig_read_arguments(count, arguments);                                                \
        return rig_run(name " (" RIG_BACK_END ")", tests, sizeof(tests) / sizeof(*(tests))); \
    }

#ifdef MACHINE_MMAP
#    define RIG_BACK_END "host MMU"
#else
#    define RIG_BACK_END "software TLB"
#endif

/* ---- several spaces ---- */

/* As rig_open, with frames enough to share the upper half, and with sides for other spaces. */
void rig_open_spaces(void);
void rig_open_spaces_on(struct machine_setup setup);
/* sides[0] is active and owns the shared half; sides[1] shares it, and is attached (by direct map: not). */
void rig_open_sharer(void);

bool rig_is_several(void); /* opened so that there can be several */
uint64_t rig_number_of(const struct rig_side *side);
bool rig_is_reachable(const struct rig_side *side);                        /* an operation may work on it */
bool rig_has_windows(void);                                                /* it lives recursively */
unsigned rig_sharers(const struct rig_side *side);                         /* how many share its upper half */
bool rig_shares(const struct rig_side *one, const struct rig_side *other); /* the same upper half */

/* Returns why no operation may change the page in the space at hand: a set of statuses. */
unsigned rig_space_refusals(uint64_t page);

/* Returns why an operation on the leaf at this page is refused. Stores the leaf, or NULL for none. */
unsigned rig_leaf_refusals(uint64_t page, const struct model_leaf **leaf);

/* Where tests map what is shared: in the first slot of the upper half that is not reserved. */
uint64_t rig_upper_place(void);

/* The processor loads translations after each store and flush of the core, or no longer does so. */
void rig_load_meanwhile(bool on);

/* ---- judging ---- */

/* Everything that must hold between two operations: tables, counts, leaves, reserved slots, TLB. */
void rig_check(void);

/* Compares byte by byte. */
void assert_same_space(const struct paging_space *one, const struct paging_space *other);
void assert_status(enum paging_status got, enum paging_status expected);
/* A real access finds this frame, is allowed, or is refused with this error code. */
void assert_reads(uint64_t address, uint64_t frame);
void assert_allowed(uint64_t address, unsigned access);
void assert_refused(uint64_t address, unsigned access, unsigned error);

/* ---- flags and places ---- */

#define RW      PAGING_WRITABLE
#define NX      PAGING_NO_EXECUTE
#define US      PAGING_USER
#define TOUCHED (PAGING_ACCESSED | PAGING_DIRTY)

/* Where tests map: in slots of the lower half where the host back-end can make real accesses. */
#define SLOT_BYTES ((uint64_t)1 << (PAGING_PAGE_SHIFT + 3 * PAGING_INDEX_BITS))
#define PLACE      (130 * SLOT_BYTES)
#define KIB        ((uint64_t)1 << 10)
#define MIB        ((uint64_t)1 << 20)
#define GIB        ((uint64_t)1 << 30)

/* Frames that are memory, but not the frame source's: many of 4 KiB, one of 2 MiB, one of 1 GiB. */
#define DEVICE_FRAME ((uint64_t)0x3000)
#define FRAME_2M     ((uint64_t)0x8000)
#define FRAME_1G     ((uint64_t)0x40000)
#define DEVICE       (DEVICE_FRAME * PAGING_PAGE_BYTES)
#define DEVICE_1G    (FRAME_1G * PAGING_PAGE_BYTES)

paging_page_t rig_page(uint64_t address);
uint64_t rig_address(uint64_t page);
/*
 * Where the table of this level on the way to the address appears, in the active and in the attached space.
 */
uint64_t rig_window(unsigned level, uint64_t address);
uint64_t rig_alternate_window(unsigned level, uint64_t address);
/* What physical memory says about an address in the space at hand, active or not. */
struct walker rig_walker(void);
struct walk rig_walk(uint64_t address);
uint64_t rig_random(uint64_t below);
uint64_t rig_environment(const char *name, uint64_t otherwise); /* a number from outside, to repeat a run */

#endif
