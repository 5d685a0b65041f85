/* After every single store, each address translates as before the call or as after it: no third state. */
#include "rig.h"
#include <string.h>

#define RW          ENTRY_WRITABLE
#define MOST_PROBES 512u

static struct {
    unsigned count, other_seen;
    uint64_t addresses[MOST_PROBES], before[MOST_PROBES], other[MOST_PROBES];
    bool has_other[MOST_PROBES];
} probes;

/* All that a program can notice of a translation, in one word. Never 0. */
static uint64_t outcome(uint64_t address)
{
    struct walk walk = walker_walk(machine_walker(), NULL, address, WALK_READ, false);
    if (walk.faulted)
        return 1 | (uint64_t)walk.error << 1;
    return walk.frame << 12 | walk.level << 4 | (uint64_t)walk.writable << 1 | (uint64_t)walk.user << 2 |
           (uint64_t)walk.executable << 3 | (uint64_t)walk.global << 8;
}

static void probe_add(uint64_t address)
{
    if (rig_page(address).number / level_pages(rig.model.levels) == PAGING_SCRATCH_SLOT)
        return;
    for (unsigned i = 0; i < probes.count; i++)
        if (probes.addresses[i] == address)
            return;
    assert_true(probes.count < MOST_PROBES);
    probes.addresses[probes.count++] = address;
}

/* A page, its neighbours, and all windows that have to do with it. */
static void probe_around(uint64_t address)
{
    static const uint64_t distances[] = {0, 4 * KIB, 2 * MIB, GIB, SLOT_BYTES};
    for (unsigned i = 0; i < 5; i++) {
        probe_add(address + distances[i]);
        probe_add(address - distances[i]);
        for (unsigned level = 1; level <= rig.model.levels; level++)
            probe_add(rig_window(level, address + distances[i]));
    }
}

static void look_at_all(void)
{
    for (unsigned i = 0; i < probes.count; i++) {
        uint64_t now = outcome(probes.addresses[i]);
        if (now == probes.before[i])
            continue;
        if (probes.has_other[i] && probes.other[i] != now)
            fail_msg("%#lx had a third translation", (unsigned long)probes.addresses[i]);
        probes.has_other[i] = true;
        probes.other[i] = now;
    }
}

static void watch(uint64_t address)
{
    memset(&probes, 0, sizeof(probes));
    probe_around(address);
    for (unsigned i = 0; i < rig.model.count; i++) {
        uint64_t start = rig_address(rig.model.leaves[i].page);
        probe_add(start);
        probe_add(start + walker_span(machine_walker(), rig.model.leaves[i].size) - 1);
        for (unsigned level = 1; level <= rig.model.levels; level++)
            probe_add(rig_window(level, start));
    }
    for (unsigned i = 0; i < probes.count; i++)
        probes.before[i] = outcome(probes.addresses[i]);
    machine_observe(look_at_all);
}

static void judge(void)
{
    machine_observe(NULL);
    unsigned changed = 0;
    for (unsigned i = 0; i < probes.count; i++) {
        uint64_t after = outcome(probes.addresses[i]);
        changed += after != probes.before[i];
        if (probes.has_other[i] && probes.other[i] != after)
            fail_msg("%#lx translated neither as before nor as after", (unsigned long)probes.addresses[i]);
    }
    assert_true(changed > 0); /* else this test watched the wrong places */
    assert_true(machine_stores() > 0);
}

static void watched_map(uint64_t address, uint64_t frame, enum page_size size)
{
    watch(address);
    assert_status(rig_map_sized(address, frame, size, RW), PAGING_OK);
    judge();
}

static void watched_unmap(uint64_t address)
{
    watch(address);
    assert_status(rig_unmap(address, NULL), PAGING_OK);
    judge();
}

/* Maps and unmaps one page beside neighbours that need 0, 1, 2, 3 (4) of its tables. */
static void beside_neighbours(enum page_size size, uint64_t frame)
{
    static const uint64_t neighbours[] = {4 * KIB, 2 * MIB, GIB, SLOT_BYTES};
    rig_open();
    for (unsigned i = size - 1; i < 4; i++) {
        assert_status(rig_map_to(PLACE + neighbours[i], DEVICE_FRAME, RW), PAGING_OK);
        watched_map(PLACE, frame, size);
        watched_unmap(PLACE);
        assert_status(rig_unmap(PLACE + neighbours[i], NULL), PAGING_OK);
    }
    watched_map(PLACE, frame, size);
    watched_unmap(PLACE);
}

static void small_pages(void **state)
{
    (void)state;
    beside_neighbours(PAGE_4K, DEVICE_FRAME);
}

static void huge_pages(void **state)
{
    (void)state;
    beside_neighbours(PAGE_2M, FRAME_2M);
    beside_neighbours(PAGE_1G, FRAME_1G);
}

static void owned_pages(void **state)
{
    (void)state;
    rig_open();
    for (unsigned i = 0; i < 2; i++) {
        watch(PLACE + i * 2 * MIB);
        assert_status(rig_map(PLACE + i * 2 * MIB, RW | ENTRY_USER), PAGING_OK);
        judge();
    }
    watched_unmap(PLACE);
    watched_unmap(PLACE + 2 * MIB);
}

static const struct CMUnitTest tests[] = {
    RIG_TEST("old or new: 4 KiB pages, 0 to all tables come and go", small_pages),
    RIG_TEST("old or new: 2 MiB and 1 GiB pages", huge_pages),
    RIG_TEST("old or new: owned pages", owned_pages),
};

RIG_MAIN("old or new", tests)
