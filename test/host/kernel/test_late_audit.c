/* SPDX-License-Identifier: MIT */
/*
 * late_audit: what is looked at, what is held back, and what is said when somebody writes to memory of boot
 * services at any time.
 */
#define _GNU_SOURCE
#include "kernel/child.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "kernel/boot/late_audit.h"
#include "kernel/boot/runtime_calls.h"
#include "kernel/boot/steps.h"
#include "kernel/console/console.h"
#include "kernel/cpu/watchdog.h"
#include "kernel/report/report.h"
#include <selfmap/range.h>

/* Frames of the process, by number from 0 on: an access is possible only while they are "mapped". */
enum { PAGES = 4400, PAGE = 4096, REGIONS = 8, ARENA = 100 };

static uint8_t *memory;
static struct handoff handoff;
static struct memory_region *regions; /* exactly as many as there is room for */
static size_t region_count;

static uint64_t first_frame(void)
{
    return (uintptr_t)memory / PAGE;
}

/* ---- what happens, in its order; frames as numbers from 0 on ---- */

static char said[4096];

void print(const char *text, ...)
{
    size_t length = strlen(said);
    struct text_sink sink = text_sink(said + length, sizeof said - length);
    va_list arguments;
    va_start(arguments, text);
    format_list(&sink.sink, text, arguments);
    va_end(arguments);
}

/* Who writes to a page, and when. */
static struct {
    const char *when; /* the beginning of a step, or a call */
    unsigned page, pages, every;
} writer;

static void write_if(const char *now)
{
    if (!writer.when || strncmp(writer.when, now, strlen(writer.when)) != 0)
        return;
    (void)mprotect(memory, (size_t)PAGES * PAGE, PROT_READ | PROT_WRITE);
    for (unsigned i = 0; i < writer.pages; i++)
        memory[(size_t)(writer.page + i * writer.every) * PAGE + 8]++;
    (void)mprotect(memory, (size_t)PAGES * PAGE, PROT_NONE);
}

void step_begin(const struct options *options, const char *what)
{
    print("[step %s]\n", options == &handoff.options ? what : "with other options");
    write_if(what);
}

void watchdog_is_alive(void)
{
    print("[alive]");
}

static unsigned failing_map; /* this one fails; 0: none */
static unsigned maps;

/* The tables are made of the upper half of the arena's rest, each time anew, or of what the caller gives. */
static void describe_source(const struct paging_frame_source *frames)
{
    const struct arena *arena = (const struct arena *)frames;
    if (frames)
        print("%lu-%lu", arena->next.number - ARENA, arena->end.number - ARENA);
    else
        print("none");
}

enum paging_status paging_identity_map_range(struct paging_space *space, paging_phys_t start, uint64_t bytes,
                                             uint64_t flags, struct paging_frame_source *frames)
{
    print("[map %lu-%lu %lx from ", start.value / PAGE - first_frame(),
          (start.value + bytes) / PAGE - first_frame(), flags);
    describe_source(frames);
    print("]");
    if (space != &handoff.space || ++maps == failing_map)
        return PAGING_NO_FRAMES;
    (void)mprotect((void *)start.value, bytes, PROT_READ);
    return PAGING_OK;
}

enum paging_status paging_unmap_range(struct paging_space *space, paging_virt_t start, uint64_t bytes,
                                      struct paging_frame_source *frames)
{
    print("[unmap %lu-%lu]\n", start.value / PAGE - first_frame(),
          (start.value + bytes) / PAGE - first_frame());
    (void)space, (void)frames;
    (void)mprotect((void *)start.value, bytes, PROT_NONE);
    return PAGING_OK;
}

void runtime_calls_make(struct handoff *from, void (*after)(struct handoff *handoff, const char *when))
{
    print("[calls]\n");
    write_if("a call");
    after(from, "after a call");
}

void runtime_calls_print(void)
{
    print("[calls are told]\n");
}

/* ---- a run ---- */

static bool tells_all; /* also what is mapped */

static void show_regions(void)
{
    static const char *const names[MEMORY_KIND_COUNT] = {[MEMORY_CONVENTIONAL] = "free",
                                                         [MEMORY_BOOT] = "boot",
                                                         [MEMORY_LOADER] = "held back",
                                                         [MEMORY_RUNTIME_DATA] = "runtime",
                                                         [MEMORY_EXCLUDED] = "excluded"};
    for (size_t i = 0; i < region_count; i++)
        print("%lu-%lu %s\n", regions[i].start.number - first_frame(), regions[i].end.number - first_frame(),
              names[regions[i].kind]);
}

static void run(void)
{
    uint64_t audited = 0;
    late_audit_before_hand_over(&handoff, &region_count);
    if (!tells_all)
        said[0] = '\0';
    show_regions();
    write_if("the tests");
    size_t told = strlen(said);
    late_audit_after_tests(&handoff.space, NULL);
    if (!tells_all)
        said[told] = '\0';
    late_audit_print();
    uint64_t changed = late_audit_result(&audited);
    print("changed %lu of %lu\n", changed, audited);
    child_ends(0, said, strlen(said));
}

