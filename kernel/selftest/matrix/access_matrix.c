/* SPDX-License-Identifier: MIT */
/* access_matrix.c - the tests: which bits, registers and accesses are combined (matrix.h). */
#include "console/console.h"
#include "cpu/cpuid.h"
#include "cpu/tsc.h"
#include "cpu/watchdog.h"
#include "report/report.h"
#include "selftest/deviations.h"
#include "selftest/matrix/matrix.h"

enum { HAS_SMEP = 1, HAS_SMAP = 2, HAS_KEYS = 4 };

static unsigned features(void)
{
    struct cpuid leaf = cpuid_or_zero(7);
    return (leaf.ebx >> 7 & 1 ? HAS_SMEP : 0) | (leaf.ebx >> 20 & 1 ? HAS_SMAP : 0) |
           (leaf.ecx >> 3 & 1 ? HAS_KEYS : 0);
}

/* Returns the highest bit of a frame number if the processor reserves it, else 0. */
static uint64_t reserved_bit(const struct selftest_run *t)
{
    return t->space->cpu.physical_bits < PAGING_PAGE_SHIFT + PAGING_FRAME_BITS ? UINT64_C(1) << 51 : 0;
}

/* Tries each kind of access in ring 0 and ring 3, with RFLAGS.AC clear and set. */
static void every_access(struct matrix *m, unsigned size, unsigned above, const struct matrix_axes *axes,
                         unsigned stride)
{
    static const enum paging_access_kind kinds[MATRIX_KINDS] = {PAGING_READ, PAGING_WRITE, PAGING_FETCH,
                                                                PAGING_READ};
    for (unsigned n = 0; n < MATRIX_KINDS * 4; n++) {
        enum matrix_kind kind = (enum matrix_kind)(n / 4);
        struct matrix_query query = {
            .place = &m->places[m->controls.no_execute][size],
            .above = above,
            .kind = kind,
            .is = {.kind = kinds[kind],
                   .user = n & 1,
                   .write_protect = m->controls.write_protect,
                   .smep = m->controls.smep,
                   .smap = m->controls.smap,
                   .ac = n >> 1 & 1,
                   .implicit = kind == MATRIX_IMPLICIT,
                   .protection_keys = m->controls.protection_keys,
                   .pkru = m->controls.pkru},
        };
        matrix_try(m, &query, axes, stride);
    }
}

/* Lets the entry of each table above the leaf vary in turn. */
static void every_table(struct matrix *m, unsigned size, const struct matrix_axes *axes, unsigned stride)
{
    for (unsigned above = size + 1; above <= m->t->space->cpu.levels; above++) {
        watchdog_is_alive(); /* all cases together take minutes */
        every_access(m, size, above, axes, stride);
    }
}

/* Sets *controls to state n of the control registers. Returns false if the processor does not have it. */
static bool controls_number(const struct matrix *m, unsigned n, struct matrix_controls *controls)
{
    unsigned has = features();
    *controls = (struct matrix_controls){
        .no_execute = n & 1, .write_protect = n >> 1 & 1, .smep = n >> 2 & 1, .smap = n >> 3 & 1};
    return (m->t->space->cpu.has_no_execute || !controls->no_execute) &&
           ((has & HAS_SMEP) || !controls->smep) && ((has & HAS_SMAP) || !controls->smap);
}

enum { CONTROL_STATES = 16, KEY = 15, KEY_0_WRITE_DISABLE = 2 };

/* The combinations that one test tries. */
struct combinations {
    const char *name; /* of the fact that it reports */
    unsigned sample;  /* the stride of a sample: a prime, so that every bit takes both values */
    unsigned dense;   /* that of about ten times as many cases */
    void (*run)(struct matrix *m, unsigned size, unsigned stride);
    unsigned from, to; /* page sizes */
};

/* Rights, accessed, dirty and reserved bits, in every state of the control registers. */
static void rights(struct matrix *m, unsigned size, unsigned stride)
{
    const uint64_t reserved = reserved_bit(m->t);
    const struct matrix_axes axes = {
        .leaf = {PAGING_PRESENT, PAGING_WRITABLE, PAGING_USER, PAGING_ACCESSED, PAGING_DIRTY,
                 PAGING_NO_EXECUTE, reserved},
        .above = {PAGING_PRESENT, PAGING_WRITABLE, PAGING_USER, PAGING_ACCESSED, PAGING_NO_EXECUTE,
                  PAGING_HUGE, reserved},
    };
    for (unsigned n = 0; n < CONTROL_STATES; n++) {
        struct matrix_controls controls;
        if (!controls_number(m, n, &controls))
            continue;
        matrix_control(m, controls);
        every_table(m, size, &axes, stride);
    }
}

/* A key with each of its four rights, while all other keys have the opposite right; and CR4.PKE off. */
static void keys(struct matrix *m, unsigned size, unsigned stride)
{
    static const struct matrix_axes axes = {
        .leaf = {PAGING_PRESENT, PAGING_WRITABLE, PAGING_USER, PAGING_ACCESSED,
                 UINT64_C(1) << PAGING_KEY_SHIFT, UINT64_C(14) << PAGING_KEY_SHIFT},
        .above = {PAGING_PRESENT, PAGING_WRITABLE, PAGING_USER, UINT64_C(2) << PAGING_KEY_SHIFT},
    };
    for (unsigned n = 0; n < CONTROL_STATES * 5; n++) {
        struct matrix_controls controls;
        if (!controls_number(m, n % CONTROL_STATES, &controls))
            continue;
        uint32_t right = n / CONTROL_STATES;
        controls.protection_keys = right < 4;
        controls.pkru = (right ^ 3) * 0x55555555u ^ 3u << (2 * KEY);
        if (deviation_is_known(DEVIATION_KEY_SUPERVISOR)) /* the stack is in a supervisor page, with key 0 */
            controls.pkru &= ~(uint32_t)KEY_0_WRITE_DISABLE;
        matrix_control(m, controls);
        every_table(m, size, &axes, stride);
    }
}

