/* SPDX-License-Identifier: MIT */
/* groups.c - the list of groups. */
#include "selftest/groups.h"
#include "selftest/selftest.h"

const struct selftest_group selftest_groups[SELFTEST_GROUPS] = {
    {"start", "what the loader promises", start_state_tests, false},
    {"pages", "single pages", single_page_tests, true},
    {"huge", "2 MiB and 1 GiB pages", huge_page_tests, true},
    {"faults", "accesses that must fault", fault_tests, true},
    {"windows", "tables seen through the self-map", window_tests, true},
    {"ranges", "many pages in one call", range_tests, true},
    {"owned", "frames that go with their pages", owned_frame_tests, true},
    {"spaces", "several address spaces", space_tests, true},
    {"frames", "the frame allocator", frame_allocator_tests, false},
    {"heap", "blocks in pages of their own", heap_tests, false},
    {"rights", "rights and caching", right_tests, true},
    {"listing", "what is mapped, listed", for_each_tests, true},
    {"flushes", "what the TLB forgets", flush_tests, true},
    {"no-frames", "out of frames at any point", out_of_frames_tests, true},
    {"matrix", "every access to every entry", matrix_tests, true},
    {"steps", "watched at every instruction", single_step_tests, true},
    {"bench", "what operations cost", bench_tests, true},
};
