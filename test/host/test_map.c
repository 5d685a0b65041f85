/* map_to, map_sized, map, identity_map: what they do, and what they refuse without a trace. */
#include "rig.h"

#define RW ENTRY_WRITABLE
#define NX ENTRY_NO_EXECUTE

static uint64_t root_slot(unsigned slot)
{
    return rig_address(slot * level_pages(rig.model.levels));
}

static void access_reaches_the_frame(void **state)
{
    (void)state;
    rig_open();
    machine_fill(DEVICE_FRAME);
    assert_refused(PLACE, WALK_READ, 0);
    assert_status(rig_map_to(PLACE, DEVICE_FRAME, RW), PAGING_OK);
    assert_reads(PLACE, DEVICE_FRAME);
    assert_reads(PLACE + 4 * KIB - 8, DEVICE_FRAME);
    assert_allowed(PLACE, WALK_WRITE);
    assert_allowed(PLACE, WALK_FETCH);
    assert_refused(PLACE + 4 * KIB, WALK_READ, 0);
    rig_check();
}

static void rights_are_the_leafs(void **state)
{
    (void)state;
    rig_open();
    for (unsigned i = 0; i < 8; i++) {
        uint64_t flags = (i & 1 ? RW : 0) | (i & 2 ? ENTRY_USER : 0) | (i & 4 ? NX : 0);
        uint64_t address = PLACE + i * 4 * KIB;
        machine_fill(DEVICE_FRAME + i);
        assert_status(rig_map_to(address, DEVICE_FRAME + i, flags), PAGING_OK);
        for (unsigned user = 0; user <= WALK_USER; user += WALK_USER) {
            bool reachable = !user || (i & 2);
            struct machine_access read = machine_access(address, user | WALK_READ);
            struct machine_access write = machine_access(address, user | WALK_WRITE);
            struct machine_access fetch = machine_access(address, user | WALK_FETCH);
            assert_int_equal(read.faulted, !reachable);
            assert_int_equal(write.faulted, !(reachable && (i & 1)));
            assert_int_equal(fetch.faulted, !(reachable && !(i & 4)));
            assert_true(!write.faulted || write.error == (WALK_PRESENT | WALK_WRITE | user));
            assert_true(!fetch.faulted || fetch.error == (WALK_PRESENT | WALK_FETCH | user));
        }
    }
    rig_check();
}

static void tables_as_needed(void **state)
{
    (void)state;
    rig_open();
    unsigned levels = rig.model.levels, out = machine_frames_out();
    assert_status(rig_map_to(PLACE, DEVICE_FRAME, RW), PAGING_OK);
    assert_int_equal(machine_frames_out() - out, levels - 1);
    static const uint64_t shared[] = {4 * KIB, 2 * MIB - 4 * KIB};
    for (unsigned i = 0; i < 2; i++)
        assert_status(rig_map_to(PLACE + shared[i], DEVICE_FRAME, RW), PAGING_OK);
    assert_int_equal(machine_frames_out() - out, levels - 1);
    assert_status(rig_map_to(PLACE + 2 * MIB, DEVICE_FRAME, RW), PAGING_OK);
    assert_int_equal(machine_frames_out() - out, levels);
    assert_status(rig_map_to(PLACE + GIB, DEVICE_FRAME, RW), PAGING_OK);
    assert_int_equal(machine_frames_out() - out, levels + 2);
    assert_status(rig_map_to(PLACE + SLOT_BYTES, DEVICE_FRAME, RW), PAGING_OK);
    assert_int_equal(machine_frames_out() - out, levels + 5);
}

static void a_table_fills_up(void **state)
{
    (void)state;
    rig_open();
    for (unsigned i = 0; i < ENTRY_COUNT; i++)
        assert_status(rig_map_to(PLACE + i * 4 * KIB, DEVICE_FRAME + i, RW), PAGING_OK);
    for (unsigned i = 0; i < ENTRY_COUNT; i++)
        assert_status(rig_unmap(PLACE + i * 4 * KIB, NULL), PAGING_OK);
    assert_int_equal(machine_frames_out(), rig.kept_frames);
}

