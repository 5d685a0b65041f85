/* faults.c - does the processor enforce what the tables say? */
#include "faults.h"
#include "console.h"
#include "cpu.h"
#include "paging/mapper.h"
#include "paging/translate.h"
#include "probe.h"
#include "selftest.h"

/* A page with `ret` in all its bytes, mapped with flags at test page 0. False if it cannot be had. */
static bool map_code(struct selftest_run *t, uint64_t flags)
{
    page_t page = test_page(t, 0);
    frame_t frame;
    struct paging_unmapped gone;
    if (!CHECK(paging_map(t->space, test_page(t, 1), ENTRY_WRITABLE, t->source) == PAGING_OK))
        return false;
    for (unsigned i = 0; i < ENTRY_COUNT; i++)
        test_words(t, test_page(t, 1))[i] = 0xc3c3c3c3c3c3c3c3;
    struct paging_translation found;
    CHECK(paging_translate(t->space, test_address(t, test_page(t, 1)), &found) == PAGING_OK);
    frame = frame_containing(found.address);
    if (CHECK(paging_map_to(t->space, page, frame, flags, t->source) == PAGING_OK))
        return true;
    CHECK(paging_unmap(t->space, test_page(t, 1), t->source, &gone) == PAGING_OK);
    return false;
}

static void unmap_code(struct selftest_run *t)
{
    struct paging_unmapped gone;
    CHECK(paging_unmap(t->space, test_page(t, 0), t->source, &gone) == PAGING_OK);
    CHECK(paging_unmap(t->space, test_page(t, 1), t->source, &gone) == PAGING_OK);
}

/* A page fault at the address with exactly this error code. */
static bool is_fault(struct probe probe, uint64_t error_code, virt_addr_t address)
{
    return probe.faulted && probe.vector == PAGE_FAULT && probe.error_code == error_code &&
           probe.address == address.value;
}

static void next_access_faults(struct selftest_run *t)
{
    virt_addr_t address = test_address(t, test_page(t, 0));
    if (!map_code(t, ENTRY_WRITABLE))
        return;
    CHECK(!probe_read(address).faulted);
    CHECK(!probe_fetch(address).faulted);
    CHECK(!probe_write(address, 0).faulted);
    unmap_code(t);
    CHECK(is_fault(probe_read(address), 0, address));
    CHECK(is_fault(probe_write(address, 0), FAULT_WRITE, address));
    /* Bit 4 is set for fetches if no-execute or SMEP is on (SDM 3A, 4.7). */
    bool tells_fetches = t->space->cpu.has_no_execute || (read_cr4() & CR4_SMEP);
    CHECK(is_fault(probe_fetch(address), tells_fetches ? FAULT_FETCH : 0, address));
}

static void write_to_read_only_faults(struct selftest_run *t)
{
    virt_addr_t address = test_address(t, test_page(t, 0));
    if (!map_code(t, 0))
        return;
    CHECK(probe_read(address).value == 0xc3c3c3c3c3c3c3c3);
    CHECK(is_fault(probe_write(address, 0), FAULT_PRESENT | FAULT_WRITE, address));
    CHECK(probe_read(address).value == 0xc3c3c3c3c3c3c3c3);
    unmap_code(t);
}

static void fetch_from_no_execute_faults(struct selftest_run *t)
{
    virt_addr_t address = test_address(t, test_page(t, 0));
    if (!t->space->cpu.has_no_execute) {
        t->skip = "the processor has no no-execute";
        return;
    }
    if (!map_code(t, ENTRY_NO_EXECUTE))
        return;
    CHECK(!probe_read(address).faulted);
    CHECK(is_fault(probe_fetch(address), FAULT_PRESENT | FAULT_FETCH, address));
    unmap_code(t);
}

