/* SPDX-License-Identifier: MIT */
/* page_fault: the sentence names what stood in the way, an entry or a control, or says why it cannot. */
#include "kernel/console/format.h"
#include "kernel/cpu/page_fault.h"
#include "kernel/cpu/registers.h"
#include "rig/rig.h"
#include <selfmap/check_access.h>
#include <selfmap/share.h>
#include <selfmap/switch.h>
#include <stdio.h>
#include <string.h>

#define WRITE_DENIED (PAGING_FAULT_PRESENT | PAGING_FAULT_WRITE)

/* Explains a fault while CR3 holds the root of `loaded`. The text is valid until the next call. */
static const char *explain(const struct paging_space *active, const struct paging_space *loaded,
                           uint64_t address, uint64_t error_code)
{
    static char text[256];
    struct text_sink sink = text_sink(text, sizeof text);
    struct page_fault fault = {.address = {address},
                               .error_code = error_code,
                               .cr0 = CR0_WRITE_PROTECT,
                               .cr3 = paging_root_address(loaded).value};
    explain_page_fault(&sink.sink, active, fault);
    return text;
}

static void assert_says(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("\"%s\" does not contain \"%s\"", text, part);
}

/* Asserts that the sentence names the entry of this level on the way to the address, after `before`. */
static void assert_names_entry(const char *text, const struct paging_space *space, uint64_t address,
                               unsigned level, const char *before)
{
    struct paging_walk_result walk;
    char part[64];
    (void)!paging_walk_address(space, (paging_virt_t){address}, &walk);
    snprintf(part, sizeof part, "%sP%u entry %016lx", before, level, walk.entries[level].bits);
    assert_says(text, part);
}

static void missing_page(void **state)
{
    (void)state;
    rig_open();
    const char *text = explain(&rig.space, &rig.space, PLACE, PAGING_FAULT_WRITE);
    assert_says(text, "supervisor write to ");
    assert_says(text, "not mapped");
    assert_names_entry(text, &rig.space, PLACE, rig_levels, "the walk stopped at the ");
    assert_status(rig_map_to(PLACE, DEVICE_FRAME, 0), PAGING_OK);
    text = explain(&rig.space, &rig.space, PLACE + PAGING_PAGE_BYTES, PAGING_FAULT_USER);
    assert_says(text, "user read from ");
    assert_names_entry(text, &rig.space, PLACE + PAGING_PAGE_BYTES, 1, "the walk stopped at the ");
}

static void missing_right(void **state)
{
    (void)state;
    rig_open();
    assert_status(rig_map_to(PLACE, DEVICE_FRAME, PAGING_NO_EXECUTE), PAGING_OK);
    const char *text = explain(&rig.space, &rig.space, PLACE, WRITE_DENIED);
    assert_names_entry(text, &rig.space, PLACE, 1, "the ");
    assert_says(text, "says supervisor, read-only, no-execute, and CR0.WP is set");
    text = explain(&rig.space, &rig.space, PLACE, PAGING_FAULT_PRESENT | PAGING_FAULT_FETCH);
    assert_says(text, "fetch from ");
    text = explain(&rig.space, &rig.space, PLACE, PAGING_FAULT_PRESENT | PAGING_FAULT_USER);
    assert_says(text, "says supervisor, ");
    text = explain(&rig.space, &rig.space, PLACE, PAGING_FAULT_PRESENT);
    assert_says(text, "the tables allow it now");
    text = explain(&rig.space, &rig.space, PLACE, 0);
    assert_says(text, "the tables map it now");
}

/* Of several entries that forbid an access the highest is named, because the processor meets it first. */
static void right_missing_in_a_table(void **state)
{
    (void)state;
    static const struct {
        uint64_t code, set, clear;
    } cases[] = {{WRITE_DENIED, 0, PAGING_WRITABLE},
                 {PAGING_FAULT_PRESENT | PAGING_FAULT_USER, 0, PAGING_USER},
                 {PAGING_FAULT_PRESENT | PAGING_FAULT_FETCH, PAGING_NO_EXECUTE, 0}};
    rig_open();
    assert_status(rig_map_to(PLACE, DEVICE_FRAME, PAGING_WRITABLE | PAGING_USER), PAGING_OK);
    for (unsigned i = 0; i < 3; i++) {
        uint64_t good[8], *entries[8], table = rig.space.root.number;
        for (unsigned level = rig_levels; level >= 1; level--) {
            entries[level] = &machine_frame(table)[PLACE >> (12 + 9 * (level - 1)) & 511];
            good[level] = *entries[level];
            table = good[level] >> 12 & 0xffffffffff;
        }
        for (unsigned level = 1; level <= rig_levels; level++) {
            char words[64];
            *entries[level] = (good[level] & ~cases[i].clear) | cases[i].set;
            snprintf(words, sizeof words, "refused: the P%u entry %016lx says ", level, *entries[level]);
            assert_says(explain(&rig.space, &rig.space, PLACE, cases[i].code), words);
        }
        for (unsigned level = 1; level <= rig_levels; level++)
            *entries[level] = good[level];
    }
}