/* The slots of the processor's geometry lie at the top; under the host's, any place is a test. */
static void first_and_last_pages(void **state)
{
    (void)state;
    rig_open();
    uint64_t half = level_pages(rig.model.levels) * (ENTRY_COUNT / 2), all = half * 2;
    uint64_t kept = PAGING_RECURSIVE_SLOT == ENTRY_COUNT - 1 ? 3 * level_pages(rig.model.levels) : 0;
    uint64_t pages[] = {0, half - 1, half, all - kept - 1};
    for (unsigned i = 0; i < 4; i++)
        assert_status(rig_map_to(rig_address(pages[i]), DEVICE_FRAME + i, RW), PAGING_OK);
    for (unsigned i = 0; i < 4; i++) {
        assert_allowed(rig_address(pages[i]), WALK_WRITE);
        rig_translate(rig_address(pages[i]));
        rig_translate(rig_address(pages[i]) + PAGE_BYTES - 1);
    }
    for (unsigned i = 0; i < 4; i++)
        assert_status(rig_unmap(rig_address(pages[i]), NULL), PAGING_OK);
    assert_int_equal(machine_frames_out(), rig.kept_frames);
}

static void refuses_mapped(void **state)
{
    (void)state;
    rig_open();
    assert_status(rig_map_to(PLACE, DEVICE_FRAME, 0), PAGING_OK);
    assert_status(rig_map_to(PLACE, DEVICE_FRAME, 0), PAGING_ALREADY_MAPPED);
    assert_status(rig_map_to(PLACE, DEVICE_FRAME + 1, RW), PAGING_ALREADY_MAPPED);
    assert_status(rig_map(PLACE, RW), PAGING_ALREADY_MAPPED);
    assert_status(rig_map_sized(PLACE, FRAME_2M, PAGE_2M, RW), PAGING_ALREADY_MAPPED);
    assert_status(rig_map_sized(PLACE, FRAME_1G, PAGE_1G, RW), PAGING_ALREADY_MAPPED);
}

static void refuses_inside_huge(void **state)
{
    (void)state;
    rig_open();
    assert_status(rig_map_sized(PLACE, FRAME_1G, PAGE_1G, 0), PAGING_OK);
    assert_status(rig_map_sized(PLACE + GIB, FRAME_2M, PAGE_2M, 0), PAGING_OK);
    static const uint64_t inside[] = {
        0, 4 * KIB, 2 * MIB, GIB - 4 * KIB, GIB, GIB + 4 * KIB, GIB + 2 * MIB - 4 * KIB};
    for (unsigned i = 0; i < sizeof(inside) / sizeof(*inside); i++) {
        assert_status(rig_map_to(PLACE + inside[i], DEVICE_FRAME, RW), PAGING_INSIDE_HUGE);
        assert_status(rig_map(PLACE + inside[i], RW), PAGING_INSIDE_HUGE);
    }
    assert_status(rig_map_sized(PLACE + 2 * MIB, FRAME_2M, PAGE_2M, RW), PAGING_INSIDE_HUGE);
    assert_status(rig_map_sized(PLACE + GIB, FRAME_2M, PAGE_2M, RW), PAGING_ALREADY_MAPPED);
    assert_status(rig_map_sized(PLACE, FRAME_1G, PAGE_1G, RW), PAGING_ALREADY_MAPPED);
    assert_status(rig_map_sized(PLACE + GIB, FRAME_1G, PAGE_1G, RW), PAGING_ALREADY_MAPPED);
    assert_refused(PLACE + 4 * KIB, WALK_WRITE, WALK_PRESENT | WALK_WRITE);
}

static void refuses_kept_slots(void **state)
{
    (void)state;
    rig_open();
    static const unsigned slots[] = {PAGING_RECURSIVE_SLOT, PAGING_FOREIGN_SLOT, PAGING_SCRATCH_SLOT};
    for (unsigned i = 0; i < 3; i++) {
        uint64_t first = root_slot(slots[i]);
        uint64_t last = first + level_bytes(rig.model.levels) - PAGE_BYTES;
        assert_status(rig_map_to(first, DEVICE_FRAME, RW), PAGING_RESERVED_SLOT);
        assert_status(rig_map_to(last, DEVICE_FRAME, RW), PAGING_RESERVED_SLOT);
        assert_status(rig_map(last, RW), PAGING_RESERVED_SLOT);
        assert_status(rig_map_sized(first, FRAME_2M, PAGE_2M, RW), PAGING_RESERVED_SLOT);
        assert_status(rig_map_sized(first, FRAME_1G, PAGE_1G, RW), PAGING_RESERVED_SLOT);
        assert_status(rig_unmap(first, NULL), PAGING_RESERVED_SLOT);
        assert_status(rig_unmap(last, NULL), PAGING_RESERVED_SLOT);
    }
}

