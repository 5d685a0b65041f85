/* SPDX-License-Identifier: MIT */
/* faults.c - page faults: the processor enforces the tables, and the handler names the cause. */
#include "cpu/emulator.h"
#include "cpu/instructions.h"
#include "selftest/deviations.h"
#include "selftest/selftest.h"
#include "selftest/violations.h"
#include <selfmap/check_access.h>
#include <selfmap/map.h>
#include <selfmap/translate.h>

/* Fills a frame with `ret` instructions and maps it at test page 0 with these flags. */
static bool map_code(struct selftest_run *t, uint64_t flags)
{
    paging_page_t page = test_page(t, 0);
    paging_frame_t frame;
    struct paging_unmapped gone;
    if (!CHECK_OK(paging_map(t->space, test_page(t, 1), PAGING_WRITABLE, t->source)))
        return false;
    for (unsigned i = 0; i < PAGING_TABLE_ENTRIES; i++)
        test_words(t, test_page(t, 1))[i] = 0xc3c3c3c3c3c3c3c3;
    struct paging_translation found;
    CHECK_OK(paging_translate(t->space, test_address(t, test_page(t, 1)), &found));
    frame = paging_frame_containing(found.address);
    if (CHECK_OK(paging_map_to(t->space, page, frame, flags, t->source)))
        return true;
    CHECK_OK(paging_unmap(t->space, test_page(t, 1), t->source, &gone));
    return false;
}

static void unmap_code(struct selftest_run *t)
{
    struct paging_unmapped gone;
    CHECK_OK(paging_unmap(t->space, test_page(t, 0), t->source, &gone));
    CHECK_OK(paging_unmap(t->space, test_page(t, 1), t->source, &gone));
}

/* Returns whether the access ended in a page fault at the address with exactly this error code. */
static bool is_fault(struct safe_access access, uint64_t error_code, paging_virt_t address)
{
    return access.faulted && access.vector == PAGE_FAULT && access.error_code == error_code &&
           access.address == address.value;
}

static void next_access_faults(struct selftest_run *t)
{
    paging_virt_t address = test_address(t, test_page(t, 0));
    if (!map_code(t, PAGING_WRITABLE))
        return;
    CHECK(!safe_read(address).faulted);
    CHECK(!safe_fetch(address).faulted);
    CHECK(!safe_write(address, 0).faulted);
    unmap_code(t);
    CHECK(is_fault(safe_read(address), 0, address));
    CHECK(is_fault(safe_write(address, 0), PAGING_FAULT_WRITE, address));
    /* Bit 4 is set for fetches if no-execute or SMEP is on (SDM 3A, 4.7). */
    bool tells_fetches = t->space->cpu.has_no_execute || (read_cr4() & CR4_SMEP);
    CHECK(is_fault(safe_fetch(address), tells_fetches ? PAGING_FAULT_FETCH : 0, address));
}

static void write_to_read_only_faults(struct selftest_run *t)
{
    paging_virt_t address = test_address(t, test_page(t, 0));
    if (!map_code(t, 0))
        return;
    CHECK(safe_read(address).value == 0xc3c3c3c3c3c3c3c3);
    CHECK(is_fault(safe_write(address, 0), PAGING_FAULT_PRESENT | PAGING_FAULT_WRITE, address));
    CHECK(safe_read(address).value == 0xc3c3c3c3c3c3c3c3);
    unmap_code(t);
}

static void fetch_from_no_execute_faults(struct selftest_run *t)
{
    paging_virt_t address = test_address(t, test_page(t, 0));
    if (!t->space->cpu.has_no_execute) {
        t->skip = "the processor has no no-execute";
        return;
    }
    if (!map_code(t, PAGING_NO_EXECUTE))
        return;
    CHECK(!safe_read(address).faulted);
    CHECK(is_fault(safe_fetch(address), PAGING_FAULT_PRESENT | PAGING_FAULT_FETCH, address));
    unmap_code(t);
}

static void accessed_and_dirty(struct selftest_run *t)
{
    paging_virt_t address = test_address(t, test_page(t, 0));
    struct paging_translation found = {0};
    if (!map_code(t, PAGING_WRITABLE))
        return;
    CHECK_OK(paging_translate(t->space, address, &found));
    /* A real processor may read the page speculatively; an emulator does not. */
    CHECK(!(found.flags & PAGING_DIRTY) && (!(found.flags & PAGING_ACCESSED) || !cpu_is_emulated()));
    (void)safe_read(address);
    CHECK_OK(paging_translate(t->space, address, &found));
    CHECK((found.flags & (PAGING_ACCESSED | PAGING_DIRTY)) == PAGING_ACCESSED);
    (void)safe_write(address, 1);
    CHECK_OK(paging_translate(t->space, address, &found));
    CHECK((found.flags & (PAGING_ACCESSED | PAGING_DIRTY)) == (PAGING_ACCESSED | PAGING_DIRTY));
    unmap_code(t);
}

