/* SPDX-License-Identifier: MIT */
/*
 * Tests that no accessed or dirty bit is lost: the processor sets them after any load or store of an
 * operation, as it does for an interrupt handler, and the operation reports them or keeps them.
 */
#include "rig/entries.h"
#include "rig/page_list.h"
#include "rig/rig.h"
#include <selfmap/clone.h>
#include <selfmap/gather.h>
#include <selfmap/list.h>
#include <selfmap/test_and_clear.h>

/* Thousands of machines are opened: none has more frames than an attempt takes. */
#define FRAMES 20u

/* The one access that comes in between. */
static struct {
    uint64_t address;
    unsigned access, wait;
    bool came, succeeded;
} meanwhile;

static void access_meanwhile(void)
{
    if (meanwhile.came || meanwhile.wait-- > 0)
        return;
    meanwhile.came = true;
    meanwhile.succeeded = !machine_access(meanwhile.address, meanwhile.access).faulted;
}

/* Returns the accessed and dirty bits that an operation has reported or left for the address. */
typedef uint64_t (*doing)(uint64_t address);

struct attempt {
    const char *name;
    void (*prepare)(void);
    doing operation;
    uint64_t address; /* that is accessed meanwhile, from PLACE on */
    uint64_t cleared; /* bits that the operation is asked to clear */
    uint64_t set;     /* and those that it sets */
    bool is_exact;    /* it adds none that nobody has set */
};

static void must_be_ok(enum paging_status status)
{
    assert_status(status, PAGING_OK);
}

static uint64_t left_at(uint64_t address)
{
    return leaf_of(address) & TOUCHED;
}

/* ---- operations ---- */

static uint64_t unmap(uint64_t address)
{
    struct paging_unmapped gone;
    must_be_ok(paging_unmap(&rig.space, rig_page(address), machine_frames(), &gone));
    return gone.flags & TOUCHED;
}

/* The page begins before the address that is accessed. */
static uint64_t unmap_huge(uint64_t address)
{
    return unmap(address & ~(2 * MIB - 1));
}

/* Returns what is told of the address's page, which is one of three. */
static uint64_t unmap_three(uint64_t address, uint64_t apart)
{
    paging_page_t pages[3];
    struct paging_unmapped gone[3];
    for (unsigned i = 0; i < 3; i++)
        pages[i] = rig_page(PLACE + i * apart);
    must_be_ok(paging_unmap_list(&rig.space, pages, 3, machine_frames(), gone));
    return gone[(address - PLACE) / apart].flags & TOUCHED;
}

static uint64_t unmap_neighbours(uint64_t address)
{
    return unmap_three(address, 4 * KIB);
}

static uint64_t unmap_apart(uint64_t address)
{
    return unmap_three(address, 2 * MIB);
}

static uint64_t gather_unmap(uint64_t address)
{
    struct paging_gather gather;
    struct paging_unmapped gone;
    must_be_ok(paging_gather_begin(&gather, &rig.space, machine_frames()));
    must_be_ok(paging_gather_unmap(&gather, rig_page(address), &gone));
    paging_gather_end(&gather);
    return gone.flags & TOUCHED;
}

/* Three pages from the place on. */
static uint64_t gather_unmap_list(uint64_t address)
{
    struct paging_gather gather;
    struct paging_unmapped gone[3];
    paging_page_t pages[3];
    for (unsigned i = 0; i < 3; i++)
        pages[i] = rig_page(PLACE + i * 4 * KIB);
    must_be_ok(paging_gather_begin(&gather, &rig.space, machine_frames()));
    must_be_ok(paging_gather_unmap_list(&gather, pages, 3, gone));
    paging_gather_end(&gather);
    return gone[(address - PLACE) / (4 * KIB)].flags & TOUCHED;
}

static uint64_t gather_unmap_huge(uint64_t address)
{
    return gather_unmap(address & ~(2 * MIB - 1));
}

static uint64_t gather_protect(uint64_t address)
{
    struct paging_gather gather;
    must_be_ok(paging_gather_begin(&gather, &rig.space, machine_frames()));
    must_be_ok(paging_gather_protect_range(&gather, (paging_virt_t){PLACE}, 400 * KIB, PAGING_SYSTEM_9, 0));
    paging_gather_end(&gather);
    return left_at(address);
}