/* An entry that is not present and not zero is the owner's, at every level. */
static void refuses_reserved(void **state)
{
    (void)state;
    rig_open();
    assert_status(rig_map_to(PLACE, DEVICE_FRAME, RW), PAGING_OK);
    rig_reserve(PLACE + 4 * KIB, 1, 0xfffffffffffffffe);
    rig_reserve(PLACE + 2 * MIB, 2, 0x80);
    rig_reserve(PLACE + GIB, 3, 0x8000000000000000);
    rig_reserve(PLACE + SLOT_BYTES, 4, 0xabc000);
    static const uint64_t places[] = {4 * KIB,           2 * MIB,    2 * MIB + 36 * KIB, GIB,
                                      2 * GIB - 4 * KIB, SLOT_BYTES, SLOT_BYTES + GIB};
    for (unsigned i = 0; i < sizeof(places) / sizeof(*places); i++) {
        assert_status(rig_map_to(PLACE + places[i], DEVICE_FRAME, RW), PAGING_RESERVED);
        assert_status(rig_map(PLACE + places[i], RW), PAGING_RESERVED);
        assert_status(rig_unmap(PLACE + places[i], NULL), PAGING_RESERVED);
        rig_translate(PLACE + places[i]);
    }
    assert_status(rig_map_sized(PLACE + 2 * MIB, FRAME_2M, PAGE_2M, RW), PAGING_RESERVED);
    assert_status(rig_map_sized(PLACE + GIB, FRAME_1G, PAGE_1G, RW), PAGING_RESERVED);
    assert_status(rig_map_sized(PLACE + SLOT_BYTES, FRAME_1G, PAGE_1G, RW), PAGING_RESERVED);
}

static void reserved_keeps_its_table(void **state)
{
    (void)state;
    rig_open();
    assert_status(rig_map_to(PLACE, DEVICE_FRAME, RW), PAGING_OK);
    rig_reserve(PLACE + 4 * KIB, 1, 0xbeef0);
    unsigned out = machine_frames_out();
    assert_status(rig_unmap(PLACE, NULL), PAGING_OK);
    assert_int_equal(machine_frames_out(), out);
    assert_int_not_equal(rig_map_sized(PLACE, FRAME_2M, PAGE_2M, RW), PAGING_OK);
}

static void refuses_flags(void **state)
{
    (void)state;
    rig_open();
    for (unsigned bit = 0; bit < 64; bit++) {
        uint64_t flag = 1ull << bit;
        if (!(flag & LEAF_FLAGS) || flag == ENTRY_GLOBAL) {
            assert_status(rig_map_to(PLACE, DEVICE_FRAME, flag), PAGING_BAD_FLAGS);
            assert_status(rig_map(PLACE, flag), PAGING_BAD_FLAGS);
            assert_status(rig_map_sized(PLACE, FRAME_2M, PAGE_2M, flag), PAGING_BAD_FLAGS);
        } else {
            assert_status(rig_map_to(PLACE, DEVICE_FRAME, flag), PAGING_OK);
            rig_translate(PLACE);
            assert_status(rig_unmap(PLACE, NULL), PAGING_OK);
        }
    }
}

static void global_in_the_upper_half(void **state)
{
    (void)state;
    rig_open();
    uint64_t half = level_pages(rig.model.levels) * (ENTRY_COUNT / 2);
    assert_status(rig_map_to(rig_address(half), DEVICE_FRAME, ENTRY_GLOBAL), PAGING_OK);
    assert_status(rig_map_to(rig_address(half - 1), DEVICE_FRAME, ENTRY_GLOBAL), PAGING_BAD_FLAGS);
    assert_allowed(rig_address(half), WALK_READ);
    assert_status(rig_unmap(rig_address(half), NULL), PAGING_OK);
}

