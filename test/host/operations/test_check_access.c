/* SPDX-License-Identifier: MIT */
/*
 * Tests check_access with every combination of rights, modes and control bits, against the manual's
 * sentences.
 */
#include "rig/entries.h"
#include <selfmap/check_access.h>

#define P PAGING_PRESENT
#define W PAGING_WRITABLE
#define U PAGING_USER

/* ---- what SDM 3A, 4.6.1 says, sentence by sentence ---- */

/* What the sentences name, as a set of bits. */
enum {
    WP = 1,
    SMEP = 2,
    SMAP = 4,
    AC = 8,
    NXE = 16,
    WRITABLE = 32,   /* R/W is 1 in every entry that controls the translation */
    EXECUTABLE = 64, /* XD is 0 in every entry that controls the translation */
    IMPLICIT = 128,  /* the processor accesses its own tables */
};

struct sentence {
    bool user_access;
    enum paging_access_kind kind;
    bool user_address; /* U/S is 1 in every entry that controls the translation */
    unsigned with, without;
};

/* An access is allowed if and only if one of these allows it. */
static const struct sentence sentences[] = {
    /* "Data may be read (implicitly or explicitly) from any supervisor-mode address ..." */
    {false, PAGING_READ, false, 0, 0},
    /* Data reads from user-mode addresses: SMAP = 0: any; SMAP = 1: explicit ones with AC = 1. */
    {false, PAGING_READ, true, 0, SMAP},
    {false, PAGING_READ, true, SMAP | AC, IMPLICIT},
    /* Data writes to supervisor-mode addresses: WP = 0: any; WP = 1: R/W in every entry. */
    {false, PAGING_WRITE, false, 0, WP},
    {false, PAGING_WRITE, false, WP | WRITABLE, 0},
    /* Data writes to user-mode addresses: the four cases of WP and SMAP. */
    {false, PAGING_WRITE, true, 0, WP | SMAP},
    {false, PAGING_WRITE, true, SMAP | AC, WP | IMPLICIT},
    {false, PAGING_WRITE, true, WP | WRITABLE, SMAP},
    {false, PAGING_WRITE, true, WP | SMAP | AC | WRITABLE, IMPLICIT},
    /* Instruction fetches from supervisor-mode addresses. */
    {false, PAGING_FETCH, false, 0, NXE},
    {false, PAGING_FETCH, false, NXE | EXECUTABLE, 0},
    /* Instruction fetches from user-mode addresses: with SMEP = 1 none. */
    {false, PAGING_FETCH, true, 0, SMEP | NXE},
    {false, PAGING_FETCH, true, NXE | EXECUTABLE, SMEP},
    /* User-mode accesses: none to supervisor-mode addresses. */
    {true, PAGING_READ, true, 0, 0},
    {true, PAGING_WRITE, true, WRITABLE, 0},
    {true, PAGING_FETCH, true, 0, NXE},
    {true, PAGING_FETCH, true, NXE | EXECUTABLE, 0},
};

/* "... regardless of CPL": an implicit access is a supervisor access. */
static bool is_user_access(const struct paging_access *access)
{
    return access->user && !access->implicit;
}

static bool sentences_allow(const struct paging_access *access, bool user_address, unsigned facts)
{
    for (unsigned i = 0; i < sizeof(sentences) / sizeof(sentences[0]); i++) {
        const struct sentence *s = &sentences[i];
        if (s->user_access == is_user_access(access) && s->kind == access->kind &&
            s->user_address == user_address && (facts & s->with) == s->with && (facts & s->without) == 0)
            return true;
    }
    return false;
}

/* The bits of the error code that describe the access (4.7), and the control bits, as one set. */
static uint64_t access_code(const struct paging_access *access, bool nxe)
{
    uint64_t code = is_user_access(access) ? 4 : 0;
    if (access->kind == PAGING_WRITE)
        code |= 2;
    if (access->kind == PAGING_FETCH && (nxe || access->smep))
        code |= 16;
    return code;
}