static void add_region(unsigned start, unsigned end, enum memory_kind kind)
{
    regions[region_count++] =
        (struct memory_region){.start = {first_frame() + start}, .end = {first_frame() + end}, .kind = kind};
}

static void has_room_for(unsigned count)
{
    regions = realloc(regions, count * sizeof *regions);
    assert_non_null(regions);
    handoff.memory = regions;
    handoff.memory_capacity = count;
}

static int begin(void **state)
{
    handoff = (struct handoff){0};
    has_room_for(REGIONS);
    if (!memory)
        memory = mmap(NULL, (size_t)PAGES * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    region_count = 0;
    add_region(0, 320, MEMORY_CONVENTIONAL);
    add_region(320, 330, MEMORY_BOOT);
    add_region(330, 340, MEMORY_RUNTIME_DATA);
    add_region(340, 370, MEMORY_BOOT);
    handoff.space.cpu.has_no_execute = true;
    arena_start(&handoff.arena, (paging_frame_t){ARENA}, (paging_frame_t){ARENA + 31});
    handoff.arena.next.number = ARENA + 10;
    writer.when = NULL;
    failing_map = 0;
    tells_all = false;
    return 0;
}

static const char *text_of_run(void)
{
    static char text[sizeof said];
    assert_int_equal(run_in_child(run, text, sizeof text), 0);
    return text;
}

/* Asserts what is said; %lx in the text stands for the addresses of these frames. */
#define assert_run(text, ...)                                   \
    do {                                                        \
        char expected[sizeof said];                             \
        snprintf(expected, sizeof expected, text, __VA_ARGS__); \
        assert_string_equal(text_of_run(), expected);           \
    } while (0)

static uint64_t at(unsigned page)
{
    return (first_frame() + page) * PAGE;
}

/* A sixteenth of 360 usable pages is held back: the highest. */
#define HELD_BACK_REGIONS "0-320 free\n320-330 boot\n330-340 runtime\n340-348 boot\n348-370 held back\n"
#define FACTS                                                                          \
    "# boot_memory_pages=40\n# boot_memory_audited=40\n# boot_memory_quarantined=22\n" \
    "# quarantine: %lx..%lx\n[calls are told]\n"

static void nobody_writes(void **state)
{
    assert_run(HELD_BACK_REGIONS FACTS "changed 0 of 40\n", at(348), at(370));
}

static void each_run_is_mapped_to_be_read(void **state)
{
    tells_all = true;
    const char *text = text_of_run(), *end = strstr(text, "0-320 free");
    static const char look[] = "[alive][map 320-330 8000000000000000 from 20-31][unmap 320-330]\n"
                               "[alive][map 340-370 8000000000000000 from 20-31][unmap 340-370]\n";
    char expected[1024];
    snprintf(expected, sizeof expected,
             "[step take checksums of the memory of boot services]\n%s"
             "[step call runtime services, compare the memory of boot services]\n%s[calls]\n%s",
             look, look, look);
    assert_non_null(end);
    assert_int_equal(strncmp(text, expected, strlen(expected)), 0);
    assert_ptr_equal(text + strlen(expected), end);
    /* Afterwards only what was held back is looked at, with the caller's frames. */
    assert_non_null(
        strstr(text, "348-370 held back\n[map 348-370 8000000000000000 from none][unmap 348-370]\n#"));
    handoff.space.cpu.has_no_execute = false;
    assert_non_null(strstr(text_of_run(), "[map 320-330 0 from 20-31]"));
}

#define WRITES(n, pages) \
    "# somebody has written to memory of boot services: %lx, " pages " pages, noticed " n "\n"

static void pages_that_change_are_held_back(void **state)
{
    static const struct {
        const char *when, *noticed;
    } moments[] = {{"call runtime", "soon after the exit"}, {"a call", "after a call"}};
    for (unsigned i = 0; i < 2; i++) {
        (void)begin(state);
        writer = (__typeof__(writer)){moments[i].when, 323, 2, 1};
        assert_run("0-320 free\n320-323 boot\n323-325 held back\n325-330 boot\n330-340 runtime\n"
                   "340-348 boot\n348-370 held back\n" FACTS
                   "# somebody has written to memory of boot services: %lx, 2 pages, noticed %s\n"
                   "changed 2 of 40\n",
                   at(348), at(370), at(323), moments[i].noticed);
    }
}

static void a_change_during_the_tests_is_told(void **state)
{
    writer = (__typeof__(writer)){"the tests", 369, 1, 1};
    assert_run(HELD_BACK_REGIONS FACTS WRITES("after the last self-test", "1") "changed 1 of 40\n", at(348),
               at(370), at(369));
    writer.page = 322; /* handed out by then */
    assert_run(HELD_BACK_REGIONS FACTS "changed 0 of 40\n", at(348), at(370));
}

/* All of a region is held back if there is no room to split it. */
static void without_room_more_is_held_back(void **state)
{
    has_room_for(5);
    writer = (__typeof__(writer)){"a call", 323, 1, 1};
    assert_run(
        "0-320 free\n320-323 boot\n323-330 held back\n330-340 runtime\n340-370 held back\n" FACTS WRITES(
            "after a call", "1") "changed 1 of 40\n",
        at(348), at(370), at(323));
}

/* The first region of the map, whose last page is written to: the region behind it is not held back. */
static void neighbours_are_not_held_back(void **state)
{
    region_count = 0;
    add_region(0, 10, MEMORY_BOOT);
    add_region(10, 20, MEMORY_CONVENTIONAL);
    add_region(20, 360, MEMORY_RUNTIME_DATA);
    has_room_for(3);
    writer = (__typeof__(writer)){"a call", 9, 1, 1};
    assert_non_null(strstr(text_of_run(), "0-10 held back\n10-20 free\n20-360 runtime\n"));
    has_room_for(4);
    assert_non_null(strstr(text_of_run(), "0-9 boot\n9-10 held back\n10-20 free\n20-360 runtime\n"));
}

/* The list has room for 16 changes. */
static void more_changes_than_are_listed_are_counted(void **state)
{
    region_count = 0;
    add_region(0, 320, MEMORY_CONVENTIONAL);
    add_region(320, 400, MEMORY_BOOT);
    writer = (__typeof__(writer)){"a call", 320, 20, 3};
    const char *text = text_of_run();
    assert_non_null(strstr(text, "\n# and to 4 more pages, which were handed out\nchanged 20 of 80\n"));
    unsigned told = 0;
    for (const char *at = text; (at = strstr(at, "# somebody has written to")) != NULL; at++)
        told++;
    assert_int_equal(told, 16);
    writer.pages = 17;
    text = text_of_run();
    assert_non_null(strstr(text, "\n# and to 1 more pages, which were handed out\nchanged 17 of 80\n"));
}

static void what_cannot_be_mapped_is_not_audited(void **state)
{
    failing_map = 2;
    writer = (__typeof__(writer)){"call runtime", 345, 1, 1};
    assert_run(HELD_BACK_REGIONS "# boot_memory_pages=40\n# boot_memory_audited=10\n"
                                 "# boot_memory_quarantined=22\n# quarantine: %lx..%lx\n[calls are told]\n"
                                 "changed 0 of 10\n",
               at(348), at(370));
}

static void at_most_16_mib_are_held_back(void **state)
{
    region_count = 0;
    regions[region_count++] = (struct memory_region){
        .start = {first_frame() - 100000}, .end = {first_frame()}, .kind = MEMORY_CONVENTIONAL};
    add_region(0, PAGES, MEMORY_BOOT);
    const char *text = text_of_run();
    assert_non_null(strstr(text, "\n0-304 boot\n304-4400 held back\n"));
    assert_non_null(strstr(text, "\n# boot_memory_quarantined=4096\n"));
    regions[1].end.number -= PAGES - 300; /* a short run is held back whole */
    text = text_of_run();
    assert_non_null(strstr(text, "\n0-300 held back\n"));
    assert_non_null(strstr(text, "\n# boot_memory_quarantined=300\n# quarantine: "));
    writer = (__typeof__(writer)){"the tests", 7, 1, 1};
    assert_non_null(strstr(text_of_run(), "noticed after the last self-test\nchanged 1 of 300\n"));
    (void)begin(state);
    regions[0].end.number -= 9; /* 351 pages are usable */
    assert_non_null(strstr(text_of_run(), "\n# boot_memory_quarantined=21\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        {"late audit: nobody writes", nobody_writes, begin, NULL, NULL},
        {"late audit: each run is mapped to be read, and is unmapped", each_run_is_mapped_to_be_read, begin,
         NULL, NULL},
        {"late audit: pages that change are held back", pages_that_change_are_held_back, begin, NULL, NULL},
        {"late audit: a change during the tests is told", a_change_during_the_tests_is_told, begin, NULL,
         NULL},
        {"late audit: without room to split a region all of it is held back", without_room_more_is_held_back,
         begin, NULL, NULL},
        {"late audit: neighbours of what is held back are not", neighbours_are_not_held_back, begin, NULL,
         NULL},
        {"late audit: more changes than are listed are counted", more_changes_than_are_listed_are_counted,
         begin, NULL, NULL},
        {"late audit: what cannot be mapped is not audited", what_cannot_be_mapped_is_not_audited, begin,
         NULL, NULL},
        {"late audit: a sixteenth is held back, and 16 MiB at most", at_most_16_mib_are_held_back, begin,
         NULL, NULL},
    };
    return cmocka_run_group_tests_name("late_audit", tests, NULL, NULL);
}
