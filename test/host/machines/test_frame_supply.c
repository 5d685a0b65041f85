/* SPDX-License-Identifier: MIT */
/*
 * The frame source of the other tests must split, join, ration and promise exactly, or they prove nothing.
 *
 * What it refuses ends a test, so here only what it allows and counts can be shown.
 */
#include "machines/machine_internal.h"
#include "rig/rig.h"

static struct paging_frame_source *open_source(unsigned frames)
{
    struct machine_setup setup = rig_setup();
    setup.frames = frames;
    machine_open(&setup);
    rig.model.levels = setup.levels;
    return machine_frames();
}

static paging_frame_t take(enum paging_size size)
{
    paging_frame_t frame = {0};
    assert_true(machine_take(PAGING_FRAME_FOR_PAGE, size, &frame));
    assert_int_equal(frame.number % paging_level_pages(size), 0);
    assert_true(machine_frame_is_out(frame.number));
    assert_true(machine_frame_is_out(frame.number + paging_level_pages(size) - 1));
    return frame;
}

static void take_nothing(enum paging_size size)
{
    unsigned out = machine_frames_out(), left = machine_frames_left();
    paging_frame_t frame = {77};
    assert_false(machine_take(PAGING_FRAME_FOR_PAGE, size, &frame));
    assert_int_equal(frame.number, 77);
    assert_int_equal(machine_frames_out(), out);
    assert_int_equal(machine_frames_left(), left);
}

/* All runs of the size that there are. */
static unsigned take_all(enum paging_size size, paging_frame_t *taken, unsigned most)
{
    unsigned count = 0;
    while (count < most && machine_take(PAGING_FRAME_FOR_PAGE, size, &taken[count]))
        count++;
    assert_true(count > 0 && count < most);
    return count;
}

static void split_run_comes_back_in_pieces(void **state)
{
    (void)state;
    struct paging_frame_source *source = open_source(0);
    for (enum paging_size size = PAGING_2M; size <= PAGING_1G; size++) {
        static paging_frame_t runs[32];
        unsigned count = take_all(size, runs, 32);
        uint64_t piece = paging_level_pages(size - 1), out = machine_frames_out();
        source->split(source, &machine_nobody, size, runs[0]);
        assert_int_equal(machine_frames_out(), out);
        for (uint64_t i = 0; i < PAGING_TABLE_ENTRIES; i++) {
            paging_frame_t part = {runs[0].number + i * piece};
            take_nothing(size); /* not before the last piece is back */
            assert_true(machine_frame_is_out(part.number));
            machine_give(PAGING_FRAME_FOR_PAGE, size - 1, part);
            assert_false(machine_frame_is_out(part.number));
            assert_int_equal(machine_frames_out(), out - (i + 1) * piece);
        }
        assert_int_equal(take(size).number, runs[0].number);
        for (unsigned i = 0; i < count; i++)
            machine_give(PAGING_FRAME_FOR_PAGE, size, runs[i]);
        assert_int_equal(machine_frames_out(), 0);
    }
}

static void splits_nest_and_are_joined(void **state)
{
    (void)state;
    struct paging_frame_source *source = open_source(0);
    unsigned left = machine_frames_left();
    paging_frame_t run = take(PAGING_1G);
    for (unsigned round = 0; round < 2; round++) {
        paging_frame_t part = {run.number + round * paging_level_pages(2)};
        source->split(source, &machine_nobody, PAGING_1G, run);
        source->split(source, &machine_nobody, PAGING_2M, part);
        source->join(source, &machine_nobody, PAGING_2M, part);
        source->join(source, &machine_nobody, PAGING_1G, run);
    }
    assert_int_equal(machine_frames_out(), paging_level_pages(3));
    machine_give(PAGING_FRAME_FOR_PAGE, PAGING_1G, run);
    assert_int_equal(machine_frames_out(), 0);
    assert_int_equal(machine_frames_left(), left);
    assert_int_equal(take(PAGING_1G).number, run.number);
}