static void protect(uint64_t bytes, uint64_t set, uint64_t clear)
{
    must_be_ok(paging_protect_range(&rig.space, (paging_virt_t){PLACE}, bytes, set, clear, machine_frames()));
}

static uint64_t protect_one(uint64_t address)
{
    protect(4 * KIB, PAGING_SYSTEM_9, 0);
    return left_at(address);
}

static uint64_t protect_many(uint64_t address)
{
    protect(400 * KIB, PAGING_SYSTEM_9, 0);
    return left_at(address);
}

static uint64_t set_accessed(uint64_t address)
{
    protect(400 * KIB, PAGING_ACCESSED | PAGING_SYSTEM_9, 0);
    return left_at(address);
}

static uint64_t set_dirty(uint64_t address)
{
    protect(4 * KIB, PAGING_DIRTY | PAGING_SYSTEM_9, 0);
    return left_at(address);
}

static uint64_t clear_accessed(uint64_t address)
{
    protect(400 * KIB, 0, PAGING_ACCESSED);
    return left_at(address);
}

static uint64_t protect_huge(uint64_t address)
{
    protect(2 * MIB, PAGING_SYSTEM_9, 0);
    return left_at(address);
}

static uint64_t protect_a_part(uint64_t address)
{
    protect(64 * KIB, PAGING_SYSTEM_9, 0);
    return left_at(address);
}

static uint64_t protect_by_itself(uint64_t address)
{
    must_be_ok(paging_protect(&rig.space, rig_page(address), NX, 0));
    return left_at(address);
}

/* Returns what is told of the page that was there, and what the one that came has had since. */
static uint64_t remap(uint64_t address)
{
    struct paging_unmapped gone;
    must_be_ok(paging_remap(&rig.space, rig_page(address), (paging_frame_t){DEVICE_FRAME + 9}, RW, false,
                            machine_frames(), &gone));
    return (gone.flags & TOUCHED) | left_at(address);
}

static uint64_t move(uint64_t bytes, uint64_t distance, uint64_t address)
{
    must_be_ok(paging_move_range(&rig.space, (paging_virt_t){PLACE}, (paging_virt_t){PLACE + distance}, bytes,
                                 machine_frames()));
    return left_at(address + distance);
}

static uint64_t move_neighbours(uint64_t address)
{
    return move(12 * KIB, 4 * MIB + 4 * KIB, address);
}

static uint64_t move_huge(uint64_t address)
{
    return move(2 * MIB, 4 * MIB, address);
}

/* Returns what it was told, and what is still there. */
static enum paging_visit add_shown(void *context, const struct paging_entry_info *info)
{
    *(uint64_t *)context |= info->flags;
    return PAGING_VISIT_NEXT;
}

static uint64_t clear_dirty(uint64_t address)
{
    uint64_t shown = 0;
    must_be_ok(paging_test_and_clear(&rig.space, (paging_virt_t){address}, 4 * KIB, PAGING_DIRTY, add_shown,
                                     &shown));
    return shown | left_at(address);
}

static uint64_t split(uint64_t address)
{
    must_be_ok(paging_split(&rig.space, rig_page(address), machine_frames()));
    return left_at(address);
}

static uint64_t merge(uint64_t address)
{
    must_be_ok(paging_merge_range(&rig.space, (paging_virt_t){PLACE}, 2 * MIB, machine_frames()));
    assert_true(leaf_of(address) & PAGING_HUGE);
    return left_at(address);
}

/* The clone is as dirty as the page when it lost the right to write. Accessed it may be afterwards, too. */
static uint64_t clone(uint64_t address)
{
    must_be_ok(paging_clone_lower_half(&rig.space, rig.sides[1].space, machine_frames()));
    rig.at = &rig.sides[1];
    uint64_t copied = rig_walk(address).entry & TOUCHED, left = left_at(address);
    rig.at = &rig.sides[0];
    assert_int_equal(copied & PAGING_DIRTY, left & PAGING_DIRTY);
    assert_int_equal(copied & ~left, 0);
    return left;
}

static uint64_t unshare(uint64_t address)
{
    must_be_ok(paging_unshare_page(&rig.space, rig_page(address), machine_frames()));
    return left_at(address);
}

/* ---- what is there before ---- */