static void accessed_and_dirty(struct selftest_run *t)
{
    virt_addr_t address = test_address(t, test_page(t, 0));
    struct paging_translation found = {0};
    if (!map_code(t, ENTRY_WRITABLE))
        return;
    CHECK(paging_translate(t->space, address, &found) == PAGING_OK);
    /* A processor may look ahead; the emulator does not. */
    CHECK(!(found.flags & ENTRY_DIRTY) && (!(found.flags & ENTRY_ACCESSED) || !machine_is_emulated()));
    (void)probe_read(address);
    CHECK(paging_translate(t->space, address, &found) == PAGING_OK);
    CHECK((found.flags & (ENTRY_ACCESSED | ENTRY_DIRTY)) == ENTRY_ACCESSED);
    (void)probe_write(address, 1);
    CHECK(paging_translate(t->space, address, &found) == PAGING_OK);
    CHECK((found.flags & (ENTRY_ACCESSED | ENTRY_DIRTY)) == (ENTRY_ACCESSED | ENTRY_DIRTY));
    unmap_code(t);
}

static bool contains(const char *text, const char *part)
{
    for (; *text; text++) {
        size_t i = 0;
        while (part[i] && text[i] == part[i])
            i++;
        if (part[i] == '\0')
            return true;
    }
    return false;
}

static bool explains(const struct selftest_run *t, struct probe probe, const char *part)
{
    char text[256];
    struct text_sink sink = text_sink(text, sizeof text);
    explain_page_fault(&sink.sink, t->space, (virt_addr_t){probe.address}, probe.error_code);
    if (contains(text, part))
        return true;
    print("# explained as: %s\n", text);
    return false;
}

static void reserved_bits_fault(struct selftest_run *t)
{
    page_t page = test_page(t, 0);
    virt_addr_t address = test_address(t, page);
    struct paging_translation found;
    if (t->space->cpu.physical_bits == PAGE_SHIFT + ENTRY_FRAME_BITS) {
        t->skip = "every bit of a frame number is usable";
        return;
    }
    if (!map_code(t, ENTRY_WRITABLE))
        return;
    entry_t good = entry_load(test_leaf(t, page));
    entry_store(test_leaf(t, page), (entry_t){good.bits | UINT64_C(1) << 51});
    tlb_flush_page(address);
    CHECK(paging_translate(t->space, address, &found) == PAGING_MALFORMED);
    struct probe probe = probe_read(address);
    /* SDM 3A, 4.7: PRESENT is set too, because no entry was absent. QEMU's emulation leaves it out. */
    CHECK(is_fault(probe, FAULT_PRESENT | FAULT_RESERVED, address) ||
          (machine_is_emulated() && is_fault(probe, FAULT_RESERVED, address)));
    CHECK(explains(t, probe, "a reserved bit is set, the walk ends at the P1 entry"));
    entry_store(test_leaf(t, page), good);
    tlb_flush_page(address);
    CHECK(!probe_read(address).faulted);
    unmap_code(t);
}

static void faults_are_explained(struct selftest_run *t)
{
    virt_addr_t address = test_address(t, test_page(t, 0)), below = {address.value + 9 * PAGE_BYTES};
    CHECK(explains(t, probe_read(address),
                   t->space->cpu.levels == 4 ? "stopped at the P4 entry" : "stopped at the P5 entry"));
    if (!map_code(t, no_execute(t)))
        return;
    CHECK(explains(t, probe_read(below), "read from"));
    CHECK(explains(t, probe_read(below), "not mapped, the walk stopped at the P1 entry 0000000000000000"));
    CHECK(explains(t, probe_write(address, 0), "supervisor write to"));
    CHECK(explains(t, probe_write(address, 0), "says read-only"));
    CHECK(!t->space->cpu.has_no_execute || explains(t, probe_fetch(address), "no-execute"));
    unmap_code(t);
}

const struct selftest fault_tests[] = {
    {"unmap: the next access faults", next_access_faults},
    {"map read-only: a write faults with the right error code", write_to_read_only_faults},
    {"map no-execute: a fetch faults with the right error code", fetch_from_no_execute_faults},
    {"map: the processor sets accessed and dirty", accessed_and_dirty},
    {"malformed: a reserved bit is reported, and faults", reserved_bits_fault},
    {"faults: the cause is named in words", faults_are_explained},
    {0},
};
