/* SPDX-License-Identifier: MIT */
/* audit_runs: what is one run, how much room runs take, what is excused; random spaces, with an oracle. */
#include "kernel/audit_rig.h"

/* ---- excuses, and processors that have less ---- */

static void a_direct_map_may_lead_anywhere(void **state)
{
    (void)state;
    open();
    uint64_t root = rig.space.root.number;
    paging_frame_t start = {FRAME_2M}, end = {FRAME_2M + 1};
    assert_int_equal(frames_add_free(&frames, start, end), FRAMES_OK);
    map(PLACE, root, RW | NX);
    map(PLACE + 4 * KIB, FRAME_2M, RW | NX);
    struct audit_excuse excuse = {rig_page(PLACE), 2, AUDIT_MAY(AUDIT_TABLE) | AUDIT_MAY(AUDIT_FREE_FRAME)};
    look_excusing(&excuse, 1);
    assert_int_equal(found_count, 0);
    map(OTHER, root, RW | NX); /* a mapping that is not excused, of the same face */
    look_excusing(&excuse, 1);
    assert_found(AUDIT_TABLE, OTHER, root, 1);
    assert_status(rig_unmap(OTHER), PAGING_OK);
    map(PLACE + 8 * KIB, FRAME_2M, RW | NX); /* the next page is not in the direct map any more */
    look_excusing(&excuse, 1);
    assert_found(AUDIT_FREE_FRAME, PLACE + 8 * KIB, FRAME_2M, 1);
}

/* One that is excused reaches as far as another one of the same face, which is not. */
static void an_excuse_hides_nobody_else(void **state)
{
    (void)state;
    open();
    uint64_t root = rig.space.root.number;
    for (unsigned i = 0; i < 3; i++)
        map(PLACE + i * 4 * KIB, root - 2 + i, NX);
    for (unsigned i = 0; i < 2; i++)
        map(OTHER + i * 4 * KIB, root - 1 + i, NX);
    struct audit_excuse excuse = {rig_page(PLACE), 3, AUDIT_MAY(AUDIT_TABLE)};
    look_excusing(&excuse, 1);
    bool is_told = false;
    for (unsigned i = 0; i < found_count; i++) {
        assert_int_equal(found[i].kind, AUDIT_TABLE);
        assert_true(rig_address(found[i].page.number) >= OTHER);
        is_told |= found[i].frames.end == root + 1;
    }
    assert_true(is_told);
}

/* The next page, whose frame is next, too, is another run. */
static void an_excuse_ends_with_its_pages(void **state)
{
    (void)state;
    open();
    map(PLACE, DEVICE_FRAME, RW);
    map(PLACE + 4 * KIB, DEVICE_FRAME + 1, RW);
    struct audit_excuse excuse = {rig_page(PLACE), 1, AUDIT_MAY(AUDIT_WRITABLE_EXECUTABLE)};
    look_excusing(&excuse, 1);
    assert_found(AUDIT_WRITABLE_EXECUTABLE, PLACE + 4 * KIB, DEVICE_FRAME + 1, 1);
    excuse.first.number++;
    look_excusing(&excuse, 1);
    assert_found(AUDIT_WRITABLE_EXECUTABLE, PLACE, DEVICE_FRAME, 1);
}

/* An excuse is for its kinds, and for aliases there is none. */
static void an_excuse_is_for_its_kind(void **state)
{
    (void)state;
    open();
    struct audit_excuse all = {rig_page(PLACE), 1, AUDIT_MAY(AUDIT_WRITABLE_EXECUTABLE)};
    map(PLACE, DEVICE_FRAME, RW | US);
    look_excusing(&all, 1);
    assert_found(AUDIT_USER, PLACE, DEVICE_FRAME, 1);
    all.may |= AUDIT_MAY(AUDIT_USER);
    look_excusing(&all, 1);
    assert_int_equal(found_count, 0);
    map(OTHER, DEVICE_FRAME, NX);
    look_excusing(&all, 1);
    assert_found(AUDIT_WIDER_RIGHTS, PLACE, DEVICE_FRAME, 1);
}