static void make_child(void)
{
    static struct model model;
    rig.sides[1].model = &model;
    must_be_ok(rig_create_sibling(&rig.sides[1], &rig.sides[0]));
    if (rig_has_windows())
        must_be_ok(rig_attach(&rig.sides[0], &rig.sides[1]));
    rig.at = &rig.sides[0];
}

static void map_to_clone(void)
{
    must_be_ok(rig_map(PLACE, RW));
    must_be_ok(rig_map(PLACE + 4 * KIB, RW));
    make_child();
}

static void map_huge_to_clone(void)
{
    must_be_ok(rig_map_owned(PLACE, PAGING_2M, RW));
    make_child();
}

static void map_to_unshare(void)
{
    map_to_clone();
    must_be_ok(rig_clone_lower_half(&rig.sides[0], &rig.sides[1]));
    if (rig_has_windows())
        must_be_ok(rig_detach(&rig.sides[0], &rig.sides[1]));
    must_be_ok(rig_destroy(&rig.sides[1]));
}

static void map_alone(void)
{
    must_be_ok(rig_map_to(PLACE, DEVICE_FRAME, RW));
}

static void map_neighbours(void)
{
    map_alone();
    must_be_ok(rig_map_to(PLACE + 4 * KIB, DEVICE_FRAME, RW));
    must_be_ok(rig_map_to(PLACE + 8 * KIB, DEVICE_FRAME, RW));
}

static void map_owned_neighbours(void)
{
    must_be_ok(rig_map_list_alloc(PLACE, LIST_OF(3), RW));
}

static void map_owned_and_another(void)
{
    map_owned_neighbours();
    must_be_ok(rig_map_to(PLACE + 12 * KIB, DEVICE_FRAME, RW));
}

static void map_apart(void)
{
    must_be_ok(rig_map_list(PLACE, DEVICE_FRAME, LIST_EACH(3, PAGING_INDEX_BITS), RW));
}

static void map_huge_apart(void)
{
    for (unsigned i = 0; i < 3; i++)
        must_be_ok(rig_map_sized(PLACE + i * 2 * MIB, FRAME_2M, PAGING_2M, RW));
}

static void map_written(void)
{
    must_be_ok(rig_map_to(PLACE, DEVICE_FRAME, RW | PAGING_DIRTY));
}

static void map_many(void)
{
    must_be_ok(rig_map_range(PLACE, DEVICE, 400 * KIB, RW));
}

static void map_many_accessed(void)
{
    must_be_ok(rig_map_range(PLACE, DEVICE, 400 * KIB, RW | PAGING_ACCESSED));
}

static void map_huge(void)
{
    must_be_ok(rig_map_sized(PLACE, FRAME_2M, PAGING_2M, RW));
}

static void map_all_small(void)
{
    map_huge();
    must_be_ok(rig_split(PLACE));
}