struct verdict {
    enum paging_status status;
    uint64_t code;
};

#define UNTOUCHED 0x5a5a5a5a5a5a5a5aull

/* Two entries are written by hand and decide, an upper one and the leaf. All others allow everything. */
static struct verdict expected(uint64_t upper, uint64_t leaf, const struct paging_access *access, bool nxe)
{
    uint64_t code = access_code(access, nxe);
    if (!nxe && (upper & NX))
        return (struct verdict){PAGING_MALFORMED, code | 1 | 8};
    if (!(leaf & P))
        return (struct verdict){leaf == 0 ? PAGING_NOT_MAPPED : PAGING_MARKED, code};
    if (!nxe && (leaf & NX))
        return (struct verdict){PAGING_MALFORMED, code | 1 | 8};
    unsigned facts = (access->write_protect ? WP : 0) | (access->smep ? SMEP : 0) |
                     (access->smap ? SMAP : 0) | (access->ac ? AC : 0) | (nxe ? NXE : 0) |
                     (access->implicit ? IMPLICIT : 0) | (upper & leaf & W ? WRITABLE : 0) |
                     ((upper | leaf) & NX ? 0 : EXECUTABLE);
    if (sentences_allow(access, (upper & leaf & U) != 0, facts))
        return (struct verdict){PAGING_OK, UNTOUCHED};
    return (struct verdict){PAGING_DENIED, code | 1};
}

/* ---- asking ---- */

static uint64_t answers, granted, real_accesses;

static void ask(const struct paging_space *space, uint64_t address, const struct paging_access *access,
                struct verdict expected)
{
    uint64_t code = UNTOUCHED;
    enum paging_status status = paging_check_access(space, (paging_virt_t){address}, *access, &code);
    if (status != expected.status || code != expected.code)
        fail_msg("%#lx, kind %d, user %d, WP %d, SMEP %d, SMAP %d, AC %d, implicit %d, PKE %d, PKRU %#x: "
                 "\"%s\" with "
                 "code %#lx, expected \"%s\" with %#lx",
                 (unsigned long)address, access->kind, access->user, access->write_protect, access->smep,
                 access->smap, access->ac, access->implicit, access->protection_keys, access->pkru,
                 paging_status_name(status), (unsigned long)code, paging_status_name(expected.status),
                 (unsigned long)expected.code);
    answers++;
    granted += status == PAGING_OK;
}

/* With WP, and without SMEP and SMAP, the access is made as well: the machine runs in this state. */
static void make_access(uint64_t address, const struct paging_access *access, struct verdict expected)
{
    static const unsigned kinds[] = {WALK_READ, WALK_WRITE, WALK_FETCH};
    if (!access->write_protect || access->smep || access->smap || access->ac || access->implicit)
        return;
    unsigned how = kinds[access->kind] | (access->user ? WALK_USER : 0);
    struct machine_access result = machine_access(address, how);
    assert_int_equal(result.faulted, expected.status != PAGING_OK);
    if (result.faulted)
        assert_int_equal(result.error, expected.code);
    real_accesses++;
}

/* Every kind and mode, with every setting of the control bits. */
#define ACCESSES 192u

static struct paging_access access_number(unsigned n)
{
    return (struct paging_access){.kind = (enum paging_access_kind)(n % 3),
                                  .user = n / 3 & 1,
                                  .write_protect = n / 6 & 1,
                                  .smep = n / 12 & 1,
                                  .smap = n / 24 & 1,
                                  .ac = n / 48 & 1,
                                  .implicit = n / 96 & 1};
}

/* All of them, recursively and by direct map. */
static void ask_all(uint64_t address, uint64_t upper, uint64_t leaf)
{
    struct paging_space copy = rig.space;
    paging_mark_inactive(&copy, machine_offset());
    for (unsigned i = 0; i < ACCESSES; i++) {
        struct paging_access access = access_number(i);
        struct verdict verdict = expected(upper, leaf, &access, rig.space.cpu.has_no_execute);
        ask(&rig.space, address, &access, verdict);
        ask(&copy, address, &access, verdict);
        make_access(address, &access, verdict);
    }
}

