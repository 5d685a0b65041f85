/* SPDX-License-Identifier: MIT */
/* start_state.c - the state that the loader and kernel_enter promise: CR3, protection, mappings, image. */
#include "cpu/instructions.h"
#include "cpu/safe_access.h"
#include "selftest/selftest.h"
#include "selftest/violations.h"
#include <selfmap/for_each.h>
#include <selfmap/switch.h>
#include <selfmap/translate.h>
#include <selfmap/window.h>

static void cr3_holds_our_root(struct selftest_run *t)
{
    CHECK((read_cr3() & PAGING_FRAME_MASK) == paging_root_address(t->space).value);
    CHECK(read_cr3() != t->setup->firmware_cr3);
}

static void protection_is_on(struct selftest_run *t)
{
    CHECK(read_cr0() & CR0_WRITE_PROTECT);
    CHECK(!t->space->cpu.has_no_execute || (read_msr(MSR_EFER) & EFER_NO_EXECUTE));
    CHECK(t->space->cpu.levels == (read_cr4() & CR4_LA57 ? 5u : 4u));
}

/* Whatever the firmware left: no alignment checks, no breakpoints, caches on, no bases of segments. */
static void nothing_of_the_firmware_is_left(struct selftest_run *t)
{
    CHECK(read_flags() == RFLAGS_ALWAYS);
    CHECK(read_dr7() == DR7_NOTHING);
    CHECK(read_cr0() == (CR0_KERNEL | CR0_WRITE_PROTECT));
    CHECK(!(read_msr(MSR_EFER) & (EFER_SYSCALL | EFER_SEGMENT_LIMITS | EFER_CACHE_EXTENSION)));
    CHECK(read_msr(MSR_FS_BASE) == 0 && read_msr(MSR_GS_BASE) == 0);
}

/* Walks to every page of every region, not only to those that the kernel uses. Guard pages are not mapped. */
static void regions_lead_to_themselves(struct selftest_run *t)
{
    for (unsigned i = 0; i < t->setup->region_count; i++) {
        const struct selftest_region *region = &t->setup->regions[i];
        struct paging_translation found = {.size = PAGING_4K};
        for (paging_frame_t at = region->start; at.number < region->end.number;
             at.number += paging_level_pages(found.size) - at.number % paging_level_pages(found.size)) {
            paging_virt_t address = {paging_frame_start(at).value};
            enum paging_status status = paging_translate(t->space, address, &found);
            if (is_stack_guard((paging_page_t){at.number})) {
                CHECK(status == PAGING_NOT_MAPPED);
                found.size = PAGING_4K;
            } else if (!CHECK_OK(status) || !CHECK(found.address.value == address.value)) {
                return;
            }
        }
    }
}

/* What is known about runs that the active space does not map any more. */
struct released {
    struct selftest_run *t;
    unsigned runs;
    uint64_t to_themselves; /* pages of the run at hand, in the runtime space */
};

static enum paging_visit count_identity(void *context, const struct paging_entry_info *info)
{
    struct released *released = context;
    if (info->kind != PAGING_KIND_LEAF)
        return PAGING_VISIT_NEXT;
    uint64_t offset = info->first.number % paging_level_pages(info->level);
    if (paging_leaf_frame(info->entry, info->level).number + offset == info->first.number)
        released->to_themselves += info->pages;
    return PAGING_VISIT_NEXT;
}

static void check_released(void *context, struct frame_run run, bool for_runtime)
{
    struct released *released = context;
    struct selftest_run *t = released->t;
    struct paging_stats here = {0};
    paging_virt_t start = {run.start * PAGING_PAGE_BYTES};
    uint64_t pages = run.end - run.start;
    released->runs += for_runtime;
    released->to_themselves = 0;
    CHECK_OK(paging_count_in(t->space, start, pages * PAGING_PAGE_BYTES, &here));
    CHECK(here.leaves[PAGING_4K] + here.leaves[PAGING_2M] + here.leaves[PAGING_1G] == 0);
    CHECK_OK(paging_for_each_in(t->setup->runtime_space, start, pages * PAGING_PAGE_BYTES, count_identity,
                                released));
    CHECK(released->to_themselves == (for_runtime ? pages : 0));
}

static void firmware_is_kept_apart(struct selftest_run *t)
{
    struct released released = {.t = t};
    if (!CHECK_OK(paging_attach(t->space, t->setup->runtime_space)))
        return;
    t->setup->for_each_released(check_released, &released);
    CHECK_OK(paging_detach(t->space, t->setup->runtime_space));
    if (released.runs == 0)
        t->skip = "the map has no memory of runtime services";
}

static void read_only_target(void)
{
}

/* Without its relocation this pointer holds the link address. */
static void (*const relocated)(void) = read_only_target;

static void pointers_are_relocated(struct selftest_run *t)
{
    void (*const volatile *pointer)(void) = &relocated;
    void (*here)(void);
    __asm__("leaq %c1(%%rip), %0" : "=r"(here) : "i"(read_only_target));
    CHECK(*pointer == here);
}