/* Bits that must make no difference: ignored, or with another meaning at another level. */
static void ignored(struct matrix *m, unsigned size, unsigned stride)
{
    const struct matrix_axes axes = {
        .leaf = {PAGING_PRESENT, PAGING_WRITABLE, PAGING_GLOBAL, PAGING_SYSTEM_9, PAGING_OWNED,
                 size == PAGING_4K ? PAGING_HUGE : UINT64_C(1) << PAGING_PAGE_SHIFT /* PAT */},
        .above = {PAGING_WRITABLE, PAGING_USER, PAGING_DIRTY, PAGING_GLOBAL, PAGING_SYSTEM_11, PAGING_OWNED},
    };
    every_table(m, size, &axes, stride);
}

/* Each bit that is reserved in one of the two entries: beyond MAXPHYADDR, or below the page size. */
static void reserved(struct matrix *m, unsigned size, unsigned stride)
{
    struct matrix_axes axes = {.leaf = {PAGING_PRESENT, PAGING_WRITABLE},
                               .above = {PAGING_PRESENT, PAGING_USER}};
    const unsigned beyond = m->t->space->cpu.physical_bits, end = PAGING_PAGE_SHIFT + PAGING_FRAME_BITS;
    for (unsigned bit = PAGING_PAGE_SHIFT + 1; bit < end; bit++) {
        bool below_size = UINT64_C(1) << bit < paging_level_bytes(size);
        axes.leaf_always = bit >= beyond || below_size ? UINT64_C(1) << bit : 0;
        axes.above_always = 0;
        if (axes.leaf_always)
            every_table(m, size, &axes, stride);
        axes.above_always = bit >= beyond ? UINT64_C(1) << bit : 0;
        axes.leaf_always = 0;
        if (axes.above_always)
            every_table(m, size, &axes, stride);
    }
}

/* Ignored and reserved bits, with all control bits off and with all on; other states make no difference. */
static void odd_bits(struct matrix *m, unsigned size, unsigned stride)
{
    struct matrix_controls states[2] = {{0}}, controls;
    for (unsigned n = 0; n < CONTROL_STATES; n++)
        if (controls_number(m, n, &controls))
            states[1] = controls;
    for (unsigned i = 0; i < 2; i++) {
        matrix_control(m, states[i]);
        ignored(m, size, stride);
        reserved(m, size, stride);
    }
}

static unsigned stride_of(const struct combinations *combinations, const struct selftest_setup *setup)
{
    return setup->whole_matrix ? 1 : setup->dense_matrix ? combinations->dense : combinations->sample;
}

static void report_cost(const struct matrix *m, const char *name, uint64_t ticks)
{
    uint64_t scale = tsc_calibrate();
    report_fact("matrix_%s", "cases=%lu faults=%lu %s=%lu accepted=%lu", name, m->cases, m->faults,
                tsc_unit(scale), tsc_in_units(scale, ticks), m->accepted);
}

static void try_combinations(struct selftest_run *t, const struct combinations *combinations)
{
    struct matrix m;
    if (!t->setup->matrix) {
        t->skip = "matrix=no";
        return;
    }
    bool is_open = matrix_open(&m, t);
    if (is_open && combinations->from == PAGING_1G && !m.has_1g) {
        t->skip = "the GiB around the tables is not all memory";
    } else if (is_open) {
        uint64_t start = read_tsc();
        for (unsigned size = combinations->from; size <= combinations->to; size++)
            if (size < PAGING_1G || m.has_1g)
                combinations->run(&m, size, stride_of(combinations, t->setup));
        report_cost(&m, combinations->name, read_tsc() - start);
        matrix_print_classes(&m, combinations->name);
        if (t->setup->dense_matrix || t->setup->whole_matrix)
            matrix_print_deviations(&m);
        CHECK(m.faults > 0 && m.faults < m.cases);
        if (!CHECK(m.differences == 0))
            print("# %lu of %lu cases differ from what was predicted\n", m.differences, m.cases);
    }
    matrix_close(&m);
}

static void small_pages(struct selftest_run *t)
{
    try_combinations(t, &(struct combinations){"4k", 4001, 401, rights, PAGING_4K, PAGING_4K});
}

static void large_pages(struct selftest_run *t)
{
    try_combinations(t, &(struct combinations){"2m", 4001, 401, rights, PAGING_2M, PAGING_2M});
}

static void huge_pages(struct selftest_run *t)
{
    if (!t->space->cpu.has_1g_pages)
        t->skip = "the processor has no 1 GiB pages";
    else
        try_combinations(t, &(struct combinations){"1g", 4001, 401, rights, PAGING_1G, PAGING_1G});
}

static void protection_keys(struct selftest_run *t)
{
    if (!(features() & HAS_KEYS))
        t->skip = "the processor has no protection keys";
    else
        try_combinations(t, &(struct combinations){"keys", 1021, 103, keys, PAGING_4K, PAGING_1G});
}

static void ignored_and_reserved(struct selftest_run *t)
{
    try_combinations(t, &(struct combinations){"odd_bits", 251, 29, odd_bits, PAGING_4K, PAGING_1G});
}

const struct selftest matrix_tests[] = {
    {"access matrix: a 4 KiB page and each table above it", small_pages},
    {"access matrix: a 2 MiB page and each table above it", large_pages},
    {"access matrix: a 1 GiB page and each table above it", huge_pages},
    {"access matrix: protection keys", protection_keys},
    {"access matrix: bits that mean nothing, and each that is reserved", ignored_and_reserved},
    {0},
};
