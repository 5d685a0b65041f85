/* SPDX-License-Identifier: MIT */
/* tables.c - the tables on which the cases run, and the control registers. */
#include "cpu/descriptors.h"
#include "cpu/emulator.h"
#include "cpu/exceptions.h"
#include "cpu/instructions.h"
#include "cpu/known_spaces.h"
#include "selftest/matrix/matrix.h"
#include <selfmap/map.h>

extern const char matrix_code[] __attribute__((visibility("hidden")));
extern const char matrix_fault[] __attribute__((visibility("hidden")));
extern const char matrix_done[] __attribute__((visibility("hidden")));

/*
 * Frames of the run. No table has a frame that is aligned for a huge page: PS in an entry that points to a
 * table then makes a bit of its frame a reserved bit, and the entry never leads to other memory.
 */
enum { FRAME_OF_WORD, FRAME_OF_CODE, FIRST_TABLE };

/* An INT 32 and NOPs. The upper half changes with each write. */
static const uint64_t first_word = 0x90909090909020cd;

/* The first slot of test pages maps run and code; the next has the pages under test, each in its own GiB. */
static paging_page_t window_page(const struct matrix *m)
{
    return test_page(m->t, 0);
}

static paging_page_t user_page(const struct matrix *m)
{
    return test_page(m->t, paging_level_pages(PAGING_1G));
}

static paging_page_t place_page(const struct matrix *m, unsigned size)
{
    uint64_t gib =
        paging_level_pages(m->t->space->cpu.levels) + (uint64_t)3 * size * paging_level_pages(PAGING_1G);
    return test_page(m->t, gib + (size < PAGING_1G ? 5 * paging_level_pages(PAGING_2M) : 0) +
                               (size == PAGING_4K ? 7 : 0));
}

/* Maps the word again, in a page of this size that begins at or before the run. */
static enum paging_status map_place(struct matrix *m, struct paging_space *space, unsigned size)
{
    paging_page_t page = place_page(m, size);
    paging_frame_t frame = {m->run.number - m->run.number % paging_level_pages(size)};
    return paging_map_sized(space, page, frame, (enum paging_size)size, PAGING_WRITABLE | PAGING_USER,
                            &m->arena.source);
}

/* Records the entries that lead to a place. Called when all is mapped: mapping changes counts in entries. */
static void find_place(const struct matrix *m, const struct paging_space *space, unsigned size,
                       struct matrix_place *place)
{
    paging_page_t page = place_page(m, size);
    uint64_t inside = m->run.number % paging_level_pages(size);
    place->size = size;
    place->address = (paging_virt_t){test_address(m->t, page).value + inside * PAGING_PAGE_BYTES};
    paging_frame_t table = space->root;
    for (unsigned level = space->cpu.levels; level >= size; level--) {
        uint64_t frame = table.number - m->run.number;
        place->slots[level] = (volatile paging_entry_t *)m->word + frame * PAGING_TABLE_ENTRIES +
                              paging_page_index(page, level);
        place->plain[level] = paging_entry_load(place->slots[level]);
        table = paging_entry_frame(place->plain[level]);
    }
}

/* Creates a space in which the kernel can run, with the word in a page of each size. */
static enum paging_status build(struct matrix *m, bool no_execute)
{
    struct paging_space *space = &m->spaces[no_execute];
    struct paging_frame_source *frames = &m->arena.source;
    struct paging_cpu cpu = m->t->space->cpu;
    cpu.has_no_execute = no_execute;
    uintptr_t offset = (uintptr_t)m->word - paging_frame_start(m->run).value;
    paging_frame_t code = {m->run.number + FRAME_OF_CODE};
    enum paging_status status = paging_create(space, cpu, offset, frames);
    if (status == PAGING_OK)
        status = test_map_lower_half(m->t->space, space, no_execute ? 0 : PAGING_NO_EXECUTE, frames);
    if (status == PAGING_OK)
        status = paging_map_to(space, user_page(m), code, PAGING_USER, frames);
    const unsigned largest = m->has_1g ? PAGING_1G : PAGING_2M;
    for (unsigned size = PAGING_4K; size <= largest && status == PAGING_OK; size++)
        status = map_place(m, space, size);
    for (unsigned size = PAGING_4K; size <= largest && status == PAGING_OK; size++)
        find_place(m, space, size, &m->places[no_execute][size]);
    return status;
}

