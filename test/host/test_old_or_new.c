/* After every single store, each address translates as before the call or as after it: no third state. */
#include "rig.h"
#include <string.h>

#define RW          ENTRY_WRITABLE
#define MOST_PROBES 512u

static struct {
    unsigned count;
    uint64_t addresses[MOST_PROBES], before[MOST_PROBES], other[MOST_PROBES];
    bool has_other[MOST_PROBES];
} probes;

/* All that a program can notice of a translation, in one word: not the size of the page. Never 0. */
static uint64_t outcome(uint64_t address)
{
    struct walk walk = walker_walk(machine_walker(), NULL, address, WALK_READ, false);
    if (walk.faulted)
        return 1 | (uint64_t)walk.error << 1;
    return walk.frame << 12 | 1u << 4 | (uint64_t)walk.writable << 1 | (uint64_t)walk.user << 2 |
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

static void start_watching(void)
{
    for (unsigned i = 0; i < probes.count; i++)
        probes.before[i] = outcome(probes.addresses[i]);
    machine_observe(look_at_all);
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
    start_watching();
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

/* ---- ranges ---- */

/* Where something may happen: at both edges, at the boundaries next to them, in the middle. */
static unsigned places_of(uint64_t start, uint64_t bytes, uint64_t *places)
{
    static const uint64_t sizes[] = {4 * KIB, 2 * MIB, GIB};
    uint64_t edges[] = {start, start + bytes};
    unsigned count = 0;
    places[count++] = start + bytes / 2;
    for (unsigned i = 0; i < 2; i++) {
        places[count++] = edges[i];
        for (unsigned j = 0; j < 3; j++) {
            uint64_t boundary = edges[i] & ~(sizes[j] - 1);
            places[count++] = boundary - 8;
            places[count++] = boundary;
            places[count++] = boundary + sizes[j] - 8;
            places[count++] = boundary + sizes[j];
        }
    }
    return count;
}

/*
 * Without the windows where a 1 GiB page is split and more: no page of the space is different meanwhile, but
 * the window of a P1 that is not there shows first the 1 GiB page, then a 2 MiB one.
 */
static void watch_range(uint64_t start, uint64_t bytes, bool windows)
{
    uint64_t places[32];
    unsigned count = places_of(start, bytes, places);
    memset(&probes, 0, sizeof(probes));
    for (unsigned i = 0; i < count; i++) {
        probe_add(places[i]);
        for (unsigned level = 1; windows && level <= rig.model.levels; level++)
            probe_add(rig_window(level, places[i]));
    }
    start_watching();
}

static void watched_map_range(uint64_t start, uint64_t to, uint64_t bytes)
{
    watch_range(start, bytes, true);
    assert_status(rig_map_range(start, to, bytes, RW), PAGING_OK);
    judge();
}

static void watched_unmap_range(uint64_t start, uint64_t bytes, bool windows)
{
    watch_range(start, bytes, windows);
    assert_status(rig_unmap_range(start, bytes), PAGING_OK);
    judge();
}

static void watched_protect_range(uint64_t start, uint64_t bytes, bool windows)
{
    watch_range(start, bytes, windows);
    assert_status(rig_protect_range(start, bytes, ENTRY_NO_EXECUTE, RW), PAGING_OK);
    judge();
}

/* Ranges within a P1, over P1s, over P2s, with a 1 GiB page in the middle. */
static const uint64_t ranges[][2] = {{GIB + 8 * KIB, 16 * KIB},
                                     {2 * MIB - 4 * KIB, 2 * MIB + 8 * KIB},
                                     {GIB - 4 * KIB, 8 * KIB},
                                     {GIB - 2 * MIB - 4 * KIB, GIB + 4 * MIB + 8 * KIB}};

static void mapped_ranges(void **state)
{
    (void)state;
    static const uint64_t neighbours[] = {0, 3 * GIB, SLOT_BYTES};
    for (unsigned i = 0; i < 4; i++)
        for (unsigned j = 0; j < 3; j++) {
            uint64_t start = PLACE + ranges[i][0], bytes = ranges[i][1];
            rig_open();
            assert_status(rig_map_to(PLACE + neighbours[j], DEVICE_FRAME, RW), PAGING_OK);
            watched_map_range(start, DEVICE_1G - GIB + ranges[i][0], bytes);
            watched_protect_range(start, bytes, true);
            watched_unmap_range(start, bytes, true);
        }
}

static void edges_in_huge_pages(void **state)
{
    (void)state;
    static const struct {
        uint64_t start, bytes;
        bool in_1g;
    } inside[] = {{4 * KIB, 4 * KIB, false},
                  {MIB, 2 * MIB, false},
                  {2 * MIB - 4 * KIB, 4 * MIB + 8 * KIB, false},
                  {GIB + 2 * MIB, 2 * MIB, true},
                  {GIB, GIB - 2 * MIB, true},
                  {GIB + 2 * MIB + 8 * KIB, 8 * KIB, true},
                  {GIB + 4 * KIB, GIB - 8 * KIB, true},
                  {GIB - 4 * KIB, 8 * KIB, true}};
    for (unsigned i = 0; i < sizeof(inside) / sizeof(*inside); i++)
        for (unsigned j = 0; j < 2; j++) {
            rig_open();
            assert_status(rig_map_range(PLACE, DEVICE_1G + 2 * MIB, GIB, RW), PAGING_OK);
            assert_status(rig_map_range(PLACE + GIB, DEVICE_1G, GIB, RW), PAGING_OK);
            if (j == 0)
                watched_unmap_range(PLACE + inside[i].start, inside[i].bytes, !inside[i].in_1g);
            else
                watched_protect_range(PLACE + inside[i].start, inside[i].bytes, !inside[i].in_1g);
        }
}

static void everything_goes(void **state)
{
    (void)state;
    rig_open();
    for (unsigned i = 0; i < 4; i++)
        assert_status(rig_map(PLACE + ranges[i][0], RW), PAGING_OK);
    assert_status(rig_map_range(PLACE + 2 * GIB, DEVICE_1G, GIB + 2 * MIB, RW), PAGING_OK);
    watched_unmap_range(PLACE, 4 * GIB, true);
}

static void splits(void **state)
{
    (void)state;
    rig_open();
    assert_status(rig_map_range(PLACE, DEVICE_1G, GIB, RW), PAGING_OK);
    for (unsigned size = 2; size >= 1; size--) {
        watch_range(PLACE + 2 * MIB, 2 * MIB, true);
        assert_status(rig_split(PLACE + 2 * MIB), PAGING_OK);
        judge();
    }
}

static const struct CMUnitTest tests[] = {
    RIG_TEST("old or new: 4 KiB pages, 0 to all tables come and go", small_pages),
    RIG_TEST("old or new: 2 MiB and 1 GiB pages", huge_pages),
    RIG_TEST("old or new: owned pages", owned_pages),
    RIG_TEST("old or new: ranges are mapped, changed and unmapped", mapped_ranges),
    RIG_TEST("old or new: edges inside of huge pages", edges_in_huge_pages),
    RIG_TEST("old or new: everything is unmapped at once", everything_goes),
    RIG_TEST("old or new: huge pages are split", splits),
};

RIG_MAIN("old or new", tests)