/* Then everything is executable, and that is no finding. What can be written still is told apart. */
static void without_no_execute(void **state)
{
    (void)state;
    struct machine_setup setup = rig_setup();
    setup.no_execute = false;
    rig_open_on(setup);
    frames_init(&frames, bookkeeping, sizeof bookkeeping);
    map(PLACE, DEVICE_FRAME, RW);
    look();
    assert_int_equal(found_count, 0);
    map(OTHER, DEVICE_FRAME, 0);
    look();
    assert_found(AUDIT_WIDER_RIGHTS, PLACE, DEVICE_FRAME, 1);
    char text[96];
    struct text_sink sink = text_sink(text, sizeof text);
    audit_describe_extent(&audit, &sink.sink);
    assert_non_null(strstr(text, ", without no-execute"));
}

/* ---- memory ---- */

/* Runs go on across pages of all sizes and from table to table. */
static void memory_is_for_runs(void **state)
{
    (void)state;
    open();
    collect(NULL, 0);
    uint64_t tables = audit.run_count;
    assert_status(rig_map_range(PLACE + 2 * MIB - 8 * KIB, (FRAME_1G - 2) * PAGING_PAGE_BYTES,
                                6 * MIB + 8 * KIB, RW | NX),
                  PAGING_OK);
    collect(NULL, 0);
    assert_int_equal(audit.pages, 6 * MIB / (4 * KIB) + 2);
    uint64_t leaves = 0;
    for (size_t i = 0; i < audit.run_count; i++)
        leaves += !runs[i].is_table;
    assert_int_equal(leaves, 1);
    assert_true(audit.run_count <= tables + 1 + paging_counted(&rig.space).tables);
}

/* Neighbours in the address space whose frames are not, and the reverse, are two runs. */
static void what_is_not_one_run(void **state)
{
    (void)state;
    open();
    map(PLACE, DEVICE_FRAME, RW | NX);
    map(PLACE + 4 * KIB, DEVICE_FRAME, RW | NX);
    map(PLACE + 12 * KIB, DEVICE_FRAME + 1, RW | NX);
    map(PLACE + 16 * KIB, DEVICE_FRAME + 2, NX);
    collect(NULL, 0);
    uint64_t leaves = 0;
    for (size_t i = 0; i < audit.run_count; i++)
        leaves += !runs[i].is_table;
    assert_int_equal(leaves, 4);
}

/* Without room the audit says how much it takes, writes nothing beyond, and can be tried again. */
static void too_little_room(void **state)
{
    (void)state;
    open();
    for (uint64_t page = 0; page < 100; page++)
        map(PLACE + page * 4 * KIB, DEVICE_FRAME + 2 * page, RW | NX);
    collect(NULL, 0);
    size_t needed = audit.run_count;
    assert_true(needed > 100);
    for (size_t capacity = 0; capacity <= needed; capacity += capacity < 3 ? 1 : needed - 3) {
        for (size_t i = 0; i < needed; i++)
            runs[i].may = 0xabcd;
        audit.capacity = capacity;
        audit_begin(&audit);
        assert_status(audit_add_space(&audit, &rig.space), PAGING_OK);
        assert_int_equal(audit_end(&audit), capacity == needed);
        assert_int_equal(audit.run_count, needed);
        for (size_t i = capacity; i < needed; i++)
            assert_int_equal(runs[i].may, 0xabcd);
    }
}

static void unreachable(void **state)
{
    (void)state;
    open();
    enum paging_mode mode = rig.space.mode;
    collect(NULL, 0);
    audit_begin(&audit);
    rig.space.mode = PAGING_MODE_UNREACHABLE;
    assert_status(audit_add_space(&audit, &rig.space), PAGING_UNREACHABLE);
    rig.space.mode = mode;
    assert_true(audit_end(&audit));
    assert_int_equal(audit.run_count, 0);
}