/* Then none can be joined to its neighbours; and a reset gives all back, in the same order. */
static void runs_lie_apart(void **state)
{
    (void)state;
    static paging_frame_t taken[2][MACHINE_FRAMES];
    struct machine_setup setup = rig_setup();
    setup.apart = true;
    machine_open(&setup);
    for (enum paging_size size = PAGING_4K; size <= PAGING_1G; size++) {
        unsigned counts[2];
        for (unsigned again = 0; again < 2; again++) {
            machine_reset_frames();
            counts[again] = take_all(size, taken[again], MACHINE_FRAMES);
        }
        assert_int_equal(counts[0], counts[1]);
        assert_memory_equal(taken[0], taken[1], counts[0] * sizeof(paging_frame_t));
        for (unsigned i = 0; i < counts[0]; i++) {
            assert_int_equal(machine_home_of(taken[0][i].number), size);
            assert_false(machine_frame_is_out(taken[0][i].number + paging_level_pages(size)));
        }
    }
}

/* Frames that were handed out one by one are joined too, and go back to where they came from. */
static void singles_are_joined(void **state)
{
    (void)state;
    struct paging_frame_source *source = open_source(3 * PAGING_TABLE_ENTRIES);
    static paging_frame_t taken[3 * 512 + 1];
    unsigned count = take_all(PAGING_4K, taken, 3 * PAGING_TABLE_ENTRIES + 1);
    assert_int_equal(count, 3 * PAGING_TABLE_ENTRIES);
    paging_frame_t run = {(FIRST_FRAME + PAGING_TABLE_ENTRIES - 1) / PAGING_TABLE_ENTRIES *
                          PAGING_TABLE_ENTRIES};
    source->join(source, &machine_nobody, PAGING_2M, run);
    assert_int_equal(machine_frames_out(), count);
    machine_give(PAGING_FRAME_FOR_PAGE, PAGING_2M, run);
    for (unsigned i = 0; i < PAGING_TABLE_ENTRIES; i++)
        assert_false(machine_frame_is_out(run.number + i));
    assert_int_equal(machine_frames_left(), PAGING_TABLE_ENTRIES);
    for (unsigned i = 0; i < count; i++)
        if (taken[i].number - run.number >= PAGING_TABLE_ENTRIES)
            machine_give(PAGING_FRAME_FOR_PAGE, PAGING_4K, taken[i]);
    assert_int_equal(machine_frames_out(), 0);
    assert_int_equal(machine_frames_left(), count);
}

static void rations(void **state)
{
    (void)state;
    (void)open_source(0);
    machine_limit_huge(0);
    take_nothing(PAGING_2M);
    take_nothing(PAGING_1G);
    (void)take(PAGING_4K);
    machine_limit_huge(2);
    paging_frame_t run = take(PAGING_2M);
    (void)take(PAGING_1G);
    take_nothing(PAGING_2M);
    machine_give(PAGING_FRAME_FOR_PAGE, PAGING_2M, run);
    take_nothing(PAGING_2M); /* what came back does not add to the ration */
    machine_unlimit_huge();
    (void)take(PAGING_2M);
    machine_limit_frames(PAGING_TABLE_ENTRIES - 1);
    take_nothing(PAGING_2M);
    machine_limit_frames(PAGING_TABLE_ENTRIES + 1);
    (void)take(PAGING_2M);
    assert_int_equal(machine_frames_left(), 1);
    (void)take(PAGING_4K);
    take_nothing(PAGING_4K);
}

/* As an operation takes it: within the reservation. */
static void take_reserved(enum paging_frame_use use, enum paging_size size)
{
    paging_frame_t frame;
    assert_true(machine_frames()->allocate(machine_frames(), &rig.space, use, size, &frame));
}

/* What is reserved can be had, in whatever sizes it is taken. */
static void reservations_are_kept(void **state)
{
    (void)state;
    struct paging_frame_source *source = open_source(3 * PAGING_TABLE_ENTRIES);
    assert_false(source->reserve(source, &rig.space, 1, 3 * PAGING_TABLE_ENTRIES));
    assert_true(source->reserve(source, &rig.space, 2, 2 * PAGING_TABLE_ENTRIES - 1));
    take_reserved(PAGING_FRAME_FOR_TABLE, PAGING_4K);
    take_reserved(PAGING_FRAME_FOR_PAGE, PAGING_2M);
    for (unsigned i = 0; i < PAGING_TABLE_ENTRIES - 1; i++)
        take_reserved(PAGING_FRAME_FOR_PAGE, PAGING_4K);
    take_reserved(PAGING_FRAME_FOR_TABLE, PAGING_4K);
    assert_int_equal(machine_frames_left(),
                     2 * PAGING_TABLE_ENTRIES - 1); /* the larger run is from elsewhere */
    assert_true(machine_holds_reservation());
    source->unreserve(source, &rig.space);
    assert_false(machine_holds_reservation());
    machine_limit_frames(PAGING_TABLE_ENTRIES + 1);
    assert_false(source->reserve(source, &rig.space, 0, PAGING_TABLE_ENTRIES + 2));
    assert_true(source->reserve(source, &rig.space, 1, PAGING_TABLE_ENTRIES));
    take_reserved(PAGING_FRAME_FOR_PAGE, PAGING_2M);
    take_reserved(PAGING_FRAME_FOR_TABLE, PAGING_4K);
    source->unreserve(source, &rig.space);
    assert_int_equal(machine_frames_left(), 0);
}