/* One bit of the set per flag: n of 8 for W, U, NX, of 16 for P too. */
static uint64_t flags_of(unsigned n)
{
    return (n & 1 ? W : 0) | (n & 2 ? U : 0) | (n & 4 ? NX : 0) | (n & 8 ? P : 0);
}

/* A leaf of this size, with one entry above it that does not allow everything. */
static void matrix(unsigned size, uint64_t frame, bool no_execute)
{
    struct machine_setup setup = rig_setup();
    setup.no_execute = no_execute;
    rig_open_on(setup);
    machine_fill(frame);
    assert_status(rig_map_sized(PLACE, frame, (enum paging_size)size, W | U), PAGING_OK);
    uint64_t whole = *entry_at(PLACE, size) & ~flags_of(15);
    for (unsigned level = size + 1; level <= rig.model.levels; level++) {
        uint64_t above = *entry_at(PLACE, level) & ~flags_of(7);
        for (unsigned n = 0; n < 8 * 16; n++) {
            uint64_t upper = above | flags_of(n / 16), leaf = whole | flags_of(n % 16);
            *entry_at(PLACE, size) = leaf;
            entry_write(PLACE, level, upper);
            ask_all(PLACE, upper, leaf);
            entry_write(PLACE, level, above | W | U);
        }
    }
    *entry_at(PLACE, size) = whole | W | U | P;
    machine_flush_all();
    assert_status(rig_unmap(PLACE), PAGING_OK);
    machine_close();
}

static void every_combination(unsigned size, uint64_t frame)
{
    answers = granted = real_accesses = 0;
    matrix(size, frame, true);
    matrix(size, frame, false);
    uint64_t entries = (uint64_t)(rig_levels - size) * 128;
    assert_int_equal(answers, entries * 2 * ACCESSES * 2);
    assert_int_equal(real_accesses, entries * 2 * 6);
    assert_true(granted > answers / 10 && granted < answers / 2);
}

static void small_pages(void **state)
{
    every_combination(PAGING_4K, DEVICE_FRAME);
}

static void large_pages(void **state)
{
    every_combination(PAGING_2M, FRAME_2M);
}

static void huge_pages(void **state)
{
    every_combination(PAGING_1G, FRAME_1G);
}

/* ---- protection keys, 4.6.2 ---- */

/* "... do not allow": the accesses to data that this right of the page's key forbids. */
static const struct {
    unsigned right; /* 1: access disable, 2: write disable */
    enum paging_access_kind kind;
    bool user_access;
    unsigned with;
} forbidden_by_key[] = {
    {1, PAGING_READ, false, 0}, {1, PAGING_READ, true, 0},  {1, PAGING_WRITE, false, 0},
    {1, PAGING_WRITE, true, 0}, {2, PAGING_WRITE, true, 0}, {2, PAGING_WRITE, false, WP},
};

static bool is_forbidden_by_key(const struct paging_access *access, unsigned rights)
{
    for (unsigned i = 0; i < sizeof forbidden_by_key / sizeof forbidden_by_key[0]; i++)
        if ((rights & forbidden_by_key[i].right) && access->kind == forbidden_by_key[i].kind &&
            is_user_access(access) == forbidden_by_key[i].user_access &&
            (access->write_protect || !(forbidden_by_key[i].with & WP)))
            return true;
    return false;
}

/* One leaf: every access with every right of its key, all other keys the opposite; and with keys off. */
static void ask_with_keys(uint64_t address, uint64_t upper, uint64_t leaf, unsigned key)
{
    for (unsigned i = 0; i < ACCESSES * 8; i++) {
        struct paging_access access = access_number(i % ACCESSES);
        unsigned rights = i / ACCESSES % 4;
        access.protection_keys = i / ACCESSES / 4;
        access.pkru = (rights ^ 3) * 0x55555555u ^ 3u << (2 * key);
        struct verdict verdict = expected(upper, leaf, &access, true);
        if (access.protection_keys && (upper & leaf & U) && is_forbidden_by_key(&access, rights))
            verdict = (struct verdict){PAGING_DENIED, access_code(&access, true) | 1 | 32};
        ask(&rig.space, address, &access, verdict);
    }
}

