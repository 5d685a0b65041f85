/* SPDX-License-Identifier: MIT */
/* memory_audit.c - checksums of pages, and runs of those that have changed. */
#include "frames/memory_audit.h"

enum { WORDS = PAGING_PAGE_BYTES / sizeof(uint64_t) };

/* Finds the next run of boot services' memory from region *at on, and moves *at behind it. */
static bool next_run(const struct memory_region *regions, size_t count, size_t *at, struct frame_run *frames)
{
    while (*at < count) {
        const struct memory_region *region = &regions[(*at)++];
        *frames = (struct frame_run){region->start.number, region->end.number};
        if (region->kind == MEMORY_BOOT && frame_run_clip(frames))
            return true;
    }
    return false;
}

/* Returns how many pages there are if none beyond `longest` of a run counts. */
static uint64_t count_pages(const struct memory_region *regions, size_t count, uint64_t longest)
{
    uint64_t pages = 0;
    struct frame_run frames;
    for (size_t at = 0; next_run(regions, count, &at, &frames);)
        pages += frames.end - frames.start < longest ? frames.end - frames.start : longest;
    return pages;
}

void memory_audit_start(struct memory_audit *audit, uint32_t *sums, size_t capacity,
                        const struct memory_region *regions, size_t count)
{
    struct frame_run frames;
    *audit = (struct memory_audit){.sums = sums, .longest = capacity};
    audit->pages = count_pages(regions, count, UINT64_MAX);
    while (count_pages(regions, count, audit->longest) > capacity)
        audit->longest -= (audit->longest + 7) / 8;
    for (size_t at = 0; next_run(regions, count, &at, &frames) && audit->run_count < MEMORY_AUDIT_RUNS;) {
        if (frames.end - frames.start > audit->longest)
            frames.start = frames.end - audit->longest;
        if (frames.start == frames.end)
            break; /* more runs than sums */
        audit->runs[audit->run_count++] =
            (struct memory_audit_run){.frames = frames, .first_sum = audit->sum_used};
        audit->sum_used += frames.end - frames.start;
    }
}

/* Cuts off the upper part of the run. Returns false if there is no room for another one. */
static bool cut(struct memory_audit *audit, unsigned at, uint64_t upper_pages)
{
    if (audit->run_count == MEMORY_AUDIT_RUNS)
        return false;
    for (unsigned i = audit->run_count++; i > at; i--)
        audit->runs[i] = audit->runs[i - 1];
    struct memory_audit_run *lower = &audit->runs[at], *upper = &audit->runs[at + 1];
    upper->frames.start = upper->frames.end - upper_pages;
    lower->frames.end = upper->frames.start;
    upper->first_sum += lower->frames.end - lower->frames.start;
    return true;
}

void memory_audit_quarantine(struct memory_audit *audit, uint64_t pages)
{
    for (unsigned i = audit->run_count; i-- > 0 && pages > 0;) {
        uint64_t in_run = audit->runs[i].frames.end - audit->runs[i].frames.start;
        if (in_run > pages && !cut(audit, i, pages))
            continue;
        bool was_cut = in_run > pages;
        audit->runs[i + was_cut].quarantined = true;
        pages -= was_cut ? pages : in_run;
    }
}

/*
 * Two sums, of the words and of the first sum, as Fletcher's checksum has them: the second one tells pages
 * apart that hold the same words in another order. Two additions a word are what an emulator can afford.
 */
uint32_t memory_page_sum(const volatile uint64_t *words)
{
    uint64_t sum = 0, sums = 0;
    for (unsigned i = 0; i < WORDS; i += 8) {
        sums += sum += words[i];
        sums += sum += words[i + 1];
        sums += sum += words[i + 2];
        sums += sum += words[i + 3];
        sums += sum += words[i + 4];
        sums += sum += words[i + 5];
        sums += sum += words[i + 6];
        sums += sum += words[i + 7];
    }
    /* Odd factors, so that no bit of either sum gets lost before the upper half is taken. */
    uint64_t mixed = (sums ^ sums >> 29) * UINT64_C(0x9e3779b97f4a7c15) + sum * UINT64_C(0xc2b2ae3d27d4eb4f);
    return (uint32_t)((mixed ^ mixed >> 32) * UINT64_C(0xd6e8feb86659fd93) >> 32);
}

static const volatile uint64_t *words_of(uint64_t frame)
{
    return (const volatile uint64_t *)(uintptr_t)(frame * PAGING_PAGE_BYTES);
}

static uint32_t *sum_of(const struct memory_audit *audit, const struct memory_audit_run *run, uint64_t frame)
{
    return &audit->sums[run->first_sum + frame - run->frames.start];
}

void memory_audit_take(struct memory_audit *audit, struct memory_audit_run *run)
{
    run->looked_at = true;
    for (uint64_t at = run->frames.start; at < run->frames.end; at++)
        *sum_of(audit, run, at) = memory_page_sum(words_of(at));
    audit->audited += run->frames.end - run->frames.start;
}

static void add_change(struct memory_audit *audit, uint64_t frame, const char *noticed)
{
    struct memory_change *last = audit->change_count ? &audit->changes[audit->change_count - 1] : NULL;
    audit->changed_pages++;
    if (last && last->frames.end == frame && last->noticed == noticed)
        last->frames.end++;
    else if (audit->change_count < MEMORY_AUDIT_CHANGES)
        audit->changes[audit->change_count++] =
            (struct memory_change){.frames = {frame, frame + 1}, .noticed = noticed};
}

void memory_audit_compare(struct memory_audit *audit, const struct memory_audit_run *run, const char *noticed)
{
    if (!run->looked_at)
        return;
    for (uint64_t at = run->frames.start; at < run->frames.end; at++) {
        uint32_t now = memory_page_sum(words_of(at)), *sum = sum_of(audit, run, at);
        if (now == *sum)
            continue;
        *sum = now;
        add_change(audit, at, noticed);
    }
}