/* An operation may take a frame for one page without a reservation, and the source may refuse it. */
static void one_page_needs_no_reservation(void **state)
{
    (void)state;
    paging_frame_t frame;
    struct paging_frame_source *source = open_source(0);
    machine_begin_operation(&rig.space);
    take_reserved(PAGING_FRAME_FOR_PAGE, PAGING_4K);
    machine_limit_frames(0);
    machine_begin_operation(&rig.space);
    assert_false(source->allocate(source, &rig.space, PAGING_FRAME_FOR_PAGE, PAGING_4K, &frame));
    assert_true(source->reserve(source, &rig.space, 0, 0));
    source->unreserve(source, &rig.space);
}

/* Each piece of a run that was split, and each run that was joined, is for a page; a table stays one. */
static void it_knows_what_a_frame_is_for(void **state)
{
    (void)state;
    struct paging_frame_source *source = open_source(0);
    paging_frame_t table, run = take(PAGING_2M);
    assert_true(machine_take(PAGING_FRAME_FOR_TABLE, PAGING_4K, &table));
    assert_int_equal(machine_use_at(table.number), PAGING_FRAME_FOR_TABLE);
    source->split(source, &machine_nobody, PAGING_2M, run);
    for (unsigned i = 0; i < PAGING_TABLE_ENTRIES; i++)
        assert_int_equal(machine_use_at(run.number + i), PAGING_FRAME_FOR_PAGE);
    source->join(source, &machine_nobody, PAGING_2M, run);
    assert_int_equal(machine_use_at(run.number), PAGING_FRAME_FOR_PAGE);
}

static void larger_runs_are_broken(void **state)
{
    (void)state;
    struct paging_frame_source *source = open_source(3);
    assert_int_equal(machine_frames_left(), 3);
    assert_false(source->reserve(source, &rig.space, 0, paging_level_pages(3) + 4));
    machine_break_huge();
    unsigned all = machine_frames_left();
    assert_true(all > paging_level_pages(3) + 4);
    assert_true(source->reserve(source, &rig.space, 0, all));
    source->unreserve(source, &rig.space);
    paging_frame_t frame;
    for (unsigned i = 0; i < 4; i++)
        frame = take(PAGING_4K);
    assert_true(frame.number >= paging_level_pages(2)); /* not one of the three */
    assert_int_equal(machine_frames_left(), all - 4);
    for (unsigned i = 0; i < 3; i++) /* of memory that is real, what is left to be broken is little */
        (void)take(PAGING_1G);
    (void)take(PAGING_2M);
    unsigned left = machine_frames_left();
    assert_int_equal(left, all - 4 - 3 * paging_level_pages(3) - paging_level_pages(2));
    machine_give(PAGING_FRAME_FOR_PAGE, PAGING_4K, frame);
    assert_int_equal(machine_frames_left(), left + 1);
    assert_int_equal(take(PAGING_4K).number, frame.number);
    assert_true(source->reserve(source, &rig.space, 0, left));
    for (unsigned i = 0; i < left; i++)
        take_reserved(PAGING_FRAME_FOR_PAGE, PAGING_4K);
    source->unreserve(source, &rig.space);
    take_nothing(PAGING_4K);
}