static void address_that_is_not_canonical(void **state)
{
    (void)state;
    rig_open();
    uint64_t gap = (uint64_t)1 << (paging_address_bits(rig_levels) - 1);
    assert_says(explain(&rig.space, &rig.space, gap, 0), "the address is not canonical");
}

/* With every error code, because some of them name the entry whatever the status is. */
static void unreachable_space(void **state)
{
    (void)state;
    rig_open();
    struct paging_space other;
    assert_status(paging_create_sibling(&other, &rig.space, machine_frames()), PAGING_OK);
    for (uint64_t code = 0; code < 64; code++) {
        const char *text = explain(&other, &other, PLACE, code);
        assert_says(text, "the tables cannot be reached");
        assert_null(strstr(text, "entry 0"));
    }
    assert_status(paging_destroy(&other, machine_frames()), PAGING_OK);
}

static void other_root_in_cr3(void **state)
{
    (void)state;
    rig_open();
    struct paging_space other;
    char root[32];
    assert_status(paging_create_sibling(&other, &rig.space, machine_frames()), PAGING_OK);
    snprintf(root, sizeof root, "CR3 holds the root %lx,", paging_root_address(&other).value);
    const char *text = explain(&rig.space, &other, PLACE, PAGING_FAULT_WRITE);
    assert_says(text, "supervisor write to ");
    assert_says(text, root);
    assert_says(explain(NULL, &other, PLACE, 0), root);
    assert_status(paging_destroy(&other, machine_frames()), PAGING_OK);
}

/* The low and the high bits of CR3 are not part of the root's address. */
static void flags_in_cr3(void **state)
{
    (void)state;
    rig_open();
    char text[256];
    struct text_sink sink = text_sink(text, sizeof text);
    struct page_fault fault = {.address = {PLACE},
                               .cr3 = paging_root_address(&rig.space).value | 0x18 | (uint64_t)1 << 63};
    explain_page_fault(&sink.sink, &rig.space, fault);
    assert_says(text, "the walk stopped at the ");
}

/* The page has a marker in the second space only, so the entry tells which space was walked. */
static void second_space(void **state)
{
    (void)state;
    rig_open();
    struct paging_space other;
    uint64_t value;
    assert_status(paging_create_sibling(&other, &rig.space, machine_frames()), PAGING_OK);
    assert_status(paging_attach(&rig.space, &other), PAGING_OK);
    assert_status(paging_set_marker(&other, rig_page(PLACE), 0x5e1f, machine_frames()), PAGING_OK);
    assert_status(paging_detach(&rig.space, &other), PAGING_OK);
    assert_status(paging_switch_to(&rig.space, &other), PAGING_OK);
    assert_says(explain(&rig.space, &other, PLACE, 0), "CR3 holds the root ");
    const char *text = explain(&other, &other, PLACE, 0);
    assert_names_entry(text, &other, PLACE, 1, "the walk stopped at the ");
    assert_null(strstr(text, "P1 entry 0000000000000000"));
    assert_status(paging_clear_marker(&other, rig_page(PLACE), machine_frames(), &value), PAGING_OK);
    assert_status(paging_switch_to(&other, &rig.space), PAGING_OK);
    assert_status(paging_destroy(&other, machine_frames()), PAGING_OK);
}

/* ---- every error code, under every rule ---- */

/* The registers that decide, as a number: a bit each. */
enum { WP = 1, SMEP = 2, SMAP = 4, AC = 8, PKE = 16, RING_3_CODE = 32, ALL_REGISTERS = 64 };
enum { TEST_KEY = 5 };

static struct page_fault fault_with(uint64_t code, unsigned registers, uint32_t key_rights)
{
    return (struct page_fault){
        .address = {PLACE},
        .error_code = code,
        .cr0 = registers & WP ? CR0_WRITE_PROTECT : 0,
        .cr3 = paging_root_address(&rig.space).value,
        .cr4 = (registers & SMEP ? CR4_SMEP : 0) | (registers & SMAP ? CR4_SMAP : 0) |
               (registers & PKE ? CR4_PKE : 0),
        .rflags = registers & AC ? RFLAGS_AC : 0,
        .cs = registers & RING_3_CODE ? 0x3b : 8,
        .pkru = key_rights << 2 * TEST_KEY | 3u << 2 * (TEST_KEY + 1) | 3u << 2 * (TEST_KEY - 1),
    };
}

static void add(char *words, size_t bytes, const char *what, ...)
{
    size_t length = strlen(words);
    va_list arguments;
    va_start(arguments, what);
    vsnprintf(words + length, bytes - length, what, arguments);
    va_end(arguments);
}