static void reserved_bits_fault(struct selftest_run *t)
{
    paging_page_t page = test_page(t, 0);
    paging_virt_t address = test_address(t, page);
    struct paging_translation found;
    if (t->space->cpu.physical_bits == PAGING_PAGE_SHIFT + PAGING_FRAME_BITS) {
        t->skip = "every bit of a frame number is usable";
        return;
    }
    if (!map_code(t, PAGING_WRITABLE))
        return;
    paging_entry_t good = paging_entry_load(test_leaf(t, page));
    paging_entry_store(test_leaf(t, page), (paging_entry_t){good.bits | UINT64_C(1) << 51});
    paging_tlb_flush_page(address);
    CHECK_STATUS(paging_translate(t->space, address, &found), PAGING_MALFORMED);
    struct safe_access access = safe_read(address);
    /* SDM 3A, 4.7: PRESENT is set as well, because every entry is present. */
    CHECK(is_fault(access, PAGING_FAULT_PRESENT | PAGING_FAULT_RESERVED, address) ||
          (is_fault(access, PAGING_FAULT_RESERVED, address) && deviation_count(DEVIATION_RESERVED)));
    CHECK(test_explains(access, "a reserved bit is set, the walk ends at the P1 entry"));
    paging_entry_store(test_leaf(t, page), good);
    paging_tlb_flush_page(address);
    CHECK(!safe_read(address).faulted);
    unmap_code(t);
}

static void faults_are_explained(struct selftest_run *t)
{
    paging_virt_t address = test_address(t, test_page(t, 0)), below = {address.value + 9 * PAGING_PAGE_BYTES};
    CHECK(test_explains(safe_read(address),
                        t->space->cpu.levels == 4 ? "stopped at the P4 entry" : "stopped at the P5 entry"));
    if (!map_code(t, no_execute(t)))
        return;
    CHECK(test_explains(safe_read(below), "read from"));
    CHECK(test_explains(safe_read(below), "not mapped, the walk stopped at the P1 entry 0000000000000000"));
    CHECK(test_explains(safe_write(address, 0), "supervisor write to"));
    CHECK(test_explains(safe_write(address, 0), "says read-only"));
    CHECK(!t->space->cpu.has_no_execute || test_explains(safe_fetch(address), "no-execute"));
    unmap_code(t);
}

static struct safe_access try_access(paging_virt_t address, enum paging_access_kind kind)
{
    return kind == PAGING_READ    ? safe_read(address)
           : kind == PAGING_WRITE ? safe_write(address, 0xc3c3c3c3c3c3c3c3)
                                  : safe_fetch(address);
}

/* Makes one access to the code page and compares the outcome with paging_check_access. */
static bool agrees(struct selftest_run *t, enum paging_access_kind kind, bool write_protect)
{
    paging_virt_t address = test_address(t, test_page(t, 0));
    struct paging_access asked = {.kind = kind, .write_protect = write_protect};
    asked.smep = (read_cr4() & CR4_SMEP) != 0;
    asked.smap = (read_cr4() & CR4_SMAP) != 0;
    uint64_t expected = 0, cr0 = read_cr0();
    enum paging_status status = paging_check_access(t->space, address, asked, &expected);
    write_cr0(write_protect ? cr0 : cr0 & ~CR0_WRITE_PROTECT);
    struct safe_access access = try_access(address, kind);
    write_cr0(cr0);
    return status == PAGING_OK ? !access.faulted : is_fault(access, expected, address);
}

/* Tries all combinations of a leaf's rights, kinds of access, and CR0.WP, in ring 0. */
static void predictions_hold(struct selftest_run *t)
{
    for (unsigned bits = 0; bits < 8; bits++) {
        uint64_t flags =
            (bits & 1 ? PAGING_WRITABLE : 0) | (bits & 2 ? PAGING_USER : 0) | (bits & 4 ? no_execute(t) : 0);
        if (!map_code(t, flags))
            return;
        for (enum paging_access_kind kind = PAGING_READ; kind <= PAGING_FETCH; kind++)
            CHECK(agrees(t, kind, true) && agrees(t, kind, false));
        unmap_code(t);
        CHECK(agrees(t, PAGING_READ, true) && agrees(t, PAGING_WRITE, true) && agrees(t, PAGING_FETCH, true));
    }
}

const struct selftest fault_tests[] = {
    {"check_access: the processor agrees, whatever the leaf's rights", predictions_hold},
    {"unmap: the next access faults", next_access_faults},
    {"map read-only: a write faults with the right error code", write_to_read_only_faults},
    {"map no-execute: a fetch faults with the right error code", fetch_from_no_execute_faults},
    {"map: the processor sets accessed and dirty", accessed_and_dirty},
    {"malformed: a reserved bit is reported, and faults", reserved_bits_fault},
    {"faults: the cause is named in words", faults_are_explained},
    {"faults: what our own mappings forbid is reported, and the run goes on", violations_are_reported},
    {"stack: each that is used up is named, and the run goes on", overflows_are_reported},
    {0},
};