/* A run that was broken is one again when the last of its frames is back, in whatever pieces they come. */
static void broken_runs_are_mended(void **state)
{
    (void)state;
    struct paging_frame_source *source = open_source(1);
    machine_break_huge();
    unsigned runs = machine_runs_left(PAGING_2M), left = machine_frames_left();
    (void)take(PAGING_4K);
    static paging_frame_t parts[512];
    for (unsigned i = 0; i < PAGING_TABLE_ENTRIES; i++)
        parts[i] = take(PAGING_4K);
    assert_int_equal(machine_runs_left(PAGING_2M), runs - 1);
    source->join(source, &machine_nobody, PAGING_2M, parts[0]);
    assert_int_equal(machine_run_at(parts[0].number), PAGING_2M);
    assert_int_equal(machine_run_at(parts[1].number), 0);
    source->split(source, &machine_nobody, PAGING_2M, parts[0]);
    for (unsigned i = 0; i < PAGING_TABLE_ENTRIES; i++) {
        assert_int_equal(machine_runs_left(PAGING_2M), runs - 1);
        assert_int_equal(machine_run_at(parts[i].number), PAGING_4K);
        machine_give(PAGING_FRAME_FOR_PAGE, PAGING_4K, parts[i]);
    }
    assert_int_equal(machine_runs_left(PAGING_2M), runs);
    assert_int_equal(machine_frames_left(), left - 1);
    assert_int_equal(take(PAGING_2M).number, parts[0].number);
}

static void requests_are_written_down(void **state)
{
    (void)state;
    (void)open_source(0);
    machine_limit_huge(1);
    assert_int_equal(machine_runs_left(PAGING_2M), 1);
    (void)take(PAGING_4K);
    paging_frame_t run = take(PAGING_2M);
    take_nothing(PAGING_1G);
    assert_int_equal(machine_runs_left(PAGING_1G), 0);
    const struct machine_request *first = machine_request(0), *second = machine_request(1);
    assert_true(first && first->size == PAGING_2M && first->granted && first->frame == run.number);
    assert_true(second && second->size == PAGING_1G && !second->granted);
    assert_null(machine_request(2));
    machine_begin_operation(NULL);
    assert_null(machine_request(0));
    assert_true(machine_is_the_sources(run.number - 1, 2));
    assert_false(machine_is_the_sources(machine_end(), paging_level_pages(3)));
}

static void snapshot_sees_every_size(void **state)
{
    (void)state;
    (void)open_source(0);
    for (enum paging_size size = PAGING_4K; size <= PAGING_1G; size++) {
        paging_frame_t frame = take(size);
        machine_snapshot();
        assert_true(machine_unchanged());
        uint64_t seen = frame.number + (PAGING_TABLE_ENTRIES < 512 ? paging_level_pages(size) - 1 : 0);
        machine_frame(seen)[1] ^= 1;
        assert_false(machine_unchanged());
        machine_frame(seen)[1] ^= 1;
        assert_true(machine_unchanged());
    }
}

/* A translation of one page in the middle of a run, or of a page around it, is a way into the run. */
static void audit_looks_at_the_whole_run(void **state)
{
    (void)state;
    rig_open();
    paging_frame_t run = take(PAGING_2M);
    uint64_t middle = run.number + PAGING_TABLE_ENTRIES / 2, address = rig_address(0);
    assert_status(paging_map_to(&rig.space, rig_page(address), (paging_frame_t){middle}, 0, machine_frames()),
                  PAGING_OK);
    assert_allowed(address, WALK_READ);
    const struct walker *walker = machine_walker();
    assert_non_null(tlb_leading_to(&machine.tlb, walker, run.number, PAGING_TABLE_ENTRIES));
    assert_non_null(tlb_leading_to(&machine.tlb, walker, middle, 1));
    assert_null(tlb_leading_to(&machine.tlb, walker, run.number, PAGING_TABLE_ENTRIES / 2));
    assert_null(tlb_leading_to(&machine.tlb, walker, middle + 1, PAGING_TABLE_ENTRIES / 2 - 1));
}

static void take_one_of_each(struct paging_frame_source *source, paging_frame_t *taken)
{
    for (enum paging_size size = PAGING_4K; size <= PAGING_1G; size++)
        taken[size] = take(size);
    source->split(source, &machine_nobody, PAGING_1G, taken[PAGING_1G]);
}

static void nothing_is_out(const paging_frame_t *taken)
{
    for (enum paging_size size = PAGING_4K; size <= PAGING_1G; size++)
        for (uint64_t i = 0; i < paging_level_pages(size); i++)
            assert_int_equal(machine_run_at(taken[size].number + i), 0);
    assert_int_equal(machine_frames_out(), 0);
}

/* The bookkeeping is not made anew for each machine. */
static void frames_are_forgotten(void **state)
{
    paging_frame_t taken[PAGING_1G + 1];
    (void)state;
    take_one_of_each(open_source(0), taken);
    machine_reset_frames();
    nothing_is_out(taken);
    take_one_of_each(machine_frames(), taken);
    machine_close();
    open_source(0);
    nothing_is_out(taken);
}