static void frames_beyond_the_processor(void **state)
{
    (void)state;
    struct machine_setup setup = rig_setup();
    setup.physical_bits = 40;
    rig_open_on(setup);
    uint64_t end = 1ull << 28;
    static const uint64_t high[] = {1ull << 28, 1ull << 39, 0xffffffffff, 1ull << 40, 1ull << 52, UINT64_MAX};
    for (unsigned i = 0; i < sizeof(high) / sizeof(*high); i++)
        assert_status(rig_map_to(PLACE, high[i], RW), PAGING_FRAME_TOO_HIGH);
    assert_status(rig_map_sized(PLACE, end, PAGE_2M, RW), PAGING_FRAME_TOO_HIGH);
    assert_status(rig_map_sized(PLACE, end, PAGE_1G, RW), PAGING_FRAME_TOO_HIGH);
    assert_status(rig_map_sized(PLACE, 0 - level_pages(3), PAGE_1G, RW), PAGING_FRAME_TOO_HIGH);
    assert_status(rig_map_to(PLACE, end - 1, RW), PAGING_OK);
    assert_status(rig_map_sized(PLACE + 2 * MIB, end - 512, PAGE_2M, RW), PAGING_OK);
    assert_status(rig_map_sized(PLACE + GIB, end - 512 * 512, PAGE_1G, RW), PAGING_OK);
    assert_allowed(PLACE, WALK_READ);
    assert_allowed(PLACE + 2 * GIB - 8, WALK_READ);
    rig_check();
}

static void highest_physical_address(void **state)
{
    (void)state;
    struct machine_setup setup = rig_setup();
    setup.physical_bits = 52;
    rig_open_on(setup);
    assert_status(rig_map_to(PLACE, 0xffffffffff, RW), PAGING_OK);
    rig_translate(PLACE + 0xfff);
    assert_status(rig_map_to(PLACE + 4 * KIB, 0x10000000000, RW), PAGING_FRAME_TOO_HIGH);
}

static void features_the_processor_lacks(void **state)
{
    (void)state;
    struct machine_setup setup = rig_setup();
    setup.no_execute = setup.pages_1g = false;
    rig_open_on(setup);
    assert_status(rig_map_to(PLACE, DEVICE_FRAME, NX), PAGING_NOT_SUPPORTED);
    assert_status(rig_map(PLACE, NX | RW), PAGING_NOT_SUPPORTED);
    assert_status(rig_map_sized(PLACE, FRAME_1G, PAGE_1G, RW), PAGING_NOT_SUPPORTED);
    machine_fill(DEVICE_FRAME);
    assert_status(rig_map_to(PLACE, DEVICE_FRAME, RW), PAGING_OK);
    assert_status(rig_map_sized(PLACE + 2 * MIB, FRAME_2M, PAGE_2M, RW), PAGING_OK);
    assert_allowed(PLACE, WALK_FETCH);
    rig_check();
}

/* With any number of frames too few, nothing is taken and nothing has changed. */
static void out_of_frames(void **state)
{
    (void)state;
    rig_open();
    for (unsigned left = 0; left < rig.model.levels - 1; left++) {
        machine_limit_frames(left);
        assert_status(rig_map_to(PLACE, DEVICE_FRAME, RW), PAGING_NO_FRAMES);
        machine_limit_frames(left + 1); /* one for the page itself */
        assert_status(rig_map(PLACE, RW), PAGING_NO_FRAMES);
        if (left < rig.model.levels - 2) {
            machine_limit_frames(left);
            assert_status(rig_map_sized(PLACE, FRAME_2M, PAGE_2M, RW), PAGING_NO_FRAMES);
        }
    }
    machine_limit_frames(0);
    assert_status(rig_map(PLACE, RW), PAGING_NO_FRAMES);
    machine_limit_frames(rig.model.levels - 1);
    assert_status(rig_map_to(PLACE, DEVICE_FRAME, RW), PAGING_OK);
    machine_limit_frames(0);
    assert_status(rig_map(PLACE + 4 * KIB, RW), PAGING_NO_FRAMES);
    assert_status(rig_map_to(PLACE + 4 * KIB, DEVICE_FRAME, RW), PAGING_OK);
    assert_status(rig_map_to(PLACE + 2 * MIB, DEVICE_FRAME, RW), PAGING_NO_FRAMES);
    machine_limit_frames(1);
    assert_status(rig_map_to(PLACE + GIB, DEVICE_FRAME, RW), PAGING_NO_FRAMES);
}

static void create_out_of_frames(void **state)
{
    (void)state;
    rig_open();
    struct paging_cpu cpu = rig.space.cpu;
    for (unsigned left = 0; left < cpu.levels; left++) {
        struct address_space space;
        unsigned out = machine_frames_out();
        machine_limit_frames(left);
        assert_status(paging_create(&space, cpu, machine_offset(), machine_frames()), PAGING_NO_FRAMES);
        assert_int_equal(machine_frames_out(), out);
    }
}