static const struct attempt attempts[] = {
    {"unmap: a page with neighbours", map_neighbours, unmap, 0, 0, 0, true},
    {"unmap: a page whose tables go", map_alone, unmap, 0, 0, 0, true},
    {"unmap: a huge page", map_huge, unmap_huge, 36 * KIB, 0, 0, true},
    {"unmap_list: pages with neighbours", map_many, unmap_neighbours, 4 * KIB, 0, 0, true},
    {"unmap_list: pages whose tables go", map_neighbours, unmap_neighbours, 8 * KIB, 0, 0, true},
    {"unmap_list: owned pages", map_owned_and_another, unmap_neighbours, 4 * KIB, 0, 0, true},
    {"unmap_list: owned pages whose tables go", map_owned_neighbours, unmap_neighbours, 0, 0, 0, true},
    {"unmap_list: a page of the last table", map_apart, unmap_apart, 4 * MIB, 0, 0, true},
    {"unmap_list: huge pages", map_huge_apart, unmap_apart, 4 * MIB + 36 * KIB, 0, 0, true},
    {"gather: a page with neighbours", map_neighbours, gather_unmap, 0, 0, 0, true},
    {"gather: a page whose tables go", map_alone, gather_unmap, 0, 0, 0, true},
    {"gather: a list", map_neighbours, gather_unmap_list, 4 * KIB, 0, 0, true},
    {"gather: a huge page", map_huge, gather_unmap_huge, 36 * KIB, 0, 0, true},
    {"gather: rights of many pages", map_many, gather_protect, 260 * KIB, 0, 0, true},
    {"remap: a page", map_neighbours, remap, 4 * KIB, 0, 0, true},
    {"move_range: pages", map_neighbours, move_neighbours, 4 * KIB, 0, 0, true},
    {"move_range: a huge page", map_huge, move_huge, 36 * KIB, 0, 0, true},
    {"test_and_clear: a page that was written", map_written, clear_dirty, 0, 0, 0, true},
    {"protect: a page by itself", map_neighbours, protect_by_itself, 4 * KIB, 0, 0, true},
    {"protect: a page", map_many, protect_one, 0, 0, 0, true},
    {"protect: the first of many pages", map_many, protect_many, 0, 0, 0, true},
    {"protect: one among many pages", map_many, protect_many, 260 * KIB, 0, 0, true},
    {"protect: pages that were accessed", map_many_accessed, protect_many, 264 * KIB, 0, 0, true},
    {"protect: accessed is set", map_many, set_accessed, 264 * KIB, 0, PAGING_ACCESSED, true},
    {"protect: dirty is set", map_many, set_dirty, 0, 0, PAGING_DIRTY, true},
    {"protect: accessed is cleared", map_many_accessed, clear_accessed, 268 * KIB, PAGING_ACCESSED, 0, true},
    {"protect: a huge page", map_huge, protect_huge, 36 * KIB, 0, 0, true},
    {"protect: a part of a huge page", map_huge, protect_a_part, 36 * KIB, 0, 0, true},
    {"split: a huge page", map_huge, split, 36 * KIB, 0, 0, true},
    {"clone: pages", map_to_clone, clone, 4 * KIB, 0, 0, true},
    {"clone: a huge page", map_huge_to_clone, clone, 36 * KIB, 0, 0, true},
    {"unshare: a page", map_to_unshare, unshare, 0, 0, 0, true},
    {"merge: pages that become a huge one", map_all_small, merge, 36 * KIB, 0, 0, true},
};

/*
 * Does the attempt with the access after the `wait`th load or store. Returns false if the operation has ended
 * before that.
 */
static bool nothing_is_lost(const struct attempt *attempt, unsigned access, bool cached, unsigned wait)
{
    uint64_t address = PLACE + attempt->address;
    struct machine_setup setup = rig_setup();
    setup.frames = FRAMES;
    rig_open_on(setup);
    attempt->prepare();
    if (cached)
        machine_speculate(address);
    else
        machine_flush_all();
    uint64_t before = left_at(address);
    meanwhile.address = address;
    meanwhile.access = access;
    meanwhile.wait = wait;
    meanwhile.came = meanwhile.succeeded = false;
    machine_reset_log();
    machine_observe(access_meanwhile);
    machine_observe_loads(access_meanwhile);
    uint64_t after = attempt->operation(address);
    machine_observe(NULL);
    machine_observe_loads(NULL);
    uint64_t marked = meanwhile.succeeded ? PAGING_ACCESSED | (access == WALK_WRITE ? PAGING_DIRTY : 0) : 0;
    uint64_t must = ((before | marked) & ~attempt->cleared) | attempt->set;
    if ((must & ~after) != 0)
        fail_msg("%s, %u after access %u: %#lx is left of %#lx", attempt->name, access, wait,
                 (unsigned long)after, (unsigned long)must);
    if (attempt->is_exact && (after & ~(before | marked | attempt->set)) != 0)
        fail_msg("%s: %#lx is more than was set", attempt->name, (unsigned long)after);
    machine_audit();
    machine_close();
    return meanwhile.came;
}

static void no_mark_is_lost(void **state)
{
    unsigned succeeded = 0;
    (void)state;
    for (unsigned i = 0; i < sizeof(attempts) / sizeof(*attempts); i++)
        for (unsigned kind = 0; kind < 4; kind++) {
            unsigned wait = 0;
            while (nothing_is_lost(&attempts[i], kind % 2 ? WALK_WRITE : WALK_READ, kind >= 2, wait)) {
                succeeded += meanwhile.succeeded;
                /* Long loops over all pages of a table are alike: of them some accesses are tried. */
                wait += wait < 40 ? 1 : 37;
            }
            assert_true(wait > 0);
        }
    assert_true(succeeded > 0);
}

static const struct CMUnitTest tests[] = {
    RIG_TEST("touched: no accessed or dirty bit is lost, whenever the processor sets it", no_mark_is_lost),
};

RIG_MAIN("touched", tests)