static void fill_run(struct matrix *m)
{
    volatile char *to = (volatile char *)m->word + PAGING_PAGE_BYTES;
    *m->word = first_word;
    for (unsigned i = 0; i < MATRIX_KINDS * MATRIX_CODE_BYTES; i++)
        to[i] = matrix_code[i];
}

bool matrix_open(struct matrix *m, struct selftest_run *t)
{
    *m = (struct matrix){
        .t = t, .cr0 = read_cr0(), .cr4 = read_cr4(), .marks_at_once = emulator_here() == EMULATOR_QEMU};
    if (!test_has_slots(t, 2))
        return false;
    if (frames_allocate(t->frames, PAGING_2M, &m->run) != FRAMES_OK) {
        t->skip = "no 2 MiB of memory in one piece";
        return false;
    }
    m->word = test_words(t, window_page(m));
    m->user_code = test_address(t, user_page(m));
    paging_frame_t gib = {m->run.number & ~(paging_level_pages(PAGING_1G) - 1)};
    m->has_1g = t->space->cpu.has_1g_pages &&
                (cpu_is_emulated() || test_is_all_memory(t, gib, paging_level_pages(PAGING_1G)));
    if (!CHECK_OK(paging_map_sized(t->space, window_page(m), m->run, PAGING_2M, PAGING_WRITABLE, t->source)))
        return false;
    fill_run(m);
    arena_start(&m->arena, (paging_frame_t){m->run.number + FIRST_TABLE},
                (paging_frame_t){m->run.number + paging_level_pages(PAGING_2M)});
    enum paging_status status = build(m, false);
    if (status == PAGING_OK && t->space->cpu.has_no_execute)
        status = build(m, true);
    if (status == PAGING_NO_FRAMES)
        t->skip = "so much is mapped that the tables of two such spaces take more than 2 MiB";
    else
        CHECK_OK(status);
    if (status != PAGING_OK)
        return false;
    if (!CHECK(known_spaces_add(&m->spaces[false])) || !CHECK(known_spaces_add(&m->spaces[true])))
        return false;
    descriptors_set_gate(PAGE_FAULT, matrix_fault, false);
    descriptors_set_gate(USER_INTERRUPT, matrix_done, true);
    return true;
}

/* The root without no-execute bits suits both states of EFER.NXE, so it is loaded while that changes. */
static void load_root(struct matrix *m, bool no_execute)
{
    if (m->t->space->cpu.has_no_execute) {
        uint64_t efer = read_msr(MSR_EFER) & ~EFER_NO_EXECUTE;
        write_cr3(paging_root_address(&m->spaces[false]).value);
        write_msr(MSR_EFER, efer | (no_execute ? EFER_NO_EXECUTE : 0));
    }
    write_cr3(paging_root_address(&m->spaces[no_execute]).value);
}

void matrix_control(struct matrix *m, struct matrix_controls controls)
{
    m->controls = controls;
    m->away = true;
    load_root(m, controls.no_execute);
    write_cr0((m->cr0 & ~CR0_WRITE_PROTECT) | (controls.write_protect ? CR0_WRITE_PROTECT : 0));
    write_cr4((m->cr4 & ~(CR4_SMEP | CR4_SMAP)) | (controls.smep ? CR4_SMEP : 0) |
              (controls.smap ? CR4_SMAP : 0) | (controls.protection_keys ? CR4_PKE : 0));
    if (controls.protection_keys)
        write_pkru(controls.pkru);
}

void matrix_close(struct matrix *m)
{
    struct selftest_run *t = m->t;
    struct paging_unmapped gone;
    if (m->away)
        load_root(m, t->space->cpu.has_no_execute);
    write_cr3(paging_root_address(t->space).value);
    write_cr0(m->cr0);
    write_cr4(m->cr4);
    paging_tlb_flush_all(t->space->cpu.has_invpcid);
    descriptors_load();
    if (m->run.number == 0) /* there was none */
        return;
    enum paging_status status = paging_unmap(t->space, window_page(m), t->source, &gone);
    CHECK(status == PAGING_OK || status == PAGING_NOT_MAPPED);
    CHECK(frames_free(t->frames, PAGING_2M, m->run) == FRAMES_OK);
}
