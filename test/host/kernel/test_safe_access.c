/* SPDX-License-Identifier: MIT */
/* safe_access: accesses that fault, with frames made of the signals that the process gets, and made up. */
#define _GNU_SOURCE
#include "devices/processor/processor.h"

#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "kernel/cpu/safe_access.h"

enum { BYTES = 4096, CODE = 0x37 };

static uint8_t *page;  /* of the process: what it allows is what the test says */
static bool has_ended; /* what the hook answered */
static bool has_pushed;
static uint64_t vector;

/* What exception_entries.S does: makes a frame, asks the hook, and goes on with what the frame says. */
static void take_fault(int number, siginfo_t *info, void *context)
{
    greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
    struct exception_frame frame = {.vector = vector,
                                    .error_code = CODE,
                                    .rip = (uint64_t)registers[REG_RIP],
                                    .rsp = (uint64_t)registers[REG_RSP]};
    processor.cr2 = (uintptr_t)info->si_addr;
    has_pushed = safe_push_is_running();
    has_ended = safe_access_end(&frame);
    if (!has_ended)
        signal(number, SIG_DFL);
    registers[REG_RIP] = (greg_t)frame.rip;
    registers[REG_RSP] = (greg_t)frame.rsp;
}

/* A signal, as an exception, needs a stack: this one is for a test that uses up its own. */
static void catch_on_another_stack(void (*handler)(int, siginfo_t *, void *))
{
    static uint8_t another[1 << 16];
    const stack_t stack = {.ss_sp = another, .ss_size = sizeof another};
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_NODEFER | SA_ONSTACK};
    assert_int_equal(sigaltstack(&stack, NULL), 0);
    assert_int_equal(sigaction(SIGSEGV, &action, NULL), 0);
}

/* In the test, because cmocka takes the signal before that. */
static void catch_with(void (*handler)(int, siginfo_t *, void *))
{
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_NODEFER};
    assert_int_equal(sigaction(SIGSEGV, &action, NULL), 0);
}

static int begin(void **state)
{
    processor_begin();
    vector = PAGE_FAULT;
    has_ended = false;
    page = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(page, MAP_FAILED);
    return 0;
}

static int end(void **state)
{
    return munmap(page, BYTES);
}

static paging_virt_t at(unsigned offset)
{
    return (paging_virt_t){(uintptr_t)page + offset};
}

static void assert_faulted(struct safe_access access, unsigned offset)
{
    assert_true(access.faulted);
    assert_int_equal(access.vector, PAGE_FAULT);
    assert_int_equal(access.error_code, CODE);
    assert_int_equal(access.address, at(offset).value);
    assert_int_equal(access.value, 0);
}

static void a_word_is_read(void **state)
{
    catch_with(take_fault);
    const uint64_t word = 0x0123456789abcdef;
    memcpy(page + 16, &word, sizeof word);
    struct safe_access access = safe_read(at(16));
    assert_int_equal(access.value, word);
    assert_false(access.faulted || has_ended);
    assert_int_equal(access.vector | access.error_code | access.address, 0);
    mprotect(page, BYTES, PROT_NONE);
    assert_faulted(safe_read(at(24)), 24);
}

static void a_word_is_written(void **state)
{
    catch_with(take_fault);
    struct safe_access access = safe_write(at(8), 0xfedcba9876543210);
    uint64_t words[3];
    memcpy(words, page, sizeof words);
    assert_false(access.faulted);
    assert_int_equal(access.value, 0);
    assert_int_equal(words[0] | words[2], 0);
    assert_int_equal(words[1], 0xfedcba9876543210);
    mprotect(page, BYTES, PROT_READ);
    assert_faulted(safe_write(at(8), 1), 8);
    memcpy(words, page, sizeof words);
    assert_int_equal(words[1], 0xfedcba9876543210);
}

static void code_is_called(void **state)
{
    catch_with(take_fault);
    static const uint8_t code[] = {0xff, 0x05, 0x0a, 0x00, 0x00, 0x00, 0xc3}; /* incl 10(%rip); ret */
    memcpy(page, code, sizeof code);
    mprotect(page, BYTES, PROT_READ | PROT_WRITE | PROT_EXEC);
    assert_false(safe_fetch(at(0)).faulted);
    assert_int_equal(page[16], 1);
    mprotect(page, BYTES, PROT_READ | PROT_WRITE);
    assert_faulted(safe_fetch(at(32)), 32);
}

/*
 * Code that has got far before it faults: registers that belong to the caller are gone, and the stack too.
 * The values here are kept in just those registers, or on the stack that is found by them.
 */
