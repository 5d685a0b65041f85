/* SPDX-License-Identifier: MIT */
/*
 * Tests the core's own privileged instructions (access.h), which all other tests replace by calls. This
 * process may not execute them: the fault is caught, and the emulated processor executes the instruction.
 */
#define _GNU_SOURCE
#undef PAGING_ACCESS_HEADER
#ifdef PAGING_PROCESSORS
#    define PAGING_PROCESSOR_INDEX() 0u
#endif
#include "rig/rig.h"
#include <signal.h>
#include <string.h>
#include <ucontext.h>

#define CR4_PGE ((uint64_t)1 << 7)
#define CR4_PAE ((uint64_t)1 << 5)

static struct {
    uint64_t cr4;
    unsigned writes, invpcids;
} processor;

/* The registers, in the order of their numbers (SDM 2A, table 2-2). */
static greg_t *general_register(ucontext_t *context, unsigned number)
{
    static const int order[] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                                REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};
    return &context->uc_mcontext.gregs[order[number]];
}

/* A change of PGE flushes everything; a load of CR3 spares global pages (SDM 3A, 4.10.4.1). */
static void write_control(unsigned number, uint64_t value)
{
    processor.writes++;
    if (number == 3)
        machine_load_cr3(value / PAGING_PAGE_BYTES);
    else if ((value ^ processor.cr4) & CR4_PGE)
        machine_flush_full(false);
    if (number == 4)
        processor.cr4 = value;
}

static uint64_t read_control(unsigned number)
{
    return number == 3 ? machine_walker()->root * PAGING_PAGE_BYTES : processor.cr4;
}

/*
 * Returns the length of the ModRM byte and what follows it, and the address that they name (SDM 2A, 2.1.5).
 */
static unsigned memory_operand(ucontext_t *context, const uint8_t *modrm, unsigned extension,
                               uint64_t *address)
{
    unsigned mod = modrm[0] >> 6, rm = modrm[0] & 7, length = 1;
    *address = 0;
    if (mod == 3 || (mod == 0 && rm == 5))
        fail_msg("an operand that no test knows: %02x", modrm[0]);
    if (rm == 4) {
        unsigned sib = modrm[length++], index = (sib >> 3 & 7) | (extension & 2) << 2;
        if (mod == 0 && (sib & 7) == 5)
            fail_msg("an operand that no test knows: %02x %02x", modrm[0], sib);
        *address = index == 4 ? 0 : (uint64_t)*general_register(context, index) << (sib >> 6);
        rm = sib & 7;
    }
    *address += (uint64_t)*general_register(context, rm | (extension & 1) << 3);
    int32_t offset = mod == 1 ? (int8_t)modrm[length] : 0;
    if (mod == 2)
        memcpy(&offset, modrm + length, sizeof(offset));
    *address += (uint64_t)(int64_t)offset;
    return length + (mod == 1 ? 1 : mod == 2 ? 4 : 0);
}

/*
 * INVPCID with its type in a register and its descriptor in memory, 66 0F 38 82 (SDM 2A). Type 2 flushes all
 * contexts, global pages included. The descriptor must be zero then. Returns the length, or 0.
 */
static unsigned execute_invpcid(ucontext_t *context, const uint8_t *code)
{
    const uint8_t *start = code;
    if (*code++ != 0x66)
        return 0;
    unsigned extension = (*code & 0xf0) == 0x40 ? *code++ : 0;
    if (code[0] != 0x0f || code[1] != 0x38 || code[2] != 0x82)
        return 0;
    uint64_t address, descriptor[2];
    unsigned length = memory_operand(context, code + 3, extension, &address);
    memcpy(descriptor, (const void *)(uintptr_t)address, sizeof(descriptor));
    assert_int_equal(*general_register(context, (code[3] >> 3 & 7) | (extension & 4) << 1), 2);
    assert_int_equal(descriptor[0] | descriptor[1], 0);
    processor.invpcids++;
    machine_flush_full(true);
    return (unsigned)(code - start) + 3 + length;
}