static void create_refuses(void **state)
{
    (void)state;
    rig_open();
    struct address_space space;
    unsigned out = machine_frames_out();
    struct paging_cpu cpu = rig.space.cpu;
    cpu.levels = 1;
    assert_status(paging_create(&space, cpu, machine_offset(), machine_frames()), PAGING_NOT_SUPPORTED);
    cpu.levels = 6;
    assert_status(paging_create(&space, cpu, machine_offset(), machine_frames()), PAGING_NOT_SUPPORTED);
    cpu = rig.space.cpu;
    cpu.physical_bits = 53;
    assert_status(paging_create(&space, cpu, machine_offset(), machine_frames()), PAGING_NOT_SUPPORTED);
    cpu.physical_bits = PAGE_SHIFT + 4;
    enum paging_status status = paging_create(&space, cpu, machine_offset(), machine_frames());
    assert_true(status == PAGING_FRAME_TOO_HIGH || status == PAGING_NOT_SUPPORTED);
    cpu.physical_bits = 16;
    status = paging_create(&space, cpu, machine_offset(), machine_frames());
    assert_true(status == PAGING_FRAME_TOO_HIGH || status == PAGING_NOT_SUPPORTED);
    assert_int_equal(machine_frames_out(), out);
}

static void owned_frames(void **state)
{
    (void)state;
    rig_open();
    unsigned out = machine_frames_out();
    assert_status(rig_map(PLACE, RW), PAGING_OK);
    assert_status(rig_map(PLACE + 4 * KIB, RW | NX), PAGING_OK);
    assert_int_equal(machine_frames_out() - out, rig.model.levels + 1);
    struct paging_translation one, two;
    assert_status(paging_translate(&rig.space, (virt_addr_t){PLACE}, &one), PAGING_OK);
    assert_status(paging_translate(&rig.space, (virt_addr_t){PLACE + 4 * KIB}, &two), PAGING_OK);
    assert_true(one.owned && two.owned);
    assert_int_not_equal(one.address.value, two.address.value);
    assert_reads(PLACE, one.address.value >> 12); /* not zeroed: still the junk of the source */
    assert_allowed(PLACE, WALK_WRITE);
    rig_check();
}

static void identity(void **state)
{
    (void)state;
    struct machine_setup setup = rig_setup();
    setup.physical_bits = 52;
    rig_open_on(setup);
    uint64_t lower_frames = level_pages(rig.model.levels) * (ENTRY_COUNT / 2);
    uint64_t last = lower_frames > 1ull << 40 ? (1ull << 40) - 1 : lower_frames - 1;
    assert_status(rig_identity_map(0, RW), PAGING_OK);
    assert_status(rig_identity_map(0xfee00, RW | ENTRY_NO_CACHE | NX), PAGING_OK);
    assert_status(rig_identity_map(last, RW), PAGING_OK);
    rig_translate(0xfee00123);
    rig_translate(last * PAGE_BYTES);
    assert_status(rig_identity_map(0xfee00, RW), PAGING_ALREADY_MAPPED);
    if (rig.model.levels == 4) {
        assert_status(rig_identity_map(lower_frames, RW), PAGING_NOT_CANONICAL);
        assert_status(rig_identity_map((1ull << 40) - 1, RW), PAGING_NOT_CANONICAL);
    } else {
        assert_status(rig_identity_map(1ull << 40, RW), PAGING_FRAME_TOO_HIGH);
    }
    assert_int_not_equal(rig_identity_map(UINT64_MAX, RW), PAGING_OK);
    assert_int_not_equal(rig_identity_map(1ull << 52, RW), PAGING_OK);
}