static void registers_come_back(void **state)
{
    catch_with(take_fault);
    static const uint8_t code[] = {0x31, 0xdb, 0x31, 0xed, 0x45, 0x31, 0xe4, /* xor %ebx, %ebx; %ebp; %r12d */
                                   0x45, 0x31, 0xed, 0x45, 0x31, 0xf6, 0x45,
                                   0x31, 0xff,             /* %r13d; %r14d; %r15d */
                                   0x48, 0x83, 0xec, 0x38, /* sub $56, %rsp */
                                   0x48, 0x8b, 0x03};      /* mov (%rbx), %rax */
    memcpy(page, code, sizeof code);
    mprotect(page, BYTES, PROT_READ | PROT_EXEC);
    register uint64_t rbx __asm__("rbx") = 1, r12 __asm__("r12") = 2, r13 __asm__("r13") = 3,
                          r14 __asm__("r14") = 4, r15 __asm__("r15") = 5;
    __asm__ volatile("" : "+r"(rbx), "+r"(r12), "+r"(r13), "+r"(r14), "+r"(r15));
    struct safe_access access = safe_fetch(at(0));
    __asm__ volatile("" : "+r"(rbx), "+r"(r12), "+r"(r13), "+r"(r14), "+r"(r15));
    assert_true(rbx == 1 && r12 == 2 && r13 == 3 && r14 == 4 && r15 == 5);
    assert_true(access.faulted);
    assert_int_equal(access.address, 0);
}

/* The stack pointer is the address, and afterwards the one of before. */
static void a_word_is_pushed(void **state)
{
    catch_on_another_stack(take_fault);
    memset(page, 0xff, BYTES);
    assert_false(safe_push_is_running());
    struct safe_access access = safe_push(at(64));
    uint64_t words[9];
    memcpy(words, page, sizeof words);
    assert_false(access.faulted || has_ended);
    assert_int_equal(words[7], 0);
    assert_true(words[6] == UINT64_MAX && words[8] == UINT64_MAX);
    mprotect(page, BYTES, PROT_READ);
    vector = DOUBLE_FAULT;
    access = safe_push(at(BYTES));
    assert_true(access.faulted && has_ended && has_pushed);
    assert_int_equal(access.vector, DOUBLE_FAULT);
    assert_int_equal(access.error_code, CODE);
    assert_int_equal(access.address, at(BYTES - 8).value);
    assert_int_equal(access.rsp, at(BYTES).value);
    assert_false(safe_push_is_running());
    (void)safe_read(at(0));
    assert_false(safe_push_is_running());
}

/* CR2 is that of a page fault; with other exceptions it is left over. */
static void only_a_page_fault_has_an_address(void **state)
{
    catch_with(take_fault);
    vector = GENERAL_PROTECTION;
    struct safe_access access = safe_read((paging_virt_t){UINT64_C(1) << 63});
    assert_true(access.faulted);
    assert_int_equal(access.vector, GENERAL_PROTECTION);
    assert_int_equal(access.error_code, CODE);
    processor.cr2 = 0x1234;
    mprotect(page, BYTES, PROT_NONE);
    access = safe_read(at(0));
    assert_int_equal(access.address, 0);
}

static void without_an_access_a_fault_is_not_expected(void **state)
{
    catch_with(take_fault);
    struct exception_frame frame = {.vector = PAGE_FAULT, .rip = 1, .rsp = 2};
    assert_false(safe_access_end(&frame));
    (void)safe_read(at(0));
    assert_false(safe_access_end(&frame)); /* it is over */
    mprotect(page, BYTES, PROT_NONE);
    assert_true(safe_read(at(0)).faulted);
    assert_false(safe_access_end(&frame));
    assert_true(frame.rip == 1 && frame.rsp == 2);
}

/* The second fault of one access is a mistake of ours: to go on at the same place would go on for ever. */
static struct exception_frame second;
static void fault_twice(int number, siginfo_t *info, void *context)
{
    take_fault(number, info, context);
    second = (struct exception_frame){.vector = PAGE_FAULT, .rip = 1, .rsp = 2};
    assert_true(has_ended);
    has_ended = safe_access_end(&second);
}

static void one_fault_ends_an_access(void **state)
{
    catch_with(fault_twice);
    mprotect(page, BYTES, PROT_NONE);
    assert_true(safe_read(at(0)).faulted);
    assert_false(has_ended);
    assert_true(second.rip == 1 && second.rsp == 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        {"safe access: a word is read, or a fault is told", a_word_is_read, begin, end, NULL},
        {"safe access: a word is written, or a fault is told", a_word_is_written, begin, end, NULL},
        {"safe access: code is called, or a fault is told", code_is_called, begin, end, NULL},
        {"safe access: after a fault in code registers are the caller's", registers_come_back, begin, end,
         NULL},
        {"safe access: a word is pushed, or #DF is told", a_word_is_pushed, begin, end, NULL},
        {"safe access: only a page fault has an address", only_a_page_fault_has_an_address, begin, end, NULL},
        {"safe access: without one a fault is not expected", without_an_access_a_fault_is_not_expected, begin,
         end, NULL},
        {"safe access: one fault ends it, a second one is not expected", one_fault_ends_an_access, begin, end,
         NULL},
    };
    return cmocka_run_group_tests_name("safe_access", tests, NULL, NULL);
}
