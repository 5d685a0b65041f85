/* SPDX-License-Identifier: MIT */
/*
 * mapping_audit.c - the audit of the active space and the runtime space, after all else that a run does.
 *
 * The memory for its runs is mapped for the time of the audit, at test pages, and is audited with the rest.
 */
#include "selftest/mapping_audit.h"
#include "audit/audit.h"
#include "console/console.h"
#include "cpu/instructions.h"
#include <selfmap/range.h>
#include <selfmap/switch.h>

enum {
    SHOWN_FINDINGS = 24,
    RUNS_PER_PAGE = PAGING_PAGE_BYTES / sizeof(struct audit_run),
    SPARE_RUNS = 16, /* new tables on the way to the memory for the runs, and its own leaves */
};

struct findings {
    struct audit *audit;
    uint64_t count;
    char first[SELFTEST_REASON_LIMIT]; /* in words */
};

static void show(void *context, const struct audit_finding *finding)
{
    struct findings *findings = context;
    char text[SELFTEST_REASON_LIMIT];
    struct text_sink sink = text_sink(text, sizeof text);
    audit_describe(findings->audit, finding, &sink.sink);
    if (findings->count++ < SHOWN_FINDINGS)
        print("# audit: %s\n", text);
    else if (findings->count == SHOWN_FINDINGS + 1)
        print("# audit: further findings are not shown\n");
    if (findings->count == 1)
        __builtin_memcpy(findings->first, text, sizeof text);
}

/*
 * Walks both spaces. The firmware decides about the rights of its own pages, which only the runtime space
 * maps. Returns whether there was room for all runs.
 */
static bool collect(struct selftest_run *t, struct audit *audit)
{
    const struct audit_excuse firmware = {.pages = paging_page_limit(t->space->cpu.levels),
                                          .may = AUDIT_MAY(AUDIT_WRITABLE_EXECUTABLE)};
    audit_begin(audit);
    bool all = CHECK_OK(audit_add_space(audit, t->space));
    audit->excuses = &firmware;
    audit->excuse_count = 1;
    all &= CHECK_OK(paging_attach(t->space, t->setup->runtime_space)) &&
           CHECK_OK(audit_add_space(audit, t->setup->runtime_space)) &&
           CHECK_OK(paging_detach(t->space, t->setup->runtime_space));
    audit->excuses = NULL;
    audit->excuse_count = 0;
    return audit_end(audit) && all;
}

static void judge(struct selftest_run *t, struct audit *audit)
{
    struct findings findings = {.audit = audit};
    char extent[SELFTEST_REASON_LIMIT];
    struct text_sink sink = text_sink(extent, sizeof extent);
    if (!collect(t, audit)) {
        test_fail(t, "audit: there are %lu runs, and room for %lu", (uint64_t)audit->run_count,
                  (uint64_t)audit->capacity);
        return;
    }
    uint64_t count = audit_judge(audit, t->frames, show, &findings);
    audit_describe_extent(audit, &sink.sink);
    if (count == 0)
        print("# audit: %s: clean\n", extent);
    else
        test_fail(t, "audit: %s: findings=%lu, the first: %s", extent, count, findings.first);
}

void mappings_keep_the_rules(struct selftest_run *t)
{
    bool has_pat = cpuid(1, 0).edx >> 16 & 1;
    struct audit audit = {.pat = has_pat ? read_msr(MSR_PAT) : AUDIT_PAT_AT_RESET};
    if (!test_has_slots(t, 1))
        return;
    (void)collect(t, &audit);
    uint64_t runs = audit.run_count + audit.run_count / RUNS_PER_PAGE + SPARE_RUNS;
    uint64_t bytes = (runs + RUNS_PER_PAGE - 1) / RUNS_PER_PAGE * PAGING_PAGE_BYTES;
    paging_virt_t start = test_address(t, test_page(t, 0));
    enum paging_status status =
        paging_map_range_alloc(t->space, start, bytes, PAGING_WRITABLE | no_execute(t), t->source);
    if (status == PAGING_NO_FRAMES) {
        test_skip(t, "no memory for the audit: it takes %lu bytes for %lu runs", bytes, runs);
        return;
    }
    if (!CHECK_OK(status))
        return;
    audit.runs = (struct audit_run *)start.value;
    audit.capacity = bytes / sizeof(struct audit_run);
    judge(t, &audit);
    CHECK_OK(paging_unmap_range(t->space, start, bytes, t->source));
}