/* One owner has the run whole, the other one in parts. It is a run again when both have given it back. */
static void shared_runs_are_counted_by_frame(void **state)
{
    (void)state;
    struct paging_frame_source *source = open_source(0);
    unsigned left = machine_runs_left(PAGING_2M);
    paging_frame_t run = take(PAGING_2M), part = {run.number + 1};
    assert_false(source->is_shared(source, &machine_nobody, PAGING_2M, run));
    assert_true(source->share(source, &machine_nobody, PAGING_2M, run));
    assert_int_equal(machine_frames_out(), 2 * PAGING_TABLE_ENTRIES);
    source->split(source, &machine_nobody, PAGING_2M, run);
    machine_give(PAGING_FRAME_FOR_PAGE, PAGING_4K, part);
    assert_false(source->is_shared(source, &machine_nobody, PAGING_4K, part));
    assert_true(source->is_shared(source, &machine_nobody, PAGING_2M, run));
    machine_give(PAGING_FRAME_FOR_PAGE, PAGING_2M, run);
    assert_false(machine_frame_is_out(part.number));
    assert_true(machine_frame_is_out(run.number));
    assert_false(source->is_shared(source, &machine_nobody, PAGING_2M, run));
    for (uint64_t i = 0; i < PAGING_TABLE_ENTRIES; i++)
        if (run.number + i != part.number)
            machine_give(PAGING_FRAME_FOR_PAGE, PAGING_4K, (paging_frame_t){run.number + i});
    assert_int_equal(machine_frames_out(), 0);
    assert_int_equal(machine_runs_left(PAGING_2M), left);
}

static void owners_are_limited(void **state)
{
    (void)state;
    struct paging_frame_source *source = open_source(0);
    paging_frame_t frame = take(PAGING_4K);
    machine_limit_owners(2);
    assert_true(source->share(source, &machine_nobody, PAGING_4K, frame));
    assert_false(machine_can_share(frame.number));
    assert_false(source->share(source, &machine_nobody, PAGING_4K, frame));
    assert_int_equal(machine_owners_of(frame.number), 2);
    assert_int_equal(machine_frames_out(), 2);
}

/* A run that was shared, and is not any more, is joined like one of parts that never were. */
static void runs_that_were_shared_are_joined(void **state)
{
    (void)state;
    struct paging_frame_source *source = open_source(0);
    for (enum paging_size size = PAGING_2M; size <= PAGING_1G; size++) {
        paging_frame_t run = take(size);
        assert_true(source->share(source, &machine_nobody, size, run));
        machine_give(PAGING_FRAME_FOR_PAGE, size, run);
        assert_int_equal(machine_run_at(run.number), PAGING_4K);
        source->join(source, &machine_nobody, size, run);
        assert_int_equal(machine_run_at(run.number), size);
        machine_give(PAGING_FRAME_FOR_PAGE, size, run);
        assert_int_equal(machine_frames_out(), 0);
    }
}

static const struct CMUnitTest tests[] = {
    RIG_TEST("source: a split run comes back in pieces", split_run_comes_back_in_pieces),
    RIG_TEST("source: splits nest and are joined", splits_nest_and_are_joined),
    RIG_TEST("source: single frames are joined", singles_are_joined),
    RIG_TEST("source: runs lie apart, so that none join", runs_lie_apart),
    RIG_TEST("source: frames and larger runs are rationed", rations),
    RIG_TEST("source: what is reserved can be had", reservations_are_kept),
    RIG_TEST("source: one page needs no reservation", one_page_needs_no_reservation),
    RIG_TEST("source: it knows what a frame is for", it_knows_what_a_frame_is_for),
    RIG_TEST("source: larger runs are broken when single frames run out", larger_runs_are_broken),
    RIG_TEST("source: a broken run is a run again when all of it is back", broken_runs_are_mended),
    RIG_TEST("source: requests for larger runs are written down", requests_are_written_down),
    RIG_TEST("source: the snapshot sees runs of every size", snapshot_sees_every_size),
    RIG_TEST("source: a machine that is opened or reset has no frame out", frames_are_forgotten),
    RIG_TEST("source: a shared run is counted frame by frame", shared_runs_are_counted_by_frame),
    RIG_TEST("source: a frame has as many owners as it may", owners_are_limited),
    RIG_TEST("source: a run that was shared is joined", runs_that_were_shared_are_joined),
    RIG_TEST("source: the audit looks at the whole run", audit_looks_at_the_whole_run),
};

RIG_MAIN("source", tests)