/* Says what refuses an access to a present page, by SDM 3A, 4.6. */
static void expect_refusal(char *words, size_t bytes, struct page_fault fault, uint64_t rights, uint64_t leaf)
{
    bool write = fault.error_code & 2, user = fault.error_code & 4, fetch = fault.error_code & 16;
    bool implicit = !user && (fault.cs & 3), is_user = rights & PAGING_USER;
    bool wp = fault.cr0 & CR0_WRITE_PROTECT, writes = write && !fetch;
    bool forbidden = writes && !(rights & PAGING_WRITABLE);
    bool never = (user && !is_user) || (user && forbidden) || (fetch && (rights & PAGING_NO_EXECUTE));
    unsigned pkru = fault.pkru >> 2 * TEST_KEY & 3;
    const char *between = "";
    char names[200];
    snprintf(names, sizeof names, "refused: the P1 entry %016lx says %s, %s, %s", leaf,
             is_user ? "user" : "supervisor", rights & PAGING_WRITABLE ? "writable" : "read-only",
             rights & PAGING_NO_EXECUTE ? "no-execute" : "executable");
    size_t before = strlen(words);
    if (never) {
        add(words, bytes, "%s", names);
        between = "; ";
    }
    if (!never && !user && forbidden && wp) {
        add(words, bytes, "%s, and CR0.WP is set", names);
        between = "; ";
    }
    if (!never && !user && is_user && fetch && (fault.cr4 & CR4_SMEP)) {
        add(words, bytes, "%srefused by SMEP: it is a user page", between);
        between = "; ";
    }
    if (!never && !user && is_user && !fetch && (fault.cr4 & CR4_SMAP) &&
        (implicit || !(fault.rflags & RFLAGS_AC))) {
        add(words, bytes, "%srefused by SMAP: it is a user page, and %s", between,
            implicit ? "the access is the processor's own" : "RFLAGS.AC is clear");
        between = "; ";
    }
    if (is_user && !fetch && (fault.cr4 & CR4_PKE) && ((pkru & 1) || ((pkru & 2) && write && (user || wp))))
        add(words, bytes, "%srefused by protection key 5: PKRU forbids %s", between,
            pkru & 1 ? "reads and writes" : "writes");
    if (strlen(words) == before)
        add(words, bytes, "the tables allow it now (P1 entry %016lx): a stale TLB entry, or changed since",
            leaf);
}

static void expect_words(char *words, size_t bytes, struct page_fault fault, uint64_t rights, uint64_t leaf)
{
    uint64_t code = fault.error_code;
    snprintf(words, bytes, "%s %s %016lx: ", code & 4 ? "user" : "supervisor",
             code & 16  ? "fetch from"
             : code & 2 ? "write to"
                        : "read from",
             (uint64_t)PLACE);
    if (code & 8)
        add(words, bytes, "a reserved bit is set, the walk ends at the P1 entry %016lx", leaf);
    else if (!(code & 1))
        add(words, bytes, "the tables map it now (P1 entry %016lx)", leaf);
    else
        expect_refusal(words, bytes, fault, rights, leaf);
}

/* On a page with these rights, every error code (bits 5 and 6: keys and shadow stacks), all registers. */
static void try_all_on(uint64_t rights)
{
    struct paging_walk_result walk;
    rig_open();
    assert_status(rig_map_to(PLACE, DEVICE_FRAME, rights | PAGING_KEY(TEST_KEY)), PAGING_OK);
    assert_status(paging_walk_address(&rig.space, (paging_virt_t){PLACE}, &walk), PAGING_OK);
    for (uint64_t code = 0; code < 128; code++)
        for (unsigned registers = 0; registers < ALL_REGISTERS; registers++)
            for (uint32_t key_rights = 0; key_rights < 4; key_rights++) {
                char words[512], text[512];
                struct text_sink sink = text_sink(text, sizeof text);
                struct page_fault fault = fault_with(code, registers, key_rights);
                expect_words(words, sizeof words, fault, rights, walk.entries[1].bits);
                explain_page_fault(&sink.sink, &rig.space, fault);
                assert_string_equal(text, words);
            }
}

static void every_error_code(void **state)
{
    (void)state;
    for (unsigned bits = 0; bits < 8; bits++)
        try_all_on((bits & 1 ? PAGING_WRITABLE : 0) | (bits & 2 ? PAGING_USER : 0) |
                   (bits & 4 ? PAGING_NO_EXECUTE : 0));
}

static const struct CMUnitTest tests[] = {
    RIG_TEST("page fault: a page that is not mapped, and the entry at which the walk stopped", missing_page),
    RIG_TEST("page fault: an access that is not allowed, and the entry that forbids it", missing_right),
    RIG_TEST("page fault: of entries that forbid an access the highest is named", right_missing_in_a_table),
    RIG_TEST("page fault: what refuses it, by every rule, for every error code, on pages with every right",
             every_error_code),
    RIG_TEST("page fault: an address that is not canonical", address_that_is_not_canonical),
    RIG_RECURSIVE_TEST("page fault: tables that cannot be reached are named as such, whatever the error code",
                       unreachable_space),
    RIG_TEST("page fault: CR3 with a root that is not the active space's", other_root_in_cr3),
    RIG_TEST("page fault: bits of CR3 that are not part of the root are ignored", flags_in_cr3),
    RIG_RECURSIVE_TEST("page fault: after a switch the second space is explained with its own tables",
                       second_space),
};

RIG_MAIN("page_fault", tests)