static void code_cannot_be_written(struct selftest_run *t)
{
    struct safe_access access = safe_write((paging_virt_t){(uintptr_t)read_only_target}, 0);
    CHECK(access.faulted && access.vector == 14 && access.error_code == 3);
}

static void constants_cannot_be_written(struct selftest_run *t)
{
    static const uint64_t constant = 42;
    struct safe_access access = safe_write((paging_virt_t){(uintptr_t)&constant}, 0);
    CHECK(access.faulted && access.vector == 14 && access.error_code == 3);
    CHECK(*(const volatile uint64_t *)&constant == 42);
}

static void data_cannot_be_executed(struct selftest_run *t)
{
    static uint8_t code[] = {0xc3}; /* ret */
    if (!t->space->cpu.has_no_execute) {
        t->skip = "the processor has no no-execute";
        return;
    }
    struct safe_access access = safe_fetch((paging_virt_t){(uintptr_t)code});
    CHECK(access.faulted && access.vector == 14 && access.error_code == 0x11);
}

static void stack_has_a_guard(struct selftest_run *t)
{
    uint64_t address = t->setup->stack_guard + PAGING_PAGE_BYTES - 8;
    struct safe_access access = safe_write((paging_virt_t){address}, 0);
    CHECK(access.faulted && access.vector == 14 && access.error_code == 2);
    CHECK(access.address == address);
}

static void null_is_not_mapped(struct selftest_run *t)
{
    if (!test_page_is_free(t, (paging_page_t){0}))
        return;
    struct safe_access access = safe_read((paging_virt_t){0});
    CHECK(access.faulted && access.vector == 14 && access.error_code == 0 && access.address == 0);
}

static void non_canonical_is_a_gp(struct selftest_run *t)
{
    struct paging_translation found;
    paging_virt_t gap = {UINT64_C(1) << (paging_address_bits(t->space->cpu.levels) - 1)};
    CHECK_STATUS(paging_translate(t->space, gap, &found), PAGING_NOT_CANONICAL);
    struct safe_access access = safe_read(gap);
    CHECK(access.faulted && access.vector == 13);
}

/* Compares the tables that a walk over the space meets with those that the operations have counted. */
static void tables_are_counted(struct selftest_run *t)
{
    struct paging_stats stats;
    uint64_t tables = 1; /* the root, and the tables of the scratch page */
    tables += PAGING_HAS_SCRATCH_SLOT ? t->space->cpu.levels - 1 : 0;
    if (!CHECK_OK(paging_count(t->space, &stats)))
        return;
    for (unsigned level = 1; level < t->space->cpu.levels; level++)
        tables += stats.tables[level];
    CHECK(tables == paging_counted(t->space).tables);
    tables += paging_counted(t->setup->runtime_space).tables;
    CHECK(frames_handed_out(t->frames) + t->setup->tables_not_adopted == tables); /* none is free, or lost */
    CHECK(stats.malformed == 0 && stats.markers == 0);
}

static void screen_is_write_combining(struct selftest_run *t)
{
    const uint64_t write_combining = 1, mask = PAGING_WRITE_THROUGH | PAGING_NO_CACHE;
    struct paging_translation found = {0};
    paging_virt_t screen = {t->setup->framebuffer.address.value};
    if (t->setup->framebuffer.width == 0 || !(cpuid(1, 0).edx >> 16 & 1)) {
        t->skip = "there is no screen, or no PAT";
        return;
    }
    CHECK_OK(paging_translate(t->space, screen, &found));
    CHECK((found.flags & mask) == PAGING_CACHE_WRITE_COMBINING);
    CHECK((read_msr(MSR_PAT) >> 24 & 7) == write_combining);
}

const struct selftest start_state_tests[] = {
    {"screen: the framebuffer is write-combining", screen_is_write_combining},
    {"tables: as many as the operations have counted, and no other frame is taken", tables_are_counted},
    {"switch: CR3 holds our root", cr3_holds_our_root},
    {"switch: write protection and no-execute are on", protection_is_on},
    {"switch: flags, breakpoints and caches are not the firmware's", nothing_of_the_firmware_is_left},
    {"switch: every page the loader asked for leads to itself", regions_lead_to_themselves},
    {"firmware: what runtime services need is mapped in a space of its own, and nowhere else",
     firmware_is_kept_apart},
    {"image: static pointers are relocated", pointers_are_relocated},
    {"image: code cannot be written", code_cannot_be_written},
    {"image: constants cannot be written", constants_cannot_be_written},
    {"image: data cannot be executed", data_cannot_be_executed},
    {"stack: the page below it is not mapped", stack_has_a_guard},
    {"null: address 0 is not mapped", null_is_not_mapped},
    {"gap: a non-canonical address is refused, and a #GP", non_canonical_is_a_gp},
    {0},
};