/* ---- against an oracle that looks at every frame ---- */

enum { ORACLE_FRAMES = 16, ORACLE_PAGES = 48 };

static struct {
    bool used;
    uint64_t frame, flags;
} mapped[ORACLE_PAGES];

/* Returns whether two mappings of the frame conflict. */
static bool oracle(enum audit_kind kind, uint64_t frame)
{
    for (unsigned i = 0; i < ORACLE_PAGES; i++)
        for (unsigned k = 0; k < i; k++) {
            uint64_t differ = mapped[i].flags ^ mapped[k].flags;
            uint64_t mask = kind == AUDIT_OTHER_TYPE ? PAGING_CACHE_FLAGS : RW | NX | US;
            if (mapped[i].used && mapped[k].used && mapped[i].frame == frame && mapped[k].frame == frame &&
                (differ & mask))
                return true;
        }
    return false;
}

static bool is_found(enum audit_kind kind, uint64_t frame)
{
    for (unsigned i = 0; i < found_count; i++)
        if (found[i].kind == kind && frame >= found[i].frames.start && frame < found[i].frames.end)
            return true;
    return false;
}

static uint64_t random_flags(void)
{
    static const uint64_t caches[] = {PAGING_CACHE_WRITE_BACK, PAGING_CACHE_WRITE_BACK,
                                      PAGING_CACHE_WRITE_COMBINING, PAGING_CACHE_UNCACHED};
    return caches[rig_random(4)] | (rig_random(4) ? NX : 0) | (rig_random(3) ? RW : 0) |
           (rig_random(6) ? 0 : US);
}

/* Maps a few pages with the same flags to frames side by side. */
static void map_some(void)
{
    uint64_t page = rig_random(ORACLE_PAGES), frame = rig_random(ORACLE_FRAMES), flags = random_flags();
    for (uint64_t left = 1 + rig_random(6); left > 0; left--, page++, frame++) {
        if (page >= ORACLE_PAGES || frame >= ORACLE_FRAMES || mapped[page].used)
            return;
        map(PLACE + page * 4 * KIB, DEVICE_FRAME + frame, flags);
        mapped[page].used = true;
        mapped[page].frame = frame;
        mapped[page].flags = flags;
    }
}

static void random_spaces_equal_an_oracle(void **state)
{
    for (unsigned round = 0; round < 40; round++) {
        open();
        memset(mapped, 0, sizeof mapped);
        rig.random += round * 977;
        for (uint64_t left = 1 + rig_random(14); left > 0; left--)
            map_some();
        look();
        for (uint64_t frame = 0; frame < ORACLE_FRAMES; frame++)
            for (enum audit_kind kind = AUDIT_OTHER_TYPE; kind <= AUDIT_WIDER_RIGHTS; kind++)
                assert_int_equal(is_found(kind, DEVICE_FRAME + frame), oracle(kind, frame));
        rig_close(state);
    }
}

static const struct CMUnitTest tests[] = {
    RIG_TEST("audit: a direct map may lead to tables and free frames", a_direct_map_may_lead_anywhere),
    RIG_TEST("audit: an excuse hides nobody else", an_excuse_hides_nobody_else),
    RIG_TEST("audit: an excuse ends with its pages", an_excuse_ends_with_its_pages),
    RIG_TEST("audit: an excuse is for its kind only", an_excuse_is_for_its_kind),
    RIG_TEST("audit: without no-execute, all is executable", without_no_execute),
    RIG_TEST("audit: memory is for runs, not for pages", memory_is_for_runs),
    RIG_TEST("audit: what is not one run", what_is_not_one_run),
    RIG_TEST("audit: too little room is told, and can be tried again", too_little_room),
    RIG_TEST("audit: tables that cannot be reached", unreachable),
    RIG_TEST("audit: random aliases equal an oracle", random_spaces_equal_an_oracle),
};

RIG_MAIN("audit_runs", tests)
