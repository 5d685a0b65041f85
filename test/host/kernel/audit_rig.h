/* SPDX-License-Identifier: MIT */
/*
 * audit_rig.h - an audit of a space on an emulated machine, and what it finds.
 *
 * The frames of DEVICE_FRAME and of the huge runs are memory that the rig's frame source does not have. Which
 * of them are free is told by an allocator of the kernel's, which the tests make up.
 */
#ifndef HOST_KERNEL_AUDIT_RIG_H
#define HOST_KERNEL_AUDIT_RIG_H

#include "kernel/audit/audit.h"
#include "rig/rig.h"
#include <selfmap/processor.h>
#include <string.h>

enum { RUNS = 4096, FOUND = 4096, BOOKKEEPING = 1 << 16, AUDIT_HUGE_PAGES = 512 };
#define OTHER (PLACE + 4 * GIB) /* another place for an alias */

static struct audit_run runs[RUNS];
static struct audit audit;
static struct frames frames;
static unsigned char bookkeeping[BOOKKEEPING];
static struct audit_finding found[FOUND];
static unsigned found_count;

static __attribute__((unused)) void note(void *context, const struct audit_finding *finding)
{
    assert_ptr_equal(context, &audit);
    assert_true(found_count < FOUND);
    found[found_count++] = *finding;
}

static __attribute__((unused)) void collect(const struct audit_excuse *excuses, unsigned count)
{
    audit = (struct audit){.runs = runs,
                           .capacity = RUNS,
                           .excuses = excuses,
                           .excuse_count = count,
                           .pat = PAGING_PAT_OF_THE_CORE};
    audit_begin(&audit);
    assert_status(audit_add_space(&audit, &rig.space), PAGING_OK);
    assert_true(audit_end(&audit));
}

static __attribute__((unused)) void look_excusing(const struct audit_excuse *excuses, unsigned count)
{
    collect(excuses, count);
    found_count = 0;
    uint64_t findings = audit_judge(&audit, &frames, note, &audit);
    assert_int_equal(findings, found_count);
    for (size_t i = 1; i < audit.run_count; i++)
        assert_true(runs[i - 1].frames.start <= runs[i].frames.start);
}

static __attribute__((unused)) void look(void)
{
    look_excusing(NULL, 0);
}

/* Opens a machine, with no frame free. */
static __attribute__((unused)) void open(void)
{
    rig_open();
    frames_init(&frames, bookkeeping, sizeof bookkeeping);
}

/* There is one finding, of this kind: page, frames and flags are as given. */
static __attribute__((unused)) void assert_found(enum audit_kind kind, uint64_t address, uint64_t frame,
                                                 uint64_t count)
{
    assert_int_equal(found_count, 1);
    assert_int_equal(found[0].kind, kind);
    assert_int_equal(rig_address(found[0].page.number), address);
    assert_int_equal(found[0].frames.start, frame);
    assert_int_equal(found[0].frames.end, frame + count);
}

static __attribute__((unused)) void assert_other(uint64_t address, uint64_t flags)
{
    assert_true(found[0].has_other);
    assert_int_equal(rig_address(found[0].other.number), address);
    assert_int_equal(found[0].other_flags, flags);
}

static __attribute__((unused)) void assert_words(const char *expected)
{
    char text[256];
    struct text_sink sink = text_sink(text, sizeof text);
    audit_describe(&audit, &found[0], &sink.sink);
    assert_string_equal(text, expected);
}

static __attribute__((unused)) void map(uint64_t address, uint64_t frame, uint64_t flags)
{
    assert_status(rig_map_to(address, frame, flags), PAGING_OK);
}

static __attribute__((unused)) void map_sized(uint64_t address, uint64_t frame, enum paging_size size,
                                              uint64_t flags)
{
    assert_status(rig_map_sized(address, frame, size, flags), PAGING_OK);
}

#endif