/* The key is the leaf's. The same bits of an entry above it mean nothing. */
static void protection_keys(void **state)
{
    static const uint64_t frames[] = {0, DEVICE_FRAME, FRAME_2M, FRAME_1G};
    for (unsigned size = PAGING_4K; size <= PAGING_1G; size++) {
        rig_open();
        assert_status(rig_map_sized(PLACE, frames[size], (enum paging_size)size, W | U), PAGING_OK);
        uint64_t whole = *entry_at(PLACE, size), above = *entry_at(PLACE, size + 1);
        for (unsigned n = 0; n < 16 * 8; n++) {
            uint64_t leaf = (whole & ~flags_of(7)) | flags_of(n % 8) | (uint64_t)(n / 8) << 59;
            uint64_t upper = above | (uint64_t)(15 - n / 8) << 59;
            *entry_at(PLACE, size) = leaf;
            entry_write(PLACE, size + 1, upper);
            ask_with_keys(PLACE, upper, leaf, n / 8);
        }
        *entry_at(PLACE, size) = whole;
        entry_write(PLACE, size + 1, above);
        machine_flush_all();
        assert_status(rig_unmap(PLACE), PAGING_OK);
        machine_close();
    }
}

/* ---- refusals that have nothing to do with rights ---- */

/* Every access has the same result, except for the bits that describe the access. */
static void ask_everybody(uint64_t address, enum paging_status status, uint64_t bits)
{
    for (unsigned i = 0; i < ACCESSES; i++) {
        struct paging_access access = access_number(i);
        uint64_t code = bits | access_code(&access, rig.space.cpu.has_no_execute);
        struct verdict verdict = {status, status == PAGING_NOT_CANONICAL ? UNTOUCHED : code};
        ask(&rig.space, address, &access, verdict);
        if (status != PAGING_NOT_CANONICAL)
            make_access(address, &access, verdict);
    }
}

/* A reserved bit counts before a missing right, in whichever entry it is. */
static void reserved_bits(void **state)
{
    struct machine_setup setup = rig_setup();
    setup.pages_1g = false;
    rig_open_on(setup);
    assert_status(rig_map_to(PLACE, DEVICE_FRAME, 0), PAGING_OK);
    assert_status(rig_map_sized(PLACE + 2 * MIB, FRAME_2M, PAGING_2M, 0), PAGING_OK);
    for (unsigned level = 1; level <= rig.model.levels; level++)
        for (unsigned bit = 12; bit < 52; bit++) {
            uint64_t entry = *entry_at(PLACE, level);
            if (bit < rig_setup().physical_bits)
                continue;
            entry_write(PLACE, level, entry | (uint64_t)1 << bit);
            ask_everybody(PLACE, PAGING_MALFORMED, 1 | 8);
            entry_write(PLACE, level, entry);
        }
    for (unsigned level = 3; level <= rig.model.levels; level++) { /* PS at a level without huge pages */
        uint64_t entry = *entry_at(PLACE, level);
        entry_write(PLACE, level, entry | PAGING_HUGE);
        ask_everybody(PLACE, PAGING_MALFORMED, 1 | 8);
        entry_write(PLACE, level, entry);
    }
    for (unsigned bit = 12; bit < 21;
         bit++) { /* a frame that is not aligned, except for bit 12, which is PAT */
        uint64_t entry = *entry_at(PLACE + 2 * MIB, 2);
        struct paging_access read = {.kind = PAGING_READ};
        entry_write(PLACE + 2 * MIB, 2, entry | (uint64_t)1 << bit);
        if (bit > 12)
            ask_everybody(PLACE + 2 * MIB, PAGING_MALFORMED, 1 | 8);
        else
            ask(&rig.space, PLACE + 2 * MIB, &read, (struct verdict){PAGING_OK, UNTOUCHED});
        entry_write(PLACE + 2 * MIB, 2, entry);
    }
    rig_check();
}

