/* SPDX-License-Identifier: MIT */
/* Opening the rig, places, and what tests assert. */
#include "rig/rig.h"
#include "machines/memcheck.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct rig rig;
unsigned rig_levels = 4;
bool rig_by_direct_map;

void rig_read_arguments(int count, char **arguments)
{
    const char *life = count > 1 && arguments[1][0] ? arguments[1] + 1 : "";
    rig_levels = count > 1 ? (unsigned)arguments[1][0] - '0' : 4;
    rig_by_direct_map = strcmp(life, ":direct") == 0;
    if (*life && !rig_by_direct_map && strcmp(life, ":recursive") != 0) {
        (void)fprintf(stderr, "usage: %s [LEVELS[:direct | :recursive]]\n", arguments[0]);
        exit(2);
    }
}

const char rig_recursive_only;

#define MOST_TESTS 64u

int rig_run(const char *name, const struct CMUnitTest *tests, size_t count)
{
    static struct CMUnitTest chosen[MOST_TESTS];
    size_t chosen_count = 0;
    if (count > MOST_TESTS)
        __builtin_trap();
    for (size_t i = 0; i < count; i++)
        if (!rig_by_direct_map || tests[i].initial_state != &rig_recursive_only)
            chosen[chosen_count++] = tests[i];
    if (chosen_count == 0)
        return printf("1..0 # SKIP all are about the life through the recursive slot\n") < 0;
    return _cmocka_run_group_tests(name, chosen, chosen_count, NULL, NULL);
}

struct machine_setup rig_setup(void)
{
    return (struct machine_setup){.levels = rig_levels,
                                  .physical_bits = PAGING_PAGE_SHIFT + 34,
                                  .no_execute = true,
                                  .pages_1g = true,
                                  .by_direct_map = rig_by_direct_map};
}

enum paging_status rig_create(struct paging_space *space, struct paging_cpu cpu,
                              struct paging_frame_source *frames)
{
    return rig_by_direct_map ? paging_create_direct(space, cpu, machine_offset(), frames)
                             : paging_create(space, cpu, machine_offset(), frames);
}

unsigned rig_own_tables(void)
{
    return rig_by_direct_map || !PAGING_HAS_SCRATCH_SLOT ? 1 : rig_levels;
}

void rig_open(void)
{
    rig_open_on(rig_setup());
}

void rig_open_on(struct machine_setup setup)
{
    memset(&rig, 0, sizeof(rig));
    memset(&rig.space, 0xa5, sizeof(rig.space));
    rig.sides[0] = (struct rig_side){.space = &rig.space, .model = &rig.model};
    rig.active = rig.at = &rig.sides[0];
    rig.model.levels = setup.levels;
    rig.model.by_direct_map = setup.by_direct_map;
    rig.random = 0x9e3779b97f4a7c15ull;
    machine_open(&setup);
    struct paging_cpu cpu = {.levels = setup.levels,
                             .physical_bits = setup.physical_bits,
                             .has_no_execute = setup.no_execute,
                             .has_1g_pages = setup.pages_1g,
                             .has_invpcid = setup.invpcid};
    enum paging_status status =
        setup.by_direct_map ? paging_create_direct(&rig.space, cpu, machine_offset(), machine_frames())
                            : paging_create(&rig.space, cpu, machine_offset(), machine_frames());
    assert_status(status, PAGING_OK);
    rig.base_frames = machine_frames_out();
    machine_load_cr3(paging_root_address(&rig.space).value / PAGING_PAGE_BYTES);
    paging_mark_active(&rig.space);
    (void)machine_allow_offset(setup.by_direct_map);
    machine_reset_log();
    rig_check();
}

void rig_open_large(void)
{
    rig_open();
    machine_break_huge();
}

int rig_close(void **state)
{
    (void)state;
    machine_close();
    return 0;
}

paging_page_t rig_page(uint64_t address)
{
    paging_page_t page = {0};
    assert_status(paging_page_containing(rig.model.levels, (paging_virt_t){address}, &page), PAGING_OK);
    return page;
}

uint64_t rig_address(uint64_t page)
{
    return walker_canonical(machine_walker(), page * PAGING_PAGE_BYTES);
}

uint64_t rig_window(unsigned level, uint64_t address)
{
    unsigned levels = rig.model.levels;
    return paging_window_table(levels, PAGING_RECURSIVE_SLOT, level, rig_page(address)).value;
}

/* The indices: the recursive slot once per level skipped except one, the alternate slot, the page's own. */
uint64_t rig_alternate_window(unsigned level, uint64_t address)
{
    uint64_t page = 0;
    for (unsigned skipped = level; skipped > 0; skipped--)
        page = page << PAGING_INDEX_BITS | (skipped > 1 ? PAGING_RECURSIVE_SLOT : PAGING_ALTERNATE_SLOT);
    for (unsigned at = rig.model.levels; at > level; at--)
        page = page << PAGING_INDEX_BITS | paging_page_index(rig_page(address), at);
    return rig_address(page);
}

struct walker rig_walker(void)
{
    struct walker walker = *machine_walker();
    walker.root = rig.at->space->root.number;
    return walker;
}

struct walk rig_walk(uint64_t address)
{
    struct walker walker = rig_walker();
    return walker_walk(&walker, NULL, address, WALK_READ, false);
}

uint64_t rig_random(uint64_t below)
{
    rig.random ^= rig.random << 13;
    rig.random ^= rig.random >> 7;
    rig.random ^= rig.random << 17;
    return (rig.random * 0x2545f4914f6cdd1dull >> 16) % below;
}

uint64_t rig_environment(const char *name, uint64_t otherwise)
{
    const char *value = getenv(name);
    return value ? strtoull(value, NULL, 0) : otherwise;
}

/* Padding of a copied struct has no value. Memcheck would complain of the comparison. */
void assert_same_space(const struct paging_space *one, const struct paging_space *other)
{
    memcheck_look_away();
    assert_memory_equal(one, other, sizeof(*one));
    memcheck_look_again();
}

void assert_status(enum paging_status got, enum paging_status expected)
{
    if (got != expected)
        fail_msg("status is \"%s\", expected \"%s\"", paging_status_name(got), paging_status_name(expected));
}

void assert_reads(uint64_t address, uint64_t frame)
{
    struct machine_access access = machine_access(address, WALK_READ);
    if (access.faulted)
        fail_msg("reading %#lx faults, error code %#x", (unsigned long)address, access.error);
    memcheck_trust(&access.value, sizeof(access.value));
    if (access.value != machine_junk(frame))
        fail_msg("%#lx reads %#lx, which is not frame %#lx", (unsigned long)address,
                 (unsigned long)access.value, (unsigned long)frame);
}

void assert_allowed(uint64_t address, unsigned access)
{
    struct machine_access result = machine_access(address, access);
    if (result.faulted)
        fail_msg("access %#x to %#lx faults, error code %#x", access, (unsigned long)address, result.error);
}

void assert_refused(uint64_t address, unsigned access, unsigned error)
{
    struct machine_access result = machine_access(address, access);
    if (!result.faulted)
        fail_msg("access %#x to %#lx is allowed", access, (unsigned long)address);
    if (result.error != error)
        fail_msg("access %#x to %#lx: error code %#x, expected %#x", access, (unsigned long)address,
                 result.error, error);
}