/* MOV to and from a control register, 0F 20 and 0F 22, and INVLPG of the address in a register, 0F 01 /7. */
static void execute(int signal, siginfo_t *info, void *context)
{
    (void)signal, (void)info;
    greg_t *ip = &((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
    const uint8_t *code = (const uint8_t *)*ip;
    unsigned length = execute_invpcid(context, code);
    if (length > 0) {
        *ip += length;
        return;
    }
    unsigned extension = (*code & 0xf0) == 0x40 ? *code++ : 0;
    unsigned reg = code[2] >> 3 & 7, rm = (code[2] & 7) | (extension & 1) << 3;
    greg_t *operand = general_register(context, rm);
    bool control = code[2] >> 6 == 3 && (reg == 3 || reg == 4);
    bool plain = code[2] >> 6 == 0 && (rm & 7) != 4 && (rm & 7) != 5;
    if (code[0] == 0x0f && code[1] == 0x20 && control)
        *operand = (greg_t)read_control(reg);
    else if (code[0] == 0x0f && code[1] == 0x22 && control)
        write_control(reg, (uint64_t)*operand);
    else if (code[0] == 0x0f && code[1] == 0x01 && reg == 7 && plain)
        machine_flush_page((uint64_t)*operand);
    else
        fail_msg("an instruction that no test knows: %02x %02x %02x", code[0], code[1], code[2]);
    *ip = (greg_t)(code + 3);
}

static void on_the_processor(void (*code)(void))
{
    /* An instruction that the processor does not have raises another signal. */
    static const int signals[] = {SIGSEGV, SIGILL};
    struct sigaction ours, before[2];
    memset(&ours, 0, sizeof(ours));
    ours.sa_sigaction = execute;
    ours.sa_flags = SA_SIGINFO | SA_NODEFER;
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(sigaction(signals[i], &ours, &before[i]), 0);
    code();
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(sigaction(signals[i], &before[i], NULL), 0);
}

/* Maps a page that is global and one that is not, and loads both. Returns the address of the global one. */
static uint64_t map_and_touch(void)
{
    rig_open();
    uint64_t upper = rig_address(paging_level_pages(rig.model.levels) * (PAGING_TABLE_ENTRIES / 2));
    assert_status(rig_map_to(PLACE, DEVICE_FRAME, PAGING_WRITABLE), PAGING_OK);
    assert_status(rig_map_to(upper, DEVICE_FRAME, PAGING_WRITABLE | PAGING_GLOBAL), PAGING_OK);
    assert_allowed(PLACE, WALK_READ);
    assert_allowed(upper, WALK_READ);
    return upper;
}

static void cr3_spares_global_pages(void **state)
{
    uint64_t global = map_and_touch();
    machine_load_cr3(machine_walker()->root);
    assert_false(machine_caches(PLACE));
    assert_true(machine_caches(global));
}

static void full_flush(void)
{
    paging_tlb_flush_all(false);
}

static void full_flush_forgets_global_pages(void **state)
{
    for (unsigned on = 0; on < 2; on++) {
        uint64_t global = map_and_touch(), cr4 = CR4_PAE | (on ? CR4_PGE : 0);
        processor.cr4 = cr4;
        processor.writes = processor.invpcids = 0;
        on_the_processor(full_flush);
        assert_true(processor.writes > 0);
        assert_int_equal(processor.invpcids, 0);
        assert_false(machine_caches(PLACE));
        assert_false(machine_caches(global));
        assert_int_equal(processor.cr4, cr4);
    }
}

static void full_flush_by_invpcid(void)
{
    paging_tlb_flush_all(true);
}

static void invpcid_does_it_in_one(void **state)
{
    uint64_t global = map_and_touch();
    processor.writes = processor.invpcids = 0;
    machine_reset_log();
    on_the_processor(full_flush_by_invpcid);
    assert_int_equal(processor.invpcids, 1);
    assert_int_equal(processor.writes, 0); /* CR4 is not changed */
    assert_int_equal(machine_full_flushes(), 1);
    assert_false(machine_caches(PLACE));
    assert_false(machine_caches(global));
}

static void load_own_root(void)
{
    paging_root_load((paging_phys_t){machine_walker()->root * PAGING_PAGE_BYTES});
}

static void root_goes_to_cr3(void **state)
{
    uint64_t global = map_and_touch();
    processor.writes = 0;
    on_the_processor(load_own_root);
    assert_int_equal(processor.writes, 1);
    assert_false(machine_caches(PLACE));
    assert_true(machine_caches(global));
    rig_check();
}

static void flush_place(void)
{
    paging_tlb_flush_page((paging_virt_t){PLACE});
}

static void page_flush_is_of_that_page(void **state)
{
    uint64_t global = map_and_touch();
    machine_reset_log();
    on_the_processor(flush_place);
    assert_int_equal(machine_flushes(), 1);
    assert_int_equal(machine_flushed(0), PLACE);
    assert_false(machine_caches(PLACE));
    assert_true(machine_caches(global));
}

/* What loads and stores at once needs no privilege: the instructions themselves are tried, on a word. */
static void entries_are_changed_at_once(void **state)
{
    (void)state;
    volatile paging_entry_t entry = {0x1234567890abcdef};
    assert_int_equal(paging_entry_exchange(&entry, (paging_entry_t){7}).bits, 0x1234567890abcdef);
    assert_int_equal(paging_entry_load(&entry).bits, 7);
    paging_entry_xor(&entry, (uint64_t)1 << 63 | 5);
    assert_int_equal(paging_entry_load(&entry).bits, (uint64_t)1 << 63 | 2);
    paging_entry_xor(&entry, ~(uint64_t)0);
    assert_int_equal(paging_entry_load(&entry).bits, ~((uint64_t)1 << 63 | 2));
    paging_entry_store(&entry, (paging_entry_t){8});
    assert_false(paging_entry_replace(&entry, (paging_entry_t){9}, (paging_entry_t){10}));
    assert_int_equal(paging_entry_load(&entry).bits, 8);
    assert_true(paging_entry_replace(&entry, (paging_entry_t){8}, (paging_entry_t){10}));
    assert_int_equal(paging_entry_load(&entry).bits, 10);
}

static const struct CMUnitTest tests[] = {
    RIG_TEST("processor: a load of CR3 spares global pages", cr3_spares_global_pages),
    RIG_TEST("full flush: global pages are flushed too", full_flush_forgets_global_pages),
    RIG_TEST("full flush: one INVPCID does it, where there is one", invpcid_does_it_in_one),
    RIG_TEST("switch_to: the root goes to CR3, and global pages stay", root_goes_to_cr3),
    RIG_TEST("flush: one page by its address, and no other", page_flush_is_of_that_page),
    RIG_TEST("entry: exchanged, inverted, and replaced if it has not changed", entries_are_changed_at_once),
};

RIG_MAIN("instructions", tests)
