/* groups.c - the list of groups. */
#include "selftest/groups.h"
#include "selftest/selftest.h"

const struct selftest_group selftest_groups[SELFTEST_GROUPS] = {
    {"start", "what the loader promises", start_state_tests},
    {"pages", "single pages", single_page_tests},
    {"huge", "2 MiB and 1 GiB pages", huge_page_tests},
    {"faults", "accesses that must fault", fault_tests},
    {"windows", "tables seen through the self-map", window_tests},
    {"ranges", "many pages in one call", range_tests},
    {"owned", "frames that go with their pages", owned_frame_tests},
    {"spaces", "several address spaces", space_tests},
    {"frames", "the frame allocator", frame_allocator_tests},
    {"rights", "rights and caching", right_tests},
    {"listing", "what is mapped, listed", for_each_tests},
    {"flushes", "what the TLB forgets", flush_tests},
    {"no-frames", "out of frames at any point", out_of_frames_tests},
    {"matrix", "every access to every entry", matrix_tests},
    {"steps", "watched at every instruction", single_step_tests},
    {"bench", "what operations cost", bench_tests},
};