static void sized_access(void **state)
{
    (void)state;
    rig_open();
    machine_fill(FRAME_2M);
    machine_fill(FRAME_2M + 511);
    machine_fill(FRAME_1G + 512 * 512 - 1);
    unsigned out = machine_frames_out();
    assert_status(rig_map_sized(PLACE + GIB, FRAME_1G, PAGE_1G, RW), PAGING_OK);
    assert_int_equal(machine_frames_out() - out, rig.model.levels - 3);
    assert_status(rig_map_sized(PLACE + 2 * MIB, FRAME_2M, PAGE_2M, 0), PAGING_OK);
    assert_int_equal(machine_frames_out() - out, rig.model.levels - 2);
    assert_status(rig_map_sized(PLACE + 4 * MIB, DEVICE_FRAME, PAGE_4K, RW), PAGING_OK);
    assert_reads(PLACE + 2 * MIB, FRAME_2M);
    assert_reads(PLACE + 4 * MIB - 8, FRAME_2M + 511);
    assert_reads(PLACE + 2 * GIB - 8, FRAME_1G + 512 * 512 - 1);
    assert_refused(PLACE + 2 * MIB + 8, WALK_WRITE, WALK_PRESENT | WALK_WRITE);
    assert_allowed(PLACE + GIB + 8, WALK_WRITE);
    rig_check();
}

static void refuses_misaligned(void **state)
{
    (void)state;
    rig_open();
    assert_status(rig_map_sized(PLACE + 4 * KIB, FRAME_2M, PAGE_2M, RW), PAGING_MISALIGNED);
    assert_status(rig_map_sized(PLACE, FRAME_2M + 1, PAGE_2M, RW), PAGING_MISALIGNED);
    assert_status(rig_map_sized(PLACE, FRAME_2M + 256, PAGE_2M, RW), PAGING_MISALIGNED);
    assert_status(rig_map_sized(PLACE + 2 * MIB, FRAME_1G, PAGE_1G, RW), PAGING_MISALIGNED);
    assert_status(rig_map_sized(PLACE, FRAME_1G + 512, PAGE_1G, RW), PAGING_MISALIGNED);
}

/* Elsewhere such a failed call had already made the huge page writable. */
static void a_refused_map_widens_nothing(void **state)
{
    (void)state;
    rig_open();
    assert_status(rig_map_sized(PLACE, FRAME_2M, PAGE_2M, 0), PAGING_OK);
    assert_status(rig_map_to(PLACE + 8 * KIB, DEVICE_FRAME, RW | ENTRY_USER), PAGING_INSIDE_HUGE);
    assert_refused(PLACE + 8 * KIB, WALK_WRITE, WALK_PRESENT | WALK_WRITE);
    assert_refused(PLACE + 8 * KIB, WALK_USER, WALK_PRESENT | WALK_USER);
}

static const struct CMUnitTest tests[] = {
    RIG_TEST("map_to: loads, stores and fetches reach the frame", access_reaches_the_frame),
    RIG_TEST("map_to: the leaf decides about rights", rights_are_the_leafs),
    RIG_TEST("map_to: as many tables as are missing, shared by neighbours", tables_as_needed),
    RIG_TEST("map_to: a table fills up and empties", a_table_fills_up),
    RIG_TEST("map_to: first and last page of both halves", first_and_last_pages),
    RIG_TEST("map: a mapped page is refused", refuses_mapped),
    RIG_TEST("map: a page inside a huge page is refused", refuses_inside_huge),
    RIG_TEST("map: refused inside a huge page, its rights stay", a_refused_map_widens_nothing),
    RIG_TEST("map: the recursive, foreign and scratch slots are refused", refuses_kept_slots),
    RIG_TEST("map: entries of the space's owner are refused and kept", refuses_reserved),
    RIG_TEST("unmap: an entry of the space's owner keeps its table", reserved_keeps_its_table),
    RIG_TEST("map: every flag that is not a leaf's is refused", refuses_flags),
    RIG_TEST("map_to: global only in the upper half", global_in_the_upper_half),
    RIG_TEST("map: frames beyond MAXPHYADDR are refused", frames_beyond_the_processor),
    RIG_TEST("map_to: the last frame of 52 bits", highest_physical_address),
    RIG_TEST("map: what the processor lacks is refused", features_the_processor_lacks),
    RIG_TEST("map: out of frames at every allocation, no leak, no change", out_of_frames),
    RIG_TEST("create: out of frames at every allocation, no leak", create_out_of_frames),
    RIG_TEST("create: what no processor has is refused", create_refuses),
    RIG_TEST("map: the frame is the source's and is owned", owned_frames),
    RIG_TEST("identity_map: same address, canonical only", identity),
    RIG_TEST("map_sized: 2 MiB and 1 GiB, read to the last byte", sized_access),
    RIG_TEST("map_sized: misaligned page or frame is refused", refuses_misaligned),
};

RIG_MAIN("map", tests)
