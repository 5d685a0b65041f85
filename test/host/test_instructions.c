/*
 * The core's own instructions, which every other test here replaces by calls. This process may not execute
 * them: the fault is caught, and what the instruction does is done to the emulated processor.
 */
#define _GNU_SOURCE
#undef PAGING_ACCESS_HEADER
#include "rig.h"
#include <signal.h>
#include <string.h>
#include <ucontext.h>

#define CR4_PGE ((uint64_t)1 << 7)
#define CR4_PAE ((uint64_t)1 << 5)

static struct {
    uint64_t cr4;
    unsigned writes;
} processor;

/* The registers in the order of their numbers (SDM 2A, table 2-2). */
static greg_t *general_register(ucontext_t *context, unsigned number)
{
    static const int order[] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                                REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};
    return &context->uc_mcontext.gregs[order[number]];
}

/* A change of PGE forgets everything; a load of CR3 spares global pages (SDM 3A, 4.10.4.1). */
static void write_control(unsigned number, uint64_t value)
{
    processor.writes++;
    if (number == 3)
        machine_load_cr3(machine_walker()->root);
    else if ((value ^ processor.cr4) & CR4_PGE)
        machine_flush_full(false);
    if (number == 4)
        processor.cr4 = value;
}

static uint64_t read_control(unsigned number)
{
    return number == 3 ? machine_walker()->root * PAGE_BYTES : processor.cr4;
}

/* MOV to and from a control register, 0F 20 and 0F 22, and INVLPG of what a register holds, 0F 01 /7. */
static void execute(int signal, siginfo_t *info, void *context)
{
    (void)signal, (void)info;
    greg_t *ip = &((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
    const uint8_t *code = (const uint8_t *)*ip;
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
    struct sigaction ours, before;
    memset(&ours, 0, sizeof(ours));
    ours.sa_sigaction = execute;
    ours.sa_flags = SA_SIGINFO | SA_NODEFER;
    assert_int_equal(sigaction(SIGSEGV, &ours, &before), 0);
    code();
    assert_int_equal(sigaction(SIGSEGV, &before, NULL), 0);
}

/* One page of each kind, both remembered. Returns where the global one is. */
static uint64_t map_and_touch(void)
{
    rig_open();
    uint64_t upper = rig_address(level_pages(rig.model.levels) * (ENTRY_COUNT / 2));
    assert_status(rig_map_to(PLACE, DEVICE_FRAME, ENTRY_WRITABLE), PAGING_OK);
    assert_status(rig_map_to(upper, DEVICE_FRAME, ENTRY_WRITABLE | ENTRY_GLOBAL), PAGING_OK);
    assert_allowed(PLACE, WALK_READ);
    assert_allowed(upper, WALK_READ);
    return upper;
}

static void cr3_spares_global_pages(void **state)
{
    (void)state;
    uint64_t global = map_and_touch();
    machine_load_cr3(machine_walker()->root);
    assert_false(machine_caches(PLACE));
    assert_true(machine_caches(global));
}

static void full_flush(void)
{
    tlb_flush_all(false);
}

static void full_flush_forgets_global_pages(void **state)
{
    (void)state;
    for (unsigned on = 0; on < 2; on++) {
        uint64_t global = map_and_touch(), cr4 = CR4_PAE | (on ? CR4_PGE : 0);
        processor.cr4 = cr4;
        processor.writes = 0;
        on_the_processor(full_flush);
        assert_true(processor.writes > 0);
        assert_false(machine_caches(PLACE));
        assert_false(machine_caches(global));
        assert_int_equal(processor.cr4, cr4);
    }
}

static void flush_place(void)
{
    tlb_flush_page((virt_addr_t){PLACE});
}

static void page_flush_is_of_that_page(void **state)
{
    (void)state;
    uint64_t global = map_and_touch();
    machine_reset_log();
    on_the_processor(flush_place);
    assert_int_equal(machine_flushes(), 1);
    assert_int_equal(machine_flushed(0), PLACE);
    assert_false(machine_caches(PLACE));
    assert_true(machine_caches(global));
}

static const struct CMUnitTest tests[] = {
    RIG_TEST("processor: a load of CR3 spares global pages", cr3_spares_global_pages),
    RIG_TEST("full flush: global pages are forgotten too", full_flush_forgets_global_pages),
    RIG_TEST("flush: one page by its address, and no other", page_flush_is_of_that_page),
};

RIG_MAIN("instructions", tests)
