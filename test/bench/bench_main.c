/* SPDX-License-Identifier: MIT */
/*
 * bench_main.c - the benchmark of the paging core, as bench.py runs it.
 *
 *   --list                    WORK WORLD, a line each
 *   --time WORK WORLD ROUNDS  measure the time; one line of JSON
 *   --counts                  run every work once per side, small, to be counted by callgrind
 *
 * Status 1 if a work did not do what it is for.
 */
#define _GNU_SOURCE
#include "bench.h"
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* On one processor to the end: on another the caches are cold. */
static void pin(void)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((size_t)sched_getcpu(), &set);
    if (sched_setaffinity(0, sizeof(set), &set) != 0)
        perror("bench: this process may wander from processor to processor");
}

static bool has(const struct work *work, const struct world *world)
{
    return world->levels >= work->least_levels && (work->live || world->mode != PAGING_MODE_DIRECT_ACTIVE) &&
           !(work->no_window && world->mode == PAGING_MODE_RECURSIVE) &&
           (!work->once || (world->levels == 4 && world->mode == PAGING_MODE_DIRECT));
}

static int list(void)
{
    for (unsigned i = 0; i < work_count; i++)
        for (unsigned j = 0; j < world_count; j++)
            if (has(&works[i], &worlds[j]))
                printf("%s %s\n", works[i].name, worlds[j].name);
    return 0;
}

static int count_all(void)
{
    bool good = true;
    memory_open();
    for (unsigned i = 0; i < work_count; i++)
        for (unsigned j = 0; j < world_count; j++)
            if (has(&works[i], &worlds[j]))
                good &= measure_counts(&works[i], &worlds[j]);
    return good ? 0 : 1;
}

static int time_one(const char *work, const char *world, unsigned rounds)
{
    pin();
    memory_open();
    for (unsigned i = 0; i < work_count; i++)
        for (unsigned j = 0; j < world_count; j++)
            if (strcmp(works[i].name, work) == 0 && strcmp(worlds[j].name, world) == 0 && rounds > 0)
                return measure_time(&works[i], &worlds[j], rounds) ? 0 : 1;
    fprintf(stderr, "bench: there is no work %s in a world %s\n", work, world);
    return 2;
}

int main(int count, char **words)
{
    if (count == 2 && strcmp(words[1], "--list") == 0)
        return list();
    if (count == 2 && strcmp(words[1], "--counts") == 0)
        return count_all();
    if (count == 5 && strcmp(words[1], "--time") == 0)
        return time_one(words[2], words[3], (unsigned)strtoul(words[4], NULL, 10));
    fprintf(stderr, "usage: %s --list | --counts | --time WORK WORLD ROUNDS\n", words[0]);
    return 2;
}
