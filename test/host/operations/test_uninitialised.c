/* SPDX-License-Identifier: MIT */
/*
 * Tests that uninitialised memory never reaches an entry. Frames come with any content here. For the stack
 * the compiler does the same: all host tests are built so that a local without a value is filled with 0xfe.
 */
#include "rig/rig.h"
#include "table_entry.h"
#include <string.h>

/* The machine's source, except that the test chooses the content of its frames. */
static struct {
    struct paging_frame_source source;
    uint64_t junk;
} junk_source;

static bool junk_reserve(struct paging_frame_source *source, const struct paging_space *space,
                         uint64_t tables, uint64_t pages)
{
    (void)source;
    return machine_frames()->reserve(machine_frames(), space, tables, pages);
}

static void junk_unreserve(struct paging_frame_source *source, const struct paging_space *space)
{
    (void)source;
    machine_frames()->unreserve(machine_frames(), space);
}

static bool junk_allocate(struct paging_frame_source *source, const struct paging_space *space,
                          enum paging_frame_use use, enum paging_size size, paging_frame_t *frame)
{
    (void)source;
    if (!machine_frames()->allocate(machine_frames(), space, use, size, frame))
        return false;
    for (unsigned i = 0; i < PAGING_TABLE_ENTRIES; i++)
        machine_frame(frame->number)[i] = junk_source.junk;
    return true;
}

static void junk_release(struct paging_frame_source *source, const struct paging_space *space,
                         enum paging_frame_use use, enum paging_size size, paging_frame_t frame)
{
    (void)source;
    machine_frames()->release(machine_frames(), space, use, size, frame);
}

static struct paging_frame_source *soiled(void)
{
    machine_begin_operation(NULL);
    return &junk_source.source;
}

static void create(void)
{
    struct machine_setup setup = rig_setup();
    struct paging_cpu cpu = {.levels = setup.levels,
                             .physical_bits = setup.physical_bits,
                             .has_no_execute = true,
                             .has_1g_pages = true};
    rig.model.levels = setup.levels;
    rig.model.by_direct_map = rig_by_direct_map;
    machine_open(&setup);
    memset(&rig.space, 0xa5, sizeof(rig.space));
    assert_status(rig_create(&rig.space, cpu, soiled()), PAGING_OK);
    machine_load_cr3(rig.space.root.number);
    paging_mark_active(&rig.space);
}

/* Every operation that writes entries. */
static void use_every_operation(void)
{
    struct paging_space *space = &rig.space;
    struct paging_unmapped gone;
    const paging_frame_t device = {DEVICE_FRAME}, huge = {FRAME_2M};
    const paging_virt_t mixed = {PLACE + GIB - 8 * KIB}, split = {PLACE + 2 * SLOT_BYTES};
    const uint64_t bytes = GIB + 4 * MIB;
    const paging_phys_t to = {DEVICE_1G - 8 * KIB};
    assert_status(paging_map_to(space, rig_page(PLACE), device, RW, soiled()), PAGING_OK);
    assert_status(paging_map(space, rig_page(PLACE + 4 * KIB), NX, soiled()), PAGING_OK);
    assert_status(paging_map_sized(space, rig_page(PLACE + 2 * MIB), huge, PAGING_2M, 0, soiled()),
                  PAGING_OK);
    assert_status(paging_identity_map(space, device, RW, soiled()), PAGING_OK);
    assert_status(paging_set_marker(space, rig_page(PLACE + SLOT_BYTES), 77, soiled()), PAGING_OK);
    assert_status(paging_map_range(space, mixed, to, bytes, RW, soiled()), PAGING_OK);
    assert_status(paging_protect_range(space, mixed, bytes - 4 * KIB, NX, RW, soiled()), PAGING_OK);
    assert_status(paging_unmap_range(space, mixed, 4 * MIB, soiled()), PAGING_OK);
    assert_status(paging_map_sized(space, rig_page(split.value), huge, PAGING_2M, RW, soiled()), PAGING_OK);
    assert_status(paging_split(space, rig_page(split.value), soiled()), PAGING_OK);
    assert_status(paging_split(space, rig_page(PLACE + 2 * MIB), soiled()), PAGING_OK);
    assert_status(paging_merge_range(space, split, 2 * MIB, soiled()), PAGING_OK);
    assert_status(paging_unmap(space, rig_page(PLACE), soiled(), &gone), PAGING_OK);
}

/* All entries of all tables, one after the other. */
static uint64_t digest;
static unsigned entries;

/* All bits that use_every_operation asks for or that the core sets. No other bit may be in a leaf. */
static void judge_flags(unsigned level, uint64_t address, uint64_t entry)
{
    uint64_t marks = PAGING_ACCESSED | PAGING_DIRTY, bits = entry & ~(PAGING_FRAME_MASK | marks);
    uint64_t asked = PAGING_PRESENT | RW | NX | PAGING_OWNED | (level > 1 ? PAGING_HUGE : 0);
    if (!walker_is_leaf(level, entry)) {
        asked = PAGING_PRESENT | RW | PAGING_USER | (level == PAGING_2M ? PAGING_OWNED_BELOW : 0);
        bits &= ~PAGING_COUNT_MASK;
    }
    if ((bits & ~asked) != 0)
        fail_msg("bits %#lx at %#lx, level %u: nobody asked for them", (unsigned long)(bits & ~asked),
                 (unsigned long)address, level);
}

static bool add_to_digest(void *context, unsigned level, uint64_t address, uint64_t table, unsigned index,
                          uint64_t entry)
{
    (void)context;
    bool is_reserved = model_is_reserved_slot(&rig.model, rig_page(address).number);
    const uint64_t words[] = {level, address, table, index, entry};
    for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        digest = (digest ^ words[i]) * 0x100000001b3 + (digest >> 47);
    entries++;
    if (!is_reserved && (entry & 1))
        judge_flags(level, address, entry);
    return !is_reserved;
}

/* The tables are the same to the last bit, whatever the content of the frames was. */
static void never_reaches_an_entry(void **state)
{
    static const uint64_t junk[] = {0, ~(uint64_t)0, 0xa5a5a5a5a5a5a5a5, PAGING_PRESENT | RW | 0x200000,
                                    (uint64_t)0x7ff << 52};
    uint64_t first_digest = 0;
    unsigned first_entries = 0;
    junk_source.source = (struct paging_frame_source){.reserve = junk_reserve,
                                                      .unreserve = junk_unreserve,
                                                      .allocate = junk_allocate,
                                                      .release = junk_release};
    for (unsigned i = 0; i < sizeof(junk) / sizeof(junk[0]); i++) {
        junk_source.junk = junk[i];
        create();
        use_every_operation();
        digest = entries = 0;
        walker_visit(machine_walker(), add_to_digest, NULL);
        if (i == 0) {
            first_digest = digest;
            first_entries = entries;
        }
        assert_int_equal(entries, first_entries);
        assert_int_equal(digest, first_digest);
        machine_audit();
    }
    assert_true(first_entries > 1000); /* two split pages have that many */
}

static const struct CMUnitTest tests[] = {
    RIG_TEST("uninitialised memory: junk in frames and on the stack never reaches an entry",
             never_reaches_an_entry),
};

RIG_MAIN("uninitialised", tests)