static void not_present(void **state)
{
    rig_open();
    static const uint64_t distances[] = {4 * KIB, 2 * MIB, GIB, SLOT_BYTES};
    assert_status(rig_map_to(PLACE, DEVICE_FRAME, W | U), PAGING_OK);
    for (unsigned i = 0; i < 4; i++)
        ask_everybody(PLACE + distances[i], PAGING_NOT_MAPPED, 0);
    for (unsigned i = 0; i < 3; i++) {
        /* All bits except PRESENT: none of them counts, not even reserved ones. */
        rig_plant_marker(PLACE + distances[i], i + 1, ~(uint64_t)1);
        ask_everybody(PLACE + distances[i], PAGING_MARKED, 0);
    }
}

static void not_canonical(void **state)
{
    rig_open();
    uint64_t half = (uint64_t)1 << (paging_address_bits(rig.model.levels) - 1);
    ask_everybody(half, PAGING_NOT_CANONICAL, 0);
    ask_everybody(0 - half - 1, PAGING_NOT_CANONICAL, 0);
    ask_everybody(half - 1, PAGING_NOT_MAPPED, 0);
    ask_everybody(0 - half, PAGING_NOT_MAPPED, 0);
    ask_everybody((uint64_t)1 << 63, PAGING_NOT_CANONICAL, 0);
}

/* The tables themselves are for supervisor data only. The last byte of a page is like its first. */
static void windows(void **state)
{
    rig_open();
    assert_status(rig_map_to(PLACE, DEVICE_FRAME, U), PAGING_OK);
    for (unsigned level = 1; level <= rig.model.levels; level++)
        for (unsigned i = 0; i < ACCESSES; i++) {
            struct paging_access access = access_number(i);
            bool allowed = !is_user_access(&access) && access.kind != PAGING_FETCH;
            struct verdict verdict = {allowed ? PAGING_OK : PAGING_DENIED,
                                      allowed ? UNTOUCHED : 1 | access_code(&access, true)};
            ask(&rig.space, rig_window(level, PLACE) + PAGING_PAGE_BYTES - 1, &access, verdict);
        }
    rig_check();
}

/* The operation stores nothing, flushes nothing and sets no accessed bit. */
static void changes_nothing(void **state)
{
    rig_open();
    assert_status(rig_map_to(PLACE, DEVICE_FRAME, W | U), PAGING_OK);
    machine_snapshot();
    machine_reset_log();
    struct paging_space before = rig.space;
    uint64_t code;
    struct paging_access access = {.kind = PAGING_WRITE, .user = true};
    assert_status(paging_check_access(&rig.space, (paging_virt_t){PLACE + 5}, access, &code), PAGING_OK);
    assert_true(machine_unchanged());
    assert_int_equal(machine_stores() + machine_flushes() + machine_full_flushes(), 0);
    assert_same_space(&before, &rig.space);
}

static const struct CMUnitTest tests[] = {
    RIG_TEST("access: 4K pages, every combination", small_pages),
    RIG_TEST("access: 2M pages, every combination", large_pages),
    RIG_TEST("access: 1G pages, every combination", huge_pages),
    RIG_TEST("access: protection keys, only for data in user pages", protection_keys),
    RIG_TEST("access: reserved bits come before rights", reserved_bits),
    RIG_TEST("access: not present at any level", not_present),
    RIG_TEST("access: not canonical", not_canonical),
    RIG_RECURSIVE_TEST("access: tables are supervisor data, not code", windows),
    RIG_TEST("access: check_access changes nothing", changes_nothing),
};

RIG_MAIN("access", tests)
