/* SPDX-License-Identifier: MIT */
/*
 * judge.c - sorts the runs by frame, and sweeps over them once.
 *
 * At each run the sweep knows of every class of runs before it (tables, and for leaves each combination of
 * rights and memory type) the one that reaches farthest. A run conflicts with a class if and only if it
 * conflicts with that one, so no pairs have to be tried: n runs take n steps for each class that there is.
 */
#include "audit/runs.h"

enum {
    CLASS_TABLE = 128, /* below it: bits 0 to 2 rights, 3 to 5 the type, 6 whether it may lead to tables */
    CLASSES,
};
#define CLASS_WRITABLE   1u
#define CLASS_EXECUTABLE 2u
#define CLASS_USER       4u
#define CLASS_RIGHTS     (CLASS_WRITABLE | CLASS_EXECUTABLE | CLASS_USER)
#define CLASS_MAY_TABLE  64u

struct sweep {
    struct audit *audit;
    audit_callback callback;
    void *context;
    uint64_t findings;
    const struct audit_run *farthest[CLASSES]; /* NULL: none so far */
};

/* ---- sorting: in place, n log n in every case, and no recursion ---- */

static void sift_down(struct audit_run *runs, size_t root, size_t count)
{
    struct audit_run run = runs[root];
    for (size_t child = 2 * root + 1; child < count; child = 2 * root + 1) {
        if (child + 1 < count && runs[child + 1].frames.start > runs[child].frames.start)
            child++;
        if (run.frames.start >= runs[child].frames.start)
            break;
        runs[root] = runs[child];
        root = child;
    }
    runs[root] = run;
}

static void sort(struct audit_run *runs, size_t count)
{
    for (size_t root = count / 2; root-- > 0;)
        sift_down(runs, root, count);
    while (count > 1) {
        struct audit_run last = runs[--count];
        runs[count] = runs[0];
        runs[0] = last;
        sift_down(runs, 0, count);
    }
}

/* ---- findings ---- */

static void report(struct sweep *sweep, enum audit_kind kind, const struct audit_run *run,
                   struct frame_run frames, const struct audit_run *other)
{
    struct audit_finding finding = {.kind = kind,
                                    .frames = frames,
                                    .page = {run->page.number + frames.start - run->frames.start},
                                    .flags = run->flags,
                                    .has_other = other && !other->is_table};
    if (run->may & AUDIT_MAY(kind))
        return;
    if (finding.has_other) {
        finding.other.number = other->page.number + frames.start - other->frames.start;
        finding.other_flags = other->flags;
    }
    sweep->findings++;
    sweep->callback(sweep->context, &finding);
}

static unsigned class_of(const struct audit *audit, const struct audit_run *run)
{
    if (run->is_table)
        return CLASS_TABLE;
    return (run->flags & PAGING_WRITABLE ? CLASS_WRITABLE : 0) |
           (audit_is_executable(audit, run->flags) ? CLASS_EXECUTABLE : 0) |
           (run->flags & PAGING_USER ? CLASS_USER : 0) | audit_memory_type(audit, run->flags) << 3 |
           (run->may & AUDIT_MAY(AUDIT_TABLE) ? CLASS_MAY_TABLE : 0);
}

/* What is wrong with a run whatever else there is. */
static void judge_alone(struct sweep *sweep, const struct audit_run *run, const struct frames *frames)
{
    paging_frame_t free;
    const struct frames_run all = {{run->frames.start}, {run->frames.end}};
    if ((run->flags & PAGING_WRITABLE) && audit_is_executable(sweep->audit, run->flags))
        report(sweep, AUDIT_WRITABLE_EXECUTABLE, run, run->frames, NULL);
    if (run->flags & PAGING_USER)
        report(sweep, AUDIT_USER, run, run->frames, NULL);
    if (!(run->may & AUDIT_MAY(AUDIT_FREE_FRAME)) && frames && frames_first_free(frames, all, &free))
        report(sweep, AUDIT_FREE_FRAME, run, (struct frame_run){free.number, free.number + 1}, NULL);
}

/* Compares two runs of different classes that have frames in common. */
static void judge_pair(struct sweep *sweep, const struct audit_run *run, unsigned class,
                       const struct audit_run *other, unsigned other_class)
{
    struct frame_run both = run->frames;
    if (other->frames.end < both.end)
        both.end = other->frames.end;
    if (run->is_table || other->is_table) {
        report(sweep, AUDIT_TABLE, run->is_table ? other : run, both, run->is_table ? run : other);
        return;
    }
    if ((class ^ other_class) >> 3 & 7)
        report(sweep, AUDIT_OTHER_TYPE, run, both, other);
    if (class & ~other_class & CLASS_RIGHTS)
        report(sweep, AUDIT_WIDER_RIGHTS, run, both, other);
    else if (other_class & ~class & CLASS_RIGHTS)
        report(sweep, AUDIT_WIDER_RIGHTS, other, both, run);
}

static void judge(struct sweep *sweep, const struct audit_run *run)
{
    unsigned class = class_of(sweep->audit, run);
    for (unsigned other = 0; other < CLASSES; other++) {
        const struct audit_run *farthest = sweep->farthest[other];
        if (other != class && farthest && farthest->frames.end > run->frames.start)
            judge_pair(sweep, run, class, farthest, other);
    }
    if (!sweep->farthest[class] || sweep->farthest[class]->frames.end < run->frames.end)
        sweep->farthest[class] = run;
}

uint64_t audit_judge(struct audit *audit, const struct frames *frames, audit_callback callback, void *context)
{
    struct sweep sweep = {.audit = audit, .callback = callback, .context = context};
    sort(audit->runs, audit->run_count);
    for (size_t i = 0; i < audit->run_count; i++) {
        if (!audit->runs[i].is_table)
            judge_alone(&sweep, &audit->runs[i], frames);
        judge(&sweep, &audit->runs[i]);
    }
    return sweep.findings;
}
