/*
 * rig.h - an address space on a machine, with the abstract map beside it. Or several (rig_spaces.h).
 *
 * Each operation here calls the core's operation of the same name and judges everything about it: the status, the
 * frames it took and gave, the pages it flushed, that an error changed no byte, and afterwards the whole
 * state (rig_check). Tests then only say what they are about.
 */
#ifndef HOST_RIG_RIG_H
#define HOST_RIG_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "machines/machine.h"
#include "rig/model.h"
#include <selfmap/map.h>
#include <selfmap/range.h>
#include <selfmap/translate.h>
#include <selfmap/window.h>

#define RIG_SPACES 4u

/* A space beside its map, and what other spaces are to it. */
struct rig_side {
    struct paging_space *space; /* NULL: there is none */
    struct model *model;
    struct rig_side *shared_owner; /* whose upper half it borrows, or NULL */
    bool shares_upper_half;
};

struct rig {
    struct paging_space space; /* the one that rig_open makes, */
    struct model model;        /* and its map: both are sides[0] */
    struct rig_side sides[RIG_SPACES];
    struct rig_side *live;
    struct rig_side *open; /* in the alternate slot, or NULL */
    struct rig_side *at;   /* which of them the operations below are about; live if no test says otherwise */
    uint64_t random;
    unsigned kept_frames; /* root and scratch tables */
};

extern struct rig rig;

/* How many levels this run is about: the program's argument, 4 without one. */
extern unsigned rig_levels;

/* A test named by what it shows; whatever it leaves open is closed. */
#define RIG_TEST(name, function)              \
    {                                         \
        name, function, NULL, rig_close, NULL \
    }

/* Live, empty, on a processor with everything. */
void rig_open(void);
void rig_open_on(struct machine_setup setup);
struct machine_setup rig_setup(void); /* the processor with everything, to take something away from */
int rig_close(void **state);

/* Runs the tests given as program `name`; takes the number of levels from the arguments. */
#define RIG_MAIN(name, tests)                                                              \
    int main(int count, char **arguments)                                                  \
    {                                                                                      \
        rig_levels = count > 1 ? (unsigned)arguments[1][0] - '0' : 4;                      \
        return cmocka_run_group_tests_name(name " (" RIG_BACK_END ")", tests, NULL, NULL); \
    }

#ifdef MACHINE_MMAP
#    define RIG_BACK_END "host MMU"
#else
#    define RIG_BACK_END "software TLB"
#endif

/* ---- operations ---- */

enum paging_status rig_map_to(uint64_t address, uint64_t frame, uint64_t flags);
enum paging_status rig_map_sized(uint64_t address, uint64_t frame, enum paging_size size, uint64_t flags);
enum paging_status rig_map(uint64_t address, uint64_t flags);
enum paging_status rig_identity_map(uint64_t frame, uint64_t flags);
enum paging_status rig_unmap(uint64_t address, struct paging_unmapped *unmapped); /* may be NULL */
enum paging_status rig_set_marker(uint64_t address, uint64_t payload);
/* If it is to be refused, by the status that is expected. Answers the payload. */
uint64_t rig_clear_marker(uint64_t address, enum paging_status expected);

/* The operations of range.h. They may be asked for what cannot be: then the status must say so. */
enum paging_status rig_map_range(uint64_t start, uint64_t to, uint64_t bytes, uint64_t flags);
enum paging_status rig_map_range_alloc(uint64_t start, uint64_t bytes, uint64_t flags);
enum paging_status rig_identity_map_range(uint64_t start, uint64_t bytes, uint64_t flags);
enum paging_status rig_unmap_range(uint64_t start, uint64_t bytes);
enum paging_status rig_protect_range(uint64_t start, uint64_t bytes, uint64_t set, uint64_t clear);
enum paging_status rig_split(uint64_t address);
enum paging_status rig_merge_range(uint64_t start, uint64_t bytes);

/* paging_translate and paging_walk_address agree with the walker about this address. */
void rig_translate(uint64_t address);

/* The owner of the space writes an entry that is not present, in the table of this level. */
void rig_plant_marker(uint64_t address, unsigned level, uint64_t entry);

/* ---- judging ---- */

/* Tables, counts, leaves, reserved slots, TLB: everything that must hold between two operations. */
void rig_check(void);

/* Byte by byte: what an operation that refuses leaves as it was. */
void assert_same_space(const struct paging_space *one, const struct paging_space *other);
void assert_status(enum paging_status got, enum paging_status expected);
/* A real access is allowed and finds this frame / is refused with this error code. */
void assert_reads(uint64_t address, uint64_t frame);
void assert_allowed(uint64_t address, unsigned access);
void assert_refused(uint64_t address, unsigned access, unsigned error);

/* ---- places ---- */

/* Where tests map: in slots of the lower half where the host back-end can make real accesses. */
#define SLOT_BYTES ((uint64_t)1 << (PAGING_PAGE_SHIFT + 3 * PAGING_INDEX_BITS))
#define PLACE      (130 * SLOT_BYTES)
#define KIB        ((uint64_t)1 << 10)
#define MIB        ((uint64_t)1 << 20)
#define GIB        ((uint64_t)1 << 30)

/* Frames that are memory, but not the frame source's: a 4 KiB one each, a 2 MiB one, a 1 GiB one. */
#define DEVICE_FRAME ((uint64_t)0x3000)
#define FRAME_2M     ((uint64_t)0x8000)
#define FRAME_1G     ((uint64_t)0x40000)
#define DEVICE       (DEVICE_FRAME * PAGING_PAGE_BYTES)
#define DEVICE_1G    (FRAME_1G * PAGING_PAGE_BYTES)

paging_page_t rig_page(uint64_t address);
uint64_t rig_address(uint64_t page);
uint64_t rig_window(unsigned level, uint64_t address); /* of the table of this level on the way to it */
uint64_t rig_alternate_window(unsigned level, uint64_t address); /* the same of the space that is open */
/* What physical memory says about an address in the space at hand, live or not. */
struct walker rig_walker(void);
struct walk rig_walk(uint64_t address);
uint64_t rig_random(uint64_t below);
uint64_t rig_environment(const char *name, uint64_t otherwise); /* a number from outside, to repeat a run */

#endif
